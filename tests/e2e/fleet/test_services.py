"""A service of a user's own on the lab: declared, released under load, broken, and removed."""

import http.client
import json
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deployed import LAB, PROJECT, Fleet, rollcall, wait_for
from process_watch import Watch
from secret_locations import files_with, look
from secret_spellings import value_spellings
from shop_service import SHOP, Declared

from rollcall.consul import deploy_lock
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.consul.deploy_lock import Holder

VISITORS = 8
# Between two requests of one visitor: a load that leaves the release its share of the machine.
PAUSE_SECONDS = 0.02
SECRET_FILE = "/run/secrets/database-password"
VARIABLE = "ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD"


@pytest.fixture(scope="module")
def shop(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Declared]:
    declared = Declared(tmp_path_factory.mktemp("shop"))
    kept = PROJECT / ".secrets" / "lab" / "services" / "shop" / "database-password"
    kept.unlink(missing_ok=True)
    yield declared
    kept.unlink(missing_ok=True)
    declared.write()
    rollcall("deploy", declared.inventory, "--yes")
    assert fleet.deploy().changed == set()


def asked(method: str = "GET") -> str:
    """Give the version that answers, or why nobody does."""
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=20)
    try:
        return answered(connection, method)
    except (OSError, http.client.HTTPException) as error:
        return f"failed: {error!r}"
    finally:
        connection.close()


def answered(connection: http.client.HTTPConnection, method: str) -> str:
    connection.request(method, "/", body="x" if method == "POST" else None, headers={"Host": SHOP})
    answer = connection.getresponse()
    text = answer.read().decode()
    return text.split()[0] if answer.status == 200 else f"failed: {answer.status}"


@contextmanager
def visited() -> Iterator[Counter[str]]:
    """Visitors who keep their connections, and some who connect anew, GET and POST."""
    answers: Counter[str] = Counter()
    end = threading.Event()

    def keep(method: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=20)
        while not end.wait(PAUSE_SECONDS):
            try:
                answers[answered(connection, method)] += 1
            except (OSError, http.client.HTTPException) as error:
                # The server may close a kept connection between two requests; http.client cannot tell before.
                connection.close()
                answers[asked(method) if isinstance(error, http.client.RemoteDisconnected) else repr(error)] += 1

    def anew(method: str) -> None:
        while not end.wait(PAUSE_SECONDS):
            answers[asked(method)] += 1

    threads = [
        threading.Thread(target=visit, args=(method,))
        for visit in (keep, anew)
        for method in ("GET", "POST")
        for _ in range(VISITORS // 4)
    ]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        end.set()
        for thread in threads:
            thread.join()


def failed(answers: Counter[str]) -> dict[str, int]:
    return {what: count for what, count in answers.items() if not what.startswith("v")}


def names(fleet: Fleet) -> set[str]:
    return {name for name in fleet.all_containers() if "/shop" in name}


BOTH = {"app1/shop-1", "app2/shop-1"}


def test_a_declared_service_serves_at_its_host_name_and_a_second_deploy_changes_nothing(
    fleet: Fleet, shop: Declared
) -> None:
    shop.write("v1")
    rollcall("deploy", shop.inventory)
    assert names(fleet) == BOTH
    (image,) = {fleet.on(host, "docker inspect --format '{{.Config.Image}}' shop-1") for host in ("app1", "app2")}
    assert image.startswith("nginx:1.30@sha256:")
    assert asked() == "v1"
    rows = json.loads(rollcall("services", shop.inventory, "--json"))
    (row,) = [one for one in rows if one["name"] == "shop"]
    assert (row["serving"], row["declared"], row["remarks"]) == (2, 2, [])
    before = fleet.all_containers()
    assert "shop-1" not in rollcall("deploy", shop.inventory)
    assert fleet.all_containers() == before


def test_a_second_deploy_says_who_deploys_and_touches_nothing(fleet: Fleet, shop: Declared) -> None:
    before = fleet.all_containers()
    agent = AgentClient(fleet.hosts["consul1"], fleet.secrets().tokens.secret("operator"))
    # Nobody renews it here.
    lasting = Request("PUT", "/v1/session/create", '{"NodeChecks": [], "LockDelay": "1s"}')
    (session,) = (one["ID"] for one in agent.documents(lasting))
    agent.write(deploy_lock.acquire(session, Holder("ann@laptop", "rollcall deploy shop.py", "2026-11-29 04:20:11")))
    try:
        shop.write("v2")
        sentence = "ann@laptop has been deploying this fleet since 2026-11-29 04:20:11 UTC (rollcall deploy shop.py)"
        assert sentence in rollcall("deploy", shop.inventory, "--dry")
        said = rollcall("deploy", shop.inventory, code=1)
        assert said.splitlines()[-1].startswith(f"rollcall: {sentence}")
        # Without the first server nothing was read of the lock before.
        assert sentence in rollcall("deploy", shop.inventory, "--limit", "app1", code=1)
    finally:
        agent.write(deploy_lock.release(session))
    assert fleet.all_containers() == before


def test_a_release_under_load_loses_no_request(fleet: Fleet, shop: Declared) -> None:
    before = fleet.all_containers()
    shop.write("v2")
    assert "start-first" in rollcall("deploy", shop.inventory, "--dry")
    with visited() as answers:
        said = rollcall("deploy", shop.inventory)
    assert not failed(answers), answers
    assert set(answers) == {"v1", "v2"}
    assert {asked() for _ in range(20)} == {"v2"}
    assert names(fleet) == BOTH
    after = fleet.all_containers()
    assert {name for name in after if after[name] != before.get(name)} == BOTH
    assert said.count("beside the old container") == 2
    registered = {one["ServiceID"] for one in fleet.consul("/v1/catalog/service/shop")}
    assert registered == {name.replace("/", ":") + ":8000" for name in BOTH}


def test_a_version_that_does_not_come_up_leaves_the_old_one_serving(fleet: Fleet, shop: Declared) -> None:
    before = fleet.all_containers()
    shop.write("crash")
    with visited() as answers:
        said = rollcall("deploy", shop.inventory, code=1)
    assert not failed(answers), answers
    assert set(answers) == {"v2"}
    assert "shop-failed | no database" in said
    assert "its program exits" in said
    assert "The old one serves. Replaced so far: none." in said
    assert fleet.all_containers() == before
    kept = [host for host in ("app1", "app2") if "shop-failed" in fleet.on(host, "docker ps -a --format '{{.Names}}'")]
    assert len(kept) == 1
    shop.write("v2")
    rollcall("deploy", shop.inventory)
    assert fleet.all_containers() == before
    assert "shop-failed" not in fleet.on(kept[0], "docker ps -a --format '{{.Names}}'")


def set_secret(shop: Declared, value: str) -> None:
    command = [sys.executable, "-m", "rollcall", "secret", "set", shop.inventory, "shop", "database-password"]
    done = subprocess.run(command, cwd=PROJECT, input=value, capture_output=True, text=True, check=True)
    assert value not in done.stdout + done.stderr


def test_a_secret_is_for_the_user_of_its_service_and_shown_nowhere(fleet: Fleet, shop: Declared) -> None:
    value = f"correct-{uuid.uuid4()}"
    secret = value_spellings("the value", value)
    shop.write("v2", secrets=["database-password"])
    said = rollcall("deploy", shop.inventory, code=1)
    assert f"got 'database-password' without a value; expected one, here or in {VARIABLE}" in said
    set_secret(shop, value)
    shown = rollcall("deploy", shop.inventory, "--dry", "-vvv")
    with Watch() as watch:
        shown += rollcall("deploy", shop.inventory, "-vvv")
    assert "environment.DATABASE_PASSWORD_FILE: absent → '/run/secrets/database-password'" in shown
    assert fleet.on("app1", f"docker exec shop-1 cat {SECRET_FILE}") == value
    assert fleet.on("app1", f"docker exec -u 65534 shop-1 cat {SECRET_FILE}", check=False) == ""
    places = look(fleet, "app1")
    assert "shop-1" in places["containers"]
    leaks = {place: secret.found_in(text) for place, text in (*places.items(), ("deploys", shown), ("all", watch.text))}
    assert {place: found for place, found in leaks.items() if found} == {}
    (file,) = files_with(fleet, "app1", f"{value}\n")
    assert file.startswith("/etc/rollcall/services/shop/secrets-")
    assert fleet.on("app1", f"stat -c %a:%u {file} {Path(file).parent}").split() == ["400:0", "700:0"]
    # Edited by hand, it is seen.
    fleet.on("app1", f"echo other >{file}")
    assert f"write file {file}" in rollcall("deploy", shop.inventory, "--dry")
    shop.write("v2")
    rollcall("deploy", shop.inventory)
    assert fleet.on("app1", "find /etc/rollcall/services/shop", check=False) == ""


HOOKS = {"before": [["sh", "-c", "echo migrates $VERSION; [ $VERSION != 5 ]"]], "on_failure": "back"}


def versions(shop: Declared) -> list[tuple[str, str]]:
    found = json.loads(rollcall("releases", shop.inventory, "shop", "--json"))
    return [(one["kind"], one["result"]) for one in found]


def test_a_rollback_is_a_release_of_the_version_before(fleet: Fleet, shop: Declared) -> None:
    shop.write("v3", environment={"VERSION": "3"}, release=HOOKS)
    said = rollcall("deploy", shop.inventory)
    assert said.count("shop before | migrates 3") == 1
    with visited() as answers:
        said = rollcall("rollback", shop.inventory, "shop")
    assert not failed(answers), answers
    assert {asked() for _ in range(10)} == {"v2"}
    assert names(fleet) == BOTH
    assert f"{Path(shop.inventory).parent}/group_data/backends.py:1: the declaration differs from this version" in said
    assert versions(shop)[:2] == [("rollback", "done"), ("deploy", "done")]


@pytest.mark.long
def test_a_restart_is_a_release_of_the_same_version(fleet: Fleet, shop: Declared) -> None:
    shop.write("v2")
    rollcall("deploy", shop.inventory)
    before = fleet.all_containers()
    rollcall("restart", shop.inventory, "shop")
    assert {asked() for _ in range(10)} == {"v2"}
    assert not fleet.all_containers().items() & before.items() & {(name, before[name]) for name in BOTH}
    assert versions(shop)[0] == ("restart", "done")


def test_a_command_before_the_release_that_fails_leaves_everything_as_it_is(fleet: Fleet, shop: Declared) -> None:
    before = fleet.all_containers()
    shop.write("v5", environment={"VERSION": "5"}, release=HOOKS)
    said = rollcall("deploy", shop.inventory, code=1)
    assert "shop before | migrates 5" in said
    assert "no container was replaced" in said
    assert fleet.all_containers() == before
    assert versions(shop)[0] == ("deploy", "failed after 0 of 2 containers")


@pytest.mark.long
def test_what_was_replaced_goes_back_if_the_user_wants_it(fleet: Fleet, shop: Declared) -> None:
    shop.write("v2")
    rollcall("deploy", shop.inventory)
    # Its second container on a host does not come up.
    second = "[ -e /shared/shop ] && exit 3; touch /shared/shop; "
    for host in ("app1", "app2"):
        fleet.on(host, "rm -rf /var/tmp/shop; install -d -m 1777 /var/tmp/shop")
    volume = {"source": "/var/tmp/shop", "target": "/shared"}
    release = {**HOOKS, "order": "start-first"}
    shop.write("v6", second, count=2, environment={"VERSION": "6"}, volumes=[volume], release=release)
    with visited() as answers:
        said = rollcall("deploy", shop.inventory, code=1)
    assert not failed(answers), answers
    assert set(answers) == {"v2", "v6"}
    assert {asked() for _ in range(10)} == {"v2"}
    assert {name for name in names(fleet) if "failed" not in name} == BOTH
    assert said.splitlines()[-1].endswith("; shop was put back")
    assert versions(shop)[0] == ("rollback", "done")


def test_log_and_commands_reach_the_containers(fleet: Fleet, shop: Declared) -> None:
    lines = rollcall("logs", shop.inventory, "shop", "--grep", "start worker process [0-9]").splitlines()
    assert {line.split(" | ")[0] for line in lines} == BOTH
    assert "\x1b" not in "".join(lines)
    assert rollcall("exec", shop.inventory, "shop", "--", "sh", "-c", "hostname; exit 7", code=7).strip() == "shop-1"
    said = rollcall("run", shop.inventory, "shop", "--host", "app2", "--", "sh", "-c", "hostname; exit 3", code=3)
    assert said.startswith("shop-run-")
    assert "shop-run" not in fleet.on("app2", "docker ps -a --format '{{.Names}}'")
    assert "did you mean shop?" in rollcall("logs", shop.inventory, "shpo", code=1)


def test_what_is_no_longer_declared_goes_with_consent_only(fleet: Fleet, shop: Declared, tmp_path: Path) -> None:
    shop.write()
    assert "app1: shop is no longer declared in services" in rollcall("deploy", shop.inventory, code=1)
    assert names(fleet) == BOTH
    rollcall("deploy", shop.inventory, "--yes")
    assert names(fleet) == set()
    wait_for("an empty catalog of it", lambda: fleet.consul("/v1/catalog/service/shop") == [])
    assert "shop" not in rollcall("services", LAB)
