"""Consul's HTTP API, requested through a host's own agent."""
