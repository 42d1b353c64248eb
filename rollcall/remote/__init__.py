"""Reach a host: ssh, tunnels, and commands."""
