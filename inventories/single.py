"""The machine you sit at: one Consul server, a registrator, three web containers and a front, with the local engine."""

_here = (
    "@local",
    {
        # A single host needs no reachable address: everything listens on loopback and Docker's bridge only.
        "address": "127.0.0.1",
        # On a single host every container with a port is a service at its own address, published or not (mode
        # "internal"). To leave out a database, set SERVICE_IGNORE=true on it, or register only published ports:
        # "registrator": {"mode": "published"},
        # Not the lab's 8080 and 8443, so that both can run side by side.
        "front": {"address": "127.0.0.1", "http_port": 8081, "https_port": 8444},
    },
)

consul_servers = [_here]
backends = [_here]
fronts = [_here]
