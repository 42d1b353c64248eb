"""Docker, Consul, and nginx joined in one view."""
