"""Restore the noisy picture of this folder and say what that gained, then draw a sheet of digits that nobody wrote.

This is the whole use of the library from Python: one call each, and the result carries what was done.
"""

from pathlib import Path

import sfumato
from sfumato import Picture
from sfumato.measures import describe, psnr

EXAMPLES = Path(__file__).parent
OUTPUT = Path("demo-output")
DOORS = {
    "sfumato restore PICTURE": "the command line",
    "sfumato web": "a page in the browser, docs/web.md",
    "sfumato serve": "a service over HTTP, docs/service.md",
    "sfumato restore CLIP.mp4 -o OUT.mp4": "video, docs/video.md",
    "sfumato restore FOLDER -o OUT --ray auto": "many machines, docs/cluster.md",
}


def main() -> None:
    noisy_path = EXAMPLES / "astronaut-noisy.png"
    noisy, clean = Picture.open(noisy_path), Picture.open(EXAMPLES / "astronaut.png")

    restored = sfumato.restore(noisy_path)
    made = sfumato.generate("mnist-gan", 80, seed=1, label="mix")

    OUTPUT.mkdir(exist_ok=True)
    sheet = made.sheet().save(OUTPUT / "digits.png", overwrite=True)
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
    print()
    print(f"Model            {made.model}, trained on handwritten digits; what it generates is made up")
    print(f"Time             {made.seconds:.2f} s for {len(made.pictures)} pictures")
    print(f"Sheet            {sheet}")
    print()
    print("More doors, after `pip install '.[serve,media,cluster]'`:")
    for command, what in DOORS.items():
        print(f"  {command:<46}{what}")


if __name__ == "__main__":
    main()
