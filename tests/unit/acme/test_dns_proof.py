"""What the user's program is told about records in DNS, and what becomes of its failures."""

from pathlib import Path

import pytest
from keys_in_memory import Store

from rollcall.acme import dns_proof, name_servers
from rollcall.acme.dns_proof import DnsProof
from rollcall.acme.order_error import OrderError
from rollcall.acme.settings import Files, Hook
from rollcall.contract import acme_keys

RECORD, VALUE = "_acme-challenge.example.com", "abc-_123"
SCRIPT = """#!/bin/sh
echo "$@" "$PROVIDER" "$(cat "$API_TOKEN_FILE")" >>"$LOG"
"""


class World:
    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, Store()
        self.log = folder / "log"
        (folder / "dns-secrets").mkdir()
        (folder / "dns-secrets/api-token").write_text("TOKEN\n")
        self.program(SCRIPT)
        self.proof = self.successor()

    def successor(self) -> DnsProof:
        """The same as another holder of the lock has it."""
        hook = Hook({"PROVIDER": "ours", "LOG": str(self.log)}, ("api-token",))
        return DnsProof(hook, Files(self.folder), self.store)  # type: ignore[arg-type]

    def program(self, text: str) -> None:
        path = self.folder / "dns-hook"
        path.write_text(text)
        path.chmod(0o700)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(name_servers, "wait", lambda record, value: None)
    return World(tmp_path)


def test_the_program_adds_a_record_and_removes_the_same_one(world: World) -> None:
    world.proof.publish("*.example.com", RECORD, VALUE)
    world.proof.withdraw("*.example.com")
    world.proof.withdraw("*.example.com")
    assert world.log.read_text().splitlines() == [f"{what} {RECORD} {VALUE} ours TOKEN" for what in ("add", "remove")]


def test_what_a_killed_holder_left_is_removed_by_the_next(world: World) -> None:
    world.proof.publish("shop.example.com", RECORD, VALUE)
    world.successor().begin()
    assert world.log.read_text().splitlines()[-1].startswith(f"remove {RECORD}")
    assert not world.store.keys(acme_keys.RECORDS)


def test_a_failure_ends_the_order_with_its_last_line_and_without_the_secret(world: World) -> None:
    world.program('#!/bin/sh\necho begin\necho "403: no zone for $(cat $API_TOKEN_FILE)" >&2\nexit 3\n')
    with pytest.raises(OrderError) as caught:
        world.proof.publish("shop.example.com", RECORD, VALUE)
    assert str(caught.value) == "the DNS hook's add exited with 3: 403: no zone for …"
    assert caught.value.local


def test_a_program_that_cannot_run_or_hangs_ends_the_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.program("#!/no/such/program\n")
    with pytest.raises(OrderError, match="cannot be run: No such file"):
        world.proof.publish("shop.example.com", RECORD, VALUE)
    monkeypatch.setattr(dns_proof, "HOOK_TIMEOUT_SECONDS", 0.2)
    world.program("#!/bin/sh\nexec tail -f /dev/null\n")
    with pytest.raises(OrderError, match=r"did not end in 0\.2 s"):
        world.proof.publish("shop.example.com", RECORD, VALUE)


def test_a_record_that_cannot_be_removed_does_not_end_anything(world: World) -> None:
    world.proof.publish("shop.example.com", RECORD, VALUE)
    world.program("#!/bin/sh\nexit 1\n")
    world.proof.withdraw("shop.example.com")
    assert not world.store.keys(acme_keys.RECORDS)


def test_any_name_may_be_ordered_wherever_it_leads(world: World) -> None:
    world.proof.check("nowhere.example.com")
