"""Components: compute a host's resources from settings and host facts. Pure; one module each."""
