"""What a user may declare of a service of their own (docs/services.md): the items of the setting `services`."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from rollcall.config.forms import Duration, Expected, Image, ImageSource, Port, Seconds, Switch
from rollcall.config.front.route_policies import with_policies
from rollcall.config.front.stream import ServiceStream
from rollcall.config.section import Section
from rollcall.config.service_options import Options
from rollcall.contract import jobs, route_metadata, schedule

_LINE = r"^[^\x00\n]*$"
LABEL_PATTERN = r"^[A-Za-z0-9_]([A-Za-z0-9._/-]*[A-Za-z0-9_])?$"
_PATH_PATTERN = r"^/[!-~]*$"
# No part is "." or "..", and no character has a meaning in Docker's --mount.
_TARGET_PATTERN = r"^(/\.?[A-Za-z0-9_+@-][A-Za-z0-9_.+@-]*)+$"
_TARGET = Expected('an absolute path in the container, such as "/etc/shop/shop.toml"')


class DeclaredServiceRoute(Section):
    """A host name at which the fronts pass requests to the service."""

    host: Annotated[
        str,
        AfterValidator(route_metadata.host),
        Expected('a host name such as "shop.example.com", or "*.example.com"'),
    ] = Field(description="Host name of the requests")
    port: Port | None = Field(default=None, description="Port of the service; without one, its first")
    path: Annotated[
        str,
        AfterValidator(route_metadata.path),
        Expected('a path such as "/api", of letters, digits and ._~@:+=,-'),
    ] = Field(default="/", description="Path prefix of the requests; one for all routes of a port")
    strip: Switch = Field(default=False, description="Remove the path before the service sees the request")
    protocol: Annotated[route_metadata.Protocol, Expected('"http", "https", "grpc" or "grpcs"')] = Field(
        default="http", description="Protocol that the service speaks"
    )
    buffering: Switch = Field(default=True, description="Let nginx buffer responses; False for streams of events")


if TYPE_CHECKING:
    ServiceRoute = DeclaredServiceRoute
else:
    ServiceRoute = with_policies("ServiceRoute", DeclaredServiceRoute)


class Health(Section):
    """How Consul knows that a container serves; only a container that passes gets requests."""

    check: Annotated[
        Literal["http", "https", "grpc", "tcp", "image", "none"],
        Expected('"http", "https", "grpc", "tcp" (it accepts a connection), "image" (its HEALTHCHECK) or "none"'),
    ] = Field(default="http", description="Kind of the check")
    path: Annotated[str, StringConstraints(pattern=_PATH_PATTERN), Expected('a path such as "/health"')] = Field(
        default="/", description="Path that returns a status 2xx while the container serves"
    )
    port: Port | None = Field(default=None, description="Port to check; without one, the service's first")
    interval: Duration = Field(default="2s", description="Time between two checks")
    timeout: Duration = Field(default="2s", description="Longest time for a response")
    grace: Duration | None = Field(
        default=None,
        description="Time that the program takes to start, such as to load a model; a release adds it to its timeout",
    )


class ServiceVolume(Section):
    """Data that outlasts the container, or a directory of the host."""

    source: Annotated[
        str,
        StringConstraints(pattern=rf"({_TARGET_PATTERN})|(^[a-zA-Z0-9][a-zA-Z0-9_.-]+$)"),
        Expected('the name of a volume such as "shop-data", or an absolute path of the host'),
    ] = Field(description="Volume, or directory of the host")
    target: Annotated[str, StringConstraints(pattern=_TARGET_PATTERN), _TARGET] = Field(
        description="Where the container sees it"
    )
    read_only: Switch = Field(default=False, description="Let the container only read it")


# Sources that are no file on this machine: what the fleet's authority issues for the service.
CERTIFICATE, KEY = ISSUED = "fleet:certificate", "fleet:key"
SERVICE_NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$"
Environment = Annotated[
    dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str],
    Expected('a dict of strings such as {"LOG_LEVEL": "info"}'),
]
NumericUser = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{1,9}(:[0-9]{1,9})?)?$"),
    Expected('a numeric uid or uid:gid such as "1000:1000", or "" for the image\'s'),
]


def _source(text: str) -> str:
    if not text or (text.startswith("fleet:") and text not in ISSUED):
        raise ValueError
    return text


class ServiceFile(Section):
    """A file of the project, or the service's certificate, that the container reads; a changed file is a release."""

    source: Annotated[
        str,
        AfterValidator(_source),
        Expected(
            "the path of a file, absolute or relative to the project, whose name ends with .j2 if it is a Jinja "
            f'template; or "{CERTIFICATE}" or "{KEY}"'
        ),
    ] = Field(description="The file on this machine, or the certificate that the fleet issues for the service")
    target: Annotated[str, StringConstraints(pattern=_TARGET_PATTERN), _TARGET] = Field(
        description="Where the container sees it"
    )
    mode: Annotated[
        Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")] | None, Expected('an octal mode such as "0644"')
    ] = Field(default=None, description="Mode of the file; without one 0644, of a key 0400")
    owner: NumericUser = Field(
        default="", description="Owner of the file; without one root, of a key the user that the program starts as"
    )


SECRET_NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"  # noqa: S105 — no value
SECRET_NAME_FORM = 'a letter, then letters, digits, dashes, underscores, such as "database-password"'  # noqa: S105
SecretName = Annotated[str, StringConstraints(pattern=SECRET_NAME_PATTERN), Expected(SECRET_NAME_FORM)]
Command = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1)], ...],
    Field(min_length=1, strict=False),
]
Commands = Annotated[tuple[Command, ...], Expected('a list of commands, each a list of words such as ["bin/migrate"]')]


class Release(Section):
    """How a changed service is replaced, one container after the other."""

    order: Annotated[Literal["start-first", "stop-first"] | None, Expected('"start-first" or "stop-first"')] = Field(
        default=None,
        description="Start the new container before the old one stops, or after; without one, stop-first where a "
        "public_port or a writable volume allows only one container at a time, else start-first",
    )
    parallel: Annotated[int, Field(ge=1, le=50), Expected("an integer from 1 to 50")] = Field(
        default=1, description="Containers of the service that are replaced at the same time, in the whole fleet"
    )
    timeout: Seconds = Field(default=60, description="How long a new container may take until it serves")
    drain_timeout: Annotated[int, Field(ge=0, le=3600), Expected("an integer from 0 to 3600", "seconds")] = Field(
        default=30, description="How long the last connections to the old container may take"
    )
    before: Commands = Field(
        default=(),
        strict=False,
        description="Commands that run once, on one host, in a new container of the new image, before the first "
        "container is replaced; if one fails, nothing is replaced",
    )
    after: Commands = Field(
        default=(), strict=False, description="The same, once the last container of the deploy is replaced"
    )
    on_failure: Annotated[Literal["stop", "back"], Expected('"stop" or "back"')] = Field(
        default="stop",
        description='What follows when a container does not come up: "stop" leaves those that were replaced as they '
        'are, "back" puts them back to the last version that was released completely',
    )


def _scheduled(text: str | None) -> str | None:
    return text and schedule.schedule(text)


def _zone(name: str) -> str:
    return schedule.timezone(name)


class Service(Section):
    """A service of your own: containers that a deploy runs on each host, and releases without a lost request."""

    name: Annotated[
        str,
        StringConstraints(pattern=SERVICE_NAME_PATTERN),
        Expected('lower-case letters, digits and dashes, at most 42, such as "shop"'),
    ] = Field(description="Name of the service in Consul, and of its containers with a number appended")
    image: Image = Field(description="Image of the containers")
    image_source: ImageSource | None = Field(
        default=None, description="Where the host gets this image from; without one, image_source decides"
    )
    schedule: Annotated[
        str | None,
        AfterValidator(_scheduled),
        Expected('five fields of cron such as "17 3 * * *", or @hourly, @daily, @weekly, @monthly, @yearly'),
    ] = Field(default=None, description="Times at which one host of the group runs it: a job (docs/jobs.md)")
    timezone: Annotated[str, AfterValidator(_zone), Expected('a time zone such as "Europe/Berlin", or "UTC"')] = Field(
        default="UTC", description="Time zone of the schedule"
    )
    timeout: Annotated[int, Field(ge=1, le=604800), Expected("an integer from 1 to 604800", "seconds")] = Field(
        default=3600, description="How long a job may run until it is stopped"
    )
    count: Annotated[int, Field(ge=0, le=50), Expected("an integer from 0 to 50")] = Field(
        default=1, description="Containers on each host"
    )
    ports: Annotated[tuple[Port, ...], Expected("a list of TCP ports that the program listens on, such as [8000]")] = (
        Field(default=(), strict=False, description="Ports of the service; a worker has none")
    )
    public_port: Port | None = Field(
        default=None, description="Port of the host, on every address, that leads to the first of the ports"
    )
    routes: Annotated[tuple[ServiceRoute, ...], Expected('a list of dicts such as {"host": "shop.example.com"}')] = (
        Field(default=(), strict=False, description="Host names at which the fronts serve it")
    )
    streams: Annotated[tuple[ServiceStream, ...], Expected('a list of dicts such as {"port": 5432}')] = Field(
        default=(), strict=False, description="Ports of the fronts whose connections go to it (docs/streams.md)"
    )
    health: Annotated[Health, Expected('a dict such as {"path": "/health"}')] = Field(default_factory=Health)
    tags: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.=-]{1,63}$")], ...],
        Expected('a list of tags such as "v2"'),
    ] = Field(default=(), strict=False, description="Tags in Consul")
    command: Annotated[tuple[str, ...], Expected('a list of words such as ["serve", "--port=8000"]')] = Field(
        default=(), strict=False, description="Command of the container; without one, the image's"
    )
    environment: Environment = Field(
        default_factory=dict, description="Environment of the container; no secrets, since inspect shows it"
    )
    volumes: Annotated[
        tuple[ServiceVolume, ...], Expected('a list of dicts such as {"source": "shop-data", "target": "/data"}')
    ] = Field(default=(), strict=False, description="Data that outlasts the containers")
    files: Annotated[
        tuple[ServiceFile, ...], Expected('a list of dicts such as {"source": "shop.toml", "target": "/etc/shop.toml"}')
    ] = Field(default=(), strict=False, description="Files of the project that the containers read")
    secrets: Annotated[tuple[SecretName, ...], Expected(f"a list of names, each {SECRET_NAME_FORM}")] = Field(
        default=(),
        strict=False,
        description="Secrets that the containers read as /run/secrets/NAME; `rollcall secret set` gives the values",
    )
    secrets_as_environment: Switch = Field(
        default=False,
        description="Give the secrets as environment variables instead of files; docker inspect shows them to root",
    )
    secrets_owner: NumericUser = Field(
        default="", description="Owner of the secrets' files; without one, the user that the program starts as"
    )
    user: NumericUser = Field(default="", description="User of the program")
    read_only: Switch = Field(default=False, description="Let the program write only to volumes and /tmp")
    capabilities: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z_]+$")], ...],
        Expected('a list of capabilities such as "NET_ADMIN"'),
    ] = Field(
        # What images need that start as root to change owners and switch to their user.
        default=("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"),
        strict=False,
        description="Linux capabilities of the containers; all others are dropped",
    )
    cpus: Annotated[float, Field(ge=0, le=1024), Expected("a number of at least 0.01, or 0 for no limit")] = Field(
        default=0, description="Processors that each container may use"
    )
    memory: Annotated[int, Field(ge=8, le=1048576), Expected("an integer of at least 8", "MiB")] = Field(
        default=512, description="Memory limit of each container"
    )
    pids: Annotated[int, Field(ge=8, le=65536), Expected("an integer of at least 8")] = Field(
        default=512, description="Limit of processes and threads of each container"
    )
    labels: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=LABEL_PATTERN)], Annotated[str, StringConstraints(pattern=_LINE)]
        ],
        Expected('a dict of strings such as {"com.example.team": "shop"}'),
    ] = Field(default_factory=dict, description="Labels of the containers")
    options: Annotated[Options, Expected('a dict such as {"init": True}')] = Field(default_factory=Options)
    stop_timeout: Seconds = Field(default=10, description="Time between the stop signal and a kill")
    release: Annotated[Release, Expected('a dict such as {"order": "stop-first"}')] = Field(default_factory=Release)

    @property
    def order(self) -> Literal["start-first", "stop-first"]:
        """The order of a replacement."""
        if self.release.order:
            return self.release.order
        shared = any(not volume.read_only for volume in self.volumes)
        return "stop-first" if self.public_port or shared else "start-first"

    def registered_name(self, port: int) -> str:
        """Return the name in Consul of one of its ports."""
        return self.name if len(self.ports) == 1 else f"{self.name}-{port}"

    @property
    def has_certificate(self) -> bool:
        """Whether it reads a certificate of its own, or the key."""
        return any(file.source in ISSUED for file in self.files)

    @property
    def job(self) -> str:
        """The name of its container on each host if it is a job, else ""."""
        return jobs.container(self.name) if self.schedule else ""

    @property
    def containers(self) -> tuple[str, ...]:
        """The names of its containers on each host that run all the time."""
        return () if self.schedule else tuple(f"{self.name}-{number}" for number in range(1, self.count + 1))
