"""What `rollcall verify` says to do next, for each thing that it can find wrong: one list."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rollcall.cli.main import COMMANDS
from rollcall.verify import checks
from rollcall.verify.cluster import Cluster

FOLDER = Path(str(checks.__file__)).parent
# Check → the steps it may name: `mend` is a deploy, or the end of an interrupted rotation; a command on a host is
# written as it is run there; the rest are commands of ours.
STEPS: dict[str, set[str]] = {
    "test_agents.test_every_member_is_in_the_inventory": {
        "members.step(unlisted[0], cluster.source, cluster.fleet.names)"
    },
    "test_agents.test_every_agent_has_its_name": {"members.way_back(left[0], cluster.source)"},
    "test_agents.test_every_agent_is_alive": {
        "cluster.command_line(host, steps.get(host, 'docker logs --tail 20 consul'))"
    },
    "test_agents.test_every_agent_is_of_its_kind": {"f'rollcall deploy {cluster.source}'"},
    "test_agents.test_leader_and_quorum": {"f'rollcall consul {cluster.source} -- operator raft list-peers'"},
    "test_backups.test_the_newest_backup_is_recent": {
        "cluster.command_line(_leader(cluster).name, 'docker logs --tail 20 consul-backups')"
    },
    "test_bridge.test_the_default_bridge": {"cluster.command_line(host, command)"},
    "test_catalog.test_running_containers_and_no_others": {
        "cluster.command_line(host, 'docker logs --tail 20 registrator')"
    },
    "test_catalog.test_names_addresses_and_tags": {"cluster.command_line(host, 'docker logs --tail 20 registrator')"},
    "test_catalog.test_once_by_name_and_once_per_instance": {
        "f\"rollcall consul {cluster.source} -- catalog nodes -service={next(iter(counts), '')}\""
    },
    "test_containers.test_every_container_runs": {"cluster.command_line(host, f'docker logs --tail 20 {name}')"},
    "test_declared.test_containers": {"f'rollcall deploy {cluster.source}'"},
    "test_declared._check": {"_step(cluster)"},
    "test_disturb_front.test_killed_and_back_elsewhere": {"cluster.command_line(host, f'docker port {name}')"},
    "test_disturb_front._backends": {
        "cluster.command_line(host, f'docker inspect {name}')",
        "f'rollcall deploy {cluster.source}'",
    },
    "test_disturb_front._movable": {"'docker run --publish 80 …'"},
    "test_disturb_front._wait": {"cluster.command_line(front.name, 'docker logs --tail 20 front')"},
    "test_disturb_front._wait_for_return": {"cluster.command_line(front.name, 'docker logs --tail 20 front')"},
    "test_disturb_front._put_back": {"f'rollcall deploy {cluster.source}'"},
    "test_disturb_kv.test_put_and_get": {"f'rollcall verify {cluster.source} --disturb'"},
    "test_disturb_routes._wait": {"cluster.command_line(front.name, 'docker exec front front status')"},
    "test_dns.test_names_of_the_catalog": {"cluster.command_line(host, command)"},
    "test_dns.test_other_names_as_before": {"cluster.command_line(host, 'cat /etc/resolv.conf')"},
    "test_front.test_list": {"cluster.command_line(front.name, 'docker logs --tail 20 front')"},
    "test_front._closed": {"f'rollcall maintenance {cluster.source}'"},
    "test_front.reach_every_backend": {
        "cluster.command_line(front.name, 'docker logs --tail 20 front')",
        "cluster.command_line(front.name, _curl(front))",
    },
    "test_front._nobody": {"cluster.command_line(front.name, _curl(front))", "f'rollcall status {cluster.source}'"},
    "test_front.test_headers": {
        "cluster.command_line(front.name, 'docker exec front cat /var/lib/rollcall/front/current/nginx.conf')"
    },
    "test_kv.test_reading": {"cluster.command_line(problems[0].split(':')[0], 'docker logs --tail 20 consul')"},
    "test_ports.test_open_ports": {"cluster.command_line(host, 'ss -lntup')"},
    "test_registrator.test_a_registrator_on_every_host": {
        "cluster.command_line(host, 'docker logs --tail 20 registrator')"
    },
    "test_routes.test_requested_hosts": {"cluster.command_line(front.name, 'docker exec front front status')"},
    "test_security.test_anonymous_requests": {"cluster.mend"},
    "test_security.test_https": {"cluster.mend"},
    "test_security.test_certificates_last": {"own[0].replace(INVENTORY, cluster.source) if own else cluster.mend"},
    "test_security.test_sites_certificates": {"f'rollcall certificates {cluster.source}'"},
    "test_security.test_gossip_and_rpc": {"cluster.mend"},
    "test_security.test_policies_and_tokens": {"cluster.mend"},
    "test_streams.test_streams": {"cluster.command_line(front.name, 'docker exec front front status')"},
}


def steps() -> Iterator[tuple[str, str]]:
    """Give each CheckError of the checks with its function, and the source of its third argument."""
    for path in sorted(FOLDER.glob("test_*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                named = {
                    target.id: ast.unparse(node.value)
                    for node in ast.walk(function)
                    if isinstance(node, ast.Assign)
                    for target in node.targets
                    if isinstance(target, ast.Name)
                }
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "CheckError":
                        text = ast.unparse(call.args[2])
                        yield f"{path.stem}.{function.name}", named.get(text, text)


def test_every_check_that_fails_names_the_step_of_the_list() -> None:
    found: dict[str, set[str]] = {}
    for name, step in steps():
        found.setdefault(name, set()).add(step)
    assert found == {name: {_as_this_python_writes(step) for step in its} for name, its in STEPS.items()}


def _as_this_python_writes(expression: str) -> str:
    """Quotes inside f-strings are others since Python 3.12."""
    return ast.unparse(ast.parse(expression, mode="eval"))


def test_every_command_of_ours_exists() -> None:
    ours = [step for its in STEPS.values() for step in its if step.startswith("f'rollcall ")]
    assert ours
    assert {step.split()[1] for step in ours} <= set(COMMANDS)


@pytest.mark.parametrize(
    ("unfinished", "step"),
    [
        ((), "rollcall deploy six.py"),
        (("tokens",), "rollcall rotate six.py tokens  (finishes an interrupted rotation)"),
    ],
)
def test_what_an_interrupted_rotation_left_is_finished_by_it(unfinished: tuple[str, ...], step: str) -> None:
    mend: Any = inspect.getattr_static(Cluster, "mend")
    assert mend.fget(SimpleNamespace(source="six.py", secrets=SimpleNamespace(unfinished=unfinished))) == step
