"""Another image: what it changes is shown, what cannot be pulled touches nothing, and what can is deployed."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, wait_for
from own_images import REFERENCES

from rollcall.images.docker import docker
from rollcall.lab.catalogue import IMAGES
from rollcall.lab.layout import LOOPBACK, REGISTRY_ADDRESS, REGISTRY_PORT

NEXT = "nginx:1.30-next"
UNKNOWN = "the new image is not on this host yet"


def with_settings(folder: Path, **settings: str) -> str:
    """Make a project like this one with other settings of some groups, and return its inventory of the lab."""
    for path in ("deploy.py", LAB, *(f"group_data/{file.name}" for file in (PROJECT / "group_data").glob("*.py"))):
        (folder / path).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / path, folder / path)
    (folder / ".secrets").symlink_to(PROJECT / ".secrets")
    for group, text in settings.items():
        with (folder / "group_data" / f"{group}.py").open("a") as file:
            file.write(f"\n{text}\n")
    return str(folder / LAB)


# One step from what runs, as an upgrade may take.
NOWHERE = "hashicorp/consul:1.22.99"
EVERYWHERE = {"all": f'consul = {{**consul, "image": "{NOWHERE}"}}'}
# The backends' hosts have all the images that they need, and a change of their own.
ON_SERVERS = {"consul_servers": f'consul = {{"image": "{NOWHERE}"}}', "backends": 'registrator = {"resync": 61}'}


@pytest.mark.parametrize(
    ("settings", "held"),
    [(EVERYWHERE, ""), (ON_SERVERS, "left as it is, since consul1, consul2, consul3 could not get every image")],
    ids=["everywhere", "on the servers"],
)
def test_a_missing_image_changes_no_host(fleet: Fleet, tmp_path: Path, settings: dict[str, str], held: str) -> None:
    inventory = with_settings(tmp_path, **settings)
    before = fleet.all_containers()
    said = rollcall("deploy", "--dry", inventory)
    assert f"(image: 'hashicorp/consul:1.22.7' → '{NOWHERE}'; {UNKNOWN}" in said
    assert "environment." not in said
    said = rollcall("deploy", inventory, code=1)
    assert f"cannot pull the image {NOWHERE}; check its name and tag" in said
    assert held in said
    assert "Traceback" not in said
    assert fleet.all_containers() == before
    assert fleet.deploy().changed == set()


@pytest.fixture
def offered(fleet: Fleet) -> Iterator[None]:
    """Another tag in the lab's registry for the image of the sample backends, with another environment."""
    (nginx,) = (image for image in IMAGES if image.name == "nginx:1.30")
    name = f"{LOOPBACK}:{REGISTRY_PORT}/library/{NEXT}"
    build = f"FROM {nginx.local}\nENV NGINX_VERSION=next BROUGHT=by-the-image\n"
    docker("build", "--tag", name, "-", stdin=build.encode(), doing=f"build {name}")
    docker("push", "--quiet", name, doing=f"push {name}")
    for host in ("app1", "app2"):
        # An earlier run on the same lab may have left it there.
        fleet.on(host, f"docker rmi {NEXT}", check=False)
    yield
    docker("rmi", name, doing=f"remove {name}")


@pytest.mark.usefixtures("offered")
def test_a_new_image_is_deployed_end_to_end(fleet: Fleet, tmp_path: Path) -> None:
    inventory = with_settings(tmp_path, backends=f'services = [{{**one, "image": "{NEXT}"}} for one in services]')
    before = fleet.all_containers()
    change = rf"\(image: 'nginx:1\.30@\S+ → '{NEXT}@sha256:"
    assert len(re.findall(change, rollcall("deploy", "--dry", inventory))) == len(BACKENDS)
    rollcall("deploy", inventory)
    after = fleet.all_containers()
    assert {name for name in before if before[name] != after.get(name)} == BACKENDS
    found = json.loads(fleet.on("app1", "docker inspect webserver-1"))[0]["Config"]
    assert (found["Image"].partition("@")[0], "BROUGHT=by-the-image" in found["Env"]) == (NEXT, True)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    # Back again both images are there: what the new one brought is nothing that anybody asked for.
    said = rollcall("deploy", "--dry", LAB)
    assert len(re.findall(rf"\(image: '{NEXT}@\S+ → 'nginx:1\.30@sha256:", said)) == len(BACKENDS)
    assert "BROUGHT" not in said
    rollcall("deploy", LAB)
    assert fleet.deploy().changed == set()
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


PRIVATE = f"{LOOPBACK}:{REGISTRY_PORT}/ops"
OWN = (REFERENCES["dns"], REFERENCES["registrator"])
# The registry has the name by which this machine reaches it; on the hosts systemd's proxy listens there.
PROXY = (
    f"systemd-run --quiet --unit=registry --socket-property=ListenStream={LOOPBACK}:{REGISTRY_PORT} "
    f"/usr/lib/systemd/systemd-socket-proxyd {REGISTRY_ADDRESS}:5000"
)


@pytest.fixture
def private(fleet: Fleet) -> Iterator[None]:
    """A registry of the user's own, which this machine and the hosts reach by one name, and our images here."""
    rollcall("lab", "images", "--for-demo")
    for host in ("app1", "app2"):
        fleet.on(host, PROXY)
        for image in OWN:
            fleet.on(host, f"docker rmi {PRIVATE}/{image}", check=False)
    yield
    for host in ("app1", "app2"):
        fleet.on(host, "systemctl stop registry.socket registry.service")
    docker("rmi", *(f"{PRIVATE}/{image}" for image in OWN), doing="remove the names of the registry")
    rollcall("lab", "images", "--remove-demo")


def test_a_push_without_a_registry_names_the_setting(fleet: Fleet) -> None:
    said = rollcall("images", "push", LAB, code=1)
    assert f'{LAB}: registry: not set; expected a registry such as "registry.example.com/ops"' in said


@pytest.mark.usefixtures("private")
def test_images_are_pushed_to_a_registry_and_hosts_pull_them_from_it(fleet: Fleet, tmp_path: Path) -> None:
    inventory = with_settings(tmp_path, backends=f'registry = "{PRIVATE}"')
    said = rollcall("images", "push", inventory, "dns", "registrator")
    assert [f"Pushing {PRIVATE}/{image}" in said for image in OWN] == [True, True]
    rollcall("deploy", inventory)
    for host in ("app1", "app2"):
        running = fleet.on(host, "docker inspect --format '{{.Config.Image}}' dns registrator").split()
        assert running == [f"{PRIVATE}/{image}" for image in OWN]
    assert fleet.on("front1", "docker inspect --format '{{.Config.Image}}' dns") == OWN[0]
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    rollcall("deploy", LAB)
    assert fleet.deploy().changed == set()
