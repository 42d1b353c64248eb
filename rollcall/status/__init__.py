"""Join Docker, Consul, and nginx in one view."""
