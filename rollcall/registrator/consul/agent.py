"""Read and write the services of the local Consul agent."""

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
from rollcall.registrator.http_connection import Connection, HttpError, Response, Target
from rollcall.registrator.services.health import Health, check_id
from rollcall.registrator.services.identity import MARK_HOST, addressable, folded, path_segment
from rollcall.registrator.settings import AgentAddress
from rollcall.registrator.tls import client_context

# The agent responds from memory, within milliseconds; treat a longer silence as down.
TIMEOUT_SECONDS = stretched(5)
# The header that says that the token hides some of the results.
FILTERED = "x-consul-results-filtered-by-acls"
# The body of a 403 for a token that Consul does not have, or has no more.
UNKNOWN_TOKEN = "ACL not found"  # noqa: S105 - an error message
# The earliest removal by the agent itself, and the TTL that makes the check critical before.
REAP_AFTER, REAP_TTL = "1m", "1s"
# Ids that need no escaping inside quotes in the agent's filter language.
QUOTABLE = re.compile(r"[ !#-\[\]-~]*")


class AgentUnreachableError(Exception):
    """The agent does not respond, or does not list its services."""


class TokenUnknownError(AgentUnreachableError):
    """The agent responds, but does not know this token."""


class AgentRejectedError(Exception):
    """The agent rejects this write. The text is the agent's."""


@dataclass(frozen=True)
class Listing:
    """An agent's services by id; `whole` unless the token hides some. `maintenance` holds reasons by id."""

    registrations: dict[str, Registration]
    whole: bool = True
    maintenance: Mapping[str, str] = field(default_factory=dict)
    # The service of each check, by the check's folded id, without the node's checks.
    check_owners: Mapping[str, str] = field(default_factory=dict)


class Agent:
    """An agent behind one keep-alive connection."""

    def __init__(self, address: AgentAddress, token: str = "") -> None:
        """Prepare; sends nothing yet. Raises UsageError for unreadable certificates."""
        self._connection = Connection(_target(address, token), TIMEOUT_SECONDS)
        # Statuses of checks named service:ID:1, as before version 0.2. Under the new name they would start critical.
        self._renamed: dict[str, str] = {}

    def services(self) -> Listing:
        """Return all services of the agent, including those of other tools. Raises AgentUnreachableError."""
        try:
            documents, whole = self._list("/v1/agent/services")
            checks, _ = self._list("/v1/agent/checks")
        except AgentRejectedError as error:
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
        """Return why a service is in maintenance now, None for in service. Raises as `register` does."""
        found = self._check(out_of_service.check_id(service_id))
        return None if found is None else _note(found)

    def status(self, service_id: str) -> str | None:
        """What the check of a service's metadata says at this moment, None without one. Raises as `register` does."""
        found = self._check(metadata_check_id(service_id))
        return None if found is None else str(found["Status"])

    def _check(self, check: str) -> Mapping[str, Any] | None:
        query = urlencode({"filter": f'CheckID == "{check}"'}) if QUOTABLE.fullmatch(check) else ""
        found, _ = self._list(f"/v1/agent/checks?{query}")
        return found.get(check)

    def _list(self, path: str) -> tuple[dict[str, Any], bool]:
        """Return a list, and whether it is complete. Raises as `register` does."""
        response = self._send("GET", path)
        try:
            listed: dict[str, Any] = json.loads(response.body) or {}
        except ValueError as error:
            raise AgentUnreachableError(f"not a Consul agent: {error}") from None
        return listed, response.headers.get(FILTERED) != "true"

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Response:
        try:
            response = self._connection.request(method, path, None if body is None else json.dumps(body).encode())
        except HttpError as error:
            raise AgentUnreachableError(str(error)) from error
        if not response.ok:
            text = f"{response.status} {' '.join(response.body.decode(errors='replace').split())}"
            raise (TokenUnknownError if UNKNOWN_TOKEN in text else AgentRejectedError)(text)
        return response

    def register(self, write: Register) -> None:
        """Register one service with its health. Raises AgentUnreachableError or AgentRejectedError."""
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
        """Set the status and note of the HEALTHCHECK's check. Raises as `register` does."""
        health = wanted.health
        if health is None:
            return
        path = f"/v1/agent/check/update/{path_segment(check_id(wanted.id))}"
        self._send("PUT", path, {"Status": health.status, "Output": health.note})

    def _register(self, service: Mapping[str, object]) -> None:
        # Otherwise a check that the container no longer sets would stay.
        self._send("PUT", "/v1/agent/service/register?replace-existing-checks=true", service)

    def deregister(self, registration: Registration) -> None:
        """Deregister one service; a missing one is no error. Raises as `register` does."""
        if addressable(registration.id):
            self._send("PUT", f"/v1/agent/service/deregister/{path_segment(registration.id)}")
        else:
            self._retire(registration)

    def _retire(self, registration: Registration) -> None:
        """Let the agent remove an id that no path can hold: critical at once, removed within 90 seconds."""
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
    certificate, key = environment.get("CONSUL_CLIENT_CERT", ""), environment.get("CONSUL_CLIENT_KEY", "")
    if bool(certificate) != bool(key):
        raise UsageError("CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY: got only one; expected both or neither")
    return client_context(environment.get("CONSUL_CACERT", ""), certificate, key, setting="consul-tls://")


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
