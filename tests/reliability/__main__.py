"""Tries to break what the library promises: `python tests/reliability --help`."""

import sys

from command import main

if __name__ == "__main__":
    sys.exit(main())
