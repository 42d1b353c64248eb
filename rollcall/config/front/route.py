"""A route of a front as people write it: shop.example.com/api, or /api of the default site."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rollcall.contract import route_metadata
from rollcall.contract.maintenance_page import DEFAULT_HOST, PREFIX
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError


@dataclass(frozen=True)
class Route:
    """A host name, "" for the default site, and a path prefix."""

    host: str
    path: str

    def __str__(self) -> str:
        """Write it as a person does."""
        return f"{self.host}{self.path}"

    @property
    def key(self) -> str:
        """Consul's key of its maintenance page, below rollcall/front/.

        None ends with a slash: that is a folder, which consul-template leaves out (template/funcs.go: treeFunc).
        """
        return f"{PREFIX}{self.host or DEFAULT_HOST}{self.path.rstrip('/')}"


def read(text: str, server_names: Collection[str]) -> Route:
    """Understand a route; `server_names` are the default site's own.

    Raises:
        RollcallError: it is none.
    """
    host, slash, path = text.partition("/")
    try:
        name = route_metadata.host(host) if host else ""
        route = Route("" if name in server_names else name, route_metadata.path(slash + path) if path else "/")
    except ValueError:
        raise RollcallError(
            f"route: got {text!r}; expected HOST/PATH as in shop.example.com/api, without https://, "
            'or "/" for all of the default site'
        ) from None
    return route


def check(route: Route, served: Iterable[Route]) -> None:
    """See that a front serves that route.

    Raises:
        RollcallError: none does.
    """
    known = {str(one) for one in served}
    if str(route) not in known:
        raise RollcallError(f"no front serves {route}; {suggestion(str(route), known)}")
