"""Release users' own services: replace containers one at a time without losing a request."""
