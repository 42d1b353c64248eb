"""The registrator of a host: it watches the host's engine and tells the host's own Consul agent."""

from rollcall.desired import Container, Mount, Thing
from rollcall.fleet import Fleet, Member

# Inside the container, where the original registrator looked for it.
SOCKET = Mount("/var/run/docker.sock", "/tmp/docker.sock")  # noqa: S108


def desired(fleet: Fleet, member: Member) -> tuple[Thing, ...]:
    """Say what the registrator of one host consists of."""
    settings = member.settings.registrator
    return (
        Container(
            name="registrator",
            component="registrator",
            image=settings.image,
            image_source=settings.image_source or member.settings.image_source,
            command=_flags(fleet, member),
            environment=(("SERVICE_IGNORE", "true"),),
            network="host",
            # Service ids begin with it, and cleanup goes by it: it must outlive the container.
            hostname=member.node,
            mounts=(SOCKET,),
        ),
    )


def _flags(fleet: Fleet, member: Member) -> tuple[str, ...]:
    settings = member.settings.registrator
    return (
        "-internal" if fleet.mode == "internal" else f"-ip={member.address}",
        f"-resync={settings.resync}",
        *(("-cleanup",) if settings.cleanup else ()),
        *((f"-tags={','.join(settings.tags)}",) if settings.tags else ()),
        "consul://127.0.0.1:8500",
    )
