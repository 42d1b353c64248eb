"""Check the backups that Consul's servers make in time."""

import shlex
from collections.abc import Callable
from datetime import UTC, datetime

from rollcall.components.backups import every, settings
from rollcall.config.fleet import Member
from rollcall.contract import backups
from rollcall.contract.backups import Record
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster

# The first one is made within a second of the program's start.
FIRST_TIMEOUT_SECONDS = 10
Report = Callable[[str], None]


def test_the_newest_backup_is_recent(cluster: Cluster, passed: Report) -> None:
    """The newest backup of Consul is recent, whole in size, and nobody else can read it"""
    due = every(cluster.fleet)
    if not due:
        passed("consul_server.backups is not set; skipping the backups")
        return
    newest: list[Record | None] = [None]

    def problems() -> list[str]:
        newest[0] = _newest(cluster)
        return [problem.text for problem in backups.problems(newest[0], due, datetime.now(UTC))]

    left = wait_until_none(problems, FIRST_TIMEOUT_SECONDS)
    record = newest[0]
    found = left if left or record is None else _file_problems(cluster, record)
    if found or record is None:
        raise CheckError(
            f"a backup every {backups.period(due)}",
            found,
            cluster.command_line(_leader(cluster).name, "docker logs --tail 20 consul-backups"),
        )
    passed(f"the newest backup of Consul is {record.age(datetime.now(UTC))} old: {record.file} on {record.node}")


def _newest(cluster: Cluster) -> Record | None:
    _, entry = cluster.catalog.any_agent().kv.get(backups.KEY)
    return backups.parse(entry["Value"].decode()) if entry and entry["Value"] else None


def _file_problems(cluster: Cluster, record: Record) -> list[str]:
    """Compare the file with its record; a server outside this run is not read."""
    host = next((member for member in cluster.members if member.node == record.node), None)
    own = settings(host) if host else None
    if host is None or own is None:
        return []
    paths = shlex.join([own.directory, record.file])
    seen = cluster.run(host.name, f"stat -c '%a %u:%g %s %n' {paths} 2>&1 || true").splitlines()
    wanted = {own.directory: ("700 100:1000", ""), record.file: ("600 100:1000", str(record.bytes))}
    problems = []
    for path, (rights, size) in wanted.items():
        line = next((one for one in seen if one.endswith(f" {path}") and one[0].isdigit()), "")
        mode, owner, bytes_, *_ = [*line.split(), "", "", ""]
        if not line:
            problems.append(f"{host.name}: {path} is not there")
        elif f"{mode} {owner}" != rights or (size and size != bytes_):
            problems.append(f"{host.name}: {path} is {mode} {owner}, {bytes_} bytes; not {rights} {size}".rstrip())
    return problems


def _leader(cluster: Cluster) -> Member:
    address = str(cluster.catalog.any_agent().status.leader()).rpartition(":")[0]
    servers = cluster.fleet.servers
    return next((server for server in servers if server.address == address), servers[0])
