"""Decide what nginx serves, from the catalog and the settings."""
