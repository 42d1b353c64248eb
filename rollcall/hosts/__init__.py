"""Take single hosts out of a fleet, and restart them."""
