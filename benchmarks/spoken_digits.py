"""The recordings that `spoken-digits` is trained and measured on: `python benchmarks/spoken_digits.py DATA OUT`.

DATA/audio/fsdd.tar.xz is the Free Spoken Digit Dataset (CC BY-SA 4.0): 3,000 WAV files DIGIT_SPEAKER_INDEX.wav of six
speakers. OUT gets three zips with a folder for each digit: fsdd-train.zip, fsdd-held-out.zip (of the same speakers, the
indices 0 to 4 of each digit) and fsdd-unseen-speaker.zip (all that the speaker theo says).
"""

import argparse
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

UNSEEN = "theo"
HELD_OUT = 5  # indices below it
PARTS = ("train", "held-out", "unseen-speaker")


def part_of(speaker: str, index: int) -> str:
    """Which of PARTS a recording is in."""
    if speaker == UNSEEN:
        return "unseen-speaker"
    return "held-out" if index < HELD_OUT else "train"


def split(source: Path, out: Path) -> dict[str, Path]:
    """Write the zips, or find them; their paths by part."""
    paths = {part: out / f"fsdd-{part}.zip" for part in PARTS}
    if all(path.is_file() for path in paths.values()):
        return paths
    out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(source) as archive:
        sounds = {
            PurePosixPath(member.name): archive.extractfile(member).read()
            for member in archive
            if member.isfile() and member.name.endswith(".wav")
        }
    for part, path in paths.items():
        with zipfile.ZipFile(path, "w") as written:
            for name in sorted(sounds):
                digit, speaker, index = name.stem.split("_")
                if part_of(speaker, int(index)) == part:
                    written.writestr(f"{digit}/{speaker}_{index}.wav", sounds[name])
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    for part, path in split(options.data / "audio" / "fsdd.tar.xz", options.out).items():
        print(f"{path}: {len(zipfile.ZipFile(path).namelist())} recordings of the part {part}")


if __name__ == "__main__":
    main()
