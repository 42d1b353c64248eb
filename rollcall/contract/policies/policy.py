"""What a policy is: a key, the values that it takes, and the lines of nginx's configuration that they become."""

from collections.abc import Callable
from dataclasses import dataclass, field

METADATA = "virtual_"
# The pages that nginx itself makes (templates/front/pages).
ERROR_PAGES = (
    "error_page 404 /!rollcall/404.html;",
    "error_page 502 504 /!rollcall/502.html;",
    "error_page 503 /!rollcall/maintenance.html;",
)
# Headers that a directive replaces as a whole are given as pairs, and joined with those of other policies.
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Place:
    """Where a policy applies.

    `identity` is a word of letters and digits for names in nginx; no other place has it. `https` is how a URL of the
    same place by HTTPS begins. `sign_in` is the upstream of the service that forward_auth names.
    """

    identity: str
    module: str = "proxy"
    https: str = "https://$host"
    sign_in: str = ""

    @property
    def grpc(self) -> bool:
        """Whether the service takes gRPC."""
        return self.module == "grpc"


@dataclass(frozen=True)
class Lines:
    """Lines of nginx's configuration: of the location, beside it in its server, and before all servers.

    Each of `http` is a whole directive, of several lines where it is a block; several places may give the same one.
    `request_headers` go to the service, the last of a name wins; `hidden` headers of its response are left out.
    """

    location: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    http: tuple[str, ...] = ()
    request_headers: Headers = ()
    hidden: tuple[str, ...] = ()

    def __add__(self, other: "Lines") -> "Lines":
        """Append another policy's lines."""
        return Lines(
            self.location + other.location,
            self.server + other.server,
            self.http + other.http,
            self.request_headers + other.request_headers,
            self.hidden + other.hidden,
        )


def _nothing(_value: str, _place: Place) -> Lines:
    return Lines()


@dataclass(frozen=True)
class Policy:
    """One policy.

    `parse` returns a value's canonical text, "" for none; it raises ValueError for everything that it does not
    understand, so that `lines` never sees a character with a meaning to nginx. `access`: it decides who gets in.
    """

    key: str
    expected: str
    meaning: str
    example: str
    parse: Callable[[str], str]
    lines: Callable[[str, Place], Lines] = field(default=_nothing)
    access: bool = False

    @property
    def meta(self) -> str:
        """Return its key in Consul's Meta."""
        return METADATA + self.key

    @property
    def variable(self) -> str:
        """Return its key in a container's environment or labels."""
        return f"SERVICE_{self.meta}".upper()
