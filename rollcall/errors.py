"""What users see when a command does not finish: a sentence, never a traceback."""


class RollcallError(Exception):
    """An error that the user can fix. Its text is one sentence: where, what was got, what is expected, and a hint."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while something is half done. Its text is the way back: what to do instead of finishing it."""
