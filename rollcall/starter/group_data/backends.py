"""Settings of the hosts that run the sample containers: something to see until your own containers run."""

backends = [{"name": "webserver", "count": 2}]

# A service of your own: `rollcall settings services` lists all it takes. A deploy with another image replaces its
# containers one at a time, each once the new one serves, so no request fails.
# services = [
#     {
#         "name": "shop",
#         "image": "registry.example.com/shop:1.4",
#         "count": 2,
#         "ports": [8000],
#         "routes": [{"host": "shop.example.com"}],
#         "health": {"path": "/health"},
#         "environment": {"LOG_LEVEL": "info"},
#     },
# ]
