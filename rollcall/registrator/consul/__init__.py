"""The local Consul agent: what it has, and the writes to it."""
