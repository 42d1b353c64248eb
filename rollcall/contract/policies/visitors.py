"""Policies of what visitors and their browsers see: redirects, headers, and requests from other sites (CORS)."""

import re

from rollcall.contract.host_names import is_host
from rollcall.contract.policies import values
from rollcall.contract.policies.header_values import REQUEST, RESPONSE, joined, pairs
from rollcall.contract.policies.policy import Lines, Place, Policy

_ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", re.ASCII)
CREDENTIALS = "credentials"
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_SECONDS = 3600
_CORS_HEADERS = (
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
)


def _https_only(_value: str, place: Place) -> Lines:
    return Lines(("if ($visitor_scheme = http) {", f"    return 308 {place.https}$request_uri;", "}"))


def _request_pairs(text: str) -> str:
    return joined(pairs(text, REQUEST))


def _response_pairs(text: str) -> str:
    return joined(pairs(text, RESPONSE))


def _request_headers(value: str, _: Place) -> Lines:
    return Lines(request_headers=tuple((name, f'"{text}"') for name, text in pairs(value, REQUEST)))


def _response_headers(value: str, _: Place) -> Lines:
    found = pairs(value, RESPONSE)
    return Lines(
        tuple(f'add_header {name} "{text}" always;' for name, text in found if text),
        hidden=tuple(name for name, _ in found),
    )


def _origins(text: str) -> str:
    found = [item.lower().removesuffix("/") for item in values.items(text)]
    origins = [item for item in found if item != CREDENTIALS]
    if not origins or ("*" in origins and found != ["*"]):
        raise ValueError
    if any(origin != "*" and not _ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError
    return " ".join([*origins, *([CREDENTIALS] if CREDENTIALS in found else [])])


def _cors(value: str, place: Place) -> Lines:
    origins = value.split()
    allowed, asked = f"$cors_{place.identity}", f"$preflight_{place.identity}"
    rules = [f"{_pattern(origin)} $http_origin" for origin in origins if origin not in ("*", CREDENTIALS)]
    default = '"*"' if origins == ["*"] else '""'
    # A request without an origin, or of another one, gets no header at all.
    http = (
        _map("$http_origin", allowed, *rules, f"default {default}"),
        _map(
            f'"$request_method:$http_access_control_request_method:{allowed}"',
            asked,
            '"~^OPTIONS:[A-Z]+:." 1',
            'default ""',
        ),
        _only(asked, "methods", f'"{_METHODS}"'),
        _only(asked, "headers", "$http_access_control_request_headers"),
        _only(asked, "age", f'"{_SECONDS}"'),
        *((_only(allowed, "credentials", '"true"'),) if CREDENTIALS in origins else ()),
    )
    location = (
        f"add_header Access-Control-Allow-Origin {allowed} always;",
        "add_header Vary Origin always;",
        f"add_header Access-Control-Allow-Methods {asked}_methods always;",
        f"add_header Access-Control-Allow-Headers {asked}_headers always;",
        f"add_header Access-Control-Max-Age {asked}_age always;",
        *(
            (f"add_header Access-Control-Allow-Credentials {allowed}_credentials always;",)
            if CREDENTIALS in origins
            else ()
        ),
        # Browsers send these questions without cookies and passwords, so they come before every check.
        f"if ({asked}) {{",
        "    return 204;",
        "}",
    )
    return Lines(location, http=http, hidden=_CORS_HEADERS)


def _map(source: str, variable: str, *rules: str) -> str:
    """Return a directive by which one variable follows from another."""
    return "\n".join((f"map {source} {variable} {{", *(f"    {rule};" for rule in rules), "}"))


def _only(condition: str, what: str, value: str) -> str:
    """Map a condition to a variable that is empty without it; an empty header is not sent."""
    return _map(condition, f"{condition}_{what}", '"" ""', f"default {value}")


def _pattern(origin: str) -> str:
    if "*" not in origin:
        return f'"{origin}"'
    return '"~^' + re.escape(origin).replace(r"\*", "[a-z0-9-]+([.][a-z0-9-]+)*") + '$"'


def _old_names(text: str) -> str:
    found = values.items(text.lower())
    if not all(is_host(name) and not name.startswith("*") for name in found):
        raise ValueError
    return " ".join(found)


POLICIES = (
    Policy(
        "https_only",
        "true or false",
        "Requests by plain HTTP are redirected to HTTPS (308); `front.redirect` is for all routes",
        "true",
        values.enabled,
        _https_only,
    ),
    Policy(
        "redirect_from",
        'host names, or "www" for www. before each of the route\'s, with commas or spaces between them',
        "Requests of these names are redirected to the route's first name (308), with path and query",
        "www, shop.example.org",
        _old_names,
    ),
    Policy(
        "request_headers",
        'names and values such as "X-Tenant: shop", bars between them, at most 16',
        "Headers that the service gets instead of the client's own; an empty value removes one",
        "X-Tenant: shop",
        _request_pairs,
        _request_headers,
    ),
    Policy(
        "response_headers",
        'names and values such as "X-Frame-Options: DENY", bars between them, at most 16',
        "Headers of the response instead of the service's own; an empty value removes one",
        "X-Frame-Options: DENY | Referrer-Policy: no-referrer",
        _response_pairs,
        _response_headers,
    ),
    Policy(
        "cors",
        'origins such as "https://app.example.com", "https://*.example.com", and "credentials" for cookies; or "*"',
        "Scripts of these sites may read the responses; nginx answers their questions (preflight requests) itself",
        "https://app.example.com credentials",
        _origins,
        _cors,
    ),
)
