"""Each supported Docker Engine's recorded output from the lab: an unchanged container needs no change."""

import json
from typing import Any

import pytest
from record_engines import ALL, AS_DESIRED, DOCUMENTS, IMAGE, NETWORK, PUBLISHED, VOLUME

from rollcall.converge import docker_query
from rollcall.converge.host_state import HostState
from rollcall.converge.plan import plan
from rollcall.lab.layout import ENGINES
from rollcall.registrator.docker.container import Port, read_container


def recorded(engine: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCUMENTS / f"engine-{engine}.json").read_text())
    return found


def host(engine: str) -> HostState:
    return HostState(docker_query.parse(recorded(engine)["answer"], [IMAGE]))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_container_created_as_desired_needs_no_change(engine: str) -> None:
    assert [str(change) for change in plan([NETWORK, VOLUME, *AS_DESIRED], host(engine))] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_our_containers_and_the_image_that_they_were_made_from_are_found(engine: str) -> None:
    found = host(engine).engine
    assert found.managed == {one.name for one in ALL}
    assert found.images[found.containers[PUBLISHED.name]["Image"]] == found.images[IMAGE]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_api_version_gives_the_registrator_the_same(engine: str) -> None:
    apis = recorded(engine)["apis"]
    assert len(apis) == 2
    oldest, newest = ({name: read_container(one) for name, one in found.items()} for found in apis.values())
    assert oldest == newest
    published = newest["rec-published"]
    assert {port: len(found) for port, found in published.published.items() if found} == {
        Port(80, "tcp"): 1,
        Port(443, "tcp"): 1,
    }
    assert Port(8081, "tcp") in published.exposed
    assert list(published.networks) == ["rec"]
    assert list(newest["rec-two"].networks) == ["bridge", "rec"]
    assert (newest["rec-exited"].running, newest["rec-exited"].exit_code) == (False, 3)
    assert newest["rec-host"].networks == {}
