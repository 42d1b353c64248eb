"""The front: nginx and consul-template, and what makes the one follow the other without losing a request."""
