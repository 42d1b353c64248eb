"""Settings of every host. `rollcall settings` lists every key with its default and its meaning."""

# `domain` is the last part of service names in DNS: webserver-80.service.consul.
consul = {"datacenter": "dc1", "domain": "consul"}

# What publishes a port is registered as a service: at the host's address, with the published port.
registrator = {"mode": "published"}
