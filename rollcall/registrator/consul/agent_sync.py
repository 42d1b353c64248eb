"""Brings the agent's services to what they should be, again and again until it has succeeded."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from rollcall.registrator.consul.agent import Agent, AgentRefusedError, AgentUnreachableError, TokenUnknownError
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
from rollcall.registrator.services.health import CONFIRM, Health
from rollcall.registrator.services.identity import addressable, folded
from rollcall.registrator.services.services import Service
from rollcall.registrator.settings import Settings

log = logging.getLogger(__name__)

# How often the agent is asked what it has, in seconds: so long may services be missing that it has lost.
REFRESH = 2.0
# Delays of a write that the agent refuses, in seconds.
REFUSED_FIRST, REFUSED_CAP = 1.0, 60.0
UNREACHABLE_FIRST = 0.1
# What the agent says of checks that are commands where it runs none (agent/agent.go: addCheck).
SCRIPTS_OFF = "Scripts are disabled on this agent"
SCRIPTS_HINT = " (-script-checks=false registers such services without their check)"
# How the metrics name each write.
KINDS = {Register: "register", Deregister: "deregister", Report: "health"}


class GaveUpError(Exception):
    """Consul could not be reached at start within the attempts that the user allowed. Its text is one sentence."""


@dataclass
class Refusal:
    """A write that the agent did not take, and when to try it again."""

    wanted: Registration
    backoff: Backoff
    at: float
    # What people were told of it.
    reason: str = ""


class Writer:
    """The agent as last seen, and the writes to it. Nothing here raises because the agent is away."""

    def __init__(self, agent: Agent, settings: Settings, metrics: Metrics) -> None:
        """Nothing is known of the agent until the first `refresh`."""
        self._agent = agent
        self._settings = settings
        self._metrics = metrics
        self._refusals: dict[str, Refusal] = {}
        self._unreachable = Backoff(UNREACHABLE_FIRST, settings.retry_seconds)
        self._attempts = 0
        self._met = False
        self._refresh_at = 0.0
        # Each health that was told to this agent, and when. What is not in here was told by somebody else.
        self._told: dict[str, tuple[Health, float]] = {}
        # Services that this process has registered. The agent syncs each by the token it came with, so the others
        # may carry one that is to end, or has ended.
        self._registered: set[str] = set()
        self._out_of_service = OutOfService()
        self._check_owners: Mapping[str, str] = {}
        # What was deregistered since the last refresh, by folded id: the agent may still have to tell the catalog.
        self._leaving: dict[str, str] = {}
        # Ids that are in other tools' way, with the reason that people were told.
        self._blocked: dict[str, str] = {}
        # As what the agent's silence was last told to people; None while it answers.
        self._silence: type[AgentUnreachableError] | None = None
        # None while the agent is away: what it has then is anybody's guess.
        self.actual: dict[str, Registration] | None = None
        # Whether that is all it has, and none is hidden from this token.
        self.sees_all = False

    def due(self) -> float:
        """When `refresh` should be called next, on the clock that it is given."""
        return min([self._refresh_at, *(refusal.at for refusal in self._refusals.values())])

    @property
    def content(self) -> bool:
        """Whether the agent was there at the last attempt and refuses nothing."""
        return self.actual is not None and not self._refusals and not self._blocked

    def refresh(self, now: float) -> None:
        """Ask the agent what it has. Raises GaveUpError at start when the allowed attempts are used up."""
        try:
            listing = self._agent.services()
        except AgentUnreachableError as error:
            self._lost(error, now)
            return
        if self.actual is None:
            log.info("Consul's agent at %s answers: %d services", self._settings.agent, len(listing.registrations))
        self.actual, self.sees_all = listing.registrations, listing.whole
        self._check_owners = listing.check_owners
        self._leaving.clear()
        self._out_of_service.seen(listing.registrations, listing.maintenance, now)
        self._met = True
        self._silence = None
        self._unreachable.reset()
        self._refresh_at = now + REFRESH

    def apply(
        self,
        desired: Mapping[str, Service],
        now: float,
        *,
        may_remove: Collection[str],
        among: Iterable[str] | None = None,
    ) -> int:
        """Write the differences between what should be and what the agent was last seen to have.

        Returns how many writes the agent took.
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
        return self._make([write for write in writes if not self._waits(write, now)], self.actual, now)

    def _unblocked(self, found: list[Write | Blocked], *, whole: bool) -> list[Write]:
        """Tell people of each service that is in the way, once, and give the other writes."""
        blocked = {write.registration.id: write.reason for write in found if isinstance(write, Blocked)}
        for service_id, reason in blocked.items():
            if self._blocked.get(service_id) != reason:
                log.warning("not registered, %s: %s", service_id, reason)
        self._blocked = blocked if whole else self._blocked | blocked
        return [write for write in found if not isinstance(write, Blocked)]

    def _make(self, writes: list[Write], actual: dict[str, Registration], now: float) -> int:
        taken = 0
        for write in writes:
            try:
                self._write(write, actual, now)
            except AgentRefusedError as error:
                self._refused(write, error, now)
            except AgentUnreachableError as error:
                # The others would not come through either.
                self._lost(error, now)
                break
            else:
                self._refusals.pop(write.registration.id, None)
                self._metrics.writes.labels(KINDS[type(write)]).inc()
                taken += 1
        return taken

    def _unconfirmed(self, desired: Mapping[str, Service], now: float) -> set[str]:
        self._told = {service_id: told for service_id, told in self._told.items() if service_id in desired}
        return {
            service_id
            for service_id, service in desired.items()
            if service.container.health and self._told_at(service_id) + CONFIRM <= now
        }

    def _told_at(self, service_id: str) -> float:
        return self._told[service_id][1] if service_id in self._told else float("-inf")

    def _was_told(self, write: Write, now: float) -> bool:
        """Whether the agent was told this lately, and shows another note as it keeps them shorter, or not at all."""
        wanted, told = write.registration, self._told.get(write.registration.id)
        if not isinstance(write, Report) or told is None or self.actual is None:
            return False
        present = self.actual[wanted.id].health
        same_status = present is not None and wanted.health is not None and present.status == wanted.health.status
        return same_status and told[0] == wanted.health and told[1] + CONFIRM > now

    def _waits(self, write: Write, now: float) -> bool:
        if self._was_told(write, now):
            return True
        wanted = write.registration.id
        if isinstance(write, Register) and self._leaving.get(folded(wanted), wanted) != wanted:
            return True
        refusal = self._refusals.get(write.registration.id)
        # A newer wish is tried at once: what was wrong with the old one says nothing about it.
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
            later = "" if addressable(registration.id) else ", whose id the agent removes by itself in 90 s"
            log.info("deregistered %s%s", _shown(registration.id), later)
        else:
            self._report(write, actual)
        if registration.health and not isinstance(write, Deregister):
            self._told[registration.id] = registration.health, now

    def _learn_maintenance(self, service_id: str, actual: Mapping[str, Registration], now: float) -> None:
        """Ask about a service whose mark this write takes away: somebody may have set it since the last refresh."""
        if service_id in actual:
            self._out_of_service.told(service_id, self._agent.maintenance(service_id), now)

    def _follow_rename(self, wanted: Registration, actual: Mapping[str, Registration], now: float) -> str | None:
        """Give a renamed container's new id the state of its old one: in or out of service, and its check's status."""
        old = None if wanted.id in actual else former(wanted, actual.values())
        if old is None:
            return None
        self._out_of_service.told(wanted.id, self._agent.maintenance(old.id), now)
        return self._agent.status(old.id)

    def _report(self, write: Report, actual: dict[str, Registration]) -> None:
        wanted, before = write.registration, actual[write.registration.id].health
        self._agent.report(wanted)
        actual[wanted.id] = replace(actual[wanted.id], health=wanted.health)
        if wanted.health and (before is None or before.status != wanted.health.status):
            log.info("health of %s is %s: %s", wanted.id, wanted.health.status, wanted.health.note or "no output yet")

    def _refused(self, write: Write, error: AgentRefusedError, now: float) -> None:
        self._metrics.failures.labels("refused").inc()
        refusal = self._refusals.get(write.registration.id)
        if refusal is None or refusal.wanted != write.registration:
            refusal = Refusal(write.registration, Backoff(REFUSED_FIRST, REFUSED_CAP), now)
        delay = refusal.backoff.delay()
        refusal.at = now + delay
        self._refusals[write.registration.id] = refusal
        if refusal.reason != str(error):
            hint = SCRIPTS_HINT if SCRIPTS_OFF in str(error) else ""
            name = _shown(write.registration.id)
            log.warning("Consul refuses %s: %s; trying again until it does not%s", name, error, hint)
        refusal.reason = str(error)

    def _lost(self, error: AgentUnreachableError, now: float) -> None:
        self._metrics.failures.labels("consul").inc()
        unknown = isinstance(error, TokenUnknownError)
        if self._silence is not type(error):
            what = "does not know this registrator's token" if unknown else "does not answer"
            log.warning("Consul's agent at %s %s (%s): asking again until it does", self._settings.agent, what, error)
        self._silence = type(error)
        self.actual = None
        # The agent that comes back is asked everything anew, and told every health again.
        self._refusals.clear()
        self._told.clear()
        self._attempts += 1
        self._met = self._met or unknown  # it is reached, and only that can be given up
        allowed = self._settings.retry_attempts
        if self._met or allowed <= 0:
            self._refresh_at = now + self._unreachable.delay()
            return
        if self._attempts > allowed:
            raise GaveUpError(
                f"Consul's agent at {self._settings.agent} did not answer in {self._attempts} attempts ({error}): "
                "start it first, or leave out -retry-attempts to wait for it"
            )
        self._refresh_at = now + self._settings.retry_seconds


def _shown(text: str) -> str:
    """Quote an id that would break the line."""
    return text if text.isprintable() else repr(text)
