"""Policies of who gets in: networks, passwords, another service's word, and how much at a time."""

import re

from rollcall.contract.policies import forwarding, values
from rollcall.contract.policies.header_values import passed_header, url_or_path
from rollcall.contract.policies.policy import ERROR_PAGES, Lines, Place, Policy

# Written by a deploy, one file for each of front.users; nginx reads it for each request. A missing one is a 403.
USERS = "/etc/rollcall/front/users"
# In the front's image: plain nginx cannot escape a URL for another's query.
LOGIN_SCRIPT = "/usr/local/share/rollcall/login.js"
# Room for about 32,000 addresses; nginx forgets the longest unseen.
ZONE = "4m"
NETWORKS = 'networks such as "10.0.0.0/8", "2001:db8::/32" or one address, with commas or spaces between them'
_RATE = re.compile(r"([1-9][0-9]{0,5})/([sm])(?: burst ([0-9]{1,6}))?", re.ASCII)
_AUTH = re.compile(r"([A-Za-z0-9_-]{1,255})((?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~@:+=,-]+)*/?)", re.ASCII)


def deny(value: str, _: Place) -> Lines:
    """Return the lines that close networks out, of a route or a stream."""
    return Lines(tuple(f"deny {network};" for network in value.split()))


def allow(value: str, _: Place) -> Lines:
    """Return the lines that let these networks in alone."""
    return Lines((*(f"allow {network};" for network in value.split()), "deny all;"))


def _basic_auth(value: str, _: Place) -> Lines:
    # The password is the front's: no service gets it.
    return Lines(
        ('auth_basic "Sign in";', f"auth_basic_user_file {USERS}/{value};"), request_headers=(("Authorization", '""'),)
    )


def _rate(text: str) -> str:
    found = _RATE.fullmatch(" ".join(text.lower().split()))
    if not found:
        raise ValueError
    # A page loads as many files at once as it may have in a second.
    count, unit, burst = found[1], found[2], found[3]
    return f"{count}/{unit} burst {int(burst if burst is not None else count)}"


def _rate_limit(value: str, place: Place) -> Lines:
    rate, _, burst = value.partition(" burst ")
    zone = f"rate_{place.identity}"
    burst = "" if burst == "0" else f" burst={burst} nodelay"
    return Lines(
        (f"limit_req zone={zone}{burst};",),
        http=(f"limit_req_zone $binary_remote_addr zone={zone}:{ZONE} rate={rate.replace('/', 'r/')};",),
    )


def _max_connections(value: str, place: Place) -> Lines:
    zone = f"open_{place.identity}"
    return Lines((f"limit_conn {zone} {value};",), http=(f"limit_conn_zone $binary_remote_addr zone={zone}:{ZONE};",))


def _sign_in(text: str) -> str:
    if not _AUTH.fullmatch(text):
        raise ValueError
    return text if "/" in text else f"{text}/"


def _forward_auth(value: str, place: Place) -> Lines:
    at = f"/!rollcall/auth/{place.identity}"
    path = value[value.index("/") :]
    return Lines(
        (f"auth_request {at};",),
        (
            f"location = {at} {{",
            "    internal;",
            "    auth_request off;",
            "    proxy_pass_request_body off;",
            *(f"    {line}" for line in forwarding.lines("proxy", forwarding.SIGN_IN)),
            f"    proxy_pass http://{place.sign_in}{path};",
            "}",
        ),
    )


def variable(header: str, place: Place) -> str:
    """Return the variable of a header that forward_auth passes."""
    return f"$auth_{place.identity}_{header.lower().replace('-', '_')}"


def _forward_auth_headers(value: str, place: Place) -> Lines:
    names = value.split()
    lines = tuple(
        f"auth_request_set {variable(name, place)} $upstream_http_{name.lower().replace('-', '_')};" for name in names
    )
    return Lines(lines, request_headers=tuple((name, variable(name, place)) for name in names))


def _header_names(text: str) -> str:
    return " ".join(dict.fromkeys(passed_header(item) for item in values.items(text)))


def _login(value: str, _: Place) -> Lines:
    # A location with one such line inherits none.
    return Lines(
        (*ERROR_PAGES, f'error_page 401 =302 "{value}?rd=$wanted_url";'),
        http=(f"js_import login from {LOGIN_SCRIPT};", "js_set $wanted_url login.wanted;"),
    )


POLICIES = (
    Policy(
        "deny",
        NETWORKS,
        "These get a 403",
        "192.0.2.0/24",
        values.networks,
        deny,
        access=True,
    ),
    Policy(
        "allow",
        NETWORKS,
        "Only these get in, all others get a 403; `deny` comes first",
        "10.0.0.0/8, 198.51.100.7",
        values.networks,
        allow,
        access=True,
    ),
    Policy(
        "basic_auth",
        'one of front.users, such as "staff"',
        "Only who has a name and a password of that list gets in",
        "staff",
        values.name,
        _basic_auth,
        access=True,
    ),
    Policy(
        "forward_auth",
        'a service and a path, such as "login-4180/verify"',
        "Service that decides about each request: its 2xx lets it in, 401 and 403 are the response, all else is a 500",
        "login-4180/verify",
        _sign_in,
        _forward_auth,
        access=True,
    ),
    Policy(
        "forward_auth_headers",
        'names such as "Remote-User, X-Auth-Email"',
        "Headers of that service's response that the container gets; a client's own of these names never arrive",
        "Remote-User, X-Auth-Email",
        _header_names,
        _forward_auth_headers,
        access=True,
    ),
    Policy(
        "forward_auth_login",
        'a URL or a path without a query, such as "https://login.example.com/start"',
        "Where visitors go instead of a 401, with `?rd=` and the escaped URL that they wanted",
        "https://login.example.com/start",
        url_or_path,
        _login,
        access=True,
    ),
    Policy(
        "rate_limit",
        'requests per second or minute, such as "10/s", "300/m" or "10/s burst 50"',
        "Requests of one address; more get a 429. `burst`: how many may come at once, by default the number before it",
        "10/s burst 50",
        _rate,
        _rate_limit,
    ),
    Policy(
        "max_connections",
        "an integer from 1 to 65535",
        "Requests that one address may have open at the same time; more get a 429",
        "20",
        values.integer(1, 65535),
        _max_connections,
    ),
)
