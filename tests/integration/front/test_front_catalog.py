"""The front follows the catalog."""

import pytest


def names(front, requests: int = 12) -> set[str]:
    return {front.get().json["container"] for _ in range(requests)}


def lines_of(*addresses: str) -> list[str]:
    return sorted(f"{address}:80" for address in addresses)


def test_without_instances_the_response_is_a_502(front) -> None:
    assert front.instances() == []
    assert front.get("/").status == 502
    assert front.restarts() == 0


@pytest.fixture
def forgetful(start_front):
    """A front that retains no lost instance."""
    with start_front(keep_lost=0) as running:
        yield running


def test_an_instance_gets_requests_exactly_while_it_is_registered(forgetful, catalog, backends, until) -> None:
    front, (one, two) = forgetful, backends
    catalog.register(one.name, one.address)
    until(front.instances, "the first instance behind the front")
    assert names(front) == {one.name}

    catalog.register(two.name, two.address)
    until(lambda: front.instances() == lines_of(one.address, two.address), "the second instance")
    assert names(front) == {one.name, two.name}

    catalog.deregister(one.name)
    until(lambda: front.instances() == lines_of(two.address), "the first one gone")
    assert names(front) == {two.name}

    catalog.deregister(two.name)
    until(lambda: front.instances() == [], "nobody behind the front")
    assert front.status() == 502


def test_the_line_of_an_instance_has_the_documented_form(front, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address)
    until(front.instances, "the instance behind the front")
    text = front.loaded()
    assert f"    server {backends[0].address}:80 max_fails=3 fail_timeout=60 weight=1;\n" in text
    assert "    least_conn;\n" in text


def test_an_instance_that_fails_its_check_gets_no_requests_until_it_passes_again(
    front, catalog, backends, until
) -> None:
    one, two = backends
    catalog.register(one.name, one.address)
    catalog.register(two.name, two.address, check={"TTL": "1h", "Status": "passing"})
    until(lambda: len(front.instances()) == 2, "both instances")

    catalog.api.agent.check.ttl_fail(f"service:app1:{two.name}:80")
    until(lambda: front.instances() == lines_of(one.address), "the failing instance gone")
    assert names(front) == {one.name}

    catalog.api.agent.check.ttl_pass(f"service:app1:{two.name}:80")
    until(lambda: len(front.instances()) == 2, "the instance back")


def test_instances_of_all_configured_services_form_one_list_without_duplicates(front, catalog, backends, until) -> None:
    one, two = backends
    catalog.register("one", one.address)
    catalog.register("two", two.address, service="nginx-80")
    catalog.register("two-again", two.address)
    catalog.register("elsewhere", "10.9.9.9", service="mail-25")
    until(lambda: len(front.instances()) == 2, "two instances of two services")
    assert front.instances() == lines_of(one.address, two.address)


def test_an_instance_without_the_tag_gets_no_requests(front, catalog, backends, until) -> None:
    catalog.api.agent.service.register("webserver-80", service_id="bare", address=backends[0].address, port=80)
    catalog.register("two", backends[1].address)
    until(front.instances, "the tagged instance")
    assert front.instances() == lines_of(backends[1].address)


@pytest.mark.parametrize(
    "address", ["10.0.0.1; } server { listen 1.1.1.1:1", "no-such-host.invalid", "300.1.1.1", "10.0.0.1:80", ":::::"]
)
def test_an_invalid_address_costs_only_its_own_instance(front, catalog, backends, until, address: str) -> None:
    catalog.register("bad", address)
    catalog.register("good", backends[0].address)
    until(front.instances, "the good instance")
    assert front.instances() == lines_of(backends[0].address)
    assert any("app1:bad:80" in problem["text"] for problem in front.document()["problems"])


def test_port_0_costs_only_its_own_instance(front, catalog, backends, until) -> None:
    catalog.register("bad", backends[1].address, 0)
    catalog.register("good", backends[0].address)
    until(front.instances, "the good instance")
    assert front.instances() == lines_of(backends[0].address)


def test_backends_get_the_clients_address_and_the_requested_host(front, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address)
    until(front.instances, "the instance behind the front")
    headers = front.get(host="www.mastartup.io", X_Forwarded_For="192.0.2.7").json["headers"]
    assert headers["Host"] == "www.mastartup.io"
    assert headers["X-Real-IP"] == "127.0.0.1"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert "Connection" not in headers


def test_a_request_by_address_works_and_keeps_its_port(front, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address)
    until(front.instances, "the instance behind the front")
    assert front.get().json["headers"]["Host"] == f"127.0.0.1:{front.http_port}"


def test_https_serves_the_same(front, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address)
    until(front.instances, "the instance behind the front")
    answer = front.get(tls=True).json
    assert answer["container"] == backends[0].name
    assert answer["headers"]["X-Forwarded-Proto"] == "https"


def test_a_dead_instance_in_rotation_fails_no_request(front, catalog, backends, until) -> None:
    catalog.register("dead", backends[0].address, 81)
    catalog.register("alive", backends[1].address)
    until(lambda: len(front.instances()) == 2, "both instances")
    assert {front.get("/health").status for _ in range(20)} == {200}


def test_render_prints_the_result_and_changes_nothing(front, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address)
    until(front.instances, "the instance behind the front")
    before = front.shell(
        "cd /var/lib/rollcall/front; readlink current; cat current/*; ls -l /run/rollcall/front/staging"
    )
    code, text, err = front.execute("front-render")
    assert (code, err) == (0, "")
    assert text == front.loaded()
    assert (
        front.shell("cd /var/lib/rollcall/front; readlink current; cat current/*; ls -l /run/rollcall/front/staging")
        == before
    )
