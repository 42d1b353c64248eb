"""Provide the step of deploy.py that releases users' own services."""

from collections.abc import Generator, Sequence

from gevent.pool import Pool
from pyinfra import logger
from pyinfra.api import operation
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from rollcall import crash_report
from rollcall.components import services
from rollcall.deploy import callbacks, operations, run_secrets
from rollcall.deploy.services import one_service, scope
from rollcall.deploy.services import turn as turns
from rollcall.deploy.services.service_host import ServiceHost
from rollcall.deploy.services.slot_release import NotServing, SlotRelease
from rollcall.deploy.services.turn import HookError, UnhealthyError
from rollcall.deploy.site import Site
from rollcall.deploy.step import step
from rollcall.deploy.steps import bring_images, converge
from rollcall.errors import RollcallError
from rollcall.services import commands
from rollcall.services.work import HostWork, Work, host_work, work_of_one

# Slots of one host that change at the same time, those of different services included.
MOST_AT_ONCE = 8


@step
def release_services(here: Site) -> None:
    """Bring the containers of users' own services to their declaration, one at a time in the whole fleet."""
    desired = here.desired.get(services.NAME, ())
    _plan(here, host_work(here.member.settings.services, desired, here.releases, here.state))


@step
def release_one_service() -> None:
    """Release the service that this run is about, and nothing else of the host (release.py)."""
    if not (here := one_service.read()):
        return
    bring_images(here)
    converge(here, services.COMPONENT)
    (service,) = here.member.settings.services
    anew = scope.current().kind == "restart"
    _plan(here, work_of_one(service, here.desired[services.NAME], here.releases, here.state, anew=anew))


def _plan(here: Site, work: HostWork) -> None:
    if work:
        turns.plan(here.fleet, here.member.name, work.slots)
        release(name="Services", work=work, here=here)


@operation()
def release(work: HostWork, here: Site) -> Generator[PyinfraCommand, None, None]:
    """Make the releases of one host."""
    operations.announce(work.lines)
    yield callbacks.command(_release, work, here)


def _release(_state: State, host: Host, work: HostWork, here: Site) -> bool:
    there = ServiceHost(host, here.fleet, here.member, run_secrets.read().tokens.secret("operator"))
    for name in work.failed:
        there.run(commands.take_out(name))
    # A slot that waits for its turn must not keep one of another service from its own.
    pool = Pool(max(MOST_AT_ONCE, len({one.service for one in work.slots})))
    return all(pool.map(lambda slot: _slot(there, slot), _by_turns(work.slots)))


def _by_turns(slots: Sequence[Work]) -> list[Work]:
    """Begin with the first slot of each service."""
    position = {one: [other for other in slots if other.service == one.service].index(one) for one in slots}
    return sorted(slots, key=lambda one: position[one])


def _slot(there: ServiceHost, work: Work) -> bool:
    turn, where = turns.of(work.service), f"{work.name} of {there.member.name}"
    with turn.free:
        problem, back = "", False
        try:
            turn.begin(there)
            if turn.failed:
                logger.error(f"{there.host.print_prefix}{work.name} is left as it is, since {turn.failed} failed")
                return False
            turn.check_replaced(there)
            slot = SlotRelease(there, work)
            slot()
            turn.serving += slot.instances
            turn.succeed(there, where)
        except NotServing as why:
            back = True
            problem = f"{why} Replaced so far: {', '.join(turn.done) or 'none'}. Fix it, and deploy again"
        except UnhealthyError as error:
            back = True
            problem = f"it is left as it is: {error}. Replaced so far: {', '.join(turn.done)}. Fix it, and deploy again"
        except HookError as error:
            problem = str(error)
        except RollcallError as error:
            problem = f"{error}; to go on, run the same command again"
        except Exception as error:
            problem = crash_report.sentence(error)
        if problem:
            logger.error(f"{there.host.print_prefix}{work.name}: {problem}")
            turn.fail(there, where, problem, back=back)
        return not problem
