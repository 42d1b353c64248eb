"""The front: nginx and consul-template, and what makes the one follow the other without losing a request."""

# The image's tag.
VERSION = "0.2.0"
