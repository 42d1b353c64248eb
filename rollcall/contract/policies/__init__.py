"""Policies of a route: what a container or the group data may ask nginx for, beyond where requests go."""
