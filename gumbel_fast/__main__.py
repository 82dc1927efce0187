"""`python -m gumbel_fast`: the command line, which lives in `_cli`."""

import sys

from ._cli import main

if __name__ == "__main__":
    sys.exit(main())
