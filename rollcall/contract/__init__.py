"""What the command line and the container programs must agree on. No I/O."""
