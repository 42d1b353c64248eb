"""Reaching a host: ssh, tunnels, and commands."""
