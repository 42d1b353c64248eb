"""From what should be on a host and what is there to the changes between the two. No I/O, no pyinfra."""
