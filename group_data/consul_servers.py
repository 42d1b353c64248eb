"""Settings of the hosts whose Consul agent is a server."""

# 1 is the fastest election after a leader is lost; `extra` is merged over consul.extra, on servers only.
consul_server = {"raft_multiplier": 1, "extra": {}}
