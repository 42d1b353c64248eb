"""The one error that people see: a sentence, never a traceback."""


class RollcallError(Exception):
    """Something the user can mend. Its text is one sentence: what, where, why, and what would be right."""
