"""A front that is replaced, where that goes wrong half-way: visitors notice nothing, and the next deploy mends it."""

import signal
import subprocess
import sys
from pathlib import Path

from deployed import LAB, PROJECT, Fleet, rollcall, wait_for
from visitor import crowded

from inventories import varied

RETIRED = "docker ps -aq --filter name=^front-retired$"


def test_a_new_front_that_cannot_serve_is_rolled_back(fleet: Fleet, tmp_path: Path) -> None:
    before = fleet.containers("front1")
    # An image without any front in it.
    inventory = varied(tmp_path, '"image": "nginx:1.30"')
    with crowded(new=2, lasting=4) as crowd:
        said = rollcall("deploy", inventory, code=1)
        wait_for("visitors after it", lambda asked=crowd.asked: crowd.asked > asked + 100)
    assert "the new front did not serve within 30 s" in said
    assert "the old one is back" in said
    assert "Traceback" not in said
    assert fleet.containers("front1") == before
    assert fleet.on("front1", "docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' front") == "always"
    assert crowd.failed == [], crowd.account
    rollcall("deploy", LAB)
    assert fleet.deploy().changed == set()


def test_interrupted_before_the_new_one_was_there(fleet: Fleet) -> None:
    with crowded(new=2, lasting=4) as crowd:
        fleet.on("front1", "docker rename front front-retired")
        assert "takeover: interrupted → finished" in rollcall("deploy", "--dry", LAB)
        rollcall("deploy", LAB)
    assert "front" in fleet.containers("front1")
    assert fleet.on("front1", RETIRED) == ""
    assert crowd.failed == [], crowd.account
    assert fleet.deploy().changed == set()


def test_a_deploy_that_is_killed_while_both_run(fleet: Fleet, tmp_path: Path) -> None:
    inventory = varied(tmp_path, '"stop_timeout": 21')
    before = fleet.containers("front1")["front"]
    with crowded(new=2, lasting=4) as crowd:
        command = [sys.executable, "-m", "pyinfra", "-y", inventory, "deploy.py"]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as deploy:
            wait_for("old one beside the new one", lambda: fleet.on("front1", RETIRED), 60)
            deploy.send_signal(signal.SIGKILL)
        rollcall("deploy", inventory)
        assert fleet.containers("front1")["front"] != before
        assert fleet.on("front1", RETIRED) == ""
        rollcall("deploy", LAB)
    assert crowd.failed == [], crowd.account
    assert fleet.deploy().changed == set()
