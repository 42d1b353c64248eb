"""Read a host for a run that is about one service only: a rollback, or a restart."""

from dataclasses import replace

from pyinfra import host

from rollcall.components import consul, declared, services
from rollcall.components.component import Context
from rollcall.components.service import service_files
from rollcall.config import project
from rollcall.config.fleet import Member
from rollcall.config.service import Service
from rollcall.deploy import lock, read_host, role_removal, run_secrets, this_run
from rollcall.deploy.host_query import facts
from rollcall.deploy.services import scope
from rollcall.deploy.site import Site
from rollcall.errors import RollcallError
from rollcall.secrets.identity import check_identity


def read() -> Site | None:
    """Read the host; return None if that fails, or if it has not the service.

    Raises:
        RollcallError: another deploy changes the fleet, the host belongs to another one, or a file of the version has
            changed since. No host has been touched.
    """
    role_removal.begin()
    run_secrets.check_of_services()
    components = declared.components(project.root_of(this_run.inventory_file()))
    here = read_host.read(components, run_secrets.read, pin=True)
    if here:
        check_identity(here.member.name, here.state.texts.get(consul.IDENTITY, ""), run_secrets.read().identity)
        lock.look(here)
        lock.hold(name=lock.NAME)
    role_removal.look()
    return _narrowed(here) if here else None


def _narrowed(here: Site) -> Site | None:
    """Leave nothing of the host but the service."""
    service = next((one for one in here.member.settings.services if one.name == scope.current().service), None)
    if service is None:
        return None
    _check_files(here.member, service)
    member = replace(here.member, settings=here.member.settings.model_copy(update={"services": (service,)}))
    context = Context(here.fleet, member, facts(here.state), run_secrets.read())
    return replace(here, member=member, desired={services.NAME: services.resources(context)})


def _check_files(member: Member, service: Service) -> None:
    """A record has digests of the files only. Raises RollcallError: they are not the version's any more."""
    record = scope.current().record
    placed = record.hosts.get(host.name) if record else None
    if record and placed and placed.files != service_files.digest(service, member):
        names = ", ".join(file.source for file in service.files if not service_files.is_issued(file))
        raise RollcallError(
            f"{service.name}: {names} changed since version {record.digest}, which began at {record.started} UTC; "
            "check out the files of that time, and run the same command again"
        )
