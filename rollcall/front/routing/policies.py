"""What the policies of each location become in nginx's configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rollcall.contract.policies import nginx
from rollcall.contract.policies.policy import Lines, Place
from rollcall.contract.policies.table import BY_KEY
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing.model import Location, Routing, Site

_HTTPS_PORT = 443
# What programs cut off a part of a path: parameters, a format, and white space.
_SUFFIX = r"(?:[.;\x01-\x20][^/]*)?"


@dataclass(frozen=True)
class PolicyLines:
    """The lines of every location by host and path, and those before all servers.

    `elsewhere` matches, in a location above guarded ones, the paths that a service may take for theirs.
    """

    of: Mapping[tuple[str, str], Lines]
    elsewhere: Mapping[tuple[str, str], str]

    @property
    def http(self) -> list[str]:
        """Return the lines before all servers, each once."""
        return list(dict.fromkeys(line for lines in self.of.values() for line in lines.http))


def policy_lines(routing: Routing, settings: Settings) -> PolicyLines:
    """Return the lines of all policies."""
    of, elsewhere = {}, {}
    for site in routing.sites:
        for location in site.locations:
            of[site.host, location.path] = nginx.lines(location.policies, _place(site.host, location, settings))
            elsewhere[site.host, location.path] = _elsewhere(location.path, site)
    return PolicyLines(of, elsewhere)


def _place(host: str, location: Location, settings: Settings) -> Place:
    port = settings.https_port if isinstance(settings.redirect, bool) else settings.redirect
    return Place(
        identity=nginx.identity(host, location.path),
        module="grpc" if location.protocol in ("grpc", "grpcs") else "proxy",
        https=f"https://$host{'' if port == _HTTPS_PORT else f':{port}'}",
        sign_in=location.sign_in,
    )


def _elsewhere(path: str, site: Site) -> str:
    """Return the regular expression of the spellings of guarded paths below a path; "" without any.

    nginx compares paths by case and whole; many programs do not, and take /Admin, /admin;x, /admin.json, /admin%20 and
    /x/..;/admin for /admin.
    """
    above = path.rstrip("/").lower() + "/"
    guarded = [
        location.path
        for location in site.locations
        if _is_guarded(location) and location.path != path and location.path.lower().startswith(above)
    ]
    if not guarded:
        return ""
    spelled = "|".join("".join(f"/{re.escape(part)}{_SUFFIX}" for part in one[1:].split("/")) for one in guarded)
    return rf"^(?:{spelled})(?:/|$)|/\.*;|\x5c"


def _is_guarded(location: Location) -> bool:
    return location.closed or any(BY_KEY[key].access for key, _ in location.policies)
