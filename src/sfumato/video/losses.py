"""What of a video file could not be read, and whether it ends before its header says that it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .frames import duration

if TYPE_CHECKING:
    from av.container import InputContainer

MANY_LOST = 0.02  # of the frames or seconds that a file states; some state one too many
LEAST_LOST, MUCH_LOST = 0.25, 1.0  # seconds: what is never and what is always said
STATING = ("matroska", "mov", "flv")  # formats whose header says how long they last; of others it is an estimate


class Losses:
    """Hears of all packets of a file that is read from its start to its end. seconds: when the last of them ends."""

    def __init__(self, path: Path, container: InputContainer, num_frames: int) -> None:
        self._path, self._num_frames = path, num_frames
        states = container.format.name.startswith(STATING) and container.duration
        self._stated = container.duration / 1_000_000 if states and container.duration else 0.0
        self._begins = (container.start_time or 0) / 1_000_000
        self._seconds = 0.0
        self._is_incomplete = False
        self._num_undecoded = 0

    def hear(self, packet: Any) -> None:
        """A packet that was read."""
        self._is_incomplete |= packet.is_corrupt
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base) - self._begins
            self._seconds = max(self._seconds, end)

    def not_decoded(self) -> None:
        """A packet that was read, and could not be decoded."""
        self._num_undecoded += 1

    def notes(self, num_frames: int) -> list[str]:
        """Sentences for a file of which so many frames came out."""
        found = []
        if self._num_undecoded:
            packets = "1 packet" if self._num_undecoded == 1 else f"{self._num_undecoded} packets"
            found.append(f"{packets} of {self._path} could not be decoded, so frames are missing.")
        missing = min(max(MANY_LOST * self._stated, LEAST_LOST), MUCH_LOST)
        if not found and num_frames < (1 - MANY_LOST) * self._num_frames:
            states = f"{self._num_frames} frames and holds {num_frames}"
        elif self._seconds < self._stated - missing:
            states = f"{duration(self._stated)} and ends after {duration(self._seconds)}"
        else:
            if self._is_incomplete and not found:
                found.append(f"The end of {self._path} is incomplete: it seems to be cut off.")
            return found
        return [*found, f"{self._path} states {states}: it seems to be cut off."]
