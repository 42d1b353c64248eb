"""The front: nginx and consul-template, and the program that applies the catalog to nginx without losing a request."""

# The image's tag.
VERSION = "0.8.0"
