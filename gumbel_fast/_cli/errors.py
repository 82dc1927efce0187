"""The error that a user gets as one line. What raises it lives elsewhere."""


class CommandError(Exception):
    """What is wrong with what the user gave, in words for one line."""
