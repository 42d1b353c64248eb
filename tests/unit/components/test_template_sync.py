"""The containers of hosts with users' own templates, and their rights."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from own_components import COMPONENTS, check, resources
from six_hosts import raw_hosts

from rollcall.components import access, template_sync
from rollcall.components.component import HostFacts
from rollcall.config.fleet import Fleet, nowhere
from rollcall.contract.template_settings import read
from rollcall.converge.docker_query import SOCKET
from rollcall.converge.host_state import HostState, ObservedFile, script
from rollcall.converge.plan import plan
from rollcall.converge.resources import Container, Directory, File, Resource
from rollcall.deploy.host_query import reading
from rollcall.secrets.store import Secrets

Things = dict[str, tuple[Resource, ...]]
Desired = Callable[[Fleet, str], Things]


@pytest.fixture
def with_templates(tmp_path: Path) -> Callable[..., Fleet]:
    """A fleet whose front1 has a template with these settings."""

    def of(**settings: Any) -> Fleet:
        source = tmp_path / "haproxy.ctmpl"
        source.write_text('{{ range service "web" }}{{ .Address }}{{ end }}\n')
        entry = {
            "name": "haproxy",
            "source": str(source),
            "destination": "/etc/haproxy/haproxy.cfg",
            "check": "haproxy -c -f {candidate}",
            "reload": "kill -USR2 1",
            **settings,
        }
        hosts = [
            replace(one, data={**one.data, "template_sync": {"templates": [entry]}}) if one.name == "front1" else one
            for one in raw_hosts()
        ]
        return check("six", hosts, "laptop", nowhere)

    return of


def named(resources: tuple[Resource, ...]) -> dict[str, Container]:
    return {resource.name: resource for resource in resources if isinstance(resource, Container)}


def text(resources: tuple[Resource, ...], path: str) -> str:
    return next(resource.text for resource in resources if isinstance(resource, File) and resource.path == path)


def test_hosts_without_templates_have_nothing_of_it(with_templates: Callable[..., Fleet], desired: Desired) -> None:
    assert desired(with_templates(), "app1")["own templates"] == ()


def test_the_engines_socket_is_handed_to_the_filter_only(
    with_templates: Callable[..., Fleet], desired: Desired
) -> None:
    running = named(desired(with_templates(container="lb"), "front1")["own templates"])
    assert set(running) == {"templates", "templates-filter"}
    assert SOCKET not in [mount.source for mount in running["templates"].mounts]
    assert SOCKET in [mount.source for mount in running["templates-filter"].mounts]
    assert running["templates-filter"].network == "none"


def test_what_runs_in_no_other_container_needs_no_filter(
    with_templates: Callable[..., Fleet], desired: Desired
) -> None:
    assert set(named(desired(with_templates(), "front1")["own templates"])) == {"templates"}


def test_only_the_directories_of_destinations_can_be_written(
    with_templates: Callable[..., Fleet], desired: Desired
) -> None:
    container = named(desired(with_templates(container="lb"), "front1")["own templates"])["templates"]
    assert [mount.source for mount in container.mounts if not mount.read_only] == ["/etc/haproxy"]
    assert container.read_only
    assert container.add_capabilities == ("CHOWN", "DAC_OVERRIDE")


def test_the_program_gets_its_templates(with_templates: Callable[..., Fleet], desired: Desired) -> None:
    resources = desired(with_templates(container="lb", mode="0640", keep=0.5), "front1")["own templates"]
    node, (template,) = read(text(resources, "/etc/rollcall/templates/templates.json"))
    assert (node, template.container, template.mode, template.keep) == ("front1", "lb", 0o640, 0.5)
    assert template.check_command == "haproxy -c -f /etc/haproxy/.haproxy.cfg.candidate"
    assert text(resources, "/etc/rollcall/templates/haproxy.ctmpl").startswith('{{ range service "web" }}')


@pytest.mark.parametrize("command", ["echo \"$HOME\" '$1' \\n $$", "printf 'é\n'", "a; b && c {}"])
def test_the_filter_has_commands_run_as_they_are_written(command: str) -> None:
    body = template_sync.exec_body(command)
    assert "$" not in body and "'" not in body and "\n" not in body
    # As nginx reads a single-quoted string.
    told = json.loads(re.sub(r"\\(\\|')", r"\1", body))
    assert told["Cmd"] == ["/bin/sh", "-c", command]


def test_the_filter_has_each_command_under_its_template(with_templates: Callable[..., Fleet], desired: Desired) -> None:
    resources = desired(with_templates(container="lb"), "front1")["own templates"]
    configuration = text(resources, "/etc/rollcall/templates-filter/nginx.conf")
    assert re.findall(r"location = (/\S+/\S+) ", configuration) == ["/haproxy/check", "/haproxy/reload"]
    assert configuration.count(":/containers/lb/exec;") == 2
    assert "haproxy -c -f /etc/haproxy/.haproxy.cfg.candidate" in configuration


def test_without_a_reload_the_filter_has_none_run(with_templates: Callable[..., Fleet], desired: Desired) -> None:
    resources = desired(with_templates(container="lb", reload=""), "front1")["own templates"]
    assert "/haproxy/reload" not in text(resources, "/etc/rollcall/templates-filter/nginx.conf")


def test_a_changed_template_restarts_the_container(with_templates: Callable[..., Fleet], desired: Desired) -> None:
    before = named(desired(with_templates(), "front1")["own templates"])["templates"]
    assert named(desired(with_templates(reload="x"), "front1")["own templates"])["templates"].spec != before.spec


def test_a_directory_that_is_there_keeps_its_owner(with_templates: Callable[..., Fleet], desired: Desired) -> None:
    folders = [
        resource
        for resource in desired(with_templates(), "front1")["own templates"]
        if isinstance(resource, Directory) and resource.path == "/etc/haproxy"
    ]
    assert [change.action for change in plan(folders, HostState())] == ["create"]
    assert plan(folders, HostState(files={"/etc/haproxy": ObservedFile(0o700, "99:99", None)})) == ()


def test_only_the_destinations_directory_itself_is_read(with_templates: Callable[..., Fleet], secret: Secrets) -> None:
    fleet = with_templates()
    read_of = reading(fleet, fleet.member("front1"), secret, COMPONENTS)
    assert read_of.directories == ("/etc/haproxy",)
    assert "/etc/haproxy" not in read_of.paths
    command = script(read_of.wanted, directories=read_of.directories)
    assert "find /etc/haproxy /var/log/rollcall -maxdepth 0" in command


def test_the_role_exists_only_where_there_are_templates(
    fleet: Fleet, with_templates: Callable[..., Fleet], secret: Secrets
) -> None:
    def rules(of: Fleet) -> dict[str, str]:
        return {one.name: one.rules for one in access.desired(of, secret).policies}

    assert "rollcall-templates" not in rules(fleet)
    policy = rules(with_templates())["rollcall-templates"]
    assert "write" not in policy
    assert "key" not in policy


def test_keys_are_read_below_the_prefixes_that_are_set(with_templates: Callable[..., Fleet], secret: Secrets) -> None:
    fleet = with_templates()
    one = fleet.member("front1")
    section = one.settings.template_sync.model_copy(update={"keys": ("haproxy/",)})
    keys = one.settings.model_copy(update={"template_sync": section})
    other = replace(fleet, members=(*fleet.members[:-1], replace(one, settings=keys)))
    policy = {one.name: one.rules for one in access.desired(other, secret).policies}["rollcall-templates"]
    assert 'key_prefix     "haproxy/" { policy = "read" }' in policy
    assert policy.count("key_prefix") == 1


def test_the_token_is_closed(with_templates: Callable[..., Fleet], facts: HostFacts, secret: Secrets) -> None:
    fleet = with_templates()
    made = resources(fleet, "front1", facts, secret)["own templates"]
    (token,) = [one for one in made if isinstance(one, File) and one.path.endswith("/token")]
    assert token.text.strip() == secret.tokens.secret("templates")
    assert token.mode == 0o600
    assert {one.path: one.mode for one in made if isinstance(one, Directory)}["/etc/rollcall/templates"] == 0o700
