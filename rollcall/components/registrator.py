"""Describe a host's registrator: it watches the host's engine and registers services with the local Consul agent."""

from rollcall.components import socket_filter
from rollcall.components.component import Component, Context
from rollcall.components.open_port import TCP, OpenPort, single
from rollcall.config.fleet import Fleet, Member
from rollcall.contract import local_agent, timeouts
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, configuration_digest

FOLDER = "/etc/rollcall/registrator"
TOKEN = f"{FOLDER}/token"
# The user nobody: it owns only its token, and reads the engine through the socket filter.
OWNER = "65534:65534"
ENGINE_FOLDER = "/run/socket-filter"
# It uses 37 MiB for 200 containers.
MEMORY, PIDS = 128, 64
# A container that is started for it is registered, and out again once it has stopped. It has neither a port of the host
# nor a route, and whatever its image exposes, it has one service. Killed on the way, it ends by itself.
_TRIAL = r"""
name=rollcall-trial-$$-$(date +%s)
agent() {{
  {{ printf 'X-Consul-Token: '; cat {token}; }} | docker exec -i consul curl -sS --fail --max-time 5 -H @- "$@"
}}
services() {{ agent {url}/v1/agent/services; }}
registered() {{ services | grep -q "\"$name\""; }}
out() {{ found=$(services) && ! printf '%s' "$found" | grep -q "\"$name\""; }}
await() {{ for look in $(seq {looks}); do "$1" && return; sleep 0.2; done 2>/dev/null; "$1"; }}
trial=$(docker run --detach --rm --pull never --network host --read-only --cap-drop ALL --expose 1 \
  --env SERVICE_1_NAME=$name --env SERVICE_1_ID=$name --env SERVICE_2-65535_IGNORE=true \
  --entrypoint sleep "$(docker inspect --format '{{{{.Image}}}}' consul)" {seconds}) || exit
end() {{ docker rm --force --volumes "$trial" >/dev/null 2>&1; }}
trap end EXIT
await registered || {{ echo 'registrator does not register a container that starts' >&2; exit 1; }}
end
await out || {{
  agent -X PUT {url}/v1/agent/service/deregister/$name
  echo 'registrator does not deregister a container that has stopped' >&2
  exit 1
}}
"""
TRIAL_LOOKS, TRIAL_SECONDS = 50, 60


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's registrator."""
    fleet, member, secrets = context.fleet, context.member, context.secrets
    settings = member.settings.registrator
    token = File(TOKEN, f"{secrets.tokens.secret('registrator', member.node)}\n", 0o600, OWNER)
    return (
        Directory(FOLDER, 0o700, OWNER),
        token,
        Container(
            name="registrator",
            component="registrator",
            image=member.image(settings.image),
            image_source=member.image_source(settings.image, settings.image_source),
            command=_flags(fleet, member),
            environment=(
                ("SERVICE_IGNORE", "true"),
                *timeouts.environment(member.settings.timeout_factor),
                ("CONSUL_HTTP_TOKEN_FILE", TOKEN),
                ("DOCKER_HOST", f"unix://{ENGINE_FOLDER}/{socket_filter.SOCKET}"),
            ),
            network="host",
            # Service ids start with it, and cleanup relies on it: it must outlast the container.
            hostname=member.node,
            mounts=(Mount(FOLDER, FOLDER), Mount(socket_filter.VOLUME, ENGINE_FOLDER)),
            user=OWNER,
            memory=MEMORY,
            pids=PIDS,
            # A new token replaces the container, and the new one registers everything again with it.
            configuration=configuration_digest((token,)),
            trial_command=_trial(),
        ),
    )


def _trial() -> str:
    looks, seconds = timeouts.stretched(TRIAL_LOOKS), timeouts.stretched(TRIAL_SECONDS)
    return _TRIAL.format(token=TOKEN, url=local_agent.URL, looks=looks, seconds=seconds)


def _flags(fleet: Fleet, member: Member) -> tuple[str, ...]:
    settings = member.settings.registrator
    return (
        "-internal" if fleet.mode == "internal" else f"-ip={member.address}",
        f"-resync={settings.resync}",
        # Rollcall's agents have script checks off.
        "-script-checks=false",
        *(("-cleanup",) if settings.cleanup else ()),
        *((f"-tags={','.join(settings.tags)}",) if settings.tags else ()),
        f"consul://{local_agent.AUTHORITY}",
    )


PORT = OpenPort("every host", single(8510), TCP, ("loopback",), "the registrator's state and metrics", "the host")


def open_ports(_fleet: Fleet, _member: Member) -> tuple[OpenPort, ...]:
    """Return the ports of the registrator."""
    return (PORT,)


COMPONENT = Component("registrator", resources, containers=("registrator",), open_ports=open_ports)
