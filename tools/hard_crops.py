"""Parts of undamaged photographs that a finder of damage takes for damaged: `python tools/hard_crops.py DATA... OUT`.

DATA are folders, zips or tars of photographs without damage, to train on. Each is cut into squares of 192 pixels; those
of which the finder finds 0.8 % or more go to OUT as PNG. A training that is given OUT beside DATA learns from them:
`sfumato train scratches --data DATA,OUT --from scratches`. Look at them first: what really is scratched must go.
"""

import argparse
from pathlib import Path

import numpy as np

from sfumato import Picture
from sfumato.learn.data.folders import decode, list_pictures
from sfumato.models.engine import load
from sfumato.restoration import scratches

SIDE, SHARE = 192, 0.008


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="scratches", help="a model file or the name of a shipped model")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    engine = load(given.model, threads=1)
    count = 0
    for folder in given.data:
        for name, stored in list_pictures(folder).read():
            pixels = decode(stored, 3) if isinstance(stored, bytes) else stored
            picture = Picture.from_array(pixels.astype(np.float32) / 255, depth=8)
            found = scratches.find(picture, engine)
            height, width = found.shape
            for top in range(0, max(height - SIDE, 0) + 1, SIDE):
                for left in range(0, max(width - SIDE, 0) + 1, SIDE):
                    inside = slice(top, top + SIDE), slice(left, left + SIDE)
                    if found[inside].mean() >= SHARE:
                        file = given.out / f"{Path(name).stem}-{top}-{left}.png"
                        Picture.from_array(pixels[inside].astype(np.float32) / 255, depth=8).save(file, overwrite=True)
                        count += 1
    print(f"{count} parts of {SIDE}x{SIDE} in {given.out}")


if __name__ == "__main__":
    main()
