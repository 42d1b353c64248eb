"""The Docker Engine: its containers and its events."""
