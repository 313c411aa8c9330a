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
from ..estimation.palettes import MOST, has_palette
from ..estimation.screens import Screen, find_screen, has_two_tones, is_dithered
from ..estimation.squares import side_of_squares
from ..estimation.stored import stored_quality
from ..models import zoo
from ..models.engine import Engine, shipped
from ..pictures.alpha_bleed import has_transparent_parts
from ..pictures.picture import Picture
from ..tiling.strips import STRIP_ROWS
from ..tiling.tiles import DEFAULT_MEMORY
from . import recurrent, restorer, roles, scratches, tone
from .drawn import is_drawing, is_drawn

CLEAN = 2 / 255  # below this the noise may as well be texture or that of rounding, and nobody sees it
FINE_QUALITY = 88.0  # from here on nobody sees compression, and cameras' own files begin
UNCOMPRESSED = 97.0  # what is read from here on may as well be none at all
STRONG = 40 / 255  # noise beyond what `clean` was trained on
# What follows was chosen on pictures with drawn noise, drawn cameras', four real ones, and none, by the PSNR that is
# gained, what is lost counting threefold (docs/experiments.md). A model's change is looked at in cells of 8x8 pixels:
# noise is nearly the same everywhere, so what removes it changes the flattest cells, too; texture lies in some.
FLATTEST, FLAT, FLATTER, BUSY = 0.1, 0.2, 0.3, 0.8  # of the cells
# `denoise` changes the flattest by so much, and by so much of what it changes busy ones by, or the estimator is sure
# of the level somewhere, and of that no more is taken.
LEAST_TAKEN, EVEN, SURE, TAKEN_IF_SURE = 1 / 255, 0.66, 0.16, 1.2
# Or it finds noise with no more doubt, what is taken is no more than that, and it is nearly even; or at least it is not
# taken in a few cells alone, and `clean` takes some part of it from flatter ones, too.
DOUBT, TAKEN, NEARLY_EVEN, SPREAD, AGREED = 0.30, 1.06, 0.62, 0.3, 0.1
# There is the soft grain of cameras where `clean` changes flat cells by so much, and by so much of what it changes busy
# ones by, and `denoise` would take little more than what was found.
SOFT, SOFT_SPREAD, TAKEN_OF_SOFT = 1.5 / 255, 0.2, 1.2
# There is noise beneath compression where `clean`, which removes it, changes the flatter cells by so many times as much
# as `dejpeg`, which keeps it.
BENEATH = 1.75
# In a clip there is noise that its encoder has kept where the estimator finds some, with no more doubt, and the network
# that remembers, told nothing, changes even the flattest cells by so much (docs/experiments.md).
SOME, MOST_DOUBT, KEPT = 1 / 255, 0.54, 1.9 / 255
# Where the estimator finds so much, and with so little doubt, there is noise, and no model need try it.
SURELY_NOISY, SUREST = 6 / 255, 0.12
NUM_COMPARED = 2**17  # pixels
# What is only proposed: the share of the picture that surely looks scratched, how far its tones are from what they
# might be (root mean square), and the longer side of a photograph that is small, but no icon.
SCRATCHED, FADED = 0.01, 0.075
ICON, SMALL = 128, 320  # pixels
# Dither of a palette is made continuous by `denoise`; from here on better by `descreen`: of two values a channel by 2-7
# dB, of three by -2 to 1, while of four it loses 0.7-6 (four photographs, error diffusion).
COARSE_DITHER = 50 / 255
OPENING = 3  # frames of a clip that are looked at together, each of which may have a palette of its own
TINY = 16  # pixels of the shorter side, below which too little is seen to tell noise from what it shows
OTHER_CODECS = ("webp", "avif", "heic")  # of which the estimator says what quality of JPEG they are like
PHOTOGRAPHS = ("jpeg", "heic", "avif", "webp")  # in which cameras and the web store them
NUM_SEARCHED = 2**17  # pixels that are searched for scratches
KEEPING = "clean, keeping what was seen"  # beside the tasks: by the network for clips


@dataclass(frozen=True)
class Diagnosis:
    """Of one picture; each part is measured when it is first asked for, in one pass over the picture.

    device, threads: what measures, as in Engine. clip: it shows frames of one, which another codec than JPEG's made,
    codec, where that is known.
    """

    picture: Picture
    device: str = "auto"
    threads: int | None = None
    clip: bool = False
    codec: str = ""

    @cached_property
    def noise(self) -> NoiseCurve:
        return estimate_noise(self.picture, device=self.device, threads=self.threads)

    @cached_property
    def jpeg_quality(self) -> float:
        """1-100, near 100 where the picture was never compressed: by its pixels, or worse by the header of its file.

        The pixels do not count in files of other formats than JPEG whose picture cannot be JPEG's, or is too small to
        tell: icons were taken for compressed.
        """
        seen = estimate_quality(self.picture, device=self.device, threads=self.threads)
        stored = stored_quality(self.picture)
        if seen < FINE_QUALITY and self.picture.format != "jpeg" and self._was_no_jpeg:
            return 100.0 if stored is None else stored
        return seen if stored is None else min(seen, stored)

    @property
    def _was_no_jpeg(self) -> bool:
        return self.is_of_palette or self.side_of_squares > 1 or (not self.clip and self.is_made)

    @cached_property
    def is_made(self) -> bool:
        """Whether a program made it, and no camera: an icon, cut out of its ground, or even to the bit about edges."""
        return self.is_icon or has_transparent_parts(self.picture) or is_drawn(self._windows)

    @cached_property
    def is_drawing(self) -> bool:
        """Whether it shows a drawing, or a regular pattern, and no photograph."""
        return self.is_dotted or is_drawing(self._windows)

    @cached_property
    def blur(self) -> BlurMap:
        """How it is blurred; nothing that "auto" acts on by itself."""
        return find_blur(self.picture, device=self.device, threads=self.threads)

    @cached_property
    def is_noisy(self) -> bool:
        """Whether `denoise` would take noise, and not texture for it."""
        if self.noise.typical >= SURELY_NOISY and self.noise.doubt <= SUREST:
            return True
        flattest, flatter, busy = self._change_of("denoise", FLATTEST, FLATTER, BUSY)
        if flattest >= LEAST_TAKEN and flattest >= EVEN * busy:
            return True
        if flattest >= LEAST_TAKEN and self.noise.doubt <= SURE and self._taken <= TAKEN_IF_SURE:
            return True
        if self.noise.typical < CLEAN or self.noise.doubt > DOUBT or self._taken > TAKEN or flattest < SPREAD * busy:
            return False
        return flattest >= NEARLY_EVEN * busy or self._change_of("clean", FLATTER)[0] >= AGREED * flatter

    @property
    def is_compressed(self) -> bool:
        return self.jpeg_quality < FINE_QUALITY

    @cached_property
    def is_noisy_beneath(self) -> bool:
        """Whether there is noise under the compression, which hides it from the estimator."""
        (dejpeg,), (clean,) = (self._change_of(task, FLATTER) for task in ("dejpeg", "clean"))
        return clean >= BENEATH * dejpeg

    @cached_property
    def is_softly_noisy(self) -> bool:
        """Whether there is the soft grain of cameras, which the estimator takes for texture, or does not trust.

        `clean` removes it, from plain parts as well; of texture it may take something, but there only.
        """
        flat, busy = self._change_of("clean", FLAT, BUSY)
        return flat >= SOFT and flat >= SOFT_SPREAD * busy and self._taken <= TAKEN_OF_SOFT

    @cached_property
    def has_kept_noise(self) -> bool:
        """Whether a clip has noise that its encoder has kept, and of whose level the estimator is not sure."""
        if not self.clip or self.noise.typical < SOME or self.noise.doubt > MOST_DOUBT:
            return False
        return self._change_of(KEEPING, FLATTEST)[0] >= KEPT

    @cached_property
    def _taken(self) -> float:
        """By how much `denoise` would change the picture, over the noise that was found."""
        return float(np.sqrt(np.square(self._change("denoise")).mean())) / max(self.noise.typical, 1e-4)

    def _change_of(self, task: str, *shares: float) -> list[float]:
        """How far a task changes the picture in the cell that so large shares of the cells are flatter than."""
        return np.quantile(self._change(task), shares).tolist()

    def _change(self, task: str) -> NDArray[np.float32]:
        """Root mean square of what a task changes, in each cell of a few windows."""
        if task not in self._changes:
            engine, level = self._engine(task), NoiseCurve.constant(scale(self.jpeg_quality))
            if task == "denoise":
                level = self.noise.overall
            if task == KEEPING:
                level = NoiseCurve.constant(0)  # nobody tells
            self._changes[task] = np.concatenate([_change(window, engine, level) for window in self._windows])
        return self._changes[task]

    @cached_property
    def _changes(self) -> dict[str, NDArray[np.float32]]:
        """By task, of those that have been asked for."""
        return {}

    @cached_property
    def _windows(self) -> list[NDArray[np.float32]]:
        return list(windows(self.picture, NUM_COMPARED))

    @cached_property
    def screen(self) -> Screen | None:
        """The lattice of dots, or the lines, that the picture is made of, None where it is not."""
        return find_screen(self._windows)

    @cached_property
    def has_two_tones(self) -> bool:
        """Whether it is dithered, or drawn, in two tones."""
        return has_two_tones(self._windows)

    @cached_property
    def is_screened(self) -> bool:
        """Whether its tones are made of dots or lines, which `descreen` is for, and they are not what it shows."""
        if self.is_tiny:
            return False
        if self.is_dotted:
            printed = self.screen is not None and self.screen.has_tones
            return printed or (self.has_two_tones and is_dithered(self._windows))
        return self.is_of_palette and self.noise.typical >= COARSE_DITHER and self.noise.doubt <= DOUBT

    @property
    def is_dotted(self) -> bool:
        """Whether all of it is a regular pattern or in two tones, which is neither noise nor compression."""
        return not self.is_tiny and (self.screen is not None or self.has_two_tones)

    @cached_property
    def is_of_palette(self) -> bool:
        """Whether it has so few colours that what is between them is neither noise nor compression."""
        if self.is_tiny or self.picture.format == "jpeg" or (stored_quality(self.picture) or 100) < FINE_QUALITY:
            return False
        # A frame of a GIF may show parts of many before it, each in its own palette.
        most = None if self.picture.format == "gif" else MOST * (OPENING if self.clip else 1)
        return has_palette(self._windows, most)

    @cached_property
    def side_of_squares(self) -> int:
        """Of squares of one colour that repeated pixels are, in pixels; 1 where it has none, or they are JPEG's."""
        return 1 if self.picture.format == "jpeg" else side_of_squares(self._windows)

    @property
    def is_as_made(self) -> bool:
        """Whether what could be taken for damage is what it is made of: dots, a palette, squares."""
        return self.is_dotted or self.is_of_palette or self.side_of_squares > 1

    @property
    def is_tiny(self) -> bool:
        """Whether it has too few pixels to tell anything from."""
        return min(self.picture.width, self.picture.height) < TINY

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the task "auto" does: one model for what was found, nothing where nothing was."""
        if self.is_tiny or self.is_as_made:
            return ()
        if self.is_compressed and self.noise.typical < STRONG:
            return ("clean",) if self.is_noisy_beneath else ("dejpeg",)
        if self.is_noisy:  # of so little `denoise` would leave all, as in photographs of few values a channel
            return ("denoise",) if self.clip or self.noise.typical >= CLEAN else ()
        return ("clean",) if self.has_kept_noise or self.is_softly_noisy else ()

    @cached_property
    def scratched(self) -> float:
        """The share of the picture's middle rows that surely looks scratched or spotted."""
        return float(self._surely_damaged.mean())

    @cached_property
    def is_scratched(self) -> bool:
        """Whether that is much, and enough of it looks scratched at half the resolution as well."""
        if self.scratched < SCRATCHED:
            return False
        return scratches.agrees(self._middle, self._surely_damaged, self._engine("scratches"))

    @cached_property
    def _surely_damaged(self) -> NDArray[np.bool_]:
        sure = scratches.find(self._middle, self._engine("scratches"), threshold=scratches.SURE)
        return sure & ~scratches.ground(self._middle, white=True)

    @cached_property
    def _middle(self) -> Picture:
        """The middle rows, which are searched for scratches."""
        rows = min(self.picture.height, max(NUM_SEARCHED // self.picture.width, STRIP_ROWS))
        top, past, kept = (self.picture.height - rows) // 2, 0, []
        for strip in self.picture.strips(STRIP_ROWS):
            if past + len(strip) > top:  # a part of no rows would keep the strip as well
                kept.append(strip[max(top - past, 0) : top + rows - past])
            past += len(strip)
            if past >= top + rows:
                break
        return _as_picture(np.concatenate(kept))

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

    @property
    def is_icon(self) -> bool:
        """Whether it is so small that it hardly is a photograph, or the scan of one."""
        return max(self.picture.width, self.picture.height) <= ICON

    def release(self) -> None:
        """Give back the memory that looking has left with the networks' runtime."""
        estimators = (shipped(name, self.device, self.threads) for name in (NOISE_NETWORK, JPEG_NETWORK))
        for engine in (*self._engines.values(), *estimators):
            engine.release()

    def _engine(self, task: str) -> Engine:
        name = zoo.FOR_CLIPS["clean"] if task == KEEPING else zoo.FOR_TASK[task]
        return self._engines.setdefault(task, shipped(name, self.device, self.threads))

    @cached_property
    def _engines(self) -> dict[str, Engine]:
        """Those that have looked at the picture, by task."""
        return {}

    @property
    def proposed(self) -> tuple[str, ...]:
        """Tasks that might help and are done only when they are asked for, since they can do harm."""
        if self.is_tiny:
            return ()
        if self.is_dotted:
            return ("descreen",) if self.is_screened else ()
        if self.is_of_palette and (self.is_screened or self.is_noisy):
            return ("descreen",) if self.is_screened else ("denoise",)
        # The opening of a scene may be dark or hazy, and each frame would be judged by itself.
        if self.clip or self.side_of_squares > 1:
            return ()
        tasks: tuple[str, ...] = ("scratches",) if self.is_scratched else ()
        tasks += ("fade",) if self.is_faded else ()
        tasks += ("upscale",) if self.is_small else ()
        return tasks if tasks and not self.is_made else ()

    @property
    def advice(self) -> str:
        """A sentence about them, "" where there are none."""
        whats = {
            "scratches": "scratches or spots",
            "fade": "faded tones",
            "upscale": "a small size",
        }
        if self.is_screened:
            return "The task descreen makes continuous tones of the dots."
        if not self.proposed:
            return ""
        if "denoise" in self.proposed:
            return "The task denoise makes continuous tones of the dither."
        way = "old-photo" if "scratches" in self.proposed or "fade" in self.proposed else "upscale"
        return f"Perhaps {', '.join(whats[task] for task in self.proposed)}: the task {way} is for that."

    def describe(self) -> str:
        """What was found, in words."""
        if self.is_tiny:
            return "too few pixels to tell anything from"
        if self.is_dotted:
            two = "two tones, as dither has them" if self.is_screened else "two tones alone"
            return str(self.screen or two) + ", which is neither noise nor compression"
        if self.is_of_palette and (self.is_screened or self.is_noisy):
            return "dither in the colours of a palette, which is neither noise nor compression"
        if self.side_of_squares > 1:
            side = self.side_of_squares
            return f"squares of {side}x{side} pixels, which are neither noise nor compression"
        is_noisy = "denoise" in self.tasks or (self.noise.typical >= CLEAN and self.is_noisy)
        parts = [f"noise {255 * self.noise.typical:.1f}"] if is_noisy else []
        if self.is_compressed:
            likened = self.clip or self.picture.format in OTHER_CODECS or stored_quality(self.picture) is not None
            parts.append(("compression like that of " if likened else "") + f"JPEG quality {self.jpeg_quality:.0f}")
            parts += ["noise beneath it"] if self.is_noisy_beneath else []
        elif "clean" in self.tasks:
            parts.append("noise, as an encoder leaves it" if self.has_kept_noise else "soft noise, as cameras leave it")
        return ", ".join(parts) or "no noise and no compression to speak of"


def _as_picture(window: NDArray[np.float32]) -> Picture:
    return Picture.from_array(window, depth=32, format="tiff")


def _change(window: NDArray[np.float32], engine: Engine, level: NoiseCurve) -> NDArray[np.float32]:
    """Root mean square of what an engine changes, in each cell of a window (h, w, c)."""
    given = level if roles.level_of(engine.card) else None
    if engine.card.role == "recurrent":
        output = recurrent.apply(_as_picture(window), engine, given, DEFAULT_MEMORY)
    else:
        output = np.concatenate(list(restorer.apply(_as_picture(window), engine, given, DEFAULT_MEMORY)[0]))
    change = output - window
    height, width = (max(length // BLOCK, 1) * BLOCK for length in change.shape[:2])
    whole = np.pad(change, [(0, max(height - change.shape[0], 0)), (0, max(width - change.shape[1], 0)), (0, 0)])
    cells = whole[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, -1)
    return np.sqrt(np.square(cells).mean(axis=(1, 3, 4))).ravel()
