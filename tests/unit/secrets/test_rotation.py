"""Rotating secrets: both generations are valid until the last step, and starting again finishes an interrupted one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from six_hosts import checked

from rollcall.config.fleet import Fleet
from rollcall.secrets import certificates, store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.rotation import Rotation, discard_certificates
from rollcall.secrets.store import ACME_KEY, AUTHORITY, GOSSIP, TOKENS

Step = Callable[[Rotation], None]
STEPS: tuple[Step, ...] = (Rotation.issue, Rotation.switch, Rotation.retire)


def rotation(path: Path, fleet: Fleet, name: str) -> Rotation:
    store.read(PrivateDirectory(path / "lab"), fleet)
    return Rotation(PrivateDirectory(path / "lab"), name)


def test_tokens_of_both_generations_are_valid_until_the_old_ones_are_retired(tmp_path: Path, fleet: Fleet) -> None:
    rotating = rotation(tmp_path, fleet, TOKENS)
    old = store.read(PrivateDirectory(tmp_path / "lab"), fleet).tokens
    rotating.issue()
    issued = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    (new,) = issued.other_tokens
    assert (issued.tokens, issued.unfinished) == (old, ("tokens",))
    rotating.switch()
    switched = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert (switched.tokens, switched.other_tokens) == (new, (old,))
    rotating.retire()
    retired = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert (retired.tokens, retired.other_tokens, retired.unfinished) == (new, (), ())
    assert retired.identity.rotations == 1


def test_certificates_of_the_new_authority_appear_only_when_all_hosts_trust_it(tmp_path: Path, fleet: Fleet) -> None:
    rotating = rotation(tmp_path, fleet, AUTHORITY)
    old = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    rotating.issue()
    issued = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert issued.agents == old.agents
    assert issued.authority.count("BEGIN CERTIFICATE") == 2
    rotating.switch()
    switched = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert not switched.agents["app1"].signed_by(certificates.Certificate(old.authority, ""))
    assert old.authority in switched.authority
    rotating.retire()
    retired = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert retired.agents == switched.agents
    assert old.authority not in retired.authority


def test_both_keys_of_acme_are_on_fronts_until_the_old_one_is_retired(tmp_path: Path) -> None:
    fleet = checked(front={"acme": {"email": "ops@example.com", "names": ["*.example.com"]}})
    rotating = rotation(tmp_path, fleet, ACME_KEY)
    old = store.read(PrivateDirectory(tmp_path / "lab"), fleet).acme_key
    rotating.issue()
    issued = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    (new,) = issued.other_acme_keys
    assert (issued.acme_key, issued.unfinished) == (old, ("acme",))
    rotating.switch()
    switched = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert (switched.acme_key, switched.other_acme_keys) == (new, (old,))
    rotating.retire()
    retired = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert (retired.acme_key, retired.other_acme_keys, retired.unfinished) == (new, (), ())


@pytest.mark.parametrize("name", [GOSSIP, TOKENS, AUTHORITY])
@pytest.mark.parametrize("done", [0, 1, 2])
def test_an_interrupted_rotation_finishes_when_started_again(
    tmp_path: Path, fleet: Fleet, name: str, done: int
) -> None:
    rotating = rotation(tmp_path, fleet, name)
    first = rotating.folder.read(name)
    for step in STEPS[:done]:
        step(rotating)
    wanted = rotating.newest if done else ""
    for step in STEPS:
        step(rotating)
    assert rotating.folder.read(name) != first
    assert rotating.folder.read(name).strip() == wanted or not done
    assert store.read(PrivateDirectory(tmp_path / "lab"), fleet).unfinished == ()


def test_a_switch_that_was_interrupted_between_its_two_files_is_repeated(tmp_path: Path, fleet: Fleet) -> None:
    rotating = rotation(tmp_path, fleet, TOKENS)
    rotating.issue()
    following = rotating.newest
    rotating.folder.keep(TOKENS, rotating.previous)
    store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    rotating.switch()
    assert rotating.folder.read(TOKENS).strip() == following
    assert rotating.folder.has(rotating.previous)


def test_only_discarded_certificates_are_renewed(tmp_path: Path, fleet: Fleet) -> None:
    before = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    discard_certificates(PrivateDirectory(tmp_path / "lab"))
    after = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    assert all(after.agents[node] != before.agents[node] for node in before.agents)
    assert (after.authority, after.tokens, after.gossip_key) == (before.authority, before.tokens, before.gossip_key)
