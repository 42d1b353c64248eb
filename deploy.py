"""The whole roll-out, top to bottom. Run it with: rollcall deploy INVENTORY (or pyinfra INVENTORY deploy.py)."""

from rollcall.components import backend, consul, dns, front, keepalived, registrator, socket_filter, template_sync
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

# In the order of the roll-out, after Consul. A component of your own is one module and one more line here
# (docs/adding-a-component.md); `rollcall verify` and `rollcall remove` read this list, too.
COMPONENTS = (
    consul.COMPONENT,
    dns.COMPONENT,
    socket_filter.COMPONENT,
    registrator.COMPONENT,
    backend.COMPONENT,
    front.COMPONENT,
    keepalived.COMPONENT,
    template_sync.COMPONENT,
)

# Settings of all hosts are checked, then everything on this host is read in one command.
# A host that cannot be read is reported and left out; there is nothing here to do for it.
if here := site(COMPONENTS):
    bring_images(here)
    converge_servers(here)
    converge_access(here)
    converge_clients(here)
    for component in COMPONENTS[1:]:
        converge(here, component)
    remove_leftovers(here)
    wait_for_containers(here)
