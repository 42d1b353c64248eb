"""`rollcall run INVENTORY JOB`: let a job's scheduler run it now, and wait for the end."""

import sys
import time
import uuid
from typing import NoReturn

from rollcall import who
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.contract.jobs import Result, State
from rollcall.contract.timeouts import stretched
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError
from rollcall.secrets.deployed import read_secrets

POLL_SECONDS = 1.0
TAKEN_TIMEOUT_SECONDS = 30


def run_now(source: str, chosen: Inventory, fleet: Fleet, job: str, host: str | None) -> NoReturn:
    """Run a job now, under its lock, and exit with its exit status.

    Raises:
        RollcallError: it runs already, no scheduler begins it, or it had no end of its own.
    """
    from rollcall.components import jobs as component
    from rollcall.services import jobs

    declaring = [member.name for member in component.hosts(fleet, job)]
    if host and host not in declaring:
        raise RollcallError(f"--host: got {host!r}, which has no {job}; {suggestion(host, declaring)}")
    token = read_secrets(source, chosen, fleet, "rollcall run").tokens.secret("operator")
    agent = AgentClient(pick_agent(source, chosen), token)
    running = _state(agent, job).running
    if running:
        raise RollcallError(f"{job} runs on {running.host} since {running.started}; see rollcall services {source}")
    identity = uuid.uuid4().hex
    agent.write(jobs.want(job, identity, who.user(), fleet.member(host).node if host else ""))
    try:
        result = _result(agent, job, identity, source)
    finally:
        AgentClient(agent.host, token, detached=True).write(jobs.want_no_more(job))
    log = f"rollcall logs {source} {job}"
    if result.outcome != "done" or result.code is None:
        raise RollcallError(f"{job}: {jobs.words(result)}; {log}")
    out.print(f"{job}: {jobs.words(result)}; its output: {log}", markup=False)
    sys.exit(result.code)


def _state(agent: AgentClient, job: str) -> State:
    from rollcall.services import jobs

    return jobs.states(agent.read(jobs.STATES)).get(job, State("", ""))


def _result(agent: AgentClient, job: str, identity: str, source: str) -> Result:
    """Wait for the end of the run. Raises RollcallError: nobody begins it."""
    end = time.monotonic() + stretched(TAKEN_TIMEOUT_SECONDS)
    taken = ""
    while True:
        state = _state(agent, job)
        if state.last and state.last.request == identity:
            return state.last
        if state.running and state.running.request == identity and state.running.host != taken:
            taken = state.running.host
            out.print(f"{job} runs on {taken}; Ctrl-C leaves it running", markup=False)
        if not taken and time.monotonic() > end:
            raise RollcallError(
                f"no scheduler began {job} within {stretched(TAKEN_TIMEOUT_SECONDS)} s: its hosts are out of service, "
                f"or it runs already; see rollcall services {source}, and docker logs scheduler on its hosts"
            )
        time.sleep(POLL_SECONDS)
