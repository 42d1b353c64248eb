"""What a front has of Consul's certificates and challenges."""

import base64
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollcall.acme import certificate, schedule
from rollcall.acme.certificate import Issued
from rollcall.acme.mirror import Mirror
from rollcall.acme.sealed import Sealer
from rollcall.acme.volume import Volume
from rollcall.contract import acme_files, acme_keys
from rollcall.secrets import certificates

SHOP = "shop.example.com"
KEY = base64.b64encode(os.urandom(32)).decode()
PAIR = certificates.issue(certificates.authority("Test CA"), SHOP, [SHOP], "server")
ISSUED = Issued(PAIR.certificate, PAIR.key, "https://acme.example.com/dir")


def sealed(key: str = KEY) -> dict[str, bytes]:
    name = acme_keys.CERTIFICATES + SHOP
    return {name: Sealer(key).seal(name, certificate.written(ISSUED))}


def mirror(folder: Path, key: str = KEY) -> Mirror:
    return Mirror(Volume(folder), Sealer(key), ISSUED.directory)


def test_a_certificate_is_a_private_file_for_the_front_and_outlasts_consul(tmp_path: Path) -> None:
    mirror(tmp_path).take_certificates(sealed(), time.monotonic())
    file = tmp_path / acme_files.ISSUED / f"{SHOP}.pem"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.read_text() == ISSUED.pem
    again = mirror(tmp_path)
    again.take_certificates({}, time.monotonic())
    assert again.certificates[SHOP] == ISSUED
    (state,) = acme_files.read_states((tmp_path / acme_files.STATE).read_text()).values()
    assert (state.digest, state.issuer) == (ISSUED.digest, "Test CA")


def test_what_ended_long_ago_is_kept_while_consul_has_it_or_the_front_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = mirror(tmp_path)
    made.take_certificates(sealed(), time.monotonic())
    monkeypatch.setattr("rollcall.acme.mirror.FORGOTTEN", datetime.now(UTC) - ISSUED.end - timedelta(days=1))
    other = f"{acme_keys.CERTIFICATES}other.example.com"
    made.take_certificate(other, Sealer(KEY).seal(other, certificate.written(ISSUED)))
    assert set(made.certificates) == {SHOP, "other.example.com"}
    acme_files.replace_file(tmp_path / acme_files.WANTED, acme_files.written_wanted([SHOP]))
    made.take_certificates({}, time.monotonic())
    assert set(made.certificates) == {SHOP}
    acme_files.replace_file(tmp_path / acme_files.WANTED, acme_files.written_wanted([]))
    made.take_certificates({}, time.monotonic())
    assert made.certificates == {} and not (tmp_path / acme_files.ISSUED / f"{SHOP}.pem").exists()


def test_another_keys_certificate_is_left_out(tmp_path: Path) -> None:
    made = mirror(tmp_path)
    made.take_certificates(sealed(base64.b64encode(os.urandom(32)).decode()), time.monotonic())
    assert made.certificates == {}
    assert list((tmp_path / acme_files.ISSUED).iterdir()) == []


@pytest.mark.parametrize("key", ["../../etc/x/token", "..", "a/b/c", "a/", "/token", ".hidden/token", "a b/token"])
def test_no_key_of_consul_writes_outside_the_challenges(tmp_path: Path, key: str) -> None:
    made = mirror(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    made.take_challenges({acme_keys.CHALLENGES + key: b"answer"})
    assert sorted(tmp_path.rglob("*")) == before


def test_challenges_come_and_go(tmp_path: Path) -> None:
    made = mirror(tmp_path)
    folder = tmp_path / acme_files.CHALLENGES
    made.take_challenges({f"{acme_keys.CHALLENGES}{SHOP}/t-1": b"answer"})
    assert (folder / SHOP / "t-1").read_text() == "answer"
    made.take_challenges({f"{acme_keys.CHALLENGES}{SHOP}/t-2": b"other"})
    assert [path.name for path in (folder / SHOP).iterdir()] == ["t-2"]
    made.take_challenges({})
    assert list(folder.iterdir()) == []


def test_what_consul_had_before_replaces_nothing_that_was_written_after(tmp_path: Path) -> None:
    made, began = mirror(tmp_path), time.monotonic()
    made.take_certificate(*next(iter(sealed().items())))
    made.take_state(SHOP, schedule.State("cannot reach it", failures=1))
    older = {acme_keys.STATES + SHOP: schedule.written(schedule.State())}
    assert not made.take_states(older, began)
    assert not made.take_certificates({}, began)
    shown = acme_files.read_states((tmp_path / acme_files.STATE).read_text())[SHOP]
    assert (shown.error, shown.digest) == ("cannot reach it", ISSUED.digest)
    # What was asked for afterwards is the newest, whoever wrote it.
    assert made.take_states(older, time.monotonic())
    assert acme_files.read_states((tmp_path / acme_files.STATE).read_text())[SHOP].error == ""


def test_a_read_that_had_the_write_already_is_the_newest(tmp_path: Path) -> None:
    made, began, state = mirror(tmp_path), time.monotonic(), schedule.State("no", failures=1)
    made.take_state(SHOP, state)
    assert made.take_states({acme_keys.STATES + SHOP: schedule.written(state)}, began)
