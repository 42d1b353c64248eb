"""The certificate that the fleet issues for a service, among the service's files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from own_components import resources
from six_hosts import checked

from rollcall.components.component import HostFacts
from rollcall.components.service import service_files
from rollcall.converge.resources import Container, File
from rollcall.secrets.certificates import Certificate
from rollcall.secrets.service_secrets import ServiceSecrets
from rollcall.secrets.store import Secrets

PAIR = [{"source": "fleet:certificate", "target": "/tls/crt"}, {"source": "fleet:key", "target": "/tls/key"}]
ISSUED = Certificate("CERT", "KEY")
SHOP = {"name": "shop", "image": "example/shop:1.4", "ports": [8000], "files": PAIR}


def made(facts: HostFacts, secret: Secrets, pair: Certificate = ISSUED, **shop: Any) -> tuple[list[File], Container]:
    fleet = checked(services=[{**SHOP, **shop}])
    services = ServiceSecrets(certificates={"shop": pair})
    own = resources(fleet, "app1", facts, replace(secret, services=services))["services"]
    (container,) = [one for one in own if isinstance(one, Container)]
    return [one for one in own if isinstance(one, File)], container


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, (0o400, "")),
        ({"user": "1000"}, (0o400, "1000:0")),
        ({"files": [PAIR[0], {**PAIR[1], "owner": "999:998", "mode": "0440"}]}, (0o440, "999:998")),
    ],
)
def test_the_key_belongs_to_the_programs_user_alone(
    facts: HostFacts, secret: Secrets, settings: dict[str, Any], key: tuple[int, str]
) -> None:
    (certificate, private), container = made(facts, secret, **settings)
    assert (certificate.text, certificate.mode, certificate.owner) == ("CERT", 0o644, "0:0")
    assert (private.text, private.mode, private.owner) == ("KEY", *key)
    # The image alone knows its user's number.
    assert ("docker image inspect" in private.notify) == (key[1] == "")
    assert {mount.target: mount.source for mount in container.mounts} == {
        "/tls/crt": certificate.path,
        "/tls/key": private.path,
    }
    assert "KEY" not in repr(container) + repr(private)


def test_a_renewed_certificate_is_a_release_of_the_same_version(facts: HostFacts, secret: Secrets) -> None:
    _, before = made(facts, secret)
    _, after = made(facts, secret, Certificate("RENEWED", "KEY"))
    assert before.spec != after.spec


def test_the_user_of_another_image_gets_a_key_of_its_own(facts: HostFacts, secret: Secrets) -> None:
    paths = [{one.path for one in made(facts, secret, image=image)[0]} for image in ("shop:1", "shop:2")]
    assert not paths[0] & paths[1]
    paths = [{one.path for one in made(facts, secret, image=image, user="7")[0]} for image in ("shop:1", "shop:2")]
    assert paths[0] == paths[1]


def test_the_digest_of_a_version_is_of_the_projects_files_alone(tmp_path: Path) -> None:
    """A rollback is refused if they changed, and needs no certificate of those days."""
    own = tmp_path / "shop.toml"
    own.write_text("a = 1")
    file = {"source": str(own), "target": "/etc/shop.toml"}
    member = checked(services=[{**SHOP, "files": [file, *PAIR]}]).member("app1")
    alone = checked(services=[{**SHOP, "files": [file]}]).member("app1")
    none = checked(services=[SHOP]).member("app1")
    (both, single, no) = (service_files.digest(one.settings.services[0], one) for one in (member, alone, none))
    assert (both, no) == (single, "")
    # As it was before there were certificates: earlier versions can still be rolled back to.
    mount = service_files.of(alone.settings.services[0], alone, ServiceSecrets()).mounts[0]
    assert mount.source == f"/etc/rollcall/services/shop/{single}/1-shop.toml"
