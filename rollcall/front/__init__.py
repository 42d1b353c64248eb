"""The front: nginx and consul-template in one container, and what makes the one follow the other without losing a request."""
