"""Deploy the whole fleet, top to bottom. Run: rollcall deploy INVENTORY (or pyinfra INVENTORY deploy.py)."""

from rollcall.components import (
    acme,
    backups,
    consul,
    dns,
    front,
    jobs,
    keepalived,
    registrator,
    services,
    socket_filter,
    template_sync,
)
from rollcall.deploy.consul_steps import converge_access, converge_clients, converge_servers
from rollcall.deploy.service_steps import release_services
from rollcall.deploy.steps import bring_images, converge, remove_leftovers, site, wait_for_containers

# In deployment order, Consul first. To add a component, write one module and add one line here
# (docs/adding-a-component.md); `rollcall verify` and `rollcall remove` read this list, too.
COMPONENTS = (
    consul.COMPONENT,
    dns.COMPONENT,
    socket_filter.COMPONENT,
    registrator.COMPONENT,
    front.COMPONENT,
    acme.COMPONENT,
    keepalived.COMPONENT,
    template_sync.COMPONENT,
    services.COMPONENT,
    jobs.COMPONENT,
    backups.COMPONENT,
)

# Check the settings of all hosts, then read this host in one command.
# A host that cannot be read is reported and skipped.
if here := site(COMPONENTS):
    bring_images(here)
    converge_servers(here)
    converge_access(here)
    converge_clients(here)
    for component in COMPONENTS[1:]:
        converge(here, component)
    release_services(here)
    remove_leftovers(here)
    wait_for_containers(here)
