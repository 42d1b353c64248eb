"""Settings of the hosts that run the sample web containers."""

# `name` becomes the service: "webserver" with ports 80 and 443 is webserver-80 and webserver-443.
backends = [
    {"name": "webserver", "count": 2},
    {"name": "nginx", "count": 1},
]
