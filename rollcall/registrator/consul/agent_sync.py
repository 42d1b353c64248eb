"""Write the desired services to the agent, and retry until it has them.

Longer than other modules: what was written, reported, refused and is due again is one state that changes together.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from rollcall.registrator.consul.agent import Agent, AgentRejectedError, AgentUnreachableError, TokenUnknownError
from rollcall.registrator.consul.backoff import Backoff
from rollcall.registrator.consul.out_of_service import OutOfService
from rollcall.registrator.consul.reconcile import (
    Blocked,
    Deregister,
    Register,
    Registration,
    Report,
    Write,
    former,
    reconcile,
)
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.services.health import CONFIRM_SECONDS, Health
from rollcall.registrator.services.identity import addressable, folded
from rollcall.registrator.services.services import Service
from rollcall.registrator.settings import Settings

log = logging.getLogger(__name__)

# Between reads of the agent's services: how long services that it lost may be missing.
REFRESH_SECONDS = 2.0
# Delays before retrying a write that the agent rejects, in seconds.
REFUSED_FIRST, REFUSED_CAP = 1.0, 60.0
UNREACHABLE_FIRST = 0.1
# The agent's error for script checks where it runs none (agent/agent.go: addCheck).
SCRIPTS_OFF = "Scripts are disabled on this agent"
SCRIPTS_HINT = " (-script-checks=false registers such services without their check)"
# How the metrics name each write.
KINDS = {Register: "register", Deregister: "deregister", Report: "health"}


class GaveUpError(Exception):
    """Consul was unreachable at start in all allowed attempts. The text is one sentence."""


@dataclass
class Refusal:
    """A write that the agent rejected, and when to retry it."""

    wanted: Registration
    backoff: Backoff
    at: float
    # As logged.
    reason: str = ""


class AgentSync:
    """The agent as last read, and the writes to it. An unreachable agent raises nothing here."""

    def __init__(self, agent: Agent, settings: Settings, metrics: Metrics) -> None:
        """Prepare; the agent is first read by `refresh`."""
        self._agent = agent
        self._settings = settings
        self._metrics = metrics
        self._refusals: dict[str, Refusal] = {}
        self._unreachable = Backoff(UNREACHABLE_FIRST, settings.retry_seconds)
        self._attempts = 0
        self._connected_once = False
        self._refresh_at = 0.0
        # The health reported to this agent, and when. What is missing here was reported by another process.
        self._reported_health: dict[str, tuple[Health, float]] = {}
        # Services that this process registered. The agent syncs each with the token of its registration, and
        # other processes' tokens may be revoked.
        self._registered: set[str] = set()
        self._out_of_service = OutOfService()
        self._check_owners: Mapping[str, str] = {}
        # Deregistered since the last refresh, by folded id: the agent may not have synced the catalog yet.
        self._leaving: dict[str, str] = {}
        # Ids that conflict with other tools' services, with the logged reason.
        self._blocked: dict[str, str] = {}
        # The kind of outage that was logged; None while the agent responds.
        self._reported_outage: type[AgentUnreachableError] | None = None
        # None while the agent is unreachable.
        self.actual: dict[str, Registration] | None = None
        # Whether these are all of its services, and the token hides none.
        self.sees_all = False

    def due(self) -> float:
        """Return when to call `refresh` next."""
        return min([self._refresh_at, *(refusal.at for refusal in self._refusals.values())])

    @property
    def in_sync(self) -> bool:
        """Whether the agent responded at the last attempt and rejects nothing."""
        return self.actual is not None and not self._refusals and not self._blocked

    def refresh(self, now: float) -> None:
        """Read the agent's services. Raises GaveUpError at start when the allowed attempts are used up."""
        try:
            listing = self._agent.services()
        except AgentUnreachableError as error:
            self._disconnected(error, now)
            return
        if self.actual is None:
            log.info("connected to Consul's agent at %s: %d services", self._settings.agent, len(listing.registrations))
        self.actual, self.sees_all = listing.registrations, listing.whole
        self._check_owners = listing.check_owners
        self._leaving.clear()
        self._out_of_service.update_all(listing.registrations, listing.maintenance, now)
        self._connected_once = True
        self._refresh_at = now + REFRESH_SECONDS

    def apply(
        self,
        desired: Mapping[str, Service],
        now: float,
        *,
        may_remove: Collection[str],
        among: Iterable[str] | None = None,
    ) -> int:
        """Write the differences between the desired services and those last read.

        Returns the number of writes that succeeded.
        """
        self._metrics.services.set(len(desired))
        if self.actual is None:
            return 0
        found = reconcile(
            desired,
            self.actual,
            self._settings.hostname,
            may_remove=may_remove,
            among=among,
            unconfirmed=self._unconfirmed(desired, now) if among is None else (),
            anew=desired.keys() - self._registered if self._settings.token else (),
            check_owners=self._check_owners,
        )
        writes = self._unblocked(found, whole=among is None)
        if among is None:
            pending = {write.registration.id for write in writes}
            self._refusals = {key: refusal for key, refusal in self._refusals.items() if key in pending}
            self._registered &= desired.keys()
        done = self._execute([write for write in writes if not self._is_deferred(write, now)], self.actual, now)
        if self.actual is not None:
            # Only now: an agent may list its services, and close the connection at every write.
            self._reported_outage = None
            self._unreachable.reset()
        return done

    def _unblocked(self, found: list[Write | Blocked], *, whole: bool) -> list[Write]:
        """Log each new conflict with another tool's service, and return the other writes."""
        blocked = {write.registration.id: write.reason for write in found if isinstance(write, Blocked)}
        for service_id, reason in blocked.items():
            if self._blocked.get(service_id) != reason:
                log.warning("not registered, %s: %s", service_id, reason)
        self._blocked = blocked if whole else self._blocked | blocked
        return [write for write in found if not isinstance(write, Blocked)]

    def _execute(self, writes: list[Write], actual: dict[str, Registration], now: float) -> int:
        done = 0
        for write in writes:
            try:
                self._write(write, actual, now)
            except AgentRejectedError as error:
                self._refused(write, error, now)
            except AgentUnreachableError as error:
                # The other writes would fail, too.
                self._disconnected(error, now)
                break
            else:
                self._refusals.pop(write.registration.id, None)
                self._metrics.writes[KINDS[type(write)]].inc()
                done += 1
        return done

    def _unconfirmed(self, desired: Mapping[str, Service], now: float) -> set[str]:
        self._reported_health = {key: report for key, report in self._reported_health.items() if key in desired}
        return {
            service_id
            for service_id, service in desired.items()
            if service.container.health and self._reported_at(service_id) + CONFIRM_SECONDS <= now
        }

    def _reported_at(self, service_id: str) -> float:
        return self._reported_health[service_id][1] if service_id in self._reported_health else float("-inf")

    def _was_reported(self, write: Write, now: float) -> bool:
        """Whether this was reported lately and only the note differs, which the agent may shorten or drop."""
        wanted, reported = write.registration, self._reported_health.get(write.registration.id)
        if not isinstance(write, Report) or reported is None or self.actual is None:
            return False
        present = self.actual[wanted.id].health
        same_status = present is not None and wanted.health is not None and present.status == wanted.health.status
        return same_status and reported[0] == wanted.health and reported[1] + CONFIRM_SECONDS > now

    def _is_deferred(self, write: Write, now: float) -> bool:
        if self._was_reported(write, now):
            return True
        wanted = write.registration.id
        if isinstance(write, Register) and self._leaving.get(folded(wanted), wanted) != wanted:
            return True
        refusal = self._refusals.get(write.registration.id)
        # A changed registration is tried at once: the reason may be gone.
        return refusal is not None and refusal.at > now and refusal.wanted == write.registration

    def _write(self, write: Write, actual: dict[str, Registration], now: float) -> None:
        registration = write.registration
        if isinstance(write, Register):
            self._learn_maintenance(registration.id, actual, now)
            status = self._follow_rename(registration, actual, now)
            reason = self._out_of_service.reason(registration.id)
            self._agent.register(replace(write, maintenance=reason, status=status))
            actual[registration.id] = registration
            self._registered.add(registration.id)
            out = "" if reason is None else f", in maintenance as before ({reason or 'no reason given'})"
            log.info("registered %s, container %s%s", write.service, write.service.container, out)
        elif isinstance(write, Deregister):
            self._learn_maintenance(registration.id, actual, now)
            self._agent.deregister(registration)
            actual.pop(registration.id, None)
            self._leaving[folded(registration.id)] = registration.id
            later = "" if addressable(registration.id) else "; the agent removes this id by itself within 90 s"
            log.info("deregistered %s%s", _shown(registration.id), later)
        else:
            self._report(write, actual)
        if registration.health and not isinstance(write, Deregister):
            self._reported_health[registration.id] = registration.health, now

    def _learn_maintenance(self, service_id: str, actual: Mapping[str, Registration], now: float) -> None:
        """Read a service's maintenance before this write removes its mark, which may be newer than the refresh."""
        if service_id in actual:
            self._out_of_service.update(service_id, self._agent.maintenance(service_id), now)

    def _follow_rename(self, wanted: Registration, actual: Mapping[str, Registration], now: float) -> str | None:
        """Give a renamed container's new id the state of its old one: in or out of service, and its check's status."""
        old = None if wanted.id in actual else former(wanted, actual.values())
        if old is None:
            return None
        self._out_of_service.update(wanted.id, self._agent.maintenance(old.id), now)
        return self._agent.status(old.id)

    def _report(self, write: Report, actual: dict[str, Registration]) -> None:
        wanted, before = write.registration, actual[write.registration.id].health
        self._agent.report(wanted)
        actual[wanted.id] = replace(actual[wanted.id], health=wanted.health)
        if wanted.health and (before is None or before.status != wanted.health.status):
            log.info("health of %s is %s: %s", wanted.id, wanted.health.status, wanted.health.note or "no output yet")

    def _refused(self, write: Write, error: AgentRejectedError, now: float) -> None:
        self._metrics.failures["refused"].inc()
        refusal = self._refusals.get(write.registration.id)
        if refusal is None or refusal.wanted != write.registration:
            refusal = Refusal(write.registration, Backoff(REFUSED_FIRST, REFUSED_CAP), now)
        delay = refusal.backoff.delay()
        refusal.at = now + delay
        self._refusals[write.registration.id] = refusal
        if refusal.reason != str(error):
            hint = SCRIPTS_HINT if SCRIPTS_OFF in str(error) else ""
            name = _shown(write.registration.id)
            log.warning("Consul rejects %s: %s; retrying%s", name, error, hint)
        refusal.reason = str(error)

    def _disconnected(self, error: AgentUnreachableError, now: float) -> None:
        self._metrics.failures["consul"].inc()
        unknown = isinstance(error, TokenUnknownError)
        if self._reported_outage is not type(error):
            what = "does not accept this registrator's token" if unknown else "does not respond"
            log.warning("Consul's agent at %s %s (%s); retrying", self._settings.agent, what, error)
        self._reported_outage = type(error)
        self.actual = None
        # After its return everything is read and every health is reported again.
        self._refusals.clear()
        self._reported_health.clear()
        self._attempts += 1
        self._connected_once = self._connected_once or unknown  # it is reachable; only an unreachable agent is given up
        allowed = self._settings.retry_attempts
        if self._connected_once or allowed <= 0:
            self._refresh_at = now + self._unreachable.delay()
            return
        if self._attempts > allowed:
            raise GaveUpError(
                f"Consul's agent at {self._settings.agent} did not respond in {self._attempts} attempts ({error}); "
                "start it first, or omit -retry-attempts to wait for it"
            )
        self._refresh_at = now + self._settings.retry_seconds


def _shown(text: str) -> str:
    """Quote an id that would break the line."""
    return text if text.isprintable() else repr(text)
