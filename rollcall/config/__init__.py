"""What a person wrote: settings, inventory, and the fleet that they describe."""
