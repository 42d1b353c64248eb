"""The machine you sit at: one Consul server, a registrator, two backends and a front, with the local engine."""

_here = (
    "@local",
    {
        # One host needs no address that others could reach: nothing listens beyond loopback and Docker's bridge.
        "address": "127.0.0.1",
        # Alone, every container with a port is a service at its own address, published or not (mode "internal"). For a
        # database that should be none, set SERVICE_IGNORE=true on it, or register only what publishes a port:
        # "registrator": {"mode": "published"},
        "backends": [{"name": "webserver", "count": 1}, {"name": "nginx", "count": 1}],
        # Not 8080 and 8443, which are the lab's: both can run side by side.
        "front": {"address": "127.0.0.1", "http_port": 8081, "https_port": 8444},
    },
)

consul_servers = [_here]
backends = [_here]
fronts = [_here]
