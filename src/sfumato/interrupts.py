"""Ctrl-C that is not lost."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator


class _Listener:
    """Hears Ctrl-C: raises KeyboardInterrupt, and keeps that it did."""

    def __init__(self) -> None:
        self.seen = False

    def __call__(self, sign: int, frame: object) -> None:
        self.seen = True
        raise KeyboardInterrupt

    def check(self) -> None:
        if self.seen:
            raise KeyboardInterrupt


@contextlib.contextmanager
def kept() -> Iterator[Callable[[], None]]:
    """Within it, Ctrl-C raises KeyboardInterrupt as ever; what it yields raises it once more if that was swallowed.

    Python drops an exception that comes up in a finalizer or in a callback of a C library, and the work would go on.
    Within another one it knows what that has heard. Does nothing outside the main thread, or where somebody else
    listens to the signal.
    """
    main = threading.current_thread() is threading.main_thread()
    before, listener = signal.getsignal(signal.SIGINT), _Listener()
    if main and isinstance(before, _Listener):
        yield before.check
        return
    if not main or before is not signal.default_int_handler:
        yield listener.check
        return
    hook = sys.unraisablehook
    signal.signal(signal.SIGINT, listener)
    # The interrupt that is dropped would print a traceback, and it is going to be raised.
    sys.unraisablehook = lambda lost: None if lost.exc_type is KeyboardInterrupt else hook(lost)
    try:
        yield listener.check
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, signal.default_int_handler)
