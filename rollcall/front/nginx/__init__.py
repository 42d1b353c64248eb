"""nginx as a process: generations of its configuration, its workers, its sockets."""
