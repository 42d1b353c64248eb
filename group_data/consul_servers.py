"""Settings of the hosts whose Consul agent is a server."""

# 1 gives the fastest election after the loss of a leader; `extra` is merged over consul.extra, on servers only.
consul_server = {"raft_multiplier": 1, "extra": {}}
