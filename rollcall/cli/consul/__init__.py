"""Commands that reach Consul."""
