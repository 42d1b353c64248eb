"""The records of releases: versions, results, what is kept, and which one a rollback takes."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from six_hosts import SIX, checked

from rollcall.errors import RollcallError
from rollcall.services import declarations, history
from rollcall.services.history import Placed, Record, to_restart, to_roll_back_to

SHOP = {"name": "shop", "image": "shop:1.4", "ports": [8000], "environment": {"LOG": "info"}}


def released(image: str, started: str, **more: Any) -> Record:
    made: dict[str, Any] = {
        "service": "shop",
        "image": image,
        "kind": "deploy",
        "who": "ann@laptop",
        "started": started,
        "declarations": ({**SHOP, "image": image},),
        "hosts": {"app1": Placed(0), "app2": Placed(0)},
        "total": 2,
        "done": 2,
        **more,
    }
    return Record(**made)


V1, V2, V3 = (released(f"shop:1.{minor}", f"2026-11-29 0{minor}:00:00") for minor in (4, 5, 6))


def stored(*records: Record) -> list[dict[str, str]]:
    bodies = [history.put(one).body for one in records]
    return [{"Key": "k", "Value": base64.b64encode(body.encode()).decode()} for body in bodies]


def test_records_are_read_as_they_were_written_the_newest_first() -> None:
    assert history.records([*stored(V1, V3, V2), {"Value": "eA=="}, {"Value": None}]) == [V3, V2, V1]  # type: ignore[dict-item]


def test_a_version_is_everything_declared_and_its_files() -> None:
    assert V1.digest == replace(V1, started="2026-12-01 00:00:00", who="bob@desk", kind="restart").digest
    others = [
        V2,
        replace(V1, declarations=({**SHOP, "environment": {"LOG": "debug"}},)),
        replace(V1, hosts={"app1": Placed(0, "f1")}),
    ]
    assert len({V1.digest, *(one.digest for one in others)}) == 4


def test_the_result_is_how_far_it_came() -> None:
    begun = replace(V1, done=0)
    assert begun.result == "interrupted after 0 of 2 containers"
    one = begun.with_progress("2026-11-29 04:00:09")
    assert one.result == "interrupted after 1 of 2 containers"
    assert one.with_progress("2026-11-29 04:00:12").result == "done"
    failed = one.with_progress("2026-11-29 04:00:30", failure="shop-1 of app2: it exits")
    assert failed.result == "failed after 1 of 2 containers"
    assert not failed.complete


def test_the_oldest_records_make_room() -> None:
    keys = [f"rollcall/releases/shop/2026-11-{day:02d}T00:00:00" for day in range(1, 23)]
    assert [one.path for one in history.outdated("shop", json.dumps(keys[::-1]))] == [
        f"/v1/kv/{key}" for key in keys[:3]
    ]
    assert history.outdated("shop", json.dumps(keys[:19])) == []
    assert history.outdated("shop", "") == []


def test_a_rollback_takes_the_last_complete_version_before() -> None:
    again = replace(V3, started="2026-11-29 07:00:00", kind="restart")
    failed = replace(V2, started="2026-11-29 05:30:00", done=1)
    assert to_roll_back_to([again, V3, failed, V2, V1], "shop", "", "lab.py").image == "shop:1.5"
    broken = replace(V3, done=0)
    assert to_roll_back_to([broken, V2, V1], "shop", "", "lab.py").image == "shop:1.5"
    # A failed release of another secret was of the same declaration.
    assert to_roll_back_to([broken, V3, V2], "shop", "", "lab.py") == V3


def test_a_restart_takes_the_version_that_runs() -> None:
    assert to_restart([replace(V3, done=0, failure="release.before"), V2, V1], "shop", "lab.py") == V2
    assert to_restart([], "shop", "lab.py") is None
    with pytest.raises(RollcallError, match="interrupted after 1 of 2 containers, so two versions run"):
        to_restart([replace(V3, done=1), V2], "shop", "lab.py")


@pytest.mark.parametrize("given", [V1.digest, V1.digest[:4], "1.4"])
def test_a_version_is_named_by_digest_or_tag(given: str) -> None:
    assert to_roll_back_to([V3, V2, V1], "shop", given, "lab.py") == V1


@pytest.mark.parametrize(
    ("found", "given", "said"),
    [
        ([V3], "", "shop has no earlier version that was released completely; rollcall releases lab.py shop"),
        ([], "", "shop has no earlier version"),
        ([V3, replace(V1, done=1)], "1.4", "got '1.4'; expected a version of rollcall releases lab.py shop"),
        ([V3, V2], "1.55", "did you mean 1.5?"),
        ([V1, replace(V1, hosts={"app1": Placed(0, "f1")})], "1.4", "which 2 versions have; expected one of"),
    ],
)
def test_a_version_that_cannot_be_taken_is_a_sentence(found: list[Record], given: str, said: str) -> None:
    with pytest.raises(RollcallError) as problem:
        to_roll_back_to(found, "shop", given, "lab.py")
    assert said in str(problem.value)


def test_what_is_declared_is_gathered_as_users_write_it() -> None:
    found = list(declarations.declarations(checked(services=[SHOP]), "shop"))
    assert [one.host for one in found] == list(SIX)
    assert history.gathered(found) == ((SHOP,), dict.fromkeys(SIX, Placed(0)))


def test_a_wrong_name_has_a_hint() -> None:
    with pytest.raises(RollcallError, match=r"no service 'shpo' is declared; did you mean shop\?"):
        declarations.check_name(checked(services=[SHOP]), "shpo")


def test_what_to_write_after_a_rollback() -> None:
    wanted = {key: value for key, value in SHOP.items() if key != "environment"}
    assert declarations.edits({**SHOP, "image": "shop:2"}, wanted) == ["\"image\": 'shop:1.4'", 'no "environment"']
    assert declarations.edits(SHOP, SHOP) == []
