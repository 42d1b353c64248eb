"""The front's status: the page, the metrics, and the health check."""
