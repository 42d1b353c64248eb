"""Settings of the hosts that run nginx with consul-template."""

front = {
    "server_name": "www.mastartup.io",
    # What stands behind the front: services, each "name" or "tag.name".
    "services": ["http.webserver-80", "nginx-80"],
    # Routes for services that carry none themselves (SERVICE_VIRTUAL_HOST; docs/routes.md):
    # {"service": "grafana-3000", "host": "grafana.example.com", "path": "/", "strip": False, "protocol": "http",
    #  "buffering": True}; all but the first two may be left out.
    "routes": [],
    # An instance that failed this often is left out for that many seconds.
    "max_fails": 3,
    "fail_timeout": 60,
    # Of an instance that names none itself (SERVICE_WEIGHT).
    "weight": 1,
    # True: plain HTTP is answered with the way to HTTPS. Where visitors know HTTPS by another port than the front
    # itself listens on (a forwarded one), name theirs instead of True.
    "redirect": False,
    # "certificate": "~/shop.crt", "certificate_key": "~/shop.key": PEM files on this machine. Without them the
    # fleet's own authority signs one, and no browser knows that.
    # A larger request gets a 413. The sample backends themselves take 8 MB.
    "max_body_size": "100m",
    # KiB of one line of a request's header; large cookies need more.
    "max_header_size": 8,
    # Seconds: for a request's whole header; then from one piece of its body to the next, of the answer to a slow
    # client, and of the answer from a backend, which is how long a poll may wait.
    "client_header_timeout": 10,
    "client_body_timeout": 30,
    "send_timeout": 60,
    "proxy_read_timeout": 75,
    # After a change, connections that were there before it are served on by nginx's old workers: for at most so many
    # seconds, and of at most so many changes.
    "shutdown_timeout": 3600,
    "old_generations": 20,
    # Seconds that instances are served on which Consul lost all together while they still accept connections.
    "keep_lost": 180,
    # Where the front tells its state (page, JSON, metrics), to this host alone; "off" for nowhere.
    "status": "127.0.0.1:8511",
    # "virtual_address": "10.0.0.100/24": with a second host in `fronts`, an address that one of those that serve has
    # (docs/two-fronts.md).
    # Seconds that connections have to end when the front itself is stopped.
    "stop_timeout": 30,
}
