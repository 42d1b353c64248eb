"""Release users' own services within a run of pyinfra."""
