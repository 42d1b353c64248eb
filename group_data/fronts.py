"""Settings of the hosts that run nginx with consul-template."""

front = {
    "server_name": "www.mastartup.io",
    # The services behind the default site, each "name" or "tag.name".
    "services": ["http.webserver-80", "nginx-80"],
    # Routes for services whose containers set none (SERVICE_VIRTUAL_HOST; docs/routes.md):
    # {"service": "grafana-3000", "host": "grafana.example.com", "path": "/", "strip": False, "protocol": "http",
    #  "buffering": True}; only the first two are required.
    "routes": [],
    # After this many failures nginx leaves an instance out for this many seconds.
    "max_fails": 3,
    "fail_timeout": 60,
    # The weight of an instance that sets none (SERVICE_WEIGHT).
    "weight": 1,
    # True: redirect plain HTTP to HTTPS. If clients reach HTTPS at another port than the front's own
    # (a forwarded one), set theirs instead of True.
    "redirect": False,
    # "certificate": "~/shop.crt", "certificate_key": "~/shop.key": PEM files on this machine. Without them the
    # fleet's own authority signs one, which no browser trusts.
    # A larger request gets a 413. The sample backends accept 8 MB.
    "max_body_size": "100m",
    # KiB per line of a request's header; large cookies need more.
    "max_header_size": 8,
    # Seconds: for a request's whole header; between two reads of its body; between two writes to a slow client;
    # between two reads from a backend, which limits long polls.
    "client_header_timeout": 10,
    "client_body_timeout": 30,
    "send_timeout": 60,
    "proxy_read_timeout": 75,
    # After a reload nginx's old workers serve their open connections for this many seconds,
    # and for this many reloads at most.
    "shutdown_timeout": 3600,
    "old_generations": 20,
    # How long (seconds) to keep serving instances that disappear from Consul in bulk and still accept connections.
    "keep_lost": 180,
    # Address of the front's status (page, JSON, metrics), for this host only; "off" to disable it.
    "status": "127.0.0.1:8511",
    # "virtual_address": "10.0.0.100/24": with a second host in `fronts`, an address that moves between them
    # (docs/two-fronts.md).
    # Seconds that open requests get to finish when the front itself stops.
    "stop_timeout": 30,
}
