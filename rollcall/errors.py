"""The one error that users see: a sentence, never a traceback."""


class RollcallError(Exception):
    """An error that the user can fix. Its text is one sentence: where, what was got, what is expected, and a hint."""
