"""Settings of the hosts that run nginx with consul-template."""

front = {
    "server_name": "www.mastartup.io",
    # What stands behind the front: services, each "name" or "tag.name".
    "services": ["http.webserver-80", "nginx-80"],
    # An instance that failed this often is left out for that many seconds.
    "max_fails": 3,
    "fail_timeout": 60,
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
}
