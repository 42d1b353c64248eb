"""Check a running fleet."""
