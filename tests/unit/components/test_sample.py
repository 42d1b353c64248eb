"""The sample web services, as this repository and a new project declare them."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from own_components import check
from sample import CERTIFICATES, SERVICES, WEBSERVER
from six_hosts import raw_hosts

from rollcall.config import local_files
from rollcall.config.fleet import Fleet, nowhere
from rollcall.config.project import PACKAGE
from rollcall.converge.resources import Container, Directory, File, PublishedPort, Resource
from rollcall.errors import RollcallError

STARTER = PACKAGE / "starter" / "group_data" / "backends.py"


def containers(resources: tuple[Resource, ...]) -> dict[str, Container]:
    return {one.name: one for one in resources if isinstance(one, Container)}


def test_it_may_do_nothing_and_read_its_files_alone(fleet: Fleet, desired: Any) -> None:
    resources = desired(fleet, "app1")["services"]
    for one in containers(resources).values():
        assert (one.user, one.drop_capabilities, one.add_capabilities) == ("101:101", ("ALL",), ())
        assert one.read_only and one.security_options == ("no-new-privileges",)
        assert all(mount.read_only for mount in one.mounts)
    assert {one.mode for one in resources if isinstance(one, Directory)} == {0o700}
    keys = [one for one in resources if isinstance(one, File) and one.path.endswith(".key")]
    assert {(key.mode, key.owner) for key in keys} == {(0o400, "101:101")}
    assert {key.text for key in keys} == {certificate.key for certificate in CERTIFICATES.values()}


def test_its_ports_stay_apart(fleet: Fleet, desired: Any) -> None:
    """After a power loss the catalog briefly names a host's old ports: a request for 80 must not reach a 443."""
    published: dict[str, set[tuple[str, int]]] = {}
    for one in containers(desired(fleet, "app1")["services"]).values():
        for port in one.ports:
            assert isinstance(port, PublishedPort)
            published.setdefault(port.host, set()).add((one.name.rpartition("-")[0], port.container))
    assert all(len(users) == 1 for users in published.values())


def test_its_page_names_the_docker_host(fleet: Fleet, desired: Any) -> None:
    (text, *_) = [
        one.text for one in desired(fleet, "app1")["services"] if str(getattr(one, "path", "")).endswith("conf")
    ]
    assert 'set $docker_host "app1";' in text


def test_a_new_project_declares_the_same_and_needs_no_copy_of_its_files(tmp_path: Path) -> None:
    local_files.relative_to(tmp_path)
    (starter,) = runpy.run_path(str(STARTER))["services"]
    assert starter == WEBSERVER
    fleet = check("six", raw_hosts(services=[starter]), "laptop", nowhere)
    assert fleet.member("app1").settings.services[0].count == 2


def test_a_file_of_the_project_wins_over_ours(tmp_path: Path, desired: Any) -> None:
    local_files.relative_to(tmp_path)
    own = tmp_path / "templates" / "webserver" / "answer.js"
    own.parent.mkdir(parents=True)
    own.write_text("export default {};")
    made = desired(check("six", raw_hosts(services=SERVICES), "laptop", nowhere), "app1")["services"]
    assert {one.text for one in made if isinstance(one, File) and one.path.endswith(".js")} == {"export default {};"}


def test_a_file_that_neither_has_is_named_where_the_project_has_it(tmp_path: Path) -> None:
    local_files.relative_to(tmp_path)
    absent = {"source": "templates/webserver/absent", "target": "/a"}
    with pytest.raises(RollcallError, match=f"{tmp_path}/templates/webserver/absent: No such file"):
        check("six", raw_hosts(services=[{**WEBSERVER, "files": [absent]}]), "laptop", nowhere)
