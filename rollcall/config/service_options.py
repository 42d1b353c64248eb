"""Docker's own options that a service may set: named as in Compose files, each with a type."""

from typing import Annotated

from pydantic import Field, StringConstraints

from rollcall.config.forms import IPV4_PATTERN, Expected, Switch
from rollcall.config.section import Section

_PATH = r"(/\.?[A-Za-z0-9_+@-][A-Za-z0-9_.+@-]*)+"
_HOST_NAME = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?"
_WORD = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$"), Expected("words")]


class OptionTmpfs(Section):
    """A directory in memory."""

    target: Annotated[str, StringConstraints(pattern=f"^{_PATH}$"), Expected('an absolute path such as "/run"')] = (
        Field(description="Where the container sees it")
    )
    size: Annotated[int, Field(ge=1, le=1048576), Expected("an integer of at least 1", "MiB")] = Field(
        default=16, description="Most that it may hold"
    )


class Options(Section):
    """Options of Docker for a service's containers, named as in Compose files."""

    init: Switch = Field(default=False, description="Run an init that reaps child processes and passes signals on")
    entrypoint: Annotated[tuple[_WORD, ...], Expected('a list of words such as ["/bin/serve"]')] = Field(
        default=(), strict=False, description="Entrypoint in the place of the image's, whose command is dropped, too"
    )
    working_dir: Annotated[
        str, StringConstraints(pattern=rf"^({_PATH}|/)?$"), Expected('an absolute path in the container such as "/app"')
    ] = Field(default="", description="Directory that the program starts in; without one, the image's")
    hostname: Annotated[
        str, StringConstraints(pattern=rf"^({_HOST_NAME})?$"), Expected('a host name such as "shop"')
    ] = Field(default="", description="Host name in the container; without one, the container's name")
    stop_signal: Annotated[
        str, StringConstraints(pattern=r"^(SIG[A-Z0-9+-]+)?$"), Expected('a signal such as "SIGQUIT"')
    ] = Field(default="", description="Signal that asks the program to end; without one, the image's, or SIGTERM")
    extra_hosts: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=rf"^{_HOST_NAME}$")],
            Annotated[str, StringConstraints(pattern=rf"^({IPV4_PATTERN}|host-gateway)$")],
        ],
        Expected('a dict from host names to IPv4 addresses, or to "host-gateway", the host itself'),
    ] = Field(default_factory=dict, description="Names in the container's /etc/hosts")
    tmpfs: Annotated[tuple[OptionTmpfs, ...], Expected('a list of dicts such as {"target": "/run", "size": 16}')] = (
        Field(default=(), strict=False, description="Directories in memory")
    )
    devices: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=rf"^/dev{_PATH}(:/dev{_PATH})?(:r?w?m?)?$")], ...],
        Expected('a list of devices such as "/dev/fuse", or "/dev/ttyUSB0:/dev/ttyUSB1:rw"'),
    ] = Field(default=(), strict=False, description="Devices of the host that the program may use")
    group_add: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_][a-z0-9_-]{0,31}$")], ...],
        Expected('a list of groups, by number or by the image\'s name, such as "44"'),
    ] = Field(default=(), strict=False, description="Further groups of the program's user")
    shm_size: Annotated[int, Field(ge=0, le=1048576), Expected("an integer from 0 (Docker's 64)", "MiB")] = Field(
        default=0, description="Size of /dev/shm"
    )
    sysctls: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=r"^(net|kernel|fs)\.[a-z0-9_.*/-]+$")],
            Annotated[str, StringConstraints(pattern=r"^[^\s]+( [^\s]+)*$")],
        ],
        Expected('a dict of strings such as {"net.core.somaxconn": "1024"}'),
    ] = Field(default_factory=dict, description="Kernel parameters of the container's own namespaces")
    ulimits: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=r"^[a-z]+$")],
            Annotated[str, StringConstraints(pattern=r"^(-1|[0-9]+)(:(-1|[0-9]+))?$")],
        ],
        Expected('a dict of limits "SOFT:HARD", or one for both, such as {"nofile": "65536"}'),
    ] = Field(default_factory=dict, description="Limits of each process")
    oom_score_adj: Annotated[int, Field(ge=-1000, le=1000), Expected("an integer from -1000 to 1000")] = Field(
        default=0, description="How readily the kernel ends the program when the host is out of memory"
    )
