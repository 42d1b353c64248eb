"""Tags of services' images: resolved once in a run, and the same on every host."""

from types import SimpleNamespace
from typing import Any

import pytest
from six_hosts import checked

from rollcall.deploy import callbacks, image_digests
from rollcall.deploy.services import scope
from rollcall.secrets.registry_logins import RegistryLogins
from rollcall.services.history import Placed, Record

SERVICES = [
    {"name": "shop", "image": "shop:1"},
    {"name": "cart", "image": "cart@sha256:99"},
    {"name": "blog", "image": "blog:2", "image_source": "push"},
    {"name": "none", "image": "none:1", "count": 0},
]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that hosts were given; the registry has another digest for each."""
    given: list[str] = []

    def run(host: Any, command: str, _stdin: str = "") -> tuple[bool, Any]:
        given.append(host.name)
        if "docker ps" in command:
            return True, SimpleNamespace(stdout="cart@sha256:99\nshop:1@sha256:of-before\n")
        return True, SimpleNamespace(stdout=f'{{"Descriptor": {{"digest": "sha256:{len(given)}"}}}}\n')

    monkeypatch.setattr(callbacks, "run", run)
    monkeypatch.setattr(image_digests, "_run", image_digests._Digests())
    return given


def images(name: str) -> list[str]:
    fleet = checked(services=SERVICES)
    host: Any = SimpleNamespace(name=name)
    found = image_digests.pinned(fleet, fleet.member(name), host, RegistryLogins())
    (same,) = {tuple(service.image for service in member.settings.services) for member in found.members}
    return list(same)


def test_a_tag_is_resolved_once_for_all_hosts(commands: list[str]) -> None:
    found = {name: images(name) for name in ("app1", "app2", "front1")}
    assert commands == ["app1"]
    assert set(map(tuple, found.values())) == {("shop:1@sha256:1", "cart@sha256:99", "blog:2", "none:1")}


def test_a_registry_that_is_down_replaces_nothing(commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_digests, "_resolve", lambda *_, **__: {})
    assert images("app1")[0] == "shop:1@sha256:of-before"
    assert images("app2")[0] == "shop:1@sha256:of-before"
    assert commands == ["app1", "app2"]


def rolling_back_to(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declarations = ({"name": "shop", "image": image},)
    record = Record("shop", image, "deploy", "ann", "2026-11-28 00:00:00", declarations, {"app1": Placed(0)}, 1)
    monkeypatch.setattr(scope, "_current", [scope.Scope("shop", "rollback", record)])


@pytest.mark.parametrize(("image", "to_write"), [("shop:1@sha256:1", "shop:1"), ("shop:1@sha256:0", "shop:1@sha256:0")])
@pytest.mark.usefixtures("commands")
def test_a_version_is_named_by_digest_only_if_its_tag_has_moved(
    monkeypatch: pytest.MonkeyPatch, image: str, to_write: str
) -> None:
    rolling_back_to(image, monkeypatch)
    images("app1")
    assert image_digests.as_tagged(image) == to_write


@pytest.mark.usefixtures("commands")
def test_without_its_registry_a_version_is_named_by_digest(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rolling_back_to("gone:1@sha256:1", monkeypatch)
    monkeypatch.setattr(callbacks, "run", lambda *_: (False, SimpleNamespace(stdout="")))
    images("app1")
    assert image_digests.as_tagged("gone:1@sha256:1") == "gone:1@sha256:1"
    assert "gone:1" not in caplog.text
