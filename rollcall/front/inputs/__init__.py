"""What the front reads: the catalog, its settings, and commands."""
