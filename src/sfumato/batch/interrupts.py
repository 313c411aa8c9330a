"""Ctrl-C that is not lost."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def kept() -> Iterator[Callable[[], None]]:
    """Within it, Ctrl-C raises KeyboardInterrupt as ever; what it yields raises it once more if that was swallowed.

    Python drops an exception that comes up in a finalizer or in a callback of a C library, and the work would go on.
    Does nothing outside the main thread, or where somebody else listens to the signal.
    """
    seen = False

    def listen(sign: int, frame: object) -> None:
        nonlocal seen
        seen = True
        raise KeyboardInterrupt

    def check() -> None:
        if seen:
            raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check
        return
    hook = sys.unraisablehook
    signal.signal(signal.SIGINT, listen)
    # The interrupt that is dropped would print a traceback, and it is going to be raised.
    sys.unraisablehook = lambda lost: None if lost.exc_type is KeyboardInterrupt else hook(lost)
    try:
        yield check
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, signal.default_int_handler)
