"""Rollcall: plain Docker hosts in, a fleet with service discovery and load balancing out."""

__version__ = "0.3.0"
