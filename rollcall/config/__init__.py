"""The user's configuration: settings, inventory, and the fleet that they describe."""
