"""docs/adding-a-component.md, done on the lab as it stands there: added, verified, and taken away again."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import LAB, PROJECT, Fleet, rollcall

from rollcall.lab.layout import LOOPBACK, PREFIX, REGISTRY_PORT

IMAGE = "prom/node-exporter:v1.9.1"
DOCKERFILE = f"""\
FROM {PREFIX}/debian:trixie-slim
RUN apt-get update -q && apt-get install -qy --no-install-recommends prometheus-node-exporter
ENTRYPOINT ["prometheus-node-exporter"]
"""


def docker(*arguments: str, stdin: str = "") -> None:
    subprocess.run(["docker", *arguments], input=stdin, text=True, check=True, capture_output=True)


@pytest.fixture(scope="module")
def image(fleet: Fleet) -> Iterator[None]:
    """The exporter from Debian, under its public name in the lab's registry."""
    name = f"{LOOPBACK}:{REGISTRY_PORT}/{IMAGE}"
    docker("build", f"--tag={name}", f"--label=rollcall.lab.image={IMAGE}", "-", stdin=DOCKERFILE)
    docker("push", name)
    yield
    docker("rmi", name)


@pytest.fixture
def project(tmp_path: Path, image: None) -> Path:
    """A project with the lab's inventory and secrets, and what the page says to write."""
    for folder in ("inventories", "group_data", ".secrets"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    shutil.copy(PROJECT / "deploy.py", tmp_path)
    page = (PROJECT / "docs" / "adding-a-component.md").read_text()
    for name, text in re.findall(r"```\w+ (\S+)\n(.*?)```", page, re.DOTALL):
        if name == "deploy.py":
            deploy = (
                (tmp_path / name)
                .read_text()
                .replace("\nfrom rollcall.components", f"\n{text}\nfrom rollcall.components", 1)
            )
            listed = deploy.replace(
                "    template_sync.COMPONENT,\n", "    template_sync.COMPONENT,\n    node_exporter.COMPONENT,\n"
            )
            (tmp_path / name).write_text(listed)
        else:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.long
def test_a_component_is_a_module_a_template_and_a_line(fleet: Fleet, project: Path) -> None:
    inventory = str(project / LAB)
    rollcall("deploy", inventory)
    try:
        for host, one in fleet.hosts.items():
            address = one.data["address"]
            assert "node_cpu_seconds_total" in fleet.on(host, f"curl -s http://{address}:9100/metrics | grep ^node_cpu")
        assert "node_exporter" not in rollcall("deploy", inventory, "--dry")
        rollcall("verify", inventory)
    finally:
        # Without the line it is a leftover.
        rollcall("deploy", LAB)
    assert fleet.on("app1", "docker ps -aq --filter name=node-exporter; ls /etc/rollcall").count("node-exporter") == 0
