"""Definitions that the command line and the container programs share. No I/O."""
