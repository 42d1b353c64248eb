"""What a service of the user's own needs on its hosts."""
