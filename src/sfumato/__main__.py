"""`python -m sfumato` is the command `sfumato`; launchers of several processes start it this way."""

import sys

from .interfaces.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
