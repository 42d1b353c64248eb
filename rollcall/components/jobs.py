"""Describe jobs: a container of each on every host of its group, and the scheduler that starts one of them.

A job is a service with a schedule (docs/jobs.md).
"""

import json
from dataclasses import replace

from rollcall.components import services, socket_filter
from rollcall.components.component import Component, Context
from rollcall.components.open_port import TCP, OpenPort, single
from rollcall.components.service import service_files, service_secrets
from rollcall.config.fleet import Fleet, Member
from rollcall.config.service import Service
from rollcall.contract import jobs, local_agent, timeouts
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, configuration_digest

NAME = "jobs"
SCHEDULER = "scheduler"
FOLDER = "/etc/rollcall/scheduler"
# Nobody else's. With the group of the engine's socket it may reach the filter's socket for jobs (socket_filter.py).
USER = 65533
ENGINE_FOLDER = "/run/engine"
MEMORY, PIDS = 96, 64


def hosts(fleet: Fleet, job: str) -> tuple[Member, ...]:
    """Return the hosts that may run a job."""
    return tuple(member for member in fleet.members if any(one.name == job for one in member.settings.jobs))


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's jobs, and its scheduler; none without jobs."""
    member = context.member
    if not (found := member.settings.jobs):
        return ()
    made: dict[Resource, None] = {}
    for service in found:
        files = service_files.of(service, member, context.secrets.services)
        secrets = service_secrets.of(service, member, context.secrets.services)
        made |= dict.fromkeys((*files.resources, *secrets.resources, _container(context, service)))
    return (*made, *_scheduler(context))


def _container(context: Context, service: Service) -> Container:
    made = services.container(context.fleet, context.member, service, context.secrets.services)
    return replace(
        made,
        component=NAME,
        restart="no",
        on_call=True,
        run_timeout=timeouts.stretched(service.release.drain_timeout),
        idle_command=_idle(service.name),
    )


def _idle(job: str) -> str:
    """Return the command that succeeds once the host's scheduler knows of no run of a job."""
    url = f"http://{jobs.ADDRESS}:{jobs.PORT}/jobs"
    return (
        f"{{ curl -s {url} || docker exec consul curl -s {url}; }} 2>/dev/null | "
        f"""grep -q '"{job}": {{[^{{}}]*"running": null'"""
    )


def _scheduler(context: Context) -> tuple[Resource, ...]:
    member = context.member
    settings = member.settings.scheduler
    owner = f"{USER}:{context.facts.socket_group}"
    files = (
        File(f"{FOLDER}/scheduler.json", config(context.fleet, member), 0o644, owner),
        File(f"{FOLDER}/token", context.secrets.tokens.secret("scheduler", member.node) + "\n", 0o600, owner),
    )
    return (
        Directory(FOLDER, 0o700, owner),
        *files,
        Container(
            name=SCHEDULER,
            component=SCHEDULER,
            image=member.image(settings.image),
            image_source=member.image_source(settings.image, settings.image_source),
            environment=(("SERVICE_IGNORE", "true"), *timeouts.environment(member.settings.timeout_factor)),
            # To reach the agent at its loopback address.
            network="host",
            hostname=member.node,
            listens=((jobs.ADDRESS, jobs.PORT),),
            mounts=(Mount(FOLDER, FOLDER), Mount(socket_filter.VOLUME, ENGINE_FOLDER)),
            tmpfs=(Tmpfs("/run/rollcall/scheduler", f"uid={USER},mode=0700,size=1m"),),
            user=owner,
            memory=MEMORY,
            pids=PIDS,
            configuration=configuration_digest(files),
        ),
    )


def config(fleet: Fleet, member: Member) -> str:
    """Return the settings of a host's scheduler as JSON (rollcall/scheduler/settings.py)."""
    document = {
        "node": member.node,
        "consul": local_agent.AUTHORITY,
        "port": jobs.PORT,
        "jobs": [
            {
                "name": service.name,
                "schedule": service.schedule,
                "timezone": service.timezone,
                "timeout": service.timeout,
                "stop_timeout": service.stop_timeout,
                "hosts": [one.node for one in hosts(fleet, service.name)],
            }
            for service in member.settings.jobs
        ],
    }
    return json.dumps(document, indent=2) + "\n"


PORT = OpenPort("hosts with jobs", single(jobs.PORT), TCP, ("loopback",), "the scheduler's metrics", "the host")


def open_ports(_fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """Return the port of a host's scheduler."""
    return (PORT,) if member.settings.jobs else ()


COMPONENT = Component(NAME, resources, containers=(SCHEDULER,), open_ports=open_ports)
