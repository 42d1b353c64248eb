"""The local Consul agent: its services as values, and the writes to it."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import consul
import requests
from consul.callback import CB
from docker.transport import UnixHTTPAdapter

from rollcall.contract.timeouts import stretched
from rollcall.registrator.consul import out_of_service
from rollcall.registrator.consul.exact_client import ExactConsul
from rollcall.registrator.consul.reconcile import (
    MARK_RETIRED,
    Register,
    Registration,
    checks_of,
    metadata_check_id,
)
from rollcall.registrator.services.health import Health, check_id
from rollcall.registrator.services.identity import MARK_HOST, addressable, folded, path_segment
from rollcall.registrator.settings import AgentAddress

# The agent answers from memory, within milliseconds; one that takes so many seconds is as good as gone.
TIMEOUT = stretched(5)
# By which the agent says that it left out what the token may not read.
FILTERED = "X-Consul-Results-Filtered-By-ACLs"
# What the agent answers, with the status 403, to a token that it does not know or no longer knows.
UNKNOWN_TOKEN = "ACL not found"  # noqa: S105 - no token, but what is said of one
# The soonest that an agent removes a service by itself, and how its check becomes critical before that.
REAP_AFTER, REAP_TTL = "1m", "1s"
# Ids that the agent's query language takes in quotes as they are.
QUOTABLE = re.compile(r"[ !#-\[\]-~]*")


class AgentUnreachableError(Exception):
    """The agent does not answer, or cannot say what it has."""


class TokenUnknownError(AgentUnreachableError):
    """The agent answers, but knows nobody with this token, and so tells and takes nothing."""


class AgentRefusedError(Exception):
    """The agent answers, but does not take this one write. Its text is the agent's."""


@dataclass(frozen=True)
class Listing:
    """The services of an agent by id; `whole` unless the token may not read all of them.

    `maintenance` tells of those that are out of service why they are.
    """

    registrations: dict[str, Registration]
    whole: bool = True
    maintenance: Mapping[str, str] = field(default_factory=dict)
    # Whose each check is, by the check's folded id; nobody's are the node's.
    check_owners: Mapping[str, str] = field(default_factory=dict)


class Agent:
    """A connection to the agent that stays open between requests."""

    def __init__(self, address: AgentAddress, token: str = "") -> None:
        """Prepare; nothing is sent yet."""
        self._consul = _connection(address, token)
        # What Consul says of checks that it named service:ID:1, as registrators before 0.2 let it. A check of another
        # name would begin critical.
        self._renamed: dict[str, str] = {}

    def services(self) -> Listing:
        """All services of the agent, also those of others. Raises AgentUnreachableError."""
        try:
            with _agent_errors():
                documents, whole = self._listed("/v1/agent/services")
                checks, _ = self._listed("/v1/agent/checks")
        except AgentRefusedError as error:
            raise AgentUnreachableError(str(error)) from error
        registrations = {
            service_id: _registration(fields, checks.get(check_id(service_id)))
            for service_id, fields in documents.items()
        }
        marks = {service_id: checks.get(out_of_service.check_id(service_id)) for service_id in documents}
        reasons = {service_id: _note(mark) for service_id, mark in marks.items() if mark}
        owners = {folded(key): str(check.get("ServiceID") or "") for key, check in checks.items()}
        self._renamed = {
            service_id: checks[old]["Status"]
            for service_id in documents
            if owners.get(folded(old := f"{metadata_check_id(service_id)}:1")) == service_id and old in checks
        }
        return Listing(registrations, whole, reasons, {key: owner for key, owner in owners.items() if owner})

    def maintenance(self, service_id: str) -> str | None:
        """Why a service is out of service at this moment, None where it is not. Raises as `register` does."""
        mark = out_of_service.check_id(service_id)
        only = [("filter", f'CheckID == "{mark}"')] if QUOTABLE.fullmatch(mark) else None
        with _agent_errors():
            found, _ = self._listed("/v1/agent/checks", params=only)
        return _note(found[mark]) if mark in found else None

    def _listed(self, path: str, **options: Any) -> tuple[dict[str, Any], bool]:
        """Ask as py-consul's own methods do, which keep the answer's headers to themselves."""

        def read(answer: Any) -> tuple[dict[str, Any], bool]:
            return CB.json()(answer) or {}, answer.headers.get(FILTERED) != "true"

        listed: tuple[dict[str, Any], bool] = self._ask(self._consul.http.get, read, path, **options)
        return listed

    def _ask(self, method: Callable[..., Any], read: Callable[[Any], Any], path: str, **options: Any) -> Any:
        return method(read, path, headers=self._consul.prepare_headers(None), **options)

    def register(self, write: Register) -> None:
        """Write one service and its health. Raises AgentUnreachableError or AgentRefusedError."""
        wanted = write.registration
        checks = [dict(check) for check in checks_of(write)]
        for check in checks:
            if wanted.id in self._renamed and check["CheckID"] == metadata_check_id(wanted.id):
                check.setdefault("Status", self._renamed[wanted.id])
        with _agent_errors():
            self._consul.agent.service.register(
                wanted.name,
                service_id=wanted.id,
                address=wanted.address,
                port=wanted.port,
                tags=list(wanted.tags),
                meta=dict(wanted.meta),
                check=checks[0] if checks else None,
                extra_checks=checks[1:],
                enable_tag_override=wanted.enable_tag_override,
                # Else a check that the container no longer asks for would stay.
                replace_existing_checks=True,
            )
        if wanted.health and wanted.health.note:
            self.report(wanted)

    def report(self, wanted: Registration) -> None:
        """Set the status and the note of the check that the registrator keeps. Raises as `register` does."""
        health = wanted.health
        if health is None:
            return
        body = json.dumps({"Status": health.status, "Output": health.note})
        with _agent_errors():
            # py-consul only knows the older requests, whose note stands in the URL.
            path = f"/v1/agent/check/update/{path_segment(check_id(wanted.id))}"
            self._ask(self._consul.http.put, CB.boolean(), path, data=body)

    def deregister(self, registration: Registration) -> None:
        """Take one service out; one that is not there is no error. Raises as `register` does."""
        with _agent_errors():
            if addressable(registration.id):
                path = f"/v1/agent/service/deregister/{path_segment(registration.id)}"
                self._ask(self._consul.http.put, CB.boolean(), path)
            else:
                self._retire(registration)

    def _retire(self, registration: Registration) -> None:
        """Make the agent take out by itself what no path can name: at once for others, and altogether in 90 seconds."""
        self._consul.agent.service.register(
            registration.name,
            service_id=registration.id,
            meta={MARK_HOST: registration.meta.get(MARK_HOST, ""), MARK_RETIRED: "true"},
            check={
                "CheckID": check_id(registration.id),
                "Name": "Removed by the registrator",
                "TTL": REAP_TTL,
                "Status": "critical",
                "DeregisterCriticalServiceAfter": REAP_AFTER,
            },
            replace_existing_checks=True,
        )


@contextmanager
def _agent_errors() -> Iterator[None]:
    """Turn what the libraries raise into the three ways in which the agent may say no."""
    try:
        yield
    except requests.RequestException as error:
        raise AgentUnreachableError(_reason(error)) from error
    except consul.ConsulException as error:
        kind = TokenUnknownError if UNKNOWN_TOKEN in str(error) else AgentRefusedError
        raise kind(_reason(error)) from error


def _connection(address: AgentAddress, token: str) -> Any:
    secure = address.scheme == "consul-tls"
    certificate, key = os.environ.get("CONSUL_CLIENT_CERT"), os.environ.get("CONSUL_CLIENT_KEY")
    client = ExactConsul(
        host=address.host or "localhost",
        port=address.port,
        scheme="https" if secure else "http",
        verify=os.environ.get("CONSUL_CACERT") or True,
        cert=(certificate, key) if secure and certificate and key else None,
        connections_timeout=TIMEOUT,
    )
    # Set here, and not given above, where CONSUL_HTTP_TOKEN would win over the file's.
    client.token = token
    # The agent is on this host: a proxy from the environment is never the way to it, and looking for one takes time.
    client.http.session.trust_env = False
    if address.socket:
        # py-consul knows no Unix sockets, but the session that it uses can be taught, as Docker's client does.
        client.http.base_uri = "http+unix://localhost"
        client.http.session.mount("http+unix://", UnixHTTPAdapter(f"http+unix://{address.socket}", timeout=TIMEOUT))
    return client


def _registration(fields: Mapping[str, Any], check: Mapping[str, Any] | None) -> Registration:
    return Registration(
        id=fields["ID"],
        name=fields["Service"],
        address=fields.get("Address") or "",
        port=fields.get("Port") or 0,
        tags=tuple(fields.get("Tags") or ()),
        meta=fields.get("Meta") or {},
        enable_tag_override=bool(fields.get("EnableTagOverride")),
        health=Health(check["Status"], check.get("Output") or "") if check else None,
    )


def _note(mark: Mapping[str, Any]) -> str:
    return str(mark.get("Notes") or "")


def _reason(error: Exception) -> str:
    """One line: urllib3 wraps errors in errors, and the innermost says what is wrong."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return " ".join(str(error).split()) or type(error).__name__
