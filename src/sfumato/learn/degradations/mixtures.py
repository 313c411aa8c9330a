"""Named degradations that recipes train on: a readable list, one entry a name."""

from .degradation import Choice, Degradation
from .jpeg import Jpeg
from .noise import CorrelatedNoise, GaussianNoise, Grey, PoissonGaussianNoise, VaryingNoise

DEGRADATIONS: dict[str, Degradation] = {
    "gaussian": GaussianNoise(),
    "gaussian-clipped": GaussianNoise(clip=True),
    "grey": Grey(GaussianNoise(shared=True)),
    "poisson-gaussian": PoissonGaussianNoise(),
    "correlated": CorrelatedNoise(),
    "varying": VaryingNoise(),
    "jpeg": Jpeg(),
    # What the shipped denoisers see: mostly white noise, the grey case, and the noise that cameras and files leave.
    "denoise": Choice(
        (
            (0.62, GaussianNoise()),
            (0.16, Grey(GaussianNoise(shared=True))),
            (0.04, GaussianNoise(clip=True)),
            (0.04, PoissonGaussianNoise()),
            (0.04, VaryingNoise()),
            (0.06, CorrelatedNoise()),
            (0.04, Jpeg((70, 98), CorrelatedNoise((0, 40), clip=True))),
        )
    ),
    # What the noise estimator sees: every kind alike, low levels often, and clean pictures as files hold them.
    "noise-level": Choice(
        (
            (0.26, GaussianNoise()),
            (0.16, GaussianNoise((0, 12))),
            (0.10, GaussianNoise((0, 0))),
            (0.08, Jpeg((20, 98))),
            (0.08, Grey(GaussianNoise(shared=True))),
            (0.08, GaussianNoise(clip=True)),
            (0.08, PoissonGaussianNoise()),
            (0.08, CorrelatedNoise()),
            (0.08, Jpeg((70, 98), CorrelatedNoise((0, 40), clip=True))),
        )
    ),
}
