"""Use Consul's HTTP API through a host's own agent."""
