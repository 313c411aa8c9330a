"""Fixed damage for measuring: named kinds at stated levels, the same in validations and in printed figures."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sfumato.errors import Option, UsageError
from sfumato.models.fields import known
from sfumato.restoration.options import MAX_NOISE_OF_FLOWS

from ..degradations.blur import Defocus, MotionBlur
from ..degradations.camera import Camera
from ..degradations.clips import Encoded
from ..degradations.codecs import Coded
from ..degradations.damage import Scratches
from ..degradations.degradation import Chain, Degradation
from ..degradations.fading import Fading
from ..degradations.holes import Holes
from ..degradations.illustrations import Illustrated
from ..degradations.jpeg import Compression, Jpeg
from ..degradations.mixtures import SOFTENED
from ..degradations.noise import BlotchyNoise, CorrelatedNoise, GaussianNoise
from ..degradations.patterns import Patterned
from ..degradations.resampling import Reduced
from ..degradations.screens import Screened


@dataclass(frozen=True)
class Kind:
    """A degradation for each level; `unit` says what that is, "" for none.

    "sigma" (0-255 units), "quality" (of JPEG, 1-100), "setting" (the quality of another encoder), "scale", "coverage"
    (percent of the picture that is missing) or "pixels" (the length of a motion, the radius of a disc).

    besides: what else is done, in words, that the name does not say.
    grey: the picture is made grey first, and compared in grey. Where pictures are reduced, luma is compared, without
    a border of as many pixels as the scale; where pixels are missing, those only.
    """

    degradation: Callable[[float], Degradation]
    unit: str = "sigma"
    grey: bool = False
    besides: str = ""


SMALL_NOISE = GaussianNoise((5, 5), clip=True)
GRAIN = (1.0, GaussianNoise((1, 1), clip=True))  # what a blurred picture has besides
GRAINY = "noise of sigma 1, clipped"
# Of whole pictures, not compressed; ink on paper is seen as it is, so the goal has its tones.
SCREEN = Screened(printed=1.0, soft=0.0, partial=0.0, scanned=1.0, compressed=0.0)
SCANNED = "of any angle and shape of dots, scanned"
# Fine in luma, in blotches of 2.5 pixels in colour.
BLOTCHES = BlotchyNoise(of_luma=(0.3, 0.3), grain=(0, 0), blotches=(2.5, 2.5), clip=True)
KINDS: dict[str, Kind] = {
    "gaussian": Kind(lambda s: GaussianNoise((s, s))),
    "gaussian-clipped": Kind(lambda s: GaussianNoise((s, s), clip=True)),
    "grey": Kind(lambda s: GaussianNoise((s, s)), grey=True),
    "correlated": Kind(lambda s: CorrelatedNoise((s, s))),
    "correlated-jpeg85": Kind(lambda s: Jpeg((85, 85), CorrelatedNoise((s, s), clip=True))),
    "gaussian-jpeg50": Kind(lambda s: Jpeg((50, 50), GaussianNoise((s, s), clip=True))),
    "blotchy": Kind(lambda s: replace(BLOTCHES, sigma=(s, s))),
    "camera": Kind(lambda _: Camera((5e-4, 1e-2), lens=0.0, quality=(90, 99)), ""),
    "jpeg": Kind(lambda q: Compression((q, q), subsampled=1.0), "quality"),
    "jpeg-444": Kind(lambda q: Compression((q, q), subsampled=0.0), "quality"),
    "jpeg-grey": Kind(lambda q: Compression((q, q)), "quality", grey=True),
    "jpeg-twice": Kind(
        lambda q: Compression((q, q), again=(90, 90), twice=1.0, shifted=1.0, subsampled=1.0), "quality"
    ),
    "webp": Kind(lambda q: Coded((q, q), codecs=("webp",)), "setting"),
    "avif": Kind(lambda q: Coded((q, q), codecs=("avif",)), "setting"),
    "h264": Kind(lambda crf: Encoded((crf, crf), presets=("medium",)), "setting"),
    "soft": Kind(lambda _: SOFTENED, ""),
    "bicubic": Kind(lambda scale: Reduced(int(scale)), "scale"),
    "small": Kind(
        lambda scale: Reduced(int(scale), after=Compression((60, 60), SMALL_NOISE)),
        "scale",
        besides="noise of sigma 5, clipped, JPEG quality 60",
    ),
    "patterns": Kind(
        lambda scale: Patterned(Reduced(int(scale)), enlarged=int(scale)),
        "scale",
        besides="of stripes, checkerboards, dither, screens and flat graphics in the small picture's pixels",
    ),
    "drawn": Kind(
        lambda scale: Illustrated(int(scale), squares=0.0),
        "scale",
        besides="of shapes, curves and lettering, a fifth of them with hard edges",
    ),
    "motion": Kind(lambda p: Chain(((1.0, MotionBlur((p, p))), GRAIN)), "pixels", besides=GRAINY),
    "defocus": Kind(lambda p: Chain(((1.0, Defocus((p, p))), GRAIN)), "pixels", besides=GRAINY),
    "screen": Kind(lambda p: replace(SCREEN, pitch=(p, p), coloured=1.0), "pixels", besides=SCANNED),
    "screen-grey": Kind(lambda p: replace(SCREEN, pitch=(p, p)), "pixels", grey=True, besides=SCANNED),
    "dither": Kind(lambda _: replace(SCREEN, printed=0.0, scanned=0.0, ordered=0.5), "", grey=True),
    "holes": Kind(lambda percent: Holes((percent / 100, percent / 100)), "coverage"),
    "faded": Kind(lambda _: Fading(undamaged=0.0), ""),
    "scratches": Kind(lambda _: Scratches(), ""),
    "clean": Kind(lambda _: GaussianNoise((0, 0)), ""),
}


UNKNOWN = ("setting", "scale", "coverage", "pixels")  # what no restorer takes as a level
EXAMPLES = {"sigma": "25", "quality": "10", "setting": "40", "scale": "2", "coverage": "15", "pixels": "3"}


@dataclass(frozen=True)
class Protocol:
    """A kind of damage, its level, and whether the restorer is given the level or estimates it."""

    kind: str
    level: float = 0.0
    auto: bool = False

    @classmethod
    def parse(cls, text: str) -> "Protocol":
        """KIND:LEVEL[:auto], or a kind without levels; raises UsageError."""
        named = Option("protocol", text)
        kind, *rest = text.split(":")
        unit = KINDS[known(kind, KINDS, "protocol")].unit
        auto = not unit or rest[-1:] == ["auto"]
        numbers = [part for part in rest if part != "auto"]
        try:
            (level,) = (float(number) for number in numbers) if unit else (0.0,)
        except ValueError:
            raise UsageError(named, f" is not KIND:{unit.upper()}[:auto], such as {kind}:{EXAMPLES[unit]}.") from None
        if unit == "sigma" and not 0 <= level <= MAX_NOISE_OF_FLOWS:
            raise UsageError(named, f": the level is from 0 to 75, for flows to {MAX_NOISE_OF_FLOWS:g}.")
        if unit in ("quality", "setting") and not (1 <= level <= 100 and level == int(level)):
            raise UsageError(named, ": the quality is a whole number from 1 to 100.")
        if unit == "scale" and level not in (2, 4):
            raise UsageError(named, ": the scale is 2 or 4.")
        if unit == "coverage" and not 1 <= level <= 50:
            raise UsageError(named, ": the coverage is from 1 to 50 percent.")
        if unit == "pixels" and not 0.5 < level <= 30:
            raise UsageError(named, ": the blur is more than 0.5 and at most 30 pixels.")
        if unit in UNKNOWN and auto:
            raise UsageError(named, ": no restorer takes that, so none estimates it; leave out :auto.")
        return cls(kind, level, auto)

    def __str__(self) -> str:
        return f"{self.kind}:{self.level:g}" if self.unit else self.kind

    @property
    def unit(self) -> str:
        return KINDS[self.kind].unit

    @property
    def grey(self) -> bool:
        return KINDS[self.kind].grey

    @property
    def scale(self) -> int:
        """By how much the damage reduces a picture."""
        return int(self.level) if self.unit == "scale" else 1

    def degradation(self) -> Degradation:
        return KINDS[self.kind].degradation(self.level)

    def damage(self) -> str:
        """What is done to the clean picture, in words."""
        besides = f", {KINDS[self.kind].besides}" if KINDS[self.kind].besides else ""
        return f"{self.kind} {self.unit} {self.level:g}{besides}, seed 0" if self.unit else self.kind
