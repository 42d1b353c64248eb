"""Take instances out of service without losing a request."""
