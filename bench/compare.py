"""Time gumbel_fast and its peers in turn and say which bars are met: `python bench/compare.py --help`."""

import sys
from pathlib import Path

from gumbel_fast._bench.compare import main

REAL_LOGITS = Path(__file__).parent.parent / "tests" / "data" / "logits.npy"

if __name__ == "__main__":
    sys.exit(main(logits=REAL_LOGITS))
