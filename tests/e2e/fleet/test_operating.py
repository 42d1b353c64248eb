"""What an operator does to the fleet at work: draining, canaries, maintenance pages; and no request is lost."""

import json
import re
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from asking import Ask
from at_front import settle
from deployed import BACKENDS, FRONT, LAB, Fleet, answering, rollcall, wait_for
from visitor import crowded

ONE = "app1/webserver-1"
# A canary needs tags, which the sample backends have not.
TAGGED = ("v1", "v2")


@pytest.fixture
def whole(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with everything in service, before and after."""
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    yield fleet
    for target in ("app1", ONE):
        rollcall("undrain", LAB, target)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


def status(fleet: Fleet) -> dict[str, object]:
    found: dict[str, object] = json.loads(fleet.on("front1", "docker exec front front status"))
    return found


def test_a_drained_container_gets_no_more_requests_and_none_is_lost(whole: Fleet) -> None:
    with crowded() as crowd:
        said = rollcall("drain", LAB, ONE)
        assert answering() == BACKENDS - {ONE}
        rollcall("undrain", LAB, ONE)
        wait_for("answer of all", lambda: answering() == BACKENDS)
    assert not crowd.failed, crowd.account
    seconds = re.search(rf"Drained {ONE} in ([\d.]+) s", said)
    assert seconds, said
    assert float(seconds[1]) < 10


def test_a_drained_host_gets_no_more_requests(whole: Fleet) -> None:
    assert "Drained app1" in rollcall("drain", LAB, "app1")
    assert {one.split("/")[0] for one in answering()} == {"app2"}


@pytest.mark.long
def test_a_drain_survives_a_deploy_and_restarts_of_registrator_agent_and_container(whole: Fleet) -> None:
    rollcall("drain", LAB, ONE)
    assert whole.deploy().changed == set()
    whole.on("app1", "docker restart webserver-1")
    whole.on("app1", "docker restart registrator")
    whole.on("app1", "docker restart consul")
    wait_for("service in the catalog", lambda: whole.consul("/v1/catalog/service/webserver-80", "front1"))
    wait_for("answer of the others", lambda: answering() == BACKENDS - {ONE})
    verified = rollcall("verify", LAB)
    assert "drained, so they get no requests: app1:webserver-1:443, app1:webserver-1:80" in verified
    assert answering() == BACKENDS - {ONE}


def test_only_an_operator_drains_a_service_of_others(whole: Fleet) -> None:
    """A registrator's token may do it on its own host, where it could deregister the service as well."""
    path = "/v1/agent/service/maintenance/app1:nginx-1:80?enable=true"
    tokens = whole.secrets().tokens
    thieves = [tokens.secret("agent", "app1"), *(tokens.secret(role) for role in ("front", "dns", "auditor")), ""]
    answers = [whole.ask("app1", [Ask("PUT", path)], token)[0].status for token in thieves]
    assert answers == [403] * len(thieves)


@contextmanager
def held(fleet: Fleet) -> Iterator[str]:
    """Keep a connection from another host; give its name."""
    port = fleet.on("app1", "docker port webserver-1 80/tcp").splitlines()[0].rpartition(":")[2]
    script = f"exec 3<>/dev/tcp/{fleet.declared.member('app1').address}/{port}; echo held; sleep 60"
    fleet.on("app2", f"nohup bash -c {json.dumps(script)} >/tmp/held 2>&1 & echo $! >/tmp/held.pid")
    wait_for("held connection", lambda: fleet.on("app2", "cat /tmp/held", check=False) == "held")
    try:
        yield "app2"
    finally:
        fleet.on("app2", "pkill -P $(cat /tmp/held.pid); kill $(cat /tmp/held.pid); rm /tmp/held*", check=False)


def test_a_deadline_reports_the_open_connections(whole: Fleet) -> None:
    with held(whole) as host:
        said = rollcall("drain", LAB, ONE, "--deadline", "5", code=1)
        assert f"1 connection is left: 1 of {host} to app1:webserver-1:80" in said
    assert "Drained" in rollcall("drain", LAB, ONE)


def test_a_canary_gets_its_share(fleet: Fleet) -> None:
    run = "docker run -d -P --name canary-{tag} -e SERVICE_80_NAME=shop -e SERVICE_TAGS={tag} "
    more = "-e SERVICE_VIRTUAL_HOST=shop.example.com --entrypoint sh nginx:1.30 -c "
    serve = "\"echo {tag} >/usr/share/nginx/html/index.html; exec nginx -g 'daemon off;'\""
    try:
        for host, tag in zip(("app1", "app2"), TAGGED, strict=True):
            fleet.on(host, (run + more + serve).format(tag=tag))
        wait_for("both versions", lambda: set(versions(40)) == set(TAGGED))
        assert "v2 10 %" in rollcall("canary", LAB, "shop", "v2=10")
        wait_for("canary in the status", lambda: '"canary": {"v2": 10' in json.dumps(status(fleet)))
        assert 10 < versions(400)["v2"] < 90
        rollcall("canary", LAB, "shop", "v2=100")
        wait_for("v2 only", lambda: set(versions(20)) == {"v2"})
    finally:
        rollcall("canary", LAB, "shop", "--clear")
        for host, tag in zip(("app1", "app2"), TAGGED, strict=True):
            fleet.on(host, f"docker rm -f canary-{tag}", check=False)


def versions(requests: int) -> Counter[str]:
    """Ask so often, and count who answers."""
    return Counter(said("shop.example.com", "/")[1].strip() for _ in range(requests))


def said(host: str, path: str) -> tuple[int, str, str]:
    """Ask the front for a site; give status, text and when to come back."""
    request = urllib.request.Request(f"{FRONT}{path}", headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode(), ""
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), refused.headers.get("Retry-After", "")


def test_a_maintenance_page_shows_and_disappears_within_a_second(fleet: Fleet) -> None:
    try:
        rollcall("maintenance", LAB, "/", "on", "--text", "Zurück um <zwölf>")
        wait_for("maintenance page", lambda: said("", "/")[0] == 503, 1)
        settle(fleet)
        _, text, again = said("", "/")
        assert "Zurück um &#60;zwölf&#62;" in text
        assert int(again) > 0
        assert "shows the maintenance page as requested" in rollcall("verify", LAB)
    finally:
        rollcall("maintenance", LAB, "/", "off")
    wait_for("site", lambda: said("", "/json")[0] == 200, 1)
    assert "no front serves /apo" in rollcall("maintenance", LAB, "/apo", "on", code=1)
