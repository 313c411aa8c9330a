"""Named degradations that recipes train on: a readable list, one entry a name."""

from .blur import Defocus, GaussianBlur, MotionBlur, Sharpened
from .camera import Camera, FilmGrain
from .clips import Encoded
from .codecs import Coded
from .damage import Scratches
from .degradation import Chain, Choice, Degradation
from .fading import Fading
from .graphics import Drawn
from .holes import Holes
from .illustrations import Illustrated
from .jpeg import Compression, Jpeg
from .noise import BlotchyNoise, CorrelatedNoise, GaussianNoise, Grey, PoissonGaussianNoise, VaryingNoise
from .patterns import Coloured, Patterned
from .resampling import Enlarged, Reduced, Resized
from .screens import Kept, Screened

_SENSOR = Choice(
    (
        (0.30, GaussianNoise((1, 40), clip=True)),
        (0.20, PoissonGaussianNoise((1, 40), (0, 10), clip=True)),
        (0.35, CorrelatedNoise((1, 35), clip=True)),
        (0.15, BlotchyNoise((1, 30), clip=True)),
    )
)
_LENS = Choice(((0.6, GaussianBlur((0.3, 0.7))), (0.4, Resized((0.65, 1.0)))))
_FILE = Compression((25, 97), twice=0.2, shifted=0.25)
_NOTHING = GaussianNoise((0, 0))
WILD = Chain(((0.25, _LENS), (0.75, _SENSOR), (0.75, _FILE)))
# What small pictures from the wild have been through: a soft lens before, noise and compression after; a fifth neither.
_SMALL = Choice(
    (
        (0.2, GaussianNoise((0, 0))),
        (0.5, Chain(((0.7, GaussianNoise((1, 15), clip=True)), (0.9, Compression((30, 95)))))),
        (0.2, Chain(((0.7, CorrelatedNoise((1, 15), clip=True)), (0.9, Compression((30, 95)))))),
        (0.1, Compression((30, 95), twice=1.0, shifted=0.5)),
    )
)
_SOFT = Chain(((0.5, GaussianBlur((0.4, 1.6))),))


def _seen(reduced: Reduced) -> Choice:
    """Half of what is reduced in richer colours; a tenth are patterns, most of them such that the small one shows.

    These have no damage: who learns them with noise sees patterns in the noise of photographs.
    """
    return Choice(
        (
            (0.40, reduced),
            (0.50, Coloured(reduced)),
            (0.02, Patterned(reduced)),
            (0.08, Patterned(Reduced(reduced.scale), enlarged=reduced.scale)),
        )
    )


# What is soft without damage: enlarged by any program, out of focus, moved, or blurred on purpose; in whole 8 bits.
SOFTENED = Compression(
    (100, 100),
    Choice(((0.5, Enlarged()), (0.2, GaussianBlur((0.5, 4.0))), (0.2, Defocus((0.6, 6.0))), (0.1, MotionBlur()))),
)
WILD_GREY = Chain(((0.25, _LENS), (0.75, GaussianNoise((1, 40), clip=True)), (0.75, _FILE)))
# What a blurred photograph has been through besides: a little noise, and often a file.
_TAKEN = ((0.8, GaussianNoise((0.5, 3), clip=True)), (0.4, Compression((75, 97))))

DEGRADATIONS: dict[str, Degradation] = {
    "gaussian": GaussianNoise(),
    "gaussian-clipped": GaussianNoise(clip=True),
    "grey": Grey(GaussianNoise()),
    "poisson-gaussian": PoissonGaussianNoise(),
    "correlated": CorrelatedNoise(),
    "varying": VaryingNoise(),
    "jpeg": Jpeg(),
    # What the shipped denoisers see: mostly white noise, half of it in richer colours; the grey case; and the noise
    # that cameras and files leave.
    "denoise": Choice(
        (
            (0.19, GaussianNoise()),
            (0.22, Coloured(GaussianNoise())),
            (0.02, Patterned(GaussianNoise())),
            (0.24, Grey(GaussianNoise())),
            (0.03, GaussianNoise(clip=True)),
            (0.02, PoissonGaussianNoise()),
            (0.03, VaryingNoise()),
            (0.05, CorrelatedNoise()),
            (0.08, Coloured(BlotchyNoise())),
            (0.04, Coloured(Camera())),
            (0.01, Patterned(Camera())),
            (0.04, Jpeg((70, 98), CorrelatedNoise((0, 40), clip=True))),
            (0.03, Jpeg((75, 98), BlotchyNoise((0, 30), clip=True))),
        )
    ),
    # What is given and asked of compression, in both networks that know it: colour and grey, once and twice, shifted;
    # and what WebP and AVIF leave.
    "dejpeg": Choice(
        (
            (0.26, Grey(Compression())),
            (0.06, Grey(Compression(shifted=1.0, twice=0.5))),
            (0.26, Compression()),
            (0.12, Compression(shifted=1.0, twice=0.5)),
            (0.05, Compression((95, 100))),
            (0.25, Coded()),
        )
    ),
    # What photographs carry: two fifths of them the noise of a camera, the others what the wild has besides, in the
    # order in which it comes about; an eighth are clean. Every eighth is a pattern.
    "clean": Choice(
        (
            (0.08, Coloured(_NOTHING)),
            (0.05, Patterned(_NOTHING)),
            (0.38, Coloured(Camera())),
            (0.05, Patterned(Camera())),
            (0.05, Coloured(BlotchyNoise((1, 30), clip=True))),
            (0.03, Jpeg((75, 98), BlotchyNoise((1, 30), clip=True))),
            (0.03, Coloured(FilmGrain())),
            (0.20, Coloured(WILD)),
            (0.02, Patterned(WILD)),
            (0.06, Grey(WILD_GREY)),
            (0.05, Jpeg((40, 60), GaussianNoise((5, 25), clip=True))),
        )
    ),
    # What a recurrent restorer sees: white noise, which papers have, the noise of cameras, its blotches, and files of
    # clips, of whose noise it is seldom told.
    "video": Choice(
        (
            (0.28, GaussianNoise((0, 60))),
            (0.02, PoissonGaussianNoise()),
            (0.03, CorrelatedNoise((0, 40))),
            (0.05, BlotchyNoise((0, 35))),
            (0.08, Camera((5e-4, 1.5e-2), reduced=0.0, compressed=0.0)),
            (0.30, Encoded((18, 30), Camera((5e-4, 1.5e-2), reduced=0.0, compressed=0.0), told=0.3)),
            (0.08, Encoded((18, 34), GaussianNoise((3, 40), clip=True), told=0.3)),
            (0.04, Encoded((18, 32), BlotchyNoise((2, 30), clip=True), told=0.3)),
            (0.12, Encoded((18, 42))),
        )
    ),
    # Files of clips without noise; in a twelfth the encoder left next to nothing to do.
    "files-of-video": Choice(
        ((0.60, Encoded((21, 42))), (0.32, Encoded((21, 42), hevc=1.0)), (0.08, Encoded((12, 21))))
    ),
    # Half of what moved or was out of focus in richer colours; three movements in ten are long ones; every sixteenth
    # picture is a pattern, most of them sharp.
    "deblur": Choice(
        (
            (0.08, Chain(_TAKEN)),
            (0.04, Patterned(Chain(_TAKEN))),
            (0.36, Coloured(Chain(((1.0, MotionBlur()), *_TAKEN)))),
            (0.15, Coloured(Chain(((1.0, MotionBlur((6.0, 16.0))), *_TAKEN)))),
            (0.27, Coloured(Chain(((1.0, Defocus()), *_TAKEN)))),
            (0.02, Patterned(Chain(((1.0, Defocus()), *_TAKEN)))),
            (0.08, Chain(((1.0, GaussianBlur((0.5, 2.0))), *_TAKEN))),
        )
    ),
    # Screens and dither of all kinds; every tenth picture has none, and stays as it is: photographs, noise, lettering.
    "screens": Choice(
        (
            (0.90, Screened()),
            (0.04, Kept(Coloured(_NOTHING))),
            (0.04, Kept(WILD)),
            (0.02, Kept(Drawn(_NOTHING))),
        )
    ),
    # What the estimator of blur sees: paths of up to 20 pixels, a little bent, discs and Gaussians, and what is sharp.
    "blur-kernel": Choice(
        (
            (0.14, Chain(_TAKEN)),
            (0.04, Sharpened(Chain(_TAKEN))),
            (0.50, Chain(((1.0, MotionBlur((1.3, 20.0))), *_TAKEN))),
            (0.20, Chain(((1.0, Defocus((0.6, 6.0))), *_TAKEN))),
            (0.12, Chain(((1.0, GaussianBlur((0.5, 3.0))), *_TAKEN))),
        )
    ),
    "holes": Choice(((0.55, Holes()), (0.40, Coloured(Holes())), (0.05, Patterned(Holes())))),
    "fading": Choice(
        (
            (0.7, Fading()),
            (0.3, Compression((50, 95), Fading())),
        )
    ),
    # What the finder of damage sees: scanned old photographs with and without marks, many with wires, whiskers or
    # lettering that are none, and drawings, whose shapes and (now and then, as a ruler leaves them) lines are none.
    "scratches": Choice(
        ((0.54, Scratches(thin=0.3)), (0.38, Scratches(whole=0.85, thin=0.5)), (0.08, Drawn(Scratches(whole=0.5))))
    ),
    "bicubic-2x": _seen(Reduced(2)),
    "bicubic-4x": _seen(Reduced(4)),
    "small-2x": _seen(Reduced(2, before=_SOFT, after=_SMALL)),
    "small-4x": _seen(Reduced(4, before=_SOFT, after=_SMALL)),
    # What the enlarger of drawings sees: drawings, and the photographs that pages and screens show among them.
    "drawn-2x": Choice(((0.85, Illustrated(2)), (0.15, Coloured(Reduced(2))))),
    # What the estimator of compression sees: JPEG, WebP and AVIF of photographs and drawings, some of them soft before,
    # some enlarged afterwards; and what was never compressed, nearly half of it soft, which is not compression either.
    "jpeg-quality": Choice(
        (
            (0.08, Drawn(_NOTHING)),
            (0.04, _NOTHING),
            (0.03, Compression((100, 100), CorrelatedNoise((0, 20), clip=True))),
            (0.09, Coloured(SOFTENED)),
            (0.04, Grey(SOFTENED)),
            (0.01, Drawn(SOFTENED)),
            (0.02, Sharpened(_NOTHING)),
            (0.05, Drawn(Compression((5, 97), twice=0.3, shifted=0.2))),
            (0.03, Drawn(Coded())),
            (0.07, Grey(Compression())),
            (0.03, Grey(Compression(shifted=1.0, twice=0.5))),
            (0.08, Compression()),
            (0.04, Compression(shifted=1.0, twice=0.5)),
            (0.07, Compression((85, 99))),
            (0.04, Compression(before=SOFTENED, shifted=0.2)),
            (0.20, Coded()),
            (0.02, Coded((85, 100))),
            (0.03, Enlarged(before=Compression(shifted=0.9))),
            (0.01, Grey(Enlarged(before=Compression(shifted=0.9)))),
            (0.02, Enlarged(before=Coded())),
        )
    ),
    # What the noise estimator sees: every kind alike, low levels often, cameras and film, and clean pictures as files
    # and cameras make them: texture that was sharpened, and patterns, are the likest to noise.
    "noise-level": Choice(
        (
            (0.05, GaussianNoise()),
            (0.06, Coloured(GaussianNoise((0, 12)))),
            (0.08, Coloured(_NOTHING)),
            (0.04, Patterned(_NOTHING)),
            (0.05, Sharpened(_NOTHING)),
            (0.01, Sharpened(GaussianNoise((0, 40)))),
            (0.03, Sharpened(CorrelatedNoise((0, 25)), after=True)),
            (0.05, Coloured(Jpeg((20, 98)))),
            (0.02, Sharpened(Jpeg((20, 98)))),
            (0.02, Jpeg((70, 98), Sharpened(CorrelatedNoise((0, 25), clip=True), after=True))),
            (0.02, Grey(GaussianNoise())),
            (0.03, Grey(GaussianNoise((0, 12)))),
            (0.02, GaussianNoise(clip=True)),
            (0.02, PoissonGaussianNoise()),
            (0.02, CorrelatedNoise()),
            (0.06, Coloured(BlotchyNoise(clip=True))),
            (0.02, Jpeg((75, 98), BlotchyNoise((0, 30), clip=True))),
            (0.04, Jpeg((50, 98), CorrelatedNoise((0, 40), clip=True))),
            (0.03, Jpeg((50, 98), GaussianNoise((0, 40), clip=True))),
            (0.22, Coloured(Camera())),
            (0.05, Coloured(Camera((1e-7, 1e-5)))),
            (0.02, Patterned(Camera())),
            (0.02, Coloured(FilmGrain())),
            (0.02, Grey(FilmGrain())),
        )
    ),
}
