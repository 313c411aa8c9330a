"""Linear models of how pictures are damaged, with their adjoints and proximal steps. Numpy only."""

from .blur import Blur, RegionBlur
from .colour import ColourMix
from .identity import Identity
from .kernels import disc, gaussian, motion
from .mask import Mask, Mosaic
from .noise import add_noise
from .operator import Composition, Operator
from .resample import Downsample

__all__ = [
    "Blur",
    "ColourMix",
    "Composition",
    "Downsample",
    "Identity",
    "Mask",
    "Mosaic",
    "Operator",
    "RegionBlur",
    "add_noise",
    "disc",
    "gaussian",
    "motion",
]
