"""Deregister this host's services at the end (-deregister-on-exit)."""

import logging

from rollcall.registrator.consul.agent import Agent, AgentRejectedError, AgentUnreachableError
from rollcall.registrator.consul.reconcile import Registration

log = logging.getLogger(__name__)


def deregister_all(agent: Agent, hostname: str) -> None:
    """Deregister every service with this host's mark. Errors only go to the log: the process ends anyway."""
    try:
        for registration in agent.services().registrations.values():
            if registration.belongs_to(hostname) and not registration.retired:
                _deregister(agent, registration)
    except AgentUnreachableError as error:
        log.warning("Consul's agent does not respond (%s); services stay registered", error)


def _deregister(agent: Agent, registration: Registration) -> None:
    try:
        agent.deregister(registration)
    except AgentRejectedError as error:
        log.warning("Consul rejects the deregistration of %s: %s", registration.id, error)
    else:
        log.info("deregistered %s", registration.id)
