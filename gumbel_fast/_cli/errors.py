"""The error that a user gets as one line, and how errors of files become one. What else raises it lives elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._files import FileError


class CommandError(Exception):
    """What is wrong with what the user gave, in words for one line."""


@contextmanager
def errors_of(name: object) -> Iterator[None]:
    """Raise what is wrong with a file as CommandError; but a reader that has gone is BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror or error}") from error
    except (FileError, ImportError) as error:  # which name it themselves
        raise CommandError(str(error)) from error
