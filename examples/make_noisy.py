"""Make the two pictures of this folder: NASA's astronaut as scikit-image gives it, and the same with noise.

Needs scikit-image (`pip install scikit-image`), which carries the photograph. Same pictures every time:
NumPy's PCG64 streams do not change between versions.
"""

from pathlib import Path

import numpy as np
import skimage.data
import skimage.io

SIGMA = 25  # standard deviation of the noise in 0-255 units
SEED = 2025
CROP = np.s_[0:384, 64:448]  # head, shuttle and patches: skin, hard edges and fine texture in a small file


def main() -> None:
    folder = Path(__file__).parent
    clean = skimage.data.astronaut()[CROP]
    noise = np.random.default_rng(SEED).normal(0.0, SIGMA, clean.shape)
    # An 8-bit file cannot hold what lies outside 0-255, so a noisy file is a clipped one.
    noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
    skimage.io.imsave(folder / "astronaut.png", clean, check_contrast=False)
    skimage.io.imsave(folder / "astronaut-noisy.png", noisy, check_contrast=False)


if __name__ == "__main__":
    main()
