"""Compute the changes from a host's state to its desired resources. No I/O, no pyinfra."""
