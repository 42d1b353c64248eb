"""The end of a registrator that takes its services with it."""

import logging

from rollcall.registrator.consul.agent import Agent, AgentRefusedError, AgentUnreachableError
from rollcall.registrator.consul.reconcile import Registration

log = logging.getLogger(__name__)


def deregister_all(agent: Agent, hostname: str) -> None:
    """Take out every service that bears this host's mark.

    Does not raise: at the end there is nobody to tell but the log.
    """
    try:
        for one in agent.services().registrations.values():
            if one.belongs_to(hostname) and not one.retired:
                _deregister(agent, one)
    except AgentUnreachableError as error:
        log.warning("Consul's agent does not answer (%s): what is registered stays", error)


def _deregister(agent: Agent, registration: Registration) -> None:
    try:
        agent.deregister(registration)
    except AgentRefusedError as error:
        log.warning("Consul refuses to deregister %s: %s", registration.id, error)
    else:
        log.info("deregistered %s", registration.id)
