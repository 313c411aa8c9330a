"""Make the sets that the generators are trained and measured on: `python benchmarks/generation_data.py DATA OUT`.

DATA/generation holds emoji64.zip (3,786 emoji of Noto's art, 64x64, RGBA, with metadata.jsonl) and
cifar10_jpeg.tar.xz (CIFAR-10 stored as JPEG: train/CLASS/*.jpg and test/CLASS/*.jpg). OUT gets emoji-train.zip and
emoji-test.zip (the distinct names sorted, skin tone aside, every tenth concept is test; metadata.jsonl says more of
each in words: its kind, and the skin tone), and jpeg-cifar10-train.zip and
jpeg-cifar10-test.zip.
"""

import argparse
import json
import tarfile
import zipfile
from pathlib import Path

from sfumato.learn.data.folders import METADATA

# Of Unicode's modifiers; of two people both are named.
TONES = {"1F3FB": "light", "1F3FC": "medium light", "1F3FD": "medium", "1F3FE": "medium dark", "1F3FF": "dark"}


def split_emoji(source: Path, out: Path) -> None:
    """A concept with all its skin tones is either trained on or held out."""
    with zipfile.ZipFile(source) as archive:
        listed = next(name for name in archive.namelist() if name.endswith(METADATA))
        rows = [json.loads(line) for line in archive.read(listed).decode().splitlines()]
        test = set(sorted({row["name"] for row in rows})[9::10])
        for part in ("train", "test"):
            chosen = [row for row in rows if (row["name"] in test) == (part == "test")]
            with zipfile.ZipFile(out / f"emoji-{part}.zip", "w") as written:
                for row in chosen:
                    tones = [f"{TONES[tone]} skin" for tone in row.get("skin_tone", "").split("-") if tone]
                    row |= {"tone": " and ".join(dict.fromkeys(tones)), "kind": row["subcategory"].replace("-", " ")}
                    written.writestr(row["file_name"], archive.read(f"{Path(listed).parent}/{row['file_name']}"))
                written.writestr(METADATA, "".join(json.dumps(row) + "\n" for row in chosen))
            print(f"emoji-{part}.zip: {len(chosen)} pictures")


def repack_cifar(source: Path, out: Path) -> None:
    """A compressed tar can only be read through; a zip is read in any order."""
    written = {part: zipfile.ZipFile(out / f"jpeg-cifar10-{part}.zip", "w") for part in ("train", "test")}
    with tarfile.open(source) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                part, label, name = member.name.split("/")[-3:]
                written[part].writestr(f"{label}/{name}", file.read())
    for part, archive_written in written.items():
        print(f"jpeg-cifar10-{part}.zip: {len(archive_written.namelist())} pictures")
        archive_written.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    split_emoji(options.data / "generation" / "emoji64.zip", options.out)
    repack_cifar(options.data / "generation" / "cifar10_jpeg.tar.xz", options.out)


if __name__ == "__main__":
    main()
