"""Scripts in a process of their own, for tests of memory and of time that no other test may share."""

import os
import subprocess
import sys
import textwrap


def run_script(script):
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script)],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
