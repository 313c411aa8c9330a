"""How long frames are shown, beyond encoders, which forget it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class FrameLengths:
    """The lengths of the frames that an encoder holds, in units of its times, for the packets that it gives back."""

    def __init__(self) -> None:
        self._lengths: dict[int, int] = {}  # by the times of the frames
        self._begin: int | None = None
        self._end = 0
        self._first_dts: int | None = None
        self._given = 0

    def add(self, pts: int, length: int) -> None:
        """A frame that the encoder is given, in the order in which they are shown."""
        self._begin = pts if self._begin is None else self._begin
        self._given += 1
        self._end = max(self._end, pts + length)
        self._lengths[pts] = length

    def state(self, packets: Iterable[Any]) -> list[Any]:
        """The packets, each with the length of its frame.

        One or two frames are decoded in the order in which they are shown: libx265 leaves the times of decoding unset
        where a clip ends before its delay.
        """
        found = list(packets)
        for packet in found:
            if self._given <= 2:
                packet.dts = packet.pts
            self._first_dts = packet.dts if self._first_dts is None else self._first_dts
            packet.duration = self._lengths.pop(packet.pts, packet.duration)
        return found

    def fill_up(self, last: Any) -> None:
        """Has the last packet in the order of decoding, with which MP4 and MOV end, last to the end of all frames."""
        if self._begin is not None and self._first_dts is not None and last.dts is not None:
            last.duration = max(last.duration, self._end - self._begin - (last.dts - self._first_dts))
