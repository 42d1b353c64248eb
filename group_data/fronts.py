"""Settings of the hosts that run nginx with consul-template."""

front = {
    "server_name": "www.mastartup.io",
    # What stands behind the front: services, each "name" or "tag.name".
    "services": ["http.webserver-80", "nginx-80"],
    # An instance that failed this often is left out for that many seconds.
    "max_fails": 3,
    "fail_timeout": 60,
    "weight": 1,
}
