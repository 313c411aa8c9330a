"""Lines of text as the command line prints them: names of files that a terminal does not obey, numbers to be read."""

import re
from typing import TextIO

MEGA = 1e6
# What a file's name may hold and a terminal would obey: control characters, ends of lines, and changes of direction.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def shown(text: object) -> str:
    """The text with control characters as escapes, such as a newline as \\n."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], str(text))


def say(text: object, *, file: TextIO | None = None) -> None:
    """Print one line of text, whatever names of files it holds."""
    print(shown(text), file=file)


def speed(num_pixels: float, seconds: float) -> str:
    """Such as "1.5 MP/s", of little work "870 pixels/s"."""
    rate = num_pixels / seconds
    return f"{digits(rate / MEGA)} MP/s" if rate >= MEGA / 100 else f"{rate:,.0f} pixels/s"


def digits(number: float) -> str:
    """A number from 0.0001 on with two digits that count, without an exponent."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
