"""Check before any change that a host is the one that the inventory means and can take the deploy."""

import time
from collections.abc import Sequence

from rollcall.components import access, consul, dns, keepalived, template_sync, template_sync_validation
from rollcall.config.fleet import Member
from rollcall.consul import servers, versions
from rollcall.consul.acl import listed
from rollcall.converge import preflight, roles
from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container
from rollcall.deploy import this_run
from rollcall.deploy.consul import deployed_agents
from rollcall.deploy.host_query import facts
from rollcall.deploy.site import Site
from rollcall.errors import RollcallError
from rollcall.services import work

# Consul and TLS tolerate a far larger difference of clocks, but logs no longer match, and fresh certificates are not
# valid yet.
CLOCK_TOLERANCE_SECONDS = 30


def check_host(member: Member, state: HostState) -> None:
    """Check the user, address, network, memory and clock. Raises RollcallError with what the host lacks."""
    if state.user != 0:
        raise RollcallError(
            f"{member.name}: ssh_user: got a user with uid {state.user}; expected 'root', or another user together "
            "with `_sudo = True`"
        )
    if member.address not in (*state.addresses, "127.0.0.1"):
        raise RollcallError(
            f"{member.name}: address: got {member.address}; expected one of the host's addresses: "
            f"{', '.join(state.addresses)}"
        )
    if why := keepalived.no_interface(member, state.interfaces) or dns.unusable(member, facts(state).resolver):
        raise RollcallError(why)
    memory = member.settings.consul.memory
    most = preflight.fitting(memory, state.machine.memory)
    if memory > most and "memory" in member.settings.consul.model_fields_set:
        raise RollcallError(
            f"{this_run.locate()(member.name, ('consul', 'memory'))}consul.memory: got {memory}; "
            f"expected at most {most}, three quarters of the memory of {member.name}"
        )
    skew = abs(state.clock - time.time())
    if skew > CLOCK_TOLERANCE_SECONDS:
        raise RollcallError(
            f"{member.name}: its clock differs from this machine's by {skew:.0f} s; expected less than "
            f"{CLOCK_TOLERANCE_SECONDS} s; set it with systemd-timesyncd or chrony"
        )


def check_membership(here: Site) -> None:
    """Reject changes that would leave a second entry of this host, or a vote without a host, in the cluster."""
    member, texts = here.member, here.state.texts
    if why := consul.renamed(member, texts.get(consul.AGENT, ""), this_run.typed()):
        raise RollcallError(f"{this_run.locate()(member.name, ('node',))}{why}")
    every = here.fleet.members
    if why := servers.unlisted(here.cluster[0], [one.address for one in every], [one.node for one in every]):
        raise RollcallError(why)
    # Whichever comes first, the new host or a server that knows the agent of its name.
    deployed_agents.note(here)
    if why := deployed_agents.taken(here, this_run.typed()):
        raise RollcallError(why)


def check_version(here: Site) -> None:
    """Reject a version of Consul that cannot follow the one that runs. Raises RollcallError: it cannot."""
    running, wanted = here.consul_versions
    if why := versions.refusal(running, wanted):
        raise RollcallError(
            f"{this_run.locate()(here.member.name, ('consul', 'image'))}consul.image: got {wanted} for "
            f"{here.member.name}, {why}"
        )


def lost_roles(here: Site) -> Sequence[str]:
    """Say in sentences which roles this deploy removes from the host, and which hosts left the inventory.

    For once all hosts are read: a server that moves still has what another one starts with.
    """
    name = here.member.name
    lost = roles.removed(name, here.resources, here.state)
    lost += work.undeclared(name, here.member.settings.services, here.state)
    if here.leaves_servers:
        lost.append(f"{name} leaves consul_servers: this deploy makes its Consul agent a client")
    was_server = consul.was_server(here.state.files)
    # Up to version 0.2 the addresses stood in the agent's own file.
    servers_file = here.state.texts.get(consul.SERVERS) or here.state.texts.get(consul.AGENT, "")
    # A server that stays one keeps its data, whatever its address.
    changes_role = here.member.is_server != was_server and not deployed_agents.keeps_a_server(here.fleet)
    if changes_role and (why := consul.begins_anew(here.fleet, servers_file)):
        lost.append(why)
    if found := listed(*here.cluster[1:]):
        lost += [
            f"{node} is no longer in the inventory: this deploy removes its agent's token, and its services with it, "
            f"but nothing that runs there (a host leaves by `rollcall remove {this_run.typed()} --host {node}`, which "
            f"needs it in the inventory, a dead one by `rollcall forget {this_run.typed()} {node}`)"
            for node in access.hosts_left_out(here.fleet, found)
        ]
    return lost


def check_templates(here: Site) -> None:
    """Check that the containers of the user's own templates exist. Raises RollcallError: one does not."""
    if not template_sync.containers(here.member):
        return
    coming = [resource.name for resource in here.resources if isinstance(resource, Container)]
    existing = here.state.probes.get("containers", "").split()
    if sentence := template_sync_validation.unknown_container(here.member, existing, coming, this_run.locate()):
        raise RollcallError(sentence)
