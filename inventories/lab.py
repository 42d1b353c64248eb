"""The lab's six hosts, reached over SSH on loopback ports exactly as rented machines are reached: `make lab`."""

# With underscores, since every public list or tuple would be a group of hosts.
from rollcall.lab.layout import STATE as _STATE
from rollcall.lab.size import hosts as _lab_hosts

_hosts = {
    host.name: (
        host.name,
        {
            "address": host.address,
            "ssh_hostname": "127.0.0.1",
            "ssh_port": host.ssh_port,
            "ssh_user": "root",
            "ssh_key": str(_STATE / "id_ed25519"),
            "ssh_known_hosts_file": str(_STATE / "known_hosts"),
            "ssh_strict_host_key_checking": "yes",
            # Only the lab's key works; trying an SSH agent's keys would cost time.
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
        },
    )
    for host in _lab_hosts()
}

consul_servers = [_hosts["consul1"], _hosts["consul2"], _hosts["consul3"]]
backends = [_hosts["app1"], _hosts["app2"]]
fronts = [_hosts["front1"]]
# More than six by `rollcall lab up --hosts`: clients of Consul without services.
clients = [host for name, host in _hosts.items() if name.startswith("host")]
