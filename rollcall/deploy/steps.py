"""Provide the steps of deploy.py and remove.py: the thin shell between pyinfra and the pure core."""

from collections.abc import Sequence
from functools import partial
from typing import TypeGuard

from pyinfra import host, logger
from pyinfra.facts.server import Command

from rollcall.components import backups, consul, declared, dns, resolver_files, services
from rollcall.components.component import Component
from rollcall.config import project
from rollcall.consul import members
from rollcall.contract.timeouts import stretched
from rollcall.converge import preflight
from rollcall.converge.leftovers import everything, leftovers
from rollcall.converge.plan import plan
from rollcall.converge.resources import Container, Resource
from rollcall.deploy import (
    host_checks,
    images,
    lock,
    operations,
    read_host,
    readiness,
    role_removal,
    run_secrets,
    this_run,
)
from rollcall.deploy.host_query import facts
from rollcall.deploy.site import Site
from rollcall.deploy.step import step
from rollcall.deploy.trial import ContainersWork, Trial
from rollcall.secrets.identity import check_identity
from rollcall.services.work import managed

# A registrator or front on a busy machine takes a few seconds to stay up.
CONTAINER_TIMEOUT_SECONDS = 30.0
# Hosts of this run that lack an image.
_lacked_images: set[str] = set()
# By component; complete before the first change.
_trials: dict[str, Trial] = {}


@step
def site(components: Sequence[Component]) -> Site | None:
    """Read the host that pyinfra is preparing; return None if that fails, and pyinfra continues with the other hosts.

    Raises:
        PyinfraError: a setting of any host is invalid, or a host belongs to another fleet; no host has been touched.
    """
    role_removal.begin()
    run_secrets.check_of_services()
    here = read_host.read(components, run_secrets.read, pin=True)
    if here and read_host.skip(preflight.problems(here.state.machine, len(here.missing_images))):
        here = None
    if here:
        check_identity(here.member.name, here.state.texts.get(consul.IDENTITY, ""), run_secrets.read().identity)
        lock.look(here)
        host_checks.check_membership(here)
        host_checks.check_version(here)
        host_checks.check_templates(here)
        run_secrets.keep()
        lock.hold(name=lock.NAME)
        if sentence := dns.not_held(here.member, facts(here.state).resolver):
            logger.warning(sentence)
        if sentence := backups.ended(here.member, here.state.texts.get(backups.SETTINGS, "")):
            logger.warning(sentence)
        for agent in here.unlisted:
            logger.warning(f"{members.words(agent)}; {members.step(agent, this_run.typed(), here.fleet.names)}")
    run_secrets.warn(host.name)
    role_removal.look(partial(host_checks.lost_roles, here) if here else tuple)
    return here


@step
def bring_images(here: Site) -> None:
    """Bring every image that the host lacks, on all hosts at the same time.

    Raises:
        PyinfraError: this machine lacks an image to push, or has it only for another platform.
    """
    if missing := list(here.missing_images.values()):
        # Another round trip, which a host that has its images does without.
        platform = str(host.get_fact(Command, images.PLATFORM) or "").strip()
        images.check(here.member.name, missing, platform)
        operations.announce(images.lines(missing))
        images.bring(name="Images", missing=missing, platform=platform)
        _lacked_images.add(host.name)
    operations.hold_without_images(name=operations.EVERY_HOST_HAS_ITS_IMAGES, lacking=_lacked_images)


@step
def converge(here: Site, component: Component) -> None:
    """Bring one component of a host to its desired state.

    Raises:
        PyinfraError: an object that is not Rollcall's has the name of a resource.
    """
    changes = here.changes(component.name)
    replaced = [change.resource for change in changes if change.action == "replace" and _stays_up(change.resource)]
    if replaced:
        trial = _trials.setdefault(component.name, Trial(component.name))
        trial.join(host.name)
        names, trials = [one.name for one in replaced], [one.trial_command for one in replaced if one.trial_command]
        work = ContainersWork(tuple(names), stretched(CONTAINER_TIMEOUT_SECONDS), trials)
        operations.converge_after_trial(name=component.name, changes=changes, trial=trial, readiness=work)
    elif changes:
        operations.converge(name=component.name, changes=changes)


def _stays_up(resource: Resource) -> TypeGuard[Container]:
    return isinstance(resource, Container) and not resource.on_call


@step
def wait_for_containers(here: Site) -> None:
    """Wait until every container stays up: `docker run` succeeds even if the program exits a moment later."""
    started = {change.name for part in here.desired for change in here.changes(part) if _stays_up(change.resource)}
    restarting = {
        name for name, document in here.state.engine.containers.items() if document["State"].get("Restarting")
    }
    watched = tuple(sorted(started | restarting))
    if watched:
        stay_up = readiness.ContainersStayUp(watched, stretched(CONTAINER_TIMEOUT_SECONDS))
        operations.wait(name=readiness.CONTAINERS_STAY_UP, readiness=stay_up, due=lambda: True)


@step
def remove_leftovers(here: Site) -> None:
    """Remove what Rollcall created here and no component desires any more."""
    # release_services drains containers of services before it removes them.
    released = set(managed(here.state.engine.components)) if services.NAME in here.desired else set()
    found = leftovers(here.resources, here.state)
    changes = [one for one in found if not (isinstance(one.resource, Container) and one.name in released)]
    if changes:
        operations.remove(name="Leftovers", changes=changes)


@step
def remove_everything() -> None:
    """Remove everything that a deploy put on this host; restore its resolver first, so that names keep resolving."""
    this_run.begin_removal()
    components = declared.components(project.root_of(this_run.inventory_file()))
    if here := read_host.read(components, run_secrets.arbitrary, pin=False):
        lock.look(here)
        lock.hold(name=lock.NAME)
        former = resolver_files.withdrawn(here.state.bridge, facts(here.state).resolver)
        operations.converge(name="Resolver", changes=plan(former, here.state))
        if sentence := backups.left(here.member, here.state.texts.get(backups.SETTINGS, "")):
            logger.warning(sentence)
        operations.remove(name="Everything else", changes=everything(here.state))
        images.remove_or_list(here.resources, here.state.engine)
