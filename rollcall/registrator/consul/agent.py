"""The local Consul agent: its services as values, and the writes to it."""

import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from rollcall.contract.timeouts import stretched
from rollcall.registrator.consul import out_of_service
from rollcall.registrator.consul.reconcile import (
    MARK_RETIRED,
    Register,
    Registration,
    checks_of,
    metadata_check_id,
)
from rollcall.registrator.flags import UsageError
from rollcall.registrator.http_connection import Answer, Connection, HttpError, Target
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
        """Prepare; nothing is sent yet. Raises UsageError for certificates that cannot be read."""
        self._connection = Connection(_target(address, token), TIMEOUT)
        # What Consul says of checks that it named service:ID:1, as registrators before 0.2 let it. A check of another
        # name would begin critical.
        self._renamed: dict[str, str] = {}

    def services(self) -> Listing:
        """All services of the agent, also those of others. Raises AgentUnreachableError."""
        try:
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
        found = self._check(out_of_service.check_id(service_id))
        return None if found is None else _note(found)

    def status(self, service_id: str) -> str | None:
        """What the check of a service's metadata says at this moment, None without one. Raises as `register` does."""
        found = self._check(metadata_check_id(service_id))
        return None if found is None else str(found["Status"])

    def _check(self, check: str) -> Mapping[str, Any] | None:
        query = urlencode({"filter": f'CheckID == "{check}"'}) if QUOTABLE.fullmatch(check) else ""
        found, _ = self._listed(f"/v1/agent/checks?{query}")
        return found.get(check)

    def _listed(self, path: str) -> tuple[dict[str, Any], bool]:
        """Read a list, and tell whether it is whole. Raises as `register` does."""
        answer = self._send("GET", path)
        try:
            listed: dict[str, Any] = json.loads(answer.body) or {}
        except ValueError as error:
            raise AgentUnreachableError(f"what answers is no Consul agent: {error}") from None
        return listed, answer.headers.get(FILTERED) != "true"

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        try:
            answer = self._connection.request(method, path, None if body is None else json.dumps(body).encode())
        except HttpError as error:
            raise AgentUnreachableError(str(error)) from error
        if not answer.good:
            text = f"{answer.status} {' '.join(answer.body.decode(errors='replace').split())}"
            raise (TokenUnknownError if UNKNOWN_TOKEN in text else AgentRefusedError)(text)
        return answer

    def register(self, write: Register) -> None:
        """Write one service and its health. Raises AgentUnreachableError or AgentRefusedError."""
        wanted = write.registration
        checks = [dict(check) for check in checks_of(write)]
        for check in checks:
            if wanted.id in self._renamed and check["CheckID"] == metadata_check_id(wanted.id):
                check.setdefault("Status", self._renamed[wanted.id])
        self._register(
            {
                "ID": wanted.id,
                "Name": wanted.name,
                "Address": wanted.address,
                "Port": wanted.port,
                "Tags": list(wanted.tags),
                "Meta": dict(wanted.meta),
                "Checks": checks,
                "EnableTagOverride": wanted.enable_tag_override,
            }
        )
        if wanted.health and wanted.health.note:
            self.report(wanted)

    def report(self, wanted: Registration) -> None:
        """Set the status and the note of the check that the registrator keeps. Raises as `register` does."""
        health = wanted.health
        if health is None:
            return
        path = f"/v1/agent/check/update/{path_segment(check_id(wanted.id))}"
        self._send("PUT", path, {"Status": health.status, "Output": health.note})

    def _register(self, service: Mapping[str, object]) -> None:
        # Else a check that the container no longer asks for would stay.
        self._send("PUT", "/v1/agent/service/register?replace-existing-checks=true", service)

    def deregister(self, registration: Registration) -> None:
        """Take one service out; one that is not there is no error. Raises as `register` does."""
        if addressable(registration.id):
            self._send("PUT", f"/v1/agent/service/deregister/{path_segment(registration.id)}")
        else:
            self._retire(registration)

    def _retire(self, registration: Registration) -> None:
        """Make the agent take out by itself what no path can name: at once for others, and altogether in 90 seconds."""
        check = {
            "CheckID": check_id(registration.id),
            "Name": "Removed by the registrator",
            "TTL": REAP_TTL,
            "Status": "critical",
            "DeregisterCriticalServiceAfter": REAP_AFTER,
        }
        meta = {MARK_HOST: registration.meta.get(MARK_HOST, ""), MARK_RETIRED: "true"}
        self._register({"ID": registration.id, "Name": registration.name, "Meta": meta, "Checks": [check]})


def _target(address: AgentAddress, token: str) -> Target:
    headers = {"X-Consul-Token": token} if token else {}
    if address.socket:
        return Target(socket=address.socket, headers=headers)
    tls = _tls(os.environ) if address.scheme == "consul-tls" else None
    return Target(address.host, address.port, tls=tls, headers=headers)


def _tls(environment: Mapping[str, str]) -> ssl.SSLContext:
    authority = environment.get("CONSUL_CACERT")
    certificate, key = environment.get("CONSUL_CLIENT_CERT"), environment.get("CONSUL_CLIENT_KEY")
    try:
        context = ssl.create_default_context(cafile=authority or None)
        if certificate and key:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        raise UsageError(f"CONSUL_CACERT, CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY: expected PEM files: {error}") from None
    return context


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
