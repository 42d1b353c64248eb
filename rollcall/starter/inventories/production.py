"""Your fleet: its hosts, how SSH reaches them, and their roles.

    rollcall deploy inventories/production.py --dry     # shows every change, makes none
    rollcall deploy inventories/production.py
    rollcall verify inventories/production.py

A host needs Docker Engine 20.10 or newer, and SSH as root or as a user with sudo.
"""

# One rented host with every role. Change two lines: the host's address, and your key.
_web1 = (
    "web1",
    {
        "ssh_hostname": "203.0.113.10",
        "ssh_key": "~/.ssh/id_ed25519",
        "ssh_user": "root",
        # As another user, with sudo without a password:
        # "ssh_user": "admin", "_sudo": True,
    },
)

# A list is a group, and a host has the settings of its groups (group_data/GROUP.py).
# Consul servers: one, three or five; of three or five a minority may fail.
consul_servers = [_web1]
# The sample web service, until you run your own.
backends = [_web1]
# nginx on ports 80 and 443.
fronts = [_web1]

# Next step: six hosts. `address` is the one by which hosts reach each other, a private network's if there is one:
# on 8300, 8301 (TCP and UDP), and 8501; fronts also reach the published ports of containers.
#
# def _host(name, ssh_hostname, address):
#     ssh = {"ssh_hostname": ssh_hostname, "ssh_user": "root", "ssh_key": "~/.ssh/id_ed25519"}
#     return name, {**ssh, "address": address}
#
# consul_servers = [
#     _host("consul1", "consul1.example.net", "10.0.0.11"),
#     _host("consul2", "consul2.example.net", "10.0.0.12"),
#     _host("consul3", "consul3.example.net", "10.0.0.13"),
# ]
# backends = [_host("app1", "app1.example.net", "10.0.0.21"), _host("app2", "app2.example.net", "10.0.0.22")]
# fronts = [_host("front1", "front1.example.net", "10.0.0.31")]
