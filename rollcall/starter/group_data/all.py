"""Settings of every host. `rollcall settings` lists every key with its default and its meaning."""

# `domain` is the last part of service names in DNS: webserver-80.service.consul.
consul = {"datacenter": "dc1", "domain": "consul"}

# Containers with a published port become services, at the host's address with that port.
registrator = {"mode": "published"}
