"""Three servers, two hosts for containers, one front: copy this file, put your addresses in, deploy.

    cp inventories/production.example.py inventories/production.py
    rollcall images build
    rollcall deploy inventories/production.py --dry
    rollcall deploy inventories/production.py
    rollcall verify inventories/production.py

Every host needs Docker Engine 20.10 or newer, and SSH as root, or as a user with sudo (docs/logging-in.md).
The hosts must reach each other on 8300, 8301 and 8501 (Consul: TCP, and UDP on 8301), and the front must reach the
containers' published ports; nothing else need be open but 80 and 443 on the front.
"""

# Each host's own data. `address` is the one that other hosts use: that of a private network, if there is one.
# A host whose SSH name is such an IPv4 address already does not need it.
_common = {
    "ssh_user": "root",
    # As another user, with sudo without a password:
    # "ssh_user": "admin", "_sudo": True,
    "ssh_key": "~/.ssh/id_ed25519",
    # A deploy pushes the images that `rollcall images build` built on this machine; hosts pull all others.
    # Hosts that reach no public registry get everything from here (docs/images.md):
    # "image_source": "push",
    "front": {"server_name": "www.example.com"},
}

# One, three or five servers. Three survive the loss of one; use machines that do not fail together.
consul_servers = [
    ("consul1", {**_common, "ssh_hostname": "consul1.example.net", "address": "10.0.0.11"}),
    ("consul2", {**_common, "ssh_hostname": "consul2.example.net", "address": "10.0.0.12"}),
    ("consul3", {**_common, "ssh_hostname": "consul3.example.net", "address": "10.0.0.13"}),
]

# Hosts of the sample web service. Your own containers may run on any host: every host has a registrator.
# For a host without another role, make a group of your own (e.g. `hosts = [...]`).
backends = [
    ("app1", {**_common, "ssh_hostname": "app1.example.net", "address": "10.0.0.21"}),
    ("app2", {**_common, "ssh_hostname": "app2.example.net", "address": "10.0.0.22"}),
]

# nginx on ports 80 and 443. Two fronts can share one address: docs/two-fronts.md.
fronts = [
    ("front1", {**_common, "ssh_hostname": "front1.example.net", "address": "10.0.0.31"}),
]
