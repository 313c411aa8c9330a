"""Where what can be made again is kept between runs."""

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Below $XDG_CACHE_HOME, or ~/.cache: one folder for each kind of things."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sfumato" / kind
