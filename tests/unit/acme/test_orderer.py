"""What the holder of the lock orders, and what it does not."""

import base64
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from keys_in_memory import Store

from rollcall.acme import certificate, leads_here, schedule
from rollcall.acme.account import Account
from rollcall.acme.certificate import Issued
from rollcall.acme.consul import ConsulError
from rollcall.acme.http_proof import HttpProof
from rollcall.acme.mirror import Mirror
from rollcall.acme.order_error import OrderError
from rollcall.acme.orderer import Orderer
from rollcall.acme.sealed import Sealer
from rollcall.acme.settings import Settings
from rollcall.acme.volume import Volume
from rollcall.acme.worker import Pause, Worker
from rollcall.contract import acme_keys
from rollcall.secrets import certificates

SHOP, OTHER = "shop.example.com", "other.example.com"
DIRECTORY = "https://acme.example.com/dir"
SETTINGS = Settings(
    "app1", "", "ops@example.com", ("*.example.com",), DIRECTORY, "", "", False, fronts=(), addresses=("10.0.0.1",)
)
SIGNER = certificates.authority("Test CA")


class Server:
    """An authority that issues at once, or fails with `error`."""

    directory = DIRECTORY

    def __init__(self) -> None:
        self.ordered: list[str] = []
        self.accounts = 0
        self.error: OrderError | None = None
        self.renew_at: datetime | None = None

    def register(self) -> Account:
        self.accounts += 1
        return Account("KEY", f"https://acme.example.com/{self.accounts}")

    def use(self, account: Account) -> None:
        assert account.key == "KEY"

    def forget(self) -> None:
        pass

    def order(self, name: str, publish, check_lock) -> Issued:  # type: ignore[no-untyped-def]
        self.ordered.append(name)
        publish("token", "answer")
        if self.error:
            raise self.error
        pair = certificates.issue(SIGNER, name, [name], "server")
        return Issued(pair.certificate, pair.key, DIRECTORY)

    def advice(self, issued: Issued) -> tuple[datetime | None, datetime]:
        return self.renew_at, datetime.now(UTC) + timedelta(hours=6)


class World:
    def __init__(self, folder: Path) -> None:
        self.store, self.server = Store(), Server()
        self.key = base64.b64encode(os.urandom(32)).decode()
        self.sealer = Sealer(self.key)
        self.mirror = Mirror(Volume(folder), self.sealer, DIRECTORY)
        self.proof = HttpProof(SETTINGS, self.store)  # type: ignore[arg-type]
        self.pause = Pause()
        parts = (self.store, self.mirror, self.sealer)
        self.worker = Worker(*parts, server=self.server, proof=self.proof, pause=self.pause)  # type: ignore[arg-type]
        self.is_up = True
        self.orderer = self.ordering(self.worker)
        self.want(SHOP)

    def ordering(self, *workers: Any, sealer: Sealer | None = None) -> Orderer:
        parts = (self.store, self.mirror, sealer or self.sealer)
        up = {"directory": DIRECTORY, "responds": lambda: self.is_up}
        return Orderer(*parts, pause=self.pause, workers=workers, **up)  # type: ignore[arg-type]

    def work_until(self, condition: Callable[[], Any]) -> None:
        for _ in range(5000):
            self.orderer.work()
            if condition():
                return
            time.sleep(0.001)
        raise AssertionError("never")

    def want(self, *names: str) -> None:
        self.store.put(f"{acme_keys.WANTED}app1", json.dumps(names).encode())

    def run(self) -> list[str]:
        names = self.orderer.due(datetime.now(UTC))
        for name in names:
            self.worker.work(name)
        return names

    def state(self, name: str = SHOP) -> schedule.State:
        return schedule.read(self.store.get(acme_keys.STATES + name))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(leads_here, "addresses", lambda name: ("10.0.0.1",))
    monkeypatch.setattr(leads_here, "mistaken", lambda *_: "")
    return World(tmp_path)


def test_no_authority_is_asked_while_a_front_where_the_name_leads_does_not_know_the_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads_here, "mistaken", lambda *_: "10.0.0.1")
    world.run()
    assert world.state().error == (
        "DNS leads to 10.0.0.1, where a front does not know this order; docker logs acme on its host"
    )
    assert datetime.fromisoformat(world.state().retry_at) < datetime.now(UTC) + timedelta(minutes=2)
    assert world.store.keys(acme_keys.CHALLENGES) == ()


def test_a_wanted_name_is_ordered_once_and_kept_encrypted(world: World) -> None:
    assert world.run() == [SHOP]
    world.run()  # asks when to renew
    assert world.run() == []
    assert world.server.ordered == [SHOP]
    assert world.server.accounts == 1
    assert not any(b"PRIVATE" in value for value in world.store.keys_.values())
    assert world.store.keys(acme_keys.CHALLENGES) == ()
    assert world.mirror.certificates[SHOP].issuer == "Test CA"


def test_a_name_that_leads_elsewhere_is_not_ordered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads_here, "addresses", lambda name: ())
    world.run()
    assert world.server.ordered == []
    assert world.state().error == "DNS has no address for it"
    assert world.run() == []


def test_a_failure_waits_and_leaves_no_challenge_open(world: World) -> None:
    later = datetime.now(UTC) + timedelta(hours=5)
    world.server.error = OrderError("the authority could not validate it", not_before=later)
    world.run()
    assert world.run() == []
    assert datetime.fromisoformat(world.state().retry_at) == later
    assert world.store.keys(acme_keys.CHALLENGES) == ()


def test_a_name_without_a_response_delays_no_other(world: World) -> None:
    world.server.error = OrderError("cannot reach it", everything=True, local=True)
    world.run()
    world.server.error = None
    world.want(SHOP, OTHER)
    assert world.run() == [OTHER]
    assert OTHER in world.mirror.certificates and SHOP not in world.mirror.certificates


def test_what_failed_in_an_outage_is_ordered_at_once_after_it(world: World) -> None:
    world.is_up = False
    world.server.error = OrderError("cannot reach it", everything=True, local=True)
    world.want(SHOP, OTHER)
    world.work_until(lambda: world.state().unreachable and world.state(OTHER).unreachable)
    for name in (SHOP, OTHER):
        far = replace(world.state(name), retry_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
        world.store.put(acme_keys.STATES + name, schedule.written(far))
        world.mirror.take_state(name, far)
    world.server.error, world.is_up = None, True
    world.work_until(lambda: {SHOP, OTHER} <= set(world.mirror.certificates))
    world.orderer.end()


def test_what_nobody_foresaw_costs_one_name_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.server.order = lambda *_: {}["authorizations"]  # type: ignore[method-assign,assignment,return-value]
    world.run()
    assert world.state().error == "unexpected: KeyError: 'authorizations'"
    assert world.run() == []
    assert "Traceback" in capsys.readouterr().err


def test_names_that_fail_leave_workers_for_those_that_never_did(world: World) -> None:
    failing = [f"bad{number}.example.com" for number in range(12)]
    for name in failing:
        world.mirror.take_state(name, schedule.State("no", failures=3))
    started, release = [], threading.Event()

    class Working:
        def work(self, name: str, *, hurry: bool) -> None:
            started.append(name)
            release.wait(10)

    world.orderer = world.ordering(*(Working() for _ in range(8)))
    world.want(*failing)
    world.work_until(lambda: len(started) == 6)
    for _ in range(3):
        world.orderer.work()
    world.want(SHOP, OTHER, *failing)
    world.work_until(lambda: len(started) == 8)
    release.set()
    world.orderer.end()
    assert set(started[6:]) == {SHOP, OTHER}


def test_a_renewal_that_somebody_asks_for_does_not_wait(world: World) -> None:
    world.run()
    before = world.mirror.certificates[SHOP].digest
    world.store.put(acme_keys.RENEWALS + SHOP, b"")
    world.run()
    assert world.server.ordered == [SHOP, SHOP]
    assert world.mirror.certificates[SHOP].digest != before
    assert world.store.keys(acme_keys.RENEWALS) == ()


def test_it_is_renewed_when_the_authority_advises(world: World) -> None:
    world.server.renew_at = datetime.now(UTC) - timedelta(seconds=1)
    world.run()
    world.run()
    assert world.server.ordered == [SHOP, SHOP]


def test_an_account_that_the_authority_forgot_is_made_anew(world: World) -> None:
    world.server.error = OrderError("unknown account", no_account=True)
    world.run()
    world.server.error = None
    world.store.put(acme_keys.RENEWALS + SHOP, b"")
    world.run()
    assert world.server.accounts == 2
    assert SHOP in world.mirror.certificates


def test_what_consul_lost_is_written_back_and_not_ordered_again(world: World) -> None:
    world.run()
    before = world.store.get(acme_keys.CERTIFICATES + SHOP)
    world.store.delete(acme_keys.PREFIX, recurse=True)
    world.want(SHOP)
    world.run()
    assert world.store.get(acme_keys.CERTIFICATES + SHOP) == before
    assert world.server.ordered == [SHOP]


def test_a_value_that_another_key_encrypted_is_ordered_anew(world: World) -> None:
    key = acme_keys.CERTIFICATES + SHOP
    other = Sealer(base64.b64encode(os.urandom(32)).decode())
    world.store.put(key, other.seal(key, "{}"))
    world.run()
    assert certificate.read(world.sealer.open(key, world.store.keys_[key])).issuer == "Test CA"


@pytest.mark.parametrize("limited", [True, False])
def test_limits_of_two_names_pause_the_others_for_an_hour_and_an_overload_as_it_says(
    world: World, limited: bool
) -> None:
    later = datetime.now(UTC) + timedelta(hours=30)
    world.server.error = OrderError("too many", not_before=later, limited=limited, everything=not limited)
    world.run()
    world.want(SHOP, OTHER)
    # The limit may have been the first name's own.
    assert world.run() == ([OTHER] if limited else [])
    world.want(SHOP, OTHER, "third.example.com")
    assert world.run() == []
    end = timedelta(hours=1 if limited else 30)
    for ahead, holds in ((-10, True), (10, False)):
        assert world.pause.holds(datetime.now(UTC) + end + timedelta(seconds=ahead)) == holds
    assert datetime.fromisoformat(world.state().retry_at) == later


def test_a_renewal_that_fails_is_tried_again_and_waits_as_others_do(world: World) -> None:
    world.run()
    world.store.put(acme_keys.RENEWALS + SHOP, b"")
    world.server.error = OrderError("no")
    world.run()
    assert world.run() == []
    following = schedule.next_try(SHOP, world.mirror.certificates[SHOP], world.state(), DIRECTORY)
    assert following < datetime.now(UTC) + timedelta(minutes=20)
    world.server.error = None
    world.store.put(acme_keys.STATES + SHOP, schedule.written(replace(world.state(), retry_at="")))
    world.mirror.take_state(SHOP, world.state())
    assert world.run() == [SHOP]
    assert world.server.ordered == [SHOP] * 3
    assert world.store.keys(acme_keys.RENEWALS) == ()


@pytest.mark.parametrize("ahead", [timedelta(days=40), timedelta(days=-40)])
def test_a_wrong_clock_is_told_and_delays_nothing_once_it_is_right(world: World, ahead: timedelta) -> None:
    world.server.error = OrderError("this host's clock is wrong", everything=True, local=True, wrong_clock=True)
    world.run()
    assert world.state().error == "this host's clock is wrong"
    # While it is wrong, tries are as far apart as in any outage.
    assert timedelta(seconds=50) < datetime.fromisoformat(world.state().retry_at) - datetime.now(UTC)
    noted = datetime.now(UTC) + ahead
    shifted = replace(world.state(), noted_at=noted.isoformat(), retry_at=(noted + timedelta(minutes=1)).isoformat())
    world.store.put(acme_keys.STATES + SHOP, schedule.written(shifted))
    world.mirror.take_state(SHOP, shifted)
    world.server.error = None
    assert world.run() == [SHOP] and not world.state().error


def test_the_failure_of_an_order_that_nobody_needs_any_more_is_forgotten(world: World) -> None:
    world.run()
    world.run()
    failed = replace(world.state(), error="the clock is wrong", failures=3, unreachable=True)
    world.store.put(acme_keys.STATES + SHOP, schedule.written(failed))
    world.mirror.take_state(SHOP, failed)
    assert world.run() == [SHOP]
    assert world.state() == replace(failed, error="", failures=0, unreachable=False)
    assert world.server.ordered == [SHOP] and world.run() == []


def test_a_certificate_that_an_older_key_encrypted_is_encrypted_with_the_newest(world: World) -> None:
    world.run()
    before = set(world.store.keys(acme_keys.CERTIFICATES) + world.store.keys(acme_keys.ACCOUNTS))
    new = base64.b64encode(os.urandom(32)).decode()
    sealer = Sealer(new, world.key)
    world.ordering(world.worker, sealer=sealer).begin()
    for key in before:
        assert Sealer(new).open(key, world.store.keys_[key])
    assert world.store.get(acme_keys.SEALED_BY) == acme_keys.fingerprint(new).encode()
    assert len(before) == 2


def test_names_are_worked_on_at_the_same_time_and_none_twice(world: World) -> None:
    names = [f"n{number}.example.com" for number in range(4)]
    together, worked = threading.Barrier(len(names), timeout=10), []

    class Working:
        def work(self, name: str, *, hurry: bool) -> None:
            worked.append(name)
            together.wait()

    orderer = world.ordering(*(Working() for _ in names))
    world.want(*names[:-1])
    orderer.work()
    world.want(*names)
    orderer.work()
    orderer.end()
    assert sorted(worked) == names


def test_what_ends_the_work_on_a_name_is_told(world: World) -> None:
    def fail(name: str, **_: bool) -> None:
        raise ConsulError("no agent")

    world.worker.work = fail  # type: ignore[method-assign]
    world.orderer.work()
    with pytest.raises(ConsulError):
        for _ in range(1000):
            world.orderer.work()
            time.sleep(0.001)


def test_open_challenges_of_an_earlier_holder_are_ended(world: World) -> None:
    world.store.put(f"{acme_keys.CHALLENGES}{SHOP}/token", b"answer")
    world.proof.begin()
    assert world.store.keys(acme_keys.CHALLENGES) == ()
