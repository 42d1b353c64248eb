"""Name the checks through which Consul shows its maintenance mode."""

NODE_MAINTENANCE = "_node_maintenance"
SERVICE_MAINTENANCE = "_service_maintenance:"
