"""Components: from settings and a host's facts to what should be on the host. Pure; one module for each."""
