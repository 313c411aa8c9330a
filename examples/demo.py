"""Restore the noisy picture of this folder and say what that gained; the clean original lies beside it.

This is the whole use of the library from Python: one call, and the result carries what was done.
"""

from pathlib import Path

import sfumato
from sfumato import Picture
from sfumato.measures import describe, psnr

EXAMPLES = Path(__file__).parent
OUTPUT = Path("demo-output")


def main() -> None:
    noisy_path = EXAMPLES / "astronaut-noisy.png"
    noisy, clean = Picture.open(noisy_path), Picture.open(EXAMPLES / "astronaut.png")

    restored = sfumato.restore(noisy_path)

    OUTPUT.mkdir(exist_ok=True)
    result = restored.save(OUTPUT / "astronaut-restored.png", overwrite=True)
    comparison = restored.comparison().save(OUTPUT / "astronaut-compare.png", overwrite=True)

    before, after = psnr(noisy.array(), clean.array()), psnr(Picture.open(result).array(), clean.array())
    assert restored.noise is not None, "the default model removes noise, so it was estimated"
    print(f"Picture          {noisy_path.relative_to(EXAMPLES.parent)} ({noisy.width} x {noisy.height})")
    print(f"Model            {restored.model}")
    print(f"Estimated noise  {255 * restored.noise.typical:.1f} of 255 (it was made with 25, then clipped to 8 bit)")
    print(f"PSNR             {before:.2f} dB before, {after:.2f} dB after ({describe(rounded=True)})")
    print(f"Time             {restored.seconds:.2f} s")
    print(f"Result           {result}")
    print(f"Side by side     {comparison}")


if __name__ == "__main__":
    main()
