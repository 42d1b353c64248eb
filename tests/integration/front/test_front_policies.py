"""Policies of routes, as visitors notice them and as attackers try them, through a real front."""

import base64
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import policy_app
import pytest
from policy_app import App

from rollcall.contract.policies import table
from rollcall.secrets.service_secrets import ServiceSecrets

SHOP = "shop.example.com"
USERS = ServiceSecrets(b"key", {("front", "staff"): "ann:correct horse\nbob:battery: staple\n"})


@pytest.fixture
def app() -> Iterator[App]:
    with policy_app.running("one") as running:
        yield running


@pytest.fixture
def second() -> Iterator[App]:
    with policy_app.running("two") as running:
        yield running


@pytest.fixture
def register(catalog):
    def run(app: App, service: str = "shop-80", **meta: str) -> None:
        catalog.api.agent.service.register(
            service,
            service_id=f"app1:{service}-{app.name}:80",
            address="127.0.0.1",
            port=app.server_port,
            meta={"virtual_host": SHOP, **{f"virtual_{key}": value for key, value in meta.items()}},
        )

    return run


@pytest.fixture
def serves(front, until):
    """Wait until a front serves this many routes beside the default site."""

    def run(count: int) -> None:
        def found() -> int:
            return len(front.document().get("routes", [])) - 1

        until(lambda: front.failure() or found() == count, f"{count} routes", 20)
        assert front.failure() == ""

    return run


def raw(front, target: str, *headers: str, host: str = SHOP, source: str = "127.0.0.1") -> str:
    """Send a request line as it is written; return the status and what the service saw."""
    # nginx waits five seconds for the rest of a refused request's body before it closes (lingering_timeout).
    with socket.create_connection(("127.0.0.1", front.http_port), 15, (source, 0)) as connection:
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode())
        found = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                found += piece
    return found.decode(errors="replace")


def status(answer: str) -> int:
    return int(answer.split()[1])


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def complaints(front) -> list[str]:
    return [problem["text"] for problem in front.document()["problems"] if problem["kind"] == "metadata"]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_nginx_takes_the_lines_of_every_policy_at_once(front, app, register, serves, protocol: str) -> None:
    every = {policy.key: policy.example for policy in table.POLICIES if policy.key != "basic_auth"}
    for number, path in enumerate(("/", "/a", "/a/b")):
        register(app, f"all{number}-80", path=path, proto=protocol, **every)
    register(app, "login-4180", host="login.example.com")
    register(app, "sticky-80", host="sticky.example.com", sticky="none", rate_limit="1/m burst 0")
    # Three places, two names that redirect, the login, and the last.
    serves(7)
    assert complaints(front) == []


def test_sizes_retries_and_compression(front, app, second, register, serves) -> None:
    register(app)
    register(app, "small-80", host="small.example.com", max_body_size="1k", max_response_header_size="4", gzip="off")
    register(app, "once-80", host="once.example.com", retries="off")
    register(second, "once-80", host="once.example.com", retries="off")
    serves(3)
    cookies = front.get("/cookies", host=SHOP)
    assert cookies.status == 200 and len(cookies.headers.get_all("Set-Cookie")) == len(policy_app.COOKIES)
    assert front.get("/cookies", host="small.example.com").status == 502
    assert front.get("/", host=SHOP, body=b"x" * 2000).json["body"] == 2000
    assert front.get("/", host="small.example.com", body=b"x" * 2000).status == 413
    packed = raw(front, "/text", "Accept-Encoding: gzip")
    assert "Content-Encoding: gzip" in packed and "Vary: Accept-Encoding" in packed
    assert len(packed) < len(policy_app.TEXT) / 5
    assert "Content-Encoding" not in raw(front, "/text", "Accept-Encoding: gzip", host="small.example.com")
    assert "Content-Encoding" not in raw(front, "/text")
    front.get("/fails", host="once.example.com")
    assert app.seen["/fails"] + second.seen["/fails"] == 1


def test_networks_decide_who_gets_in(front, app, register, serves) -> None:
    register(app, allow="127.0.0.0/8", deny="127.0.0.9")
    register(app, "away-80", host="away.example.com", allow="192.0.2.0/24")
    register(app, "bad-80", host="bad.example.com", allow="127.0.0.1/8")
    register(app, "typo-80", host="typo.example.com", alow="127.0.0.0/8")
    register(app, "none-80", host="none.example.com", allow="")
    serves(5)
    assert front.get("/", host=SHOP).status == 200
    assert status(raw(front, "/", source="127.0.0.9")) == 403
    # A stranger's word about his address counts for nothing.
    claims = ["X-Forwarded-For: 192.0.2.7", "X-Real-IP: 192.0.2.7", "Forwarded: for=192.0.2.7"]
    assert status(raw(front, "/", *claims, host="away.example.com")) == 403
    for closed in ("bad", "typo", "none"):
        assert front.get("/", host=f"{closed}.example.com").status == 403
    found = complaints(front)
    assert len(found) == 3 and all("nobody gets in, since" in text for text in found)


SPELLINGS = [
    "/admin",
    "/admin/",
    "//admin",
    "/./admin",
    "/x/../admin",
    "/%61dmin",
    "/x/%2e%2e/admin",
    "/x/..%2fadmin",
    "/x/%2E%2E%2Fadmin",
    "/ADMIN",
    "/Admin/x",
    "/admin;x=1",
    "/admin.json",
    "/Admin.html?x",
    "/admin.",
    "/admin%20",
    "/admin%09/x",
    "/admin%0a",
    "/admin;/x",
    "/;/admin",
    "/x/..;/admin",
    "/x\\..\\admin",
    "/admin?x=/public",
    "http://shop.example.com/admin",
]


@pytest.mark.parametrize("limits", [{"basic_auth": "staff"}, {"allow": "192.0.2.7"}, {"allow": "nonsense"}])
def test_no_spelling_of_a_guarded_path_leads_past_it(front, app, second, register, serves, secret, catalog, limits):
    """The service above takes the path for its own, as a program that ignores case or path parameters does."""
    register(app)
    front.configure(catalog, replace(secret, services=USERS), users=["staff"])
    assert front.execute("front-apply")[0] == 0
    register(second, "admin-80", path="/admin", **limits)
    serves(2)
    for spelling in SPELLINGS:
        assert status(raw(front, spelling)) in (401, 403, 404), spelling
    assert not second.seen
    assert not [path for path in app.seen if "admin" in path.lower()]
    assert front.get("/administrator", host=SHOP).json["app"] == "one"


def test_passwords(front, app, register, serves, secret, catalog) -> None:
    front.configure(catalog, replace(secret, services=USERS), users=["staff"])
    assert front.execute("front-apply")[0] == 0
    register(app, basic_auth="staff")
    register(app, "other-80", host="other.example.com", basic_auth="others")
    serves(2)
    anonymous = front.get("/", host=SHOP)
    assert anonymous.status == 401 and anonymous.headers["WWW-Authenticate"] == 'Basic realm="Sign in"'
    for good in ("ann:correct horse", "bob:battery: staple"):
        found = front.get("/", host=SHOP, Authorization=basic(good))
        assert found.status == 200 and "Authorization" not in found.json["headers"]
    for bad in (
        "ann:battery: staple",
        "ann:",
        ":",
        "ann",
        "Ann:correct horse",
        "eve:correct horse",
        "ann:correct horse ",
    ):
        assert front.get("/", host=SHOP, Authorization=basic(bad)).status == 401, bad
    assert front.get("/", host="other.example.com", Authorization=basic("ann:correct horse")).status == 403
    assert [text for text in complaints(front) if "expected one of staff" in text]
    mode, users = front.shell("stat -c %a /etc/rollcall/front/users/staff").strip(), front.read("users/staff")
    assert mode == "600" and "horse" not in users and users.startswith("ann:$2b$")


def test_another_service_decides_who_gets_in(front, app, second, register, serves, until) -> None:
    register(
        app,
        forward_auth="login-80/verify",
        forward_auth_headers="Remote-User",
        forward_auth_login="https://login.example.com/start",
    )
    register(app, "plain-80", host="plain.example.com", forward_auth="login-80/verify")
    register(app, "lost-80", host="lost.example.com", forward_auth="nobody-80")
    register(second, "login-80", host="login.example.com")
    serves(4)
    wanted = "/a%20b?c=d&rd=https://evil.example.com/+%23"
    login = front.get(wanted, host=SHOP, Remote_User="root")
    assert login.status == 302
    page, _, query = login.headers["Location"].partition("?")
    assert page == "https://login.example.com/start"
    assert parse_qsl(query, strict_parsing=True) == [("rd", f"http://{SHOP}{wanted}")]
    assert front.get("/", host="plain.example.com", Remote_User="root").status == 401
    assert not app.seen
    found = front.get("/x", host=SHOP, X_Try_User="ann", Remote_User="root", body=b"x" * 2000)
    assert found.status == 200 and found.json["headers"]["Remote-User"] == "ann" and found.json["body"] == 2000
    assert sum(second.seen.values()) == second.seen["/verify"] == 3
    # nginx's own place for the question is nobody's.
    places = [line.split()[2] for line in front.loaded().splitlines() if "location = /!rollcall/auth/" in line]
    assert len(places) == 3
    assert {front.get(place, host=SHOP, X_Try_User="ann").status for place in places} == {404}
    assert front.get("/", host="lost.example.com", X_Try_User="ann").status == 500
    assert [text for text in complaints(front) if "nobody-80, which is not registered" in text]
    # Without the service nobody gets in.
    before = sum(app.seen.values())
    second.shutdown()
    second.server_close()
    until(lambda: front.get("/", host="plain.example.com", X_Try_User="ann").status == 500, "a closed route")
    assert sum(app.seen.values()) == before


def test_limits_of_one_address(front, app, register, serves) -> None:
    register(app, rate_limit="2/m burst 2")
    register(app, "idle-80", host="idle.example.com")
    serves(2)
    found = [front.get("/", host=SHOP).status for _ in range(6)]
    assert found == [200] * 3 + [429] * 3
    assert status(raw(front, "/", source="127.0.0.8")) == 200
    assert status(raw(front, "/", "X-Forwarded-For: 203.0.113.1")) == 429
    assert front.get("/", host="idle.example.com").status == 200


def test_redirects(front, app, register, serves) -> None:
    register(app, redirect_from="www, old.example.org", https_only="on")
    register(app, "taken-80", host="old2.example.org")
    register(app, "greedy-80", host="greedy.example.org", redirect_from="old2.example.org")
    serves(5)
    for old in (f"www.{SHOP}", "old.example.org"):
        moved = front.get("/a/b?c=d%2F", host=old)
        assert moved.status == 308 and moved.headers["Location"] == f"http://{SHOP}/a/b?c=d%2F"
        moved = front.get("/a", host=old, tls=True)
        assert moved.headers["Location"] == f"https://{SHOP}/a"
    plain = front.get("/a?b", host=SHOP)
    assert plain.status == 308 and plain.headers["Location"] == f"https://{SHOP}:{front.https_port}/a?b"
    assert front.get("/a", host=SHOP, tls=True).json["path"] == "/a"
    assert front.get("/", host="old2.example.org").json["app"] == "one"


def test_headers(front, app, register, serves) -> None:
    register(
        app,
        request_headers="X-Tenant: shop | User-Agent:",
        response_headers="X-Frame-Options: DENY | X-Powered-By: | Content-Security-Policy: img-src 'self'; font-src *",
    )
    serves(1)
    found = front.get("/", host=SHOP, X_Tenant="evil", User_Agent="curl", X_Forwarded_Host="evil.example.com")
    headers = found.json["headers"]
    assert headers["X-Tenant"] == "shop" and "User-Agent" not in headers
    assert headers["X-Forwarded-For"] == "127.0.0.1" and headers["X-Forwarded-Host"] == SHOP
    assert found.headers["X-Frame-Options"] == "DENY" and "X-Powered-By" not in found.headers
    assert found.headers["Content-Security-Policy"] == "img-src 'self'; font-src *"
    assert len(found.headers.get_all("X-Request-ID")) == 1
    assert front.get("/cookies", host=SHOP).headers["X-Frame-Options"] == "DENY"


def test_smuggled_headers_reach_no_service(front, app, register, serves) -> None:
    register(app, request_headers="X-Tenant: shop")
    serves(1)
    for line in (
        "X-Tenant : evil",
        "X_Tenant: evil",
        "X-Tenant\t: evil",
        "X-Ten\0ant: evil",
        "X-Tenant: a\rX-Tenant: evil",
    ):
        assert "evil" not in raw(front, "/", line)
    # Programs that believe these see another path, method or scheme than the front.
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Original-Method", "X-Forwarded-Method"):
        assert "evil" not in raw(front, "/", f"{name}: /evil"), name
    for name in ("X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Prefix", "X-Forwarded-Port", "Forwarded"):
        assert "evil" not in raw(front, "/", f"{name}: evil"), name
    both = raw(front, "/", "Content-Length: 5", "Transfer-Encoding: chunked")
    assert status(both) == 400
    assert status(raw(front, "/", "Content-Length: 5", "Content-Length: 6")) == 400
    assert status(raw(front, "/", "Host: other.example.com")) == 400


def test_other_sites_scripts(front, app, register, serves) -> None:
    register(app, cors="https://app.example.com, https://*.example.org credentials")
    register(app, "all-80", host="all.example.com", cors="*")
    serves(2)
    for origin, allowed in {
        "https://app.example.com": True,
        "https://a.b.example.org": True,
        "https://example.org": False,
        "https://evilexample.org": False,
        "https://app.example.com.evil.com": False,
        "http://app.example.com": False,
        "null": False,
    }.items():
        found = front.get("/", host=SHOP, Origin=origin)
        assert found.status == 200
        assert found.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None), origin
        assert found.headers.get("Access-Control-Allow-Credentials") == ("true" if allowed else None)
        assert "Origin" in found.headers["Vary"]
    before = sum(app.seen.values())
    connection = front.connect()
    headers = {"Host": SHOP, "Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT"}
    connection.request("OPTIONS", "/x", headers=headers | {"Access-Control-Request-Headers": "x-a"})
    answer = connection.getresponse()
    assert answer.status == 204 and answer.headers["Access-Control-Allow-Headers"] == "x-a"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"] and answer.headers["Access-Control-Max-Age"]
    connection.close()
    assert sum(app.seen.values()) == before
    assert front.get("/", host="all.example.com").headers.get_all("Access-Control-Allow-Origin") == ["*"]


def test_a_visitor_stays_with_one_instance(front, app, second, register, serves, catalog, until) -> None:
    for one in (app, second):
        register(one, sticky="strict")
    serves(1)
    until(lambda: len(front.instances()) == 2, "both instances")
    first = front.get("/", host=SHOP)
    cookie = first.headers["Set-Cookie"]
    assert "samesite=strict" in cookie.lower() and "httponly" in cookie.lower() and "secure" not in cookie.lower()
    own = {"Cookie": cookie.partition(";")[0]}
    assert {front.get("/", host=SHOP, **own).json["app"] for _ in range(10)} == {first.json["app"]}
    catalog.api.agent.service.deregister(f"app1:shop-80-{first.json['app']}:80")
    until(lambda: len(front.instances()) == 1, "the other instance")
    other = front.get("/", host=SHOP, **own)
    assert other.status == 200 and other.json["app"] != first.json["app"]


def visited(front, jar: Path, scheme: str, *more: str) -> str:
    """Visit the shop as a browser does, with a jar of cookies; return which instance responds."""
    port = front.https_port if scheme == "https" else front.http_port
    command = ["curl", "-sk", "-b", str(jar), "-c", str(jar), "--resolve", f"{SHOP}:{port}:127.0.0.1", *more]
    done = subprocess.run([*command, f"{scheme}://{SHOP}:{port}/"], capture_output=True, check=True)
    return str(json.loads(done.stdout)["app"])


def cookie_in(jar: Path) -> dict[str, bool]:
    """Return for whom the jar keeps the one cookie: other hosts of the domain, and HTTPS alone."""
    (line,) = [line for line in jar.read_text().splitlines() if "\trollcall_" in line]
    host, subdomains, _, secure, *_ = line.split("\t")
    assert host == f"#HttpOnly_{SHOP}"
    return {"subdomains": subdomains == "TRUE", "secure": secure == "TRUE"}


def test_the_cookie_is_secure_wherever_the_visitor_came_by_https(
    start_front, app, second, register, until, tmp_path: Path
) -> None:
    with start_front(trusted_proxies=["127.0.0.2"]) as front:
        for one in (app, second):
            register(one, sticky="lax")
        until(lambda: len(front.instances()) == 2, "both instances")
        by_stranger = ("-H", "X-Forwarded-Proto: https")
        for number, (scheme, more) in enumerate([("https", ()), ("http", ()), ("http", by_stranger)]):
            jar = tmp_path / f"jar{number}"
            first = visited(front, jar, scheme, *more)
            assert cookie_in(jar) == {"subdomains": False, "secure": scheme == "https"}, (scheme, more)
            assert {visited(front, jar, scheme, *more) for _ in range(10)} == {first}
        # Whoever took it by HTTPS does not send it in the clear, and keeps it.
        jar = tmp_path / "jar0"
        visited(front, jar, "http")
        assert cookie_in(jar)["secure"]
        (line,) = [
            line
            for line in raw(front, "/", "X-Forwarded-Proto: https", source="127.0.0.2").splitlines()
            if line.startswith("Set-Cookie: rollcall_")
        ]
        assert line.endswith("; domain=; secure; httponly; samesite=lax; path=/")


def test_a_service_with_limits_is_not_behind_the_open_default_site(start_front, app, register, until) -> None:
    with start_front(services=["shop-80"]) as front:
        register(app, allow="192.0.2.7")
        until(lambda: len(front.document().get("routes", [])) == 2, "the route")
        assert front.get("/", host=SHOP).status == 403
        assert front.get("/", host="other.example.com").status == 502
        assert not app.seen and [text for text in complaints(front) if "no requests of the default site" in text]
