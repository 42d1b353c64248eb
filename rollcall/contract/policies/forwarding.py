"""The headers that every service gets from a front, instead of what a client sends under these names."""

from rollcall.contract.policies.policy import Headers

_HOST = "$host$is_request_port$request_port"
# An empty value removes the client's own. Proxy: CGI programs read it as the setting of their own proxy.
_COMMON: Headers = (
    ("Host", _HOST),
    ("X-Real-IP", "$remote_addr"),
    ("X-Forwarded-For", "$remote_addr"),
    ("X-Forwarded-Proto", "$visitor_scheme"),
    ("X-Forwarded-Prefix", "$forwarded_prefix"),
    ("X-Forwarded-Host", _HOST),
    ("X-Forwarded-Port", "$visitor_port"),
    ("Forwarded", '""'),
    ("Proxy", '""'),
    # By these some programs see another path, method or scheme than the front has checked.
    ("X-Original-URL", '""'),
    ("X-Rewrite-URL", '""'),
    ("X-Forwarded-Uri", '""'),
    ("X-Original-Method", '""'),
    ("X-Forwarded-Method", '""'),
    ("X-Forwarded-Scheme", '""'),
    ("X-Forwarded-Ssl", '""'),
    ("X-Request-ID", "$known_request_id"),
)
# WebSockets and other upgrades; gRPC has none.
_UPGRADE: Headers = (("Upgrade", "$upgrade"), ("Connection", "$connection_upgrade"))
# A service that is asked about a request gets it without its body.
SIGN_IN: Headers = (
    ("Connection", '""'),
    ("Upgrade", '""'),
    ("Content-Length", '""'),
    ("X-Original-Method", "$request_method"),
    ("X-Original-URL", f"$visitor_scheme://{_HOST}$request_uri"),
    ("X-Forwarded-Method", "$request_method"),
    ("X-Forwarded-Uri", "$request_uri"),
)
HIDDEN = ("X-Request-ID",)


def headers(module: str, more: Headers = ()) -> Headers:
    """Return the headers of a request to a service; of equal names the last one is sent."""
    every = (*(_UPGRADE if module == "proxy" else ()), *_COMMON, *more)
    by_name = {name.lower(): (name, value) for name, value in every}
    return tuple(by_name.values())


def lines(module: str, more: Headers = ()) -> tuple[str, ...]:
    """Return nginx's lines for them. A location with one such line inherits none, so they always come together."""
    return tuple(f"{module}_set_header {name} {value};" for name, value in headers(module, more))


def hiding(module: str, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return nginx's lines for the headers of a response that visitors do not get."""
    return tuple(f"{module}_hide_header {name};" for name in dict.fromkeys((*HIDDEN, *more)))
