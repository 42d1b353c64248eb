"""A front's routes and streams as people write them."""
