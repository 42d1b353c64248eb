"""Settings of the hosts that run the sample web service: something to see until your own services run."""

# `rollcall settings services` lists every key. A deploy with another image, file or setting replaces the containers one
# at a time, each once the new one serves, so no request fails.
_webserver = {
    "name": "webserver",
    "count": 2,
    "image": "nginx:1.30",
    "command": ["nginx", "-c", "/etc/nginx/rollcall/nginx.conf", "-g", "daemon off;"],
    "ports": [80, 443],
    "health": {"path": "/health", "interval": "5s"},
    # Metadata for the registrator, by port.
    "environment": {
        "SERVICE_80_TAGS": "http",
        "SERVICE_443_TAGS": "https",
        "SERVICE_443_CHECK_HTTPS": "/health",
        "SERVICE_443_CHECK_TLS_SKIP_VERIFY": "true",
        # nginx listens before `docker run` returns, so nobody has to wait for the first check.
        "SERVICE_CHECK_INITIAL_STATUS": "passing",
    },
    # templates/webserver comes with Rollcall; a file of the same path in this project wins.
    "files": [
        {"source": "templates/webserver/nginx.conf.j2", "target": "/etc/nginx/rollcall/nginx.conf"},
        {"source": "templates/webserver/answer.js", "target": "/etc/nginx/rollcall/answer.js"},
        # A certificate that the fleet's authority issues for this service.
        {"source": "fleet:certificate", "target": "/etc/nginx/rollcall/tls/webserver.crt"},
        {"source": "fleet:key", "target": "/etc/nginx/rollcall/tls/webserver.key"},
    ],
    # The image's user nginx, who may listen on port 80, since the container has its own network.
    "user": "101:101",
    "read_only": True,
    "capabilities": [],
    "options": {"tmpfs": [{"target": "/run/nginx", "size": 16}]},
    # MiB; measured 19 with the maximum number of connections, half of them TLS.
    "memory": 64,
    "pids": 128,
    # By this label `rollcall verify` knows that it responds to /json with its name.
    "labels": {"sample": "webserver"},
}

# A service of your own.
_shop = {
    "name": "shop",
    "image": "registry.example.com/shop:1.4",
    "count": 2,
    "ports": [8000],
    "routes": [{"host": "shop.example.com"}],
    "health": {"path": "/health"},
    "environment": {"LOG_LEVEL": "info"},
}

# "webserver" with ports 80 and 443 is webserver-80 and webserver-443 in Consul.
services = [_webserver]  # then [_webserver, _shop], and at last [_shop], with front.services in fronts.py changed, too
