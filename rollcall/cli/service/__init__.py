"""The commands about users' own services."""
