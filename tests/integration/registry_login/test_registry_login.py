"""A registry that wants a login: the engine gets it for one pull, and nothing keeps it."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import docker
import pytest
from free_ports import free_port

from rollcall.converge import registry_pull
from rollcall.lab.catalogue import REGISTRY
from rollcall.secrets.registry_logins import Login, RegistryLogins, registry_of

PASSWORD = f"correct-{uuid.uuid4()}"


@dataclass
class Private:
    """An image in the registry, and not on the engine."""

    image: str
    digest: str
    home: Path

    def run(self, command: str, stdin: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", command],
            input=stdin,
            env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )

    def login(self, password: str = PASSWORD) -> RegistryLogins:
        return RegistryLogins({registry_of(self.image): Login("ci", password)})


@pytest.fixture(scope="module")
def private(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory, until: Callable[..., Any]
) -> Iterator[Private]:
    folder, port = tmp_path_factory.mktemp("registry"), free_port()
    (folder / "users").write_text(f"ci:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n")
    registry = engine.containers.run(
        REGISTRY.local,
        detach=True,
        ports={"5000/tcp": ("127.0.0.1", port)},
        volumes={str(folder): {"bind": "/auth", "mode": "ro"}},
        environment={
            "REGISTRY_AUTH": "htpasswd",
            "REGISTRY_AUTH_HTPASSWD_REALM": "private",
            "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/users",
            "SERVICE_IGNORE": "true",
        },
    )
    image, login = f"127.0.0.1:{port}/shop:1", {"username": "ci", "password": PASSWORD}
    try:
        engine.images.get(REGISTRY.local).tag(image)
        until(lambda: "digest:" in engine.images.push(image, auth_config=login), "the image in the registry")
        digest = engine.images.get_registry_data(image, auth_config=login).id
        engine.images.remove(image)
        yield Private(image, digest, folder)
    finally:
        registry.remove(force=True, v=True)


def gone(engine: docker.DockerClient, reference: str) -> bool:
    return not any(reference in (*one.tags, *one.attrs["RepoDigests"]) for one in engine.images.list())


def test_a_tag_is_resolved_with_the_login_only(private: Private) -> None:
    for logins, found in ((private.login(), {private.image: private.digest}), (RegistryLogins(), {})):
        given = registry_pull.resolve_input({private.image: logins.header(private.image)})
        done = private.run(registry_pull.resolve(), given)
        assert registry_pull.digests(done.stdout, [private.image])[0] == found, done


@pytest.mark.parametrize("password", [pytest.param("wrong", id="wrong"), pytest.param(PASSWORD, id="correct")])
def test_a_pull_needs_the_login_and_keeps_none(engine: docker.DockerClient, private: Private, password: str) -> None:
    reference = f"{private.image.rpartition(':')[0]}@{private.digest}"
    given = registry_pull.pull_input(private.login(password).configuration(private.image))
    done = private.run(registry_pull.pull(f"docker pull --quiet {private.image}@{private.digest}"), given)
    assert (done.returncode == 0) == (password == PASSWORD), done.stderr
    assert gone(engine, reference) == (done.returncode != 0)
    assert password not in done.stdout + done.stderr
    assert not (private.home / ".docker").exists()
    assert list(Path("/run").glob("rollcall-registry.*")) == []
    if done.returncode == 0:
        engine.images.remove(reference)
