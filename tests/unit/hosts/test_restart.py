"""Which services a restarted host must have again."""

from rollcall.hosts.restart import returning
from rollcall.registrator.services.identity import MARK_CONTAINER

SERVICES = {
    "app1:web:80": {"Meta": {MARK_CONTAINER: "abc"}},
    "app1:once:80": {"Meta": {MARK_CONTAINER: "def"}},
    "by-hand": {"Meta": None},
}


def test_what_passed_and_is_started_again_must_come_back() -> None:
    every = frozenset(SERVICES)
    assert returning(SERVICES, every, {}) == every
    assert returning(SERVICES, every, {"def012": "once"}) == {"app1:web:80", "by-hand"}
    assert returning(SERVICES, frozenset({"by-hand"}), {}) == {"by-hand"}
