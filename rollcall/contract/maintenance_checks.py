"""Consul's own checks by which its maintenance mode shows."""

NODE_MAINTENANCE = "_node_maintenance"
SERVICE_MAINTENANCE = "_service_maintenance:"
