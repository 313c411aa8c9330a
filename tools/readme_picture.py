"""Make the picture at the top of README.md: the example before, after, and what changed, by the default model."""

from pathlib import Path

import sfumato

ROOT = Path(__file__).parents[1]


def main() -> None:
    restored = sfumato.restore(ROOT / "examples" / "astronaut-noisy.png")
    path = ROOT / "docs" / "images" / "before-after.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    restored.comparison().save(path, overwrite=True)
    print(f"{path.relative_to(ROOT)}: made by {restored.model}")


if __name__ == "__main__":
    main()
