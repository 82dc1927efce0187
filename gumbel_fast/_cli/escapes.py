"""Text that stays on its line."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # and Unicode's separators of lines and paragraphs


def escaped(text: str) -> str:
    """Return text with its control characters escaped as in a Python literal."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)
