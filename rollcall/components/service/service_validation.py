"""Validate users' own services before any host is touched."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from rollcall.components.component import Check
from rollcall.components.service import job_validation, service_files, service_secrets, service_streams
from rollcall.config.fleet import Member
from rollcall.config.front import route_policies
from rollcall.config.service import Service
from rollcall.config.validation import TAKEN_PORTS
from rollcall.contract import jobs
from rollcall.contract.policies.table import BY_KEY
from rollcall.converge.container_options import OWN_LABELS
from rollcall.errors import RollcallError
from rollcall.registrator.services.meta import VALUE_BYTES

Path = tuple[str | int, ...]
# Where a fault stands in its service, and its sentence.
Fault = tuple[Path, str]
# Ports of our own programs on loopback; a port at every address needs them, too.
OWN_PORTS = {8510: "the registrator", 8511: "the front's status", jobs.PORT: "the scheduler"}
NO_PORTS = "without ports of the service; expected ports, such as [8000]"
SERVICE_ID = re.compile(r"SERVICE_([0-9-]+_)?((tcp|udp)_)?ID", re.IGNORECASE)
# Settings of a check that connects to the container, and the kinds of those.
OF_REQUESTS = ("path", "port", "interval", "timeout")
PROBES = ("http", "https", "grpc", "tcp")


def validate(check: Check) -> None:
    """Validate one host's services.

    Raises:
        RollcallError: the first fault.
    """
    member, fleet = check.member, check.fleet
    users = sorted({name for front in fleet.fronts for name in front.settings.front.users})
    for position, service in enumerate(member.settings.services):
        before = member.settings.services[:position]
        for path, sentence in (
            *_name(service, before, member, check.reserved),
            *_faults(service, before, member),
            *job_validation.differs(service, member, fleet),
            *_policies(service, users),
            *service_streams.fleet_faults(service, fleet),
            *_files(service, member),
        ):
            where = check.locate(member.name, ("services", position, *path))
            raise RollcallError(f"{where}services[{position}]{_dotted(path)}: {sentence}")


def _dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _name(service: Service, before: Sequence[Service], member: Member, reserved: Collection[str]) -> Iterator[Fault]:
    if service.name in (one.name for one in before):
        yield ("name",), f"got {service.name!r} a second time on {member.name}; expected one entry, with a higher count"
    if service.name in reserved:
        yield (
            ("name",),
            f'got {service.name!r}, the name of one of Rollcall\'s containers; expected another name, such as "shop"',
        )


def _faults(service: Service, before: Sequence[Service], member: Member) -> Iterator[Fault]:
    for find in CHECKS:
        yield from find(service)
    yield from _public_port(service, before, member)


def _ports(service: Service) -> Iterator[Fault]:
    for number, port in enumerate(service.ports):
        if port in service.ports[:number]:
            yield ("ports", number), f"got {port} a second time; expected each port once"
    if service.ports:
        return
    for key in ("routes", "streams", "tags", "public_port"):
        if getattr(service, key):
            yield (key,), f"got it {NO_PORTS}"
    if "drain_timeout" in service.release.model_fields_set and not service.schedule:
        yield ("release", "drain_timeout"), f"got it {NO_PORTS}; a worker has stop_timeout"


def _routes(service: Service) -> Iterator[Fault]:
    for number, route in enumerate(service.routes):
        if service.ports and route.port and route.port not in service.ports:
            yield ("routes", number, "port"), _unknown_port(service, route.port)
        for key, sentence in route_policies.strip_faults(route.path, strip=route.strip):
            yield ("routes", number, key), sentence
        port = route.port or (*service.ports, 0)[0]
        first = next(one for one in service.routes if (one.port or (*service.ports, 0)[0]) == port)
        for key in ("path", "strip", "protocol", "buffering", *BY_KEY):
            got, other = (getattr(one, key) or None for one in (route, first))
            if got != other:
                yield (
                    ("routes", number, key),
                    f"got {got!r}, and {other!r} in another route of port {port}; "
                    "expected one for all routes of a port; front.routes takes more",
                )


def _policies(service: Service, users: Collection[str]) -> Iterator[Fault]:
    for number, route in enumerate(service.routes):
        policies = route_policies.of(route)
        for key, value in policies.items():
            if (size := len(value.encode())) > VALUE_BYTES:
                text = f"got {size} bytes; expected at most {VALUE_BYTES}, which Consul holds; front.routes takes more"
                yield ("routes", number, key), text
        for key, sentence in route_policies.faults(policies, route.host, users):
            yield ("routes", number, key), sentence


def _files(service: Service, member: Member) -> Iterator[Fault]:
    for number, file in enumerate(service.files):
        try:
            if not service_files.is_issued(file):
                service_files.text(file, service, member)
        except RollcallError as problem:
            yield ("files", number, "source"), str(problem)


def _unknown_port(service: Service, port: int) -> str:
    return f"got {port}; expected one of the service's ports: {', '.join(map(str, service.ports))}"


def _health(service: Service) -> Iterator[Fault]:
    health = service.health
    if health.port and service.ports and health.port not in service.ports:
        yield ("health", "port"), _unknown_port(service, health.port)
    if not service.ports and health.check in PROBES and health.model_fields_set - {"grace"}:
        yield ("health",), f"got a check that sends requests, {NO_PORTS}"
    useless = OF_REQUESTS if health.check not in PROBES else ("path",) if health.check in ("grpc", "tcp") else ()
    for key in useless:
        if key in health.model_fields_set:
            yield ("health", key), f"got it with the check {health.check!r}, which does not use it; expected neither"


def _targets(service: Service) -> Iterator[Fault]:
    seen = set(service_secrets.targets(service))
    mounted: dict[Path, list[str]] = {
        ("volumes",): [one.target for one in service.volumes],
        ("files",): [one.target for one in service.files],
        ("options", "tmpfs"): [one.target for one in service.options.tmpfs],
    }
    for key, paths in mounted.items():
        for number, target in enumerate(paths):
            if target in seen:
                yield (*key, number, "target"), f"got {target!r} a second time; expected one mount for each path"
            seen.add(target)


def _secrets(service: Service) -> Iterator[Fault]:
    for key in ("secrets_as_environment", "secrets_owner"):
        if getattr(service, key) and not service.secrets:
            yield (key,), "got it without secrets; expected both, or neither"
    if service.secrets_as_environment and service.secrets_owner:
        yield ("secrets_owner",), "got it with secrets_as_environment, which makes no files; expected one of them"
    variables = service_secrets.variables(service)
    for number, (name, one) in enumerate(zip(service.secrets, variables, strict=True)):
        if one in variables[:number]:
            yield ("secrets", number), f"got {name!r}, and {one} a second time; expected a variable for each secret"
        if one in service.environment:
            yield ("environment", one), f"got it, the variable of the secret {name}; expected one of them"


def _environment(service: Service) -> Iterator[Fault]:
    for key in service.labels:
        if key.startswith(OWN_LABELS):
            yield ("labels", key), "got it, and Rollcall's own labels begin like that; expected another name"
    named = [("environment", key) for key in service.environment] + [("labels", key) for key in service.labels]
    for where, key in named:
        if SERVICE_ID.fullmatch(key):
            yield (
                (where, key),
                "got it, and two containers would have one id while one replaces the other; expected none",
            )


def _public_port(service: Service, before: Sequence[Service], member: Member) -> Iterator[Fault]:
    port = service.public_port
    if port is None:
        return
    if service.count > 1:
        yield ("public_port",), f"got {port} with a count of {service.count}; expected a count of 1"
    if service.release.order == "start-first":
        yield (
            ("release", "order"),
            "got 'start-first' with a public_port, which two containers cannot have at once; expected \"stop-first\"",
        )
    if owner := _owner(port, before, member):
        yield ("public_port",), f"got {port}, the port of {owner}; expected a port that nothing else on the host uses"


def _owner(port: int, before: Sequence[Service], member: Member) -> str:
    front = member.settings.front
    fronts = dict.fromkeys((front.http_port, front.https_port), "the front") if member.is_front else {}
    others = {one.public_port: f"the service {one.name}" for one in before if one.public_port}
    return {**OWN_PORTS, **TAKEN_PORTS, **fronts, **others}.get(port, "")


CHECKS: tuple[Callable[[Service], Iterator[Fault]], ...] = (
    job_validation.faults,
    _ports,
    _routes,
    service_streams.faults,
    _health,
    _targets,
    _secrets,
    _environment,
)
