"""What is wrong with a picture, as far as it shows in the picture, and which tasks follow from it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..estimation.blur import BlurMap, find_blur
from ..estimation.cells import BLOCK, windows
from ..estimation.jpeg import NETWORK as JPEG_NETWORK
from ..estimation.jpeg import estimate_quality, scale
from ..estimation.noise import NETWORK as NOISE_NETWORK
from ..estimation.noise import NoiseCurve, estimate_noise
from ..estimation.screens import Screen, find_screen, has_two_tones
from ..estimation.stored import stored_quality
from ..models import zoo
from ..models.engine import Engine, shipped
from ..pictures.picture import Picture
from ..tiling.strips import STRIP_ROWS
from ..tiling.tiles import DEFAULT_MEMORY
from . import restorer, roles, scratches, tone

CLEAN = 2 / 255  # below this the noise may as well be texture or that of rounding, and nobody sees it
# Noise that is fainter than the second must be sure: of 68 undamaged validation pictures 6 seem to have 2 to 6, none of
# them with a doubt below 0.33; drawn camera noise of that strength mostly has less (docs/experiments.md).
DOUBT, PLAIN = 0.32, 8 / 255
FINE_QUALITY = 88.0  # from here on nobody sees compression, and cameras' own files begin
UNCOMPRESSED = 97.0  # what is read from here on may as well be none at all
STRONG = 40 / 255  # noise beyond what `clean` was trained on
# How far `clean` and `dejpeg` are apart in the flattest tenth of the cells where there is noise beneath compression;
# below quality 40, where compression itself sets them apart, more by so much times what the scale of the quality is
# above that of 40. Chosen on validation pictures by what is lost to the better of the two (benchmarks/bench_auto.py).
APART, APART_BY_SCALE, FLATTEST = 1.3 / 255, 8 / 255, 0.1
# How far `clean` goes from a picture in the flatter two fifths of its cells where there is the soft grain of cameras:
# of 88 undamaged validation pictures one has 1.29, of the others the most is 0.74 (docs/experiments.md).
SOFT, FLATTER = 0.95 / 255, 0.4
# By how much of the noise that was found `denoise` may change a picture: up to 1.05 on validation pictures that it
# betters, from 1.07 on where texture was taken for noise and it loses up to 25 dB.
TAKEN = 1.06
# The same where `clean` is to remove soft grain: that of cameras has 1.02 at most in ten real photographs, foliage and
# feathers without any noise 1.24 to 22, of which `clean` loses up to 14 dB (docs/experiments.md).
TAKEN_OF_SOFT = 1.2
NUM_COMPARED = 2**17  # pixels
# What is only proposed: the share of the picture that surely looks scratched, how far its tones are from what they
# might be (root mean square), and the longer side of a photograph that is small, but no icon.
SCRATCHED, FADED = 0.01, 0.075
# From here on an old print is mended unasked: of 72 validation pictures as prints the undamaged have 1.1 % at most,
# with rigging or wires drawn in front 2.6 %, and the damaged with so much all gain by it (docs/experiments.md).
SURELY_SCRATCHED = 0.03
ICON, SMALL = 128, 320  # pixels
OTHER_CODECS = ("webp", "avif", "heic")  # of which the estimator says what quality of JPEG they are like
PHOTOGRAPHS = ("jpeg", "heic", "avif", "webp")  # in which cameras and the web store them
NUM_SEARCHED = 2**20  # pixels


@dataclass(frozen=True)
class Diagnosis:
    """Of one picture; each part is measured when it is first asked for, in one pass over the picture.

    device, threads: what measures, as in Engine. clip: it shows frames of one, which another codec than JPEG's made.
    """

    picture: Picture
    device: str = "auto"
    threads: int | None = None
    clip: bool = False

    @cached_property
    def noise(self) -> NoiseCurve:
        return estimate_noise(self.picture, device=self.device, threads=self.threads)

    @cached_property
    def jpeg_quality(self) -> float:
        """1-100, near 100 where the picture was never compressed: by its pixels, or worse by the header of its file."""
        seen = estimate_quality(self.picture, device=self.device, threads=self.threads)
        stored = stored_quality(self.picture)
        return seen if stored is None else min(seen, stored)

    @cached_property
    def blur(self) -> BlurMap:
        """How it is blurred; nothing that "auto" acts on by itself."""
        return find_blur(self.picture, device=self.device, threads=self.threads)

    @property
    def is_noisy(self) -> bool:
        return self.noise.typical >= (CLEAN if self.noise.doubt <= DOUBT else PLAIN) and self.takes_noise_only

    @property
    def is_compressed(self) -> bool:
        return self.jpeg_quality < FINE_QUALITY

    @cached_property
    def is_noisy_beneath(self) -> bool:
        """Whether there is noise under the compression, which hides it from the estimator.

        `dejpeg` keeps noise and `clean` removes it: in flat parts they differ by it, and by little else.
        """
        more = APART_BY_SCALE * max(scale(self.jpeg_quality) - scale(40), 0)
        return self._flattest_apart("dejpeg", "clean") >= APART + more

    @cached_property
    def is_softly_noisy(self) -> bool:
        """Whether there is the soft grain of cameras, which the estimator takes for texture, or does not trust.

        `clean` removes it, from plain parts as well; of texture it may take something, but there only.
        """
        return self._taken <= TAKEN_OF_SOFT and self._flattest_apart("clean", share=FLATTER) >= SOFT

    @property
    def takes_noise_only(self) -> bool:
        """Whether `denoise` changes the picture by no more than the noise that was found; else that was no noise."""
        return self._taken <= TAKEN

    @cached_property
    def _taken(self) -> float:
        """By how much `denoise` would change the picture, over the noise that was found."""
        apart = self._apart("denoise", level=self.noise.overall)
        return float(np.sqrt(np.square(apart).mean())) / max(self.noise.typical, 1e-4)

    def _flattest_apart(self, *tasks: str, share: float = FLATTEST) -> float:
        """How far two tasks, or one and the picture itself, are apart in this share of the cells, the flattest."""
        apart = self._apart(*tasks, level=NoiseCurve.constant(scale(self.jpeg_quality)))
        return float(np.quantile(apart, share))

    def _apart(self, *tasks: str, level: NoiseCurve) -> NDArray[np.float32]:
        engines = [self._engine(task) for task in tasks]
        return np.concatenate([_apart(window, engines, level) for window in self._windows])

    @cached_property
    def _windows(self) -> list[NDArray[np.float32]]:
        return list(windows(self.picture, NUM_COMPARED))

    @cached_property
    def screen(self) -> Screen | None:
        """The lattice of dots that the tones are made of, None where they are not."""
        return find_screen(self._windows)

    @cached_property
    def has_two_tones(self) -> bool:
        """Whether it is dithered, or drawn, in two tones."""
        return has_two_tones(self._windows)

    @property
    def is_dotted(self) -> bool:
        """Whether its tones are made of dots, which are neither noise nor compression: only `descreen` is for them."""
        return self.screen is not None or self.has_two_tones

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the task "auto" does: one model for what was found, nothing where nothing was."""
        if self.is_dotted:
            return ()
        if self.is_compressed and self.noise.typical < STRONG:
            return ("clean",) if self.is_noisy_beneath else ("dejpeg",)
        return ("denoise",) if self.is_noisy else ("clean",) if self.is_softly_noisy else ()

    @cached_property
    def is_surely_scratched(self) -> bool:
        """Whether it is an old print, grey or toned, with so much damage that it is mended unasked."""
        may_be = not self.clip and not self.is_dotted and tone.looks_printed(self.picture)
        return may_be and self.scratched >= SURELY_SCRATCHED

    @cached_property
    def scratched(self) -> float:
        """The share of the picture's middle rows that surely looks scratched or spotted."""
        engine = self._engine("scratches")
        rows = min(self.picture.height, max(NUM_SEARCHED // self.picture.width, STRIP_ROWS))
        top, past, kept = (self.picture.height - rows) // 2, 0, []
        for strip in self.picture.strips(STRIP_ROWS):
            if past + len(strip) > top:  # a part of no rows would keep the strip as well
                kept.append(strip[max(top - past, 0) : top + rows - past])
            past += len(strip)
            if past >= top + rows:
                break
        found = scratches.find(_as_picture(np.concatenate(kept)), engine, threshold=scratches.SURE)
        return float(found.mean())

    @cached_property
    def faded(self) -> float:
        """How far the tones are from what `fade` would make of them, root mean square over a thumbnail."""
        engine = self._engine("fade")
        small = tone.thumbnail(self.picture)
        return float(np.sqrt(np.square(tone.retoned(small, engine) - small).mean()))

    @property
    def is_faded(self) -> bool:
        return self.faded >= FADED

    @property
    def is_small(self) -> bool:
        """Whether it is a photograph that was made small, and not an icon, a drawing or a crop of pixels."""
        longer = max(self.picture.width, self.picture.height)
        return ICON < longer <= SMALL and self.picture.format in PHOTOGRAPHS and not self.picture.has_alpha

    def release(self) -> None:
        """Give back the memory that looking has left with the networks' runtime."""
        estimators = (shipped(name, self.device, self.threads) for name in (NOISE_NETWORK, JPEG_NETWORK))
        for engine in (*self._engines.values(), *estimators):
            engine.release()

    def _engine(self, task: str) -> Engine:
        engine = shipped(zoo.FOR_TASK[task], self.device, self.threads)
        return self._engines.setdefault(task, engine)

    @cached_property
    def _engines(self) -> dict[str, Engine]:
        """Those that have looked at the picture, by task."""
        return {}

    @property
    def proposed(self) -> tuple[str, ...]:
        """Tasks that might help and are done only when they are asked for, since they can do harm."""
        if self.is_dotted:
            return ("descreen",)
        perhaps = not self.is_surely_scratched and self.scratched >= SCRATCHED
        tasks: tuple[str, ...] = ("scratches",) if perhaps else ()
        tasks += ("fade",) if self.is_faded else ()
        return tasks + (("upscale",) if self.is_small else ())

    @property
    def advice(self) -> str:
        """A sentence about them, "" where there are none."""
        whats = {
            "scratches": "scratches or spots",
            "fade": "faded tones",
            "upscale": "a small size",
        }
        if self.is_dotted:
            return "The task descreen makes continuous tones of the dots."
        if not self.proposed:
            return ""
        way = "old-photo" if "scratches" in self.proposed or "fade" in self.proposed else "upscale"
        return f"Perhaps {', '.join(whats[task] for task in self.proposed)}: the task {way} is for that."

    def describe(self) -> str:
        """What was found, in words."""
        if self.is_dotted:
            return str(self.screen or "two tones, as dither has them") + ", which is neither noise nor compression"
        parts = ["scratches or spots"] if self.is_surely_scratched else []
        parts += [f"noise {255 * self.noise.typical:.1f}"] if self.is_noisy else []
        if self.is_compressed:
            likened = self.clip or self.picture.format in OTHER_CODECS
            parts.append(("compression like that of " if likened else "") + f"JPEG quality {self.jpeg_quality:.0f}")
            parts += ["noise beneath it"] if self.is_noisy_beneath else []
        elif not self.is_noisy and self.is_softly_noisy:
            parts.append("soft noise, as cameras leave it")
        return ", ".join(parts) or "no noise and no compression to speak of"


def _as_picture(window: NDArray[np.float32]) -> Picture:
    return Picture.from_array(window, depth=32, format="tiff")


def _apart(window: NDArray[np.float32], engines: list[Engine], level: NoiseCurve) -> NDArray[np.float32]:
    """Root mean square, in each cell of a window (h, w, c), of the difference that the last engine makes.

    To the first one, or to the window where there is no other.
    """
    picture, outputs = _as_picture(window), [window]
    for engine in engines:
        given = level if roles.level_of(engine.card) else None
        outputs.append(np.concatenate(list(restorer.apply(picture, engine, given, DEFAULT_MEMORY)[0])))
    change = outputs[-1] - outputs[-2]
    height, width = (max(length // BLOCK, 1) * BLOCK for length in change.shape[:2])
    whole = np.pad(change, [(0, max(height - change.shape[0], 0)), (0, max(width - change.shape[1], 0)), (0, 0)])
    cells = whole[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, -1)
    return np.sqrt(np.square(cells).mean(axis=(1, 3, 4))).ravel()
