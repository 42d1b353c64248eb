"""TLS at the HTTPS port, for browsers and for old or hostile clients."""

import ssl
import warnings
from dataclasses import replace

import pytest

from rollcall.secrets import certificates
from rollcall.secrets.front_certificate import Given


def client(authority: str, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Make a client's context that trusts this authority and checks names, for one protocol version only."""
    context = ssl.create_default_context(cadata=authority)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        if version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else the client itself refuses
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_tls_versions_work(served, secret, version: ssl.TLSVersion) -> None:
    with served.handshake(client(secret.authority, version)) as connection:
        assert connection.version() == version.name.replace("_", ".")
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_versions_are_refused(served, secret, version: ssl.TLSVersion) -> None:
    with (
        pytest.raises(ssl.SSLError, match="alert protocol version"),
        served.handshake(client(secret.authority, version)),
    ):
        pass


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
def test_weak_ciphers_are_refused(served, secret, cipher: str) -> None:
    context = client(secret.authority, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="handshake failure"), served.handshake(context):
        pass


def test_sessions_resume_without_tickets(served, secret) -> None:
    context = client(secret.authority, ssl.TLSVersion.TLSv1_2)
    with served.handshake(context) as first:
        session = first.session
    assert session.id and not session.has_ticket
    with served.handshake(context) as plain:
        assert not plain.session_reused
    with served.handshake(context, session=session) as second:
        assert second.session_reused


def test_a_site_without_a_certificate_of_its_own_has_the_fronts(served, secret, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address, service="shop-80", meta={"virtual_host": "shop.example.com"})
    until(lambda: len(served.document()["routes"]) == 2, "the shop behind the front")
    visitor = client(secret.authority, ssl.TLSVersion.TLSv1_2)
    visitor.check_hostname = False
    with served.handshake(visitor, "shop.example.com") as first:
        first.sendall(b"GET /json HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
        assert first.recv(4096).startswith(b"HTTP/1.1 200")
        certificate, session = first.getpeercert(), first.session
    with served.handshake(visitor) as default:
        assert default.getpeercert() == certificate
    with served.handshake(visitor, "shop.example.com", session=session) as again:
        assert again.session_reused


def test_http_2_works_with_tls_and_with_prior_knowledge(served) -> None:
    answer = ("curl", "-sko", "/dev/null", "-w", "%{http_version} %{http_code}")
    assert served.execute(*answer, "--http2", f"https://127.0.0.1:{served.https_port}/health")[1] == "2 200"
    plain = f"http://127.0.0.1:{served.http_port}/health"
    assert served.execute(*answer, "--http2", plain)[1] == "1.1 200"
    assert served.execute(*answer, "--http2-prior-knowledge", plain)[1] == "2 200"


def test_the_servers_version_is_hidden(served) -> None:
    for answer in (served.get("/health", tls=True), served.get("/health"), served.get("/x" * 9000)):
        assert answer.headers["Server"] == "nginx"
        assert "nginx/" not in answer.text


def test_new_connections_get_a_new_certificate_and_open_ones_continue(served, secret) -> None:
    visitor = served.connect(tls=True)
    visitor.request("GET", "/health")
    assert visitor.getresponse().read() == b"ok\n"
    visitor.auto_open = 0  # the test must notice a closed connection
    authority = certificates.authority("another")
    new = certificates.issue(authority, "front", ["shop.example.com"], "server")
    with served.handshake(client(secret.authority)):
        pass

    served.write("tls/front.crt", new.certificate)
    served.write("tls/front.key", new.key)
    nginx = served.process("nginx")
    assert served.execute("front-apply")[0] == 0
    with served.handshake(client(authority.certificate), "shop.example.com"):
        pass
    with pytest.raises(ssl.SSLCertVerificationError), served.handshake(client(secret.authority)):
        pass

    visitor.request("GET", "/health")
    assert visitor.getresponse().read() == b"ok\n"
    assert (served.restarts(), served.process("nginx")) == (0, nginx)


def test_a_certificate_without_its_key_is_refused_with_the_reason(served, secret, until) -> None:
    other = certificates.issue(certificates.authority("another"), "front", ["www.mastartup.io"], "server")
    served.write("tls/front.crt", other.certificate)
    code, _, complaint = served.execute("front-apply")
    assert code == 1
    assert "key values mismatch" in complaint
    with served.handshake(client(secret.authority)):
        pass

    served.container.restart()
    until(lambda: served.status() == 200, "the last good configuration")
    with served.handshake(client(secret.authority)):
        pass


def test_an_unchanged_configuration_is_not_applied_again(served) -> None:
    before = served.generation()
    assert served.execute("front-apply")[0] == 0
    assert served.generation() == before


def test_a_redirect_goes_to_the_https_port(start_front, catalog, backends, until) -> None:
    with start_front(redirect=True) as front:
        catalog.register("one", backends[0].address)
        until(front.instances, "the instance behind the front")
        answer = front.get("/shop?a=1&b=%20", host="Shop.Example.com:8080")
        assert answer.status == 301
        assert answer.headers["Location"] == f"https://shop.example.com:{front.https_port}/shop?a=1&b=%20"
        assert front.get("/health", tls=True).status == 200
        assert "Strict-Transport-Security" not in front.get("/health", tls=True).headers


def test_a_redirect_to_the_usual_port_sets_hsts(start_front) -> None:
    with start_front(redirect=443) as front:
        answer = front.get("/shop", host="shop.example.com")
        assert (answer.status, answer.headers["Location"]) == (301, "https://shop.example.com/shop")
        assert "Strict-Transport-Security" not in answer.headers
        nobody = front.get("/", tls=True)
        assert (nobody.status, nobody.headers["Strict-Transport-Security"]) == (502, "max-age=63072000")


def test_each_site_shows_its_own_file_and_a_bad_one_costs_its_site_only(
    served, secret, catalog, backends, until
) -> None:
    authority = certificates.authority("another")
    shop, star = (
        Given(f"{name}.crt", certificates.issue(authority, name, [name], "server"))
        for name in ("shop.example.com", "*.example.org")
    )
    for name, host in (("shop", "shop.example.com"), ("blog", "blog.example.org")):
        catalog.register(name, backends[0].address, service=f"{name}-80", meta={"virtual_host": host})
    served.configure(catalog, replace(secret, sites={"app1": (shop, star)}))
    assert served.execute("front-apply")[0] == 0

    def shown(name: str, trusted: str) -> bool:
        try:
            with served.handshake(client(trusted), name):
                return True
        except ssl.SSLCertVerificationError:
            return False

    for name in ("shop.example.com", "blog.example.org"):
        until(lambda name=name: shown(name, authority.certificate), f"the certificate of {name}")
    # The default site, and so every other name, has the fleet's.
    assert shown("www.mastartup.io", secret.authority)

    served.write("certificates/0.key", star.pair.key)
    until(lambda: any(one["kind"] == "certificate" for one in served.document()["problems"]), "the problem", 30)
    (problem,) = (one for one in served.document()["problems"] if one["kind"] == "certificate")
    assert problem["text"] == (
        "shop.example.com: shop.example.com.crt cannot be served: the key does not belong to the certificate; "
        "the fleet's own is served instead"
    )
    until(lambda: not shown("shop.example.com", authority.certificate), "the fleet's certificate")
    assert shown("blog.example.org", authority.certificate)
    assert served.failure() == ""
