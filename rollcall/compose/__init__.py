"""Turn the services of a Compose file into declarations of Rollcall's own."""
