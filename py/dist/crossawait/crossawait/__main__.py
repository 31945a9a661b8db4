"""``python -m crossawait``: the command line, without needing the console script on the path."""

import sys

from crossawait._cli import main

if __name__ == "__main__":
    sys.exit(main())
