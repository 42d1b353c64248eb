"""Consul's agents in a deploy."""
