"""The command `sfumato`, also `python -m sfumato`, by which launchers of several processes start it."""

import os
import signal
import sys
import threading


def main() -> int:
    """Run the command line; Ctrl-C while it is loaded, when nothing is begun, ends in a line and with status 130."""
    listens = threading.current_thread() is threading.main_thread()
    if listens := listens and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # An exception would come up within whichever library is being imported, which need not pass it on.
        signal.signal(signal.SIGINT, _leave)
    try:
        from .interfaces.cli.main import main as run
    finally:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


def _leave(sign: int, frame: object) -> None:
    os.write(2, b"sfumato: stopped.\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
