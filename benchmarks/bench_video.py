"""The recurrent restorers beside those of single frames: `python benchmarks/bench_video.py DATA [--model FILE ...]`.

Sequences: calendar and city of Vid4 (16 frames), the two of DAVIS that nothing was trained on (20 frames, 427x240);
with --frames the first so many of each. PSNR over all pixels of the frames from the tenth on, RGB, cropped to multiples
of 16.

- White noise: neither clipped nor rounded, seed 0, level stated to all. Of the first model also "state cut off": the
  same file with an empty state before every frame; "looking ahead": both directions; "`restore --look-ahead`": with the
  share that `denoise-fast` has in that below sigma 30. Flicker: the squared error of the difference between
  neighbouring frames, as a share of that of `denoise-fast`.
- Camera noise (`Camera` of sfumato.learn, sampled once a sequence), then H.264 at crf 23; white noise of 20, clipped,
  then H.264 at crf 30; noise of 12 that is blotchy in colour, then H.264 at crf 23; H.264 alone at crf 23 to 40, H.265
  alone at crf 28 and 35 (x264, x265, preset medium). `denoise-fast` gets the mean of the level that `noise-level` finds
  in the first frame, the recurrent ones no level; `dejpeg-video` is beside where there is no noise.
- Pans: a window of 384x256 that slides over the top of a photograph by so many pixels a frame, white noise of 30,
  level stated; frames 4 to 8, the mean over the first four of photos2/val, then for each the difference to
  `denoise-fast`. "not moved along": the state stays where it was, as without `restoration/pans.py`.
- Encoded pans: 14 frames of the middle 224x224 of six photographs of photos2/val, of which two stand still and four are
  panned by 1, 2, 3 and 6 pixels a frame, H.264 at crf 18 to 35; frames from the tenth on.
- Stability: PSNR after 1,000 frames of one noisy still picture, and the largest value of the state after 2,000 frames
  of noise alone.
- Speed: seconds a frame of 854x480 on as many cores as there are.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from sfumato.estimation.noise import NoiseCurve
from sfumato.learn.data.folders import decode
from sfumato.learn.degradations.camera import Camera
from sfumato.learn.degradations.clips import Encoded, on_clip
from sfumato.learn.degradations.degradation import Degradation
from sfumato.learn.degradations.noise import GaussianNoise
from sfumato.learn.evaluation.protocols import BLOTCHES
from sfumato.measures import psnr
from sfumato.models import zoo
from sfumato.models.engine import Engine, load
from sfumato.pictures.picture import Picture
from sfumato.restoration.recurrent import Memory, apply
from sfumato.video.restorers import AHEAD, AT_ONCE, share_alone, share_of_backward

SETTLED = 9  # frames before the first that counts
MEDIUM = ("medium",)
SIGMAS = (10, 20, 30, 40, 50)
PANS = (0, 8, 16, 32, 48, 64, 96)
PANNED_BY, CRFS, SIDE, NUM_FRAMES = (0, 1, 2, 3, 0, 6), (18, 23, 28, 35), 224, 14  # of encoded pans
NUM_PANNED = 4
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]
Clip = tuple[np.ndarray, np.ndarray, np.ndarray]  # x, y `t 3 h w` and level `t 1 h w`


def sequences(data: Path, count: int | None = None) -> dict[str, torch.Tensor]:
    """Frames `t 3 h w` by name, the first `count` of each."""
    folders = [data / "video" / name for name in ("calendar", "city")]
    folders += sorted((data / "video" / "davis" / "val").iterdir())
    found = {}
    for folder in folders:
        pixels = np.stack([decode(path.read_bytes(), 3) for path in sorted(folder.iterdir())[:count]])
        height, width = (length // 16 * 16 for length in pixels.shape[1:3])
        found[folder.name] = torch.from_numpy(pixels[:, :height, :width]).permute(0, 3, 1, 2).float() / 255
    return found


def single(engine: Engine) -> Method:
    """A restorer of single frames, given the level if it takes one; frames that do not count stay as they are."""
    level = next((port.name for port in engine.card.inputs if port.kind in ("sigma", "compression")), "")

    def restored(y: np.ndarray, levels: np.ndarray) -> np.ndarray:
        counting = range(SETTLED - 1, len(y))
        feeds = [{"y": y[t : t + 1]} | ({level: levels[t : t + 1]} if level else {}) for t in counting]
        return np.stack([*y[: SETTLED - 1], *(engine(**feed)[0] for feed in feeds)])

    return restored


def recurrent(engine: Engine, *, kept: bool = True, told: bool = True) -> Method:
    def restored(y: np.ndarray, levels: np.ndarray) -> np.ndarray:
        channels = next(port.channels for port in engine.card.inputs if port.kind == "state")
        knows_level = any(port.kind == "sigma" for port in engine.card.inputs)
        empty = np.zeros((1, channels, *y.shape[2:]), np.float32)
        state, frames = empty, []
        for t, (frame, level) in enumerate(zip(y, levels, strict=True)):
            if not kept and t < SETTLED - 1:
                frames.append(frame)  # does not count, and nothing of it is kept
                continue
            feed = {"y": frame[None], "state": state}
            found = engine.run(feed | ({"sigma": level[None] * told} if knows_level else {}))
            frames.append(found["x_hat"][0])
            state = found["next_state"] if kept else empty
        return np.stack(frames)

    return restored


def looking_ahead(engine: Engine) -> Method:
    """As `look_ahead` does it: the mean with what going backward gives, through some frames and some after them."""
    through = recurrent(engine)

    def restored(y: np.ndarray, levels: np.ndarray) -> np.ndarray:
        found = through(y, levels)
        for first in range(0, len(y), AT_ONCE):
            piece = slice(first, first + AT_ONCE + AHEAD)
            backward = through(y[piece][::-1], levels[piece][::-1])[::-1]
            for t in range(len(backward[:AT_ONCE])):
                share = share_of_backward(first + t, len(backward) - 1 - t)
                found[first + t] = (1 - share) * found[first + t] + share * backward[t]
        return found

    return restored


def with_single(looking: Method, alone: Method) -> Method:
    """The mean with what a network of single frames gives, as `--look-ahead` takes it where noise is faint."""

    def restored(y: np.ndarray, levels: np.ndarray) -> np.ndarray:
        share = share_alone(float(levels.mean()))
        found = looking(y, levels)
        return (1 - share) * found + share * alone(y, levels) if share > 0 else found

    return restored


def estimated(y: np.ndarray, levels: np.ndarray, estimator: Engine) -> np.ndarray:
    found = estimator(y=y[:1])[0]
    return np.full_like(levels, float((found[0] / found[1]).sum() / (1 / found[1]).sum()))


def settled_psnr(frames: np.ndarray, x: np.ndarray) -> float:
    scores = [psnr(a.transpose(1, 2, 0), b.transpose(1, 2, 0)) for a, b in zip(frames, x, strict=True)]
    return float(np.mean(scores[SETTLED:]))


def flicker(frames: np.ndarray, x: np.ndarray) -> float:
    return float(np.square(np.diff(frames - x, axis=0)[SETTLED - 1 :]).mean())


def table(title: str, columns: dict[str, Clip], methods: dict[str, Method]) -> None:
    print(f"\n| {title} | " + " | ".join(columns) + " | mean |\n|---|" + "---:|" * (len(columns) + 1))
    changes: dict[str, list[float]] = {}
    for name, method in {"as damaged": lambda y, _: y, **methods}.items():
        found = [(method(y, level), x) for x, y, level in columns.values()]
        cells = [settled_psnr(frames, x) for frames, x in found]
        changes[name] = [flicker(frames, x) for frames, x in found]
        print(f"| {name} | " + " | ".join(f"{c:.2f}" for c in cells) + f" | {np.mean(cells):.2f} |", flush=True)
    reference = changes.get("`denoise-fast`") or changes["as damaged"]
    shares = {n: np.mean([a / b for a, b in zip(c, reference, strict=True)]) for n, c in changes.items()}
    print("\nflicker: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items() if name != "as damaged"))


def damaged(x: torch.Tensor, degradation: Degradation) -> Clip:
    done = on_clip(degradation, x, torch.Generator().manual_seed(0))
    return done.x.numpy(), done.y.numpy(), done.level.numpy()


def scores(engine: Engine, data: Path) -> list[tuple[str, str, str, float]]:
    """Rows of data, protocol, metric and value for the card."""
    rows = []
    clips = sequences(data)
    noises = {f"gaussian sigma {sigma}": GaussianNoise((sigma, sigma)) for sigma in (10, 30, 50)}
    files = {f"H.264 at crf {crf}": Encoded((crf, crf), presets=MEDIUM) for crf in (28, 35, 40)}
    for what, degradation in (noises if engine.card.task == "denoise" else files).items():
        found = {name: damaged(x, degradation) for name, x in clips.items()}
        for title, names in (("calendar, city", ("calendar", "city")), ("DAVIS, 2 sequences", tuple(clips)[2:])):
            for kept in (True, False):
                frames = [recurrent(engine, kept=kept)(found[name][1], found[name][2]) for name in names]
                score = np.mean([settled_psnr(f, found[n][0]) for f, n in zip(frames, names, strict=True)])
                said = "" if kept else ", with an empty memory before each frame"
                protocol = f"{what}, frames from the tenth on, seed 0{said}"
                rows.append((title, protocol, "PSNR, dB", float(score)))
    return rows


def pans(data: Path, videos: dict[str, Engine], fast: Engine) -> None:
    """A table of the mean PSNR by pixels a frame, and one of each photograph's difference to `denoise-fast`."""
    rows: dict[str, list[list[float]]] = {}  # by method: for each photograph PSNR by pixels a frame
    paths = sorted((data / "photos2" / "val").glob("*.avif"))[:NUM_PANNED]
    for path in paths:
        photo = Picture.open(path).array()
        for step in PANS:
            for name, score in panned(photo, step, videos, fast).items():
                scores = rows.setdefault(name, [])
                scores += [[]] if step == PANS[0] else []
                scores[-1].append(score)
    head = " | ".join(map(str, PANS)) + " |\n|---|" + "---:|" * len(PANS)
    print(f"\n| pixels a frame, mean of {len(paths)} photographs | {head}")
    for name, scores in rows.items():
        print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in np.mean(scores, axis=0)) + " |")
    single_frames = np.array(rows.pop("`denoise-fast`"))
    for name, scores in rows.items():
        print(f"\n| {name}, less `denoise-fast` | {head}")
        for path, cells in zip(paths, np.array(scores) - single_frames, strict=True):
            print(f"| {path.stem} | " + " | ".join(f"{cell:+.2f}" for cell in cells) + " |")


def panned(photo: np.ndarray, step: int, videos: dict[str, Engine], fast: Engine) -> dict[str, float]:
    """PSNR by method, over a photograph `h w 3`."""
    size, count, first = (256, 384), 8, 3
    scores: dict[str, list[float]] = {}
    rng = np.random.default_rng(0)
    memories = {(name, moved): Memory() for name in videos for moved in (True, False)}
    for t in range(count):
        x = photo[: size[0], step * t : step * t + size[1]]
        y = (x + 30 / 255 * rng.standard_normal(x.shape)).astype(np.float32)
        level = np.full((1, 1, *size), 30 / 255, np.float32)
        found = {"`denoise-fast`": fast(y=y.transpose(2, 0, 1)[None], sigma=level)[0].transpose(1, 2, 0)}
        for (name, moved), memory in memories.items():
            memory.seen = memory.seen if moved else None
            frame = Picture.from_array(y, depth=32, format="tiff")
            label = f"`{name}`" if moved else f"`{name}`, not moved along"
            found[label] = apply(frame, videos[name], NoiseCurve.constant(30 / 255), 400_000_000, memory)
        for name, restored in found.items():
            scores.setdefault(name, []).extend([psnr(restored, x)] if t >= first else [])
    return {name: float(np.mean(several)) for name, several in scores.items()}


def encoded_pans(data: Path, methods: dict[str, Method]) -> None:
    """A table of what is gained, in dB, by photographs that stand still or are panned, the mean and the least."""
    paths = sorted((data / "photos2" / "val").glob("*.avif"))[: len(PANNED_BY)]
    clips = [panned_frames(Picture.open(path).array(), step) for path, step in zip(paths, PANNED_BY, strict=True)]
    print(
        "\n| gain and least gain, dB | " + " | ".join(f"crf {crf}" for crf in CRFS) + " |\n|---|" + "---:|" * len(CRFS)
    )
    cells: dict[str, list[str]] = {name: [] for name in methods}
    for crf in CRFS:
        done = [damaged(x, Encoded((crf, crf), presets=MEDIUM)) for x in clips]
        for name, method in methods.items():
            gains = [settled_psnr(method(y, level), x) - settled_psnr(y, x) for x, y, level in done]
            cells[name].append(f"{np.mean(gains):.2f} ({min(gains):.2f})")
    for name, row in cells.items():
        print(f"| {name} | " + " | ".join(row) + " |", flush=True)


def panned_frames(photo: np.ndarray, step: int) -> torch.Tensor:
    """The frames of a window in the middle of a photograph that slides by so many pixels each."""
    top, left = (photo.shape[0] - SIDE) // 2, (photo.shape[1] - SIDE - step * (NUM_FRAMES - 1)) // 2
    frames = [photo[top : top + SIDE, left + step * t : left + step * t + SIDE, :3] for t in range(NUM_FRAMES)]
    return torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy()).float()


def stability(engine: Engine, x: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    channels = next(port.channels for port in engine.card.inputs if port.kind == "state")
    x = x[None, :, :128, :128]
    level, state = np.full((1, 1, 128, 128), 30 / 255, np.float32), np.zeros((1, channels, 128, 128), np.float32)
    said = []
    for t in range(1000):
        y = x + 30 / 255 * rng.standard_normal(x.shape).astype(np.float32)
        found = engine.run({"y": y, "sigma": level, "state": state})
        state = found["next_state"]
        if t + 1 in (1, 10, 100, 1000):
            said.append(f"{psnr(found['x_hat'][0].transpose(1, 2, 0), x[0].transpose(1, 2, 0)):.2f} after {t + 1}")
    print(f"\nOne still picture, sigma 30, PSNR: {', '.join(said)} frames; state within {np.abs(state).max():.2f}")
    for _ in range(2000):
        y = rng.standard_normal(x.shape).astype(np.float32) * 0.2 + 0.5
        found = engine.run({"y": y, "sigma": level, "state": state})
        state = found["next_state"]
    width = np.ptp(found["x_hat"])
    print(f"After 2,000 frames of noise: state within {np.abs(state).max():.2f}, result {width:.2f} wide")


def speed(engines: dict[str, Engine]) -> None:
    for name, engine in engines.items():
        shapes = {port.name: (1, port.channels, 480, 864) for port in engine.card.inputs}
        feed = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
        engine.run(feed)
        started = time.perf_counter()
        for _ in range(5):
            engine.run(feed)
        seconds = (time.perf_counter() - started) / 5
        macs = engine.card.macs_per_pixel * 65536 / 1e9
        print(f"{name}: {1 / seconds:.1f} frames of 864x480 a second, {macs:.1f} GMACs at 256x256")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", nargs="*", default=["denoise-video", "denoise-video-fast"])
    parser.add_argument("--only", choices=("white", "wild", "pans", "encoded pans", "rest"))
    parser.add_argument("--frames", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--titled", nargs="+", help="of the tables of encoders those whose titles hold one of these")
    parser.add_argument("--quick", action="store_true", help="without looking ahead, which takes half the time")
    parser.add_argument("--sigma", type=int, nargs="+", default=SIGMAS)
    arguments = parser.parse_args()
    names = ("denoise-fast", "clean", "noise-level", "dejpeg", "jpeg-quality")
    fast, clean, estimator, dejpeg, quality = (load(name, threads=arguments.threads) for name in names)
    videos = {name: load(name, threads=arguments.threads) for name in arguments.model}
    clips = sequences(arguments.data, arguments.frames)
    if arguments.only in (None, "white"):
        for sigma in arguments.sigma:
            columns = {name: damaged(x, GaussianNoise((sigma, sigma))) for name, x in clips.items()}
            methods = {"`denoise-fast`": single(fast)}
            methods |= {f"`{name}`": recurrent(video) for name, video in videos.items()}
            for name, video in tuple(videos.items())[:1]:
                methods[f"`{name}`, state cut off"] = recurrent(video, kept=False)
                if not arguments.quick:
                    ahead = looking_ahead(video)
                    methods[f"`{name}`, looking ahead"] = ahead
                    if share_alone(sigma / 255) > 0:
                        methods["`restore --look-ahead`, which has `denoise-fast` in it"] = with_single(
                            ahead, single(fast)
                        )
            table(f"white noise, sigma {sigma}", columns, methods)
    wild: dict[str, Method] = {
        "`denoise-fast`": lambda y, level: single(fast)(y, estimated(y, level, estimator)),
        "`clean`": single(clean),
        "`dejpeg`": lambda y, level: single(dejpeg)(y, estimated(y, level, quality)),
    }
    wild |= {f"`{name}`": recurrent(video, told=False) for name, video in videos.items()}
    files = load(zoo.FOR_FILES_OF_CLIPS, threads=arguments.threads)
    of_files = {f"`{files.card.name}`": recurrent(files)}
    if not arguments.quick:
        of_files[f"`{files.card.name}`, looking ahead"] = looking_ahead(files)
    if arguments.only in (None, "wild"):
        camera = Camera((2e-3, 8e-3), reduced=0.0, compressed=0.0)
        for title, degradation in {
            "camera noise, then H.264 at crf 23": Encoded((23, 23), camera, presets=MEDIUM),
            "white noise of 20, then H.264 at crf 30": Encoded(
                (30, 30), GaussianNoise((20, 20), clip=True), presets=MEDIUM
            ),
            "blotchy noise of 12, then H.264 at crf 23": Encoded(
                (23, 23), replace(BLOTCHES, sigma=(12, 12)), presets=MEDIUM
            ),
            **{f"H.264 at crf {crf}": Encoded((crf, crf), presets=MEDIUM) for crf in (23, 30, 35, 40)},
            **{f"H.265 at crf {crf}": Encoded((crf, crf), hevc=1.0, presets=MEDIUM) for crf in (28, 35)},
        }.items():
            if arguments.titled and not any(text in title for text in arguments.titled):
                continue
            methods = wild | (of_files if degradation.before is None else {})
            table(title, {name: damaged(x, degradation) for name, x in clips.items()}, methods)
    if arguments.only in (None, "pans"):
        pans(arguments.data, videos, fast)
    if arguments.only in (None, "encoded pans"):
        names = ("`dejpeg`", *(f"`{name}`" for name in videos))
        encoded_pans(arguments.data, {name: wild[name] for name in names} | of_files)
    if arguments.only in (None, "rest"):
        for name, video in videos.items():
            print(f"\n{name}")
            stability(video, clips["city"][0].numpy())
        speed({"denoise-fast": fast, files.card.name: files} | videos)


if __name__ == "__main__":
    main()
