"""The checks of a running fleet."""
