"""The whole roll-out, top to bottom. Run it with: rollcall deploy INVENTORY (or pyinfra INVENTORY deploy.py)."""

from rollcall.deploy.steps import (
    bring_images,
    converge,
    converge_access,
    converge_clients,
    converge_servers,
    remove_leftovers,
    site,
    wait_for_containers,
)

# Settings of all hosts are checked, then everything on this host is read in one command.
# A host that cannot be read is reported and left out; there is nothing here to do for it.
if here := site():
    bring_images(here)
    converge_servers(here)
    converge_access(here)
    converge_clients(here)
    converge(here, "DNS")
    converge(here, "socket filter")
    converge(here, "registrator")
    converge(here, "backends")
    converge(here, "front")
    converge(here, "keepalived")
    converge(here, "own templates")
    remove_leftovers(here)
    wait_for_containers(here)
