"""What a container's processes may do once they run, as the kernel sees it."""

from pathlib import Path

from docker.models.containers import Container

NET_BIND_SERVICE = 1 << 10


def processes(container: Container) -> list[dict[str, str]]:
    """The kernel's own account of the container's first process and all that come of it.

    Not of those that Docker adds, as for a health check: they are root until they become somebody else.
    """
    container.reload()
    listed = container.top()
    number, parent = (listed["Titles"].index(title) for title in ("PID", "PPID"))
    found, family = [], {str(container.attrs["State"]["Pid"])}
    for row in sorted(listed["Processes"], key=lambda row: int(row[number])):
        if row[number] in family or row[parent] in family:
            family.add(row[number])
            found.append(row[number])
    return [_status(process) for process in found if Path(f"/proc/{process}").exists()]


def _status(process: str) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def assert_confined(container: Container, capabilities: int, *users: str) -> None:
    found = processes(container)
    assert found
    for one in found:
        assert {*one["Uid"].split(), *one["Gid"].split()} <= set(users), one["Name"]
        assert int(one["CapEff"], 16) | int(one["CapPrm"], 16) == capabilities, one["Name"]
        assert one["NoNewPrivs"] == "1", one["Name"]
    code, complaint = container.exec_run(["touch", "/etc/anything"])
    assert code != 0 and b"Read-only file system" in complaint
