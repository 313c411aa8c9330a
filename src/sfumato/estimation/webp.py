"""The quality at which a WebP file was stored, from the header of its first frame (RFC 6386, sections 9.2 to 9.6)."""

from collections.abc import Iterator
from typing import BinaryIO

HEAD = 256  # bytes of a frame, which its header does not exceed
SEGMENTS, STEPS = 4, 127


def quality_of(file: BinaryIO) -> float | None:
    """The quality, 0-100, of a lossy WebP file as libwebp counts it; None for a lossless one, or another file.

    Encoders vary the step of quantization over up to four segments of the picture. About what was asked of them is half
    way from the mean of the segments to the finest: within 8 of it in crops of six photographs at qualities of 1 to
    100.
    """
    try:
        frame = _frame(file)
        return None if frame is None else _quality(_steps(frame))
    except IndexError:
        return None  # cut off, or damaged


def _frame(file: BinaryIO) -> bytes | None:
    """How the first lossy frame of a file begins, from its tag on; None where there is none."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        return None
    while len(chunk := file.read(8)) == 8:
        name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"VP8 ":
            return file.read(HEAD)
        if name == b"VP8L":
            return None
        # a frame of an animation holds chunks of its own, behind 16 bytes
        file.seek(16 if name == b"ANMF" else size + size % 2, 1)
    return None


def _steps(frame: bytes) -> list[int]:
    """The indices, 0-127, of the steps of quantization of the segments that a key frame has."""
    if frame[3:6] != b"\x9d\x01\x2a":
        raise IndexError("no key frame")
    bits = _bits(frame[10:])

    def number(count: int) -> int:
        value = 0
        for _ in range(count):
            value = 2 * value + next(bits)
        return value

    def signed(count: int) -> int:
        value = number(count)
        return -value if number(1) else value

    number(2)  # colour space, clamping
    segments: list[int] = []
    absolute = False
    if number(1):
        has_map, has_values = number(1), number(1)
        if has_values:
            absolute = bool(number(1))
            segments = [signed(7) if number(1) else 0 for _ in range(SEGMENTS)]
            for _ in range(SEGMENTS):  # strengths of the filter
                if number(1):
                    signed(6)
        for _ in range(3 if has_map else 0):
            if number(1):
                number(8)
    number(1 + 6 + 3)  # kind, strength and sharpness of the filter
    if number(1) and number(1):
        for _ in range(8):
            if number(1):
                signed(6)
    number(2)  # partitions
    base = number(7)
    if not segments:
        return [base]
    return [min(max(step if absolute else base + step, 0), STEPS) for step in segments]


def _bits(data: bytes) -> Iterator[int]:
    """What the arithmetic decoder reads where 0 and 1 are alike probable (section 7.3)."""
    place, value, width, held = 2, int.from_bytes(data[:2], "big"), 255, 0
    while True:
        split = 1 + ((width - 1) * 128 >> 8)
        bit = int(value >= split << 8)
        value, width = (value - (split << 8), width - split) if bit else (value, split)
        while width < 128:
            value, width, held = value << 1, width << 1, held + 1
            if held == 8:
                value, place, held = value | data[place], place + 1, 0
        yield bit


def _quality(steps: list[int]) -> float:
    """The inverse of libwebp's way from a quality to steps."""
    middle = (sum(steps) / len(steps) + min(steps)) / 2
    linear = (1 - middle / STEPS) ** 3
    return 100 * (1.5 * linear if linear < 0.5 else (linear + 1) / 2)
