"""The end of a registrator that takes its services with it."""

import logging

from rollcall.registrator.consul.agent import Agent, AgentRefusedError, AgentUnreachableError

log = logging.getLogger(__name__)


def deregister_all(agent: Agent, hostname: str) -> None:
    """Take out every service that bears this host's mark.

    Does not raise: at the end there is nobody to tell but the log.
    """
    try:
        mine = [one.id for one in agent.services().registrations.values() if one.belongs_to(hostname)]
        for service_id in mine:
            _deregister(agent, service_id)
    except AgentUnreachableError as error:
        log.warning("Consul's agent does not answer (%s): what is registered stays", error)


def _deregister(agent: Agent, service_id: str) -> None:
    try:
        agent.deregister(service_id)
    except AgentRefusedError as error:
        log.warning("Consul refuses to deregister %s: %s", service_id, error)
    else:
        log.info("deregistered %s", service_id)
