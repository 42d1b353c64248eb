"""Secrets are created once, kept private, and never printed."""

import base64
import dataclasses
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from own_components import check
from six_hosts import checked, raw_hosts

from rollcall.config.fleet import Fleet, nowhere
from rollcall.errors import RollcallError
from rollcall.secrets import certificates, store
from rollcall.secrets.identity import Identity, check_identity
from rollcall.secrets.private_directory import PrivateDirectory

NOW = datetime.now(UTC)


def test_secrets_are_created_once_and_private(tmp_path: Path, fleet: Fleet) -> None:
    umask = os.umask(0)
    try:
        first = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    finally:
        os.umask(umask)
    assert store.read(PrivateDirectory(tmp_path / "lab"), fleet) == first
    assert len(base64.b64decode(first.gossip_key)) == 32
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "lab").iterdir()} == {0o600}


def test_two_inventories_have_different_secrets(tmp_path: Path, fleet: Fleet) -> None:
    one, other = (store.read(PrivateDirectory(tmp_path / name), fleet) for name in ("a", "b"))
    assert one.gossip_key != other.gossip_key
    assert one.tokens.secret("operator") != other.tokens.secret("operator")
    assert one.identity != other.identity


def test_no_secret_is_in_a_repr(tmp_path: Path, fleet: Fleet) -> None:
    made = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert made.gossip_key not in repr(made)
    assert "PRIVATE" not in repr(made)
    assert repr(made.tokens.key) not in repr(made)


@pytest.mark.parametrize(("name", "mode"), [("", 0o750), ("tokens.key", 0o640), ("agent-app1.crt.pem", 0o604)])
def test_files_open_to_other_users_are_rejected(tmp_path: Path, fleet: Fleet, name: str, mode: int) -> None:
    store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    file = tmp_path / "lab" / name
    file.chmod(mode)
    with pytest.raises(RollcallError, match=f"{file}: got a mode that opens it .* run: chmod [67]00 {file}"):
        store.read(PrivateDirectory(tmp_path / "lab"), fleet)


@pytest.mark.parametrize("name", ["gossip.key", "tokens.key", "ca.pem"])
def test_a_lost_secret_is_not_silently_recreated(tmp_path: Path, fleet: Fleet, name: str) -> None:
    store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    (tmp_path / "lab" / name).unlink()
    with pytest.raises(RollcallError, match=f"{name}: missing.*restore the directory"):
        store.read(PrivateDirectory(tmp_path / "lab"), fleet)


def test_a_first_time_that_was_interrupted_is_repeated(tmp_path: Path, fleet: Fleet) -> None:
    folder = tmp_path / "lab"
    folder.mkdir(mode=0o700)
    (folder / "gossip.key").touch(0o600)
    (folder / "gossip.key").write_text("Z29zc2lw\n")
    (folder / "tokens.key.partial").touch(0o600)
    assert store.read(PrivateDirectory(folder), fleet).gossip_key == "Z29zc2lw"


def test_agents_have_the_names_that_consul_requires(tmp_path: Path, fleet: Fleet) -> None:
    """A client's certificate must not pass for a server's: verify_server_hostname checks the name."""
    made = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert "server.dc1.consul" in made.agents["consul1"].names
    assert "client.dc1.consul" in made.agents["app1"].names
    assert not [name for name in made.agents["app1"].names if name.startswith("server.")]
    assert {"127.0.0.1", "10.77.0.21"} <= set(made.agents["app1"].names)
    assert made.fronts["front1"].names == ("10.77.0.31", "127.0.0.1", "front1", "localhost")
    assert {name: one.names for name, one in made.services.certificates.items()} == {
        name: (f"{name}-443.service.consul", f"{name}-80.service.consul") for name in ("nginx", "webserver")
    }


def test_certificates_are_signed_by_the_authority_and_have_their_keys(tmp_path: Path, fleet: Fleet) -> None:
    made = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    authority = certificates.Certificate(made.authority, "")
    for one in (*made.agents.values(), *made.fronts.values(), *made.services.certificates.values(), made.operator):
        assert one.signed_by(authority)
        assert one.has_its_key()


def test_only_agents_and_the_operator_have_what_opens_consuls_https(tmp_path: Path, fleet: Fleet) -> None:
    """A site's key, stolen from a front or a backend, must not give access to Consul."""
    made = store.read(PrivateDirectory(tmp_path / "lab"), fleet)

    def opens(one: certificates.Certificate) -> bool:
        usage = one.parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return ExtendedKeyUsageOID.CLIENT_AUTH in usage

    assert all(map(opens, (*made.agents.values(), made.operator)))
    assert not any(map(opens, (*made.fronts.values(), *made.services.certificates.values())))


def test_a_certificate_is_renewed_when_its_names_change_and_only_then(tmp_path: Path, fleet: Fleet) -> None:
    before = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    after = store.read(PrivateDirectory(tmp_path / "lab"), checked(front={"server_name": "shop.example.com"}))
    assert after.fronts["front1"].names == ("shop.example.com",)
    assert after.agents == before.agents


def test_a_front_names_the_routes_of_declared_services(tmp_path: Path) -> None:
    """Whoever trusts the fleet's authority gets no warning at a site, wherever its route is declared."""
    shop = {"name": "shop", "image": "shop:1", "ports": [80], "routes": [{"host": "shop.example.com"}]}
    of_front = {"routes": [{"service": "blog", "host": "blog.example.com"}]}
    raw = [
        replace(one, data={**one.data, "services": [shop]}) if "backends" in one.groups else one
        for one in raw_hosts(front=of_front)
    ]
    made = store.read(PrivateDirectory(tmp_path / "lab"), check("six", raw, "laptop", nowhere))
    assert {"front1", "shop.example.com", "blog.example.com"} <= set(made.fronts["front1"].names)
    assert "shop.example.com" not in made.agents["app1"].names


@pytest.mark.parametrize(("days", "due"), [(0, False), (244, False), (246, True), (400, True)])
def test_a_certificate_is_renewed_in_the_last_third_of_its_year(
    tmp_path: Path, fleet: Fleet, days: int, due: bool
) -> None:
    made = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    authority, one = certificates.Certificate(made.authority, ""), made.agents["app1"]
    assert certificates.is_due(one, authority, one.names, NOW + timedelta(days=days)) is due


def test_people_are_warned_of_what_no_deploy_renews(tmp_path: Path, fleet: Fleet) -> None:
    made = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert store.warnings(made, NOW) == []
    (front,) = store.warnings(made, NOW + timedelta(days=340))
    assert "certificate of the front front1 expires on" in front
    authority, _ = store.warnings(made, NOW + timedelta(days=3300))
    assert "rollcall rotate INVENTORY ca" in authority
    (half,) = store.warnings(dataclasses.replace(made, unfinished=("tokens",)), NOW)
    assert "finish it: rollcall rotate INVENTORY tokens" in half


def given(folder: Path, key_of: str = "") -> Fleet:
    """A fleet whose front has a user's certificate, with its own key or another's."""
    signer = certificates.authority("An Authority")
    made = {name: certificates.issue(signer, name, ["www.example.com"], "server") for name in ("own", "other")}
    (folder / "site.crt").write_text(made["own"].certificate + signer.certificate)
    (folder / "site.key").write_text(made[key_of or "own"].key)
    return checked(front={"certificate": str(folder / "site.crt"), "certificate_key": str(folder / "site.key")})


def test_a_users_certificate_is_used_with_its_chain(tmp_path: Path) -> None:
    front = store.read(PrivateDirectory(tmp_path / "lab"), given(tmp_path)).fronts["front1"]
    assert front.certificate.count("BEGIN CERTIFICATE") == 2


def test_a_key_of_another_certificate_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(RollcallError, match=r"front1: got .*site.key; expected the private key of .*site.crt"):
        store.read(PrivateDirectory(tmp_path / "lab"), given(tmp_path, key_of="other"))


@pytest.mark.parametrize(
    ("name", "said"), [("site.crt", "expected a certificate"), ("site.key", "expected a certificate")]
)
def test_an_invalid_certificate_is_rejected(tmp_path: Path, name: str, said: str) -> None:
    fleet = given(tmp_path)
    (tmp_path / name).write_text("nonsense")
    with pytest.raises(RollcallError, match=said):
        store.read(PrivateDirectory(tmp_path / "lab"), fleet)


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    fleet = given(tmp_path)
    (tmp_path / "site.key").unlink()
    with pytest.raises(
        RollcallError, match=r"front.certificate_key: got .*site.key' for front1, but /.*site.key cannot be read: No su"
    ):
        store.read(PrivateDirectory(tmp_path / "lab"), fleet)


OURS = Identity("a", 2)


@pytest.mark.parametrize("found", ["", "\n", str(Identity("a", 1)), str(OURS), "edited by hand"])
def test_hosts_of_this_fleet_and_new_ones_are_deployed(found: str) -> None:
    check_identity("app1", found, OURS)


@pytest.mark.parametrize(
    ("found", "said"),
    [(Identity("b", 2), "app1 was deployed with other secrets"), (Identity("a", 3), "rotated 3 times")],
)
def test_a_host_of_other_secrets_is_not_touched(found: Identity, said: str) -> None:
    with pytest.raises(RollcallError, match=rf"{said}.*rollcall remove INVENTORY"):
        check_identity("app1", str(found), OURS)
