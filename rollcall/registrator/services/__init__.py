"""Derive a container's services. No I/O."""
