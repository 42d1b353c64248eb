"""Report the front's status: page, metrics, and health check."""
