"""The access log as a file of the front's host: each request has its line, the size is bounded, serving comes first."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from front_world import Front
from keep_alive_load import Load

from rollcall.command import run

LOADED = "/json?loaded"


@pytest.fixture(name="front")
def front_fixture(start_front, catalog, backends, until):
    """A front whose files are small, with a backend behind it."""
    with start_front(access_log="file", access_log_size="64k", access_log_keep=1000) as running:
        catalog.register(backends[0].name, backends[0].address)
        until(running.instances, "the instance behind the front")
        yield running


def files(front: Front) -> list[Path]:
    """The files of the log, the oldest first."""
    return sorted(front.log_folder.iterdir(), key=lambda file: -int(file.suffix[1:].replace("log", "0")))


def lines(front: Front) -> list[dict[str, Any]]:
    """Every line of every file, each whole."""
    return [json.loads(line) for file in files(front) for line in file.read_text().splitlines()]


def asked_by(front: Front, name: str) -> int:
    return sum(line["request_id"] == name for line in lines(front))


def visitors(front: Front) -> Load:
    return Load(front.http_port, path=LOADED)


def counted(front: Front) -> int:
    return sum(each["requests"] for service in front.document()["services"] for each in service["instances"])


def test_lines_go_to_the_file_and_not_to_the_containers_output(front, until) -> None:
    front.get(X_Request_ID="the-first")
    until(lambda: asked_by(front, "the-first") == 1, "its line in the file")
    (line,) = [line for line in lines(front) if line["request_id"] == "the-first"]
    assert (line["uri"], line["status"]) == ("/json", 200)
    assert '"request_id"' not in front.log()
    [file] = files(front)
    # The group adm may read it, as it may the system's own logs.
    assert (file.stat().st_mode & 0o7777, file.stat().st_uid, file.stat().st_gid) == (0o640, 101, 4)


def test_under_load_files_are_put_away_a_successor_writes_on_and_no_request_lacks_its_line(front, image, until) -> None:
    load = visitors(front)
    with load.running():
        until(lambda: len(files(front)) > 3, "several files")
        old = front.container
        old.update(restart_policy={"Name": "no"})
        front.start(image)
        until(lambda: front.execute("front-health")[0] == 0, "a new front that is well", 20)
        before = len(files(front))
        until(lambda: len(files(front)) > before + 1, "more files, by the successor")
    assert load.broken == {}
    front.container.stop(timeout=30)
    old.wait(timeout=30)
    assert sum(line["uri"] == LOADED for line in lines(front)) == load.requests


def test_only_so_many_files_are_kept_and_requests_are_counted_exactly(front, catalog, secret, until) -> None:
    front.configure(catalog, secret, access_log_keep=2)
    assert front.execute("front-apply")[0] == 0
    before, load = counted(front), visitors(front)
    with load.running():
        until(lambda: {file.name for file in files(front)} == {f"access.log{end}" for end in ("", ".1", ".2")}, "three")
        oldest = files(front)[0].open()
        until(lambda: os.fstat(oldest.fileno()).st_nlink == 0, "the oldest to go")
        oldest.close()
    assert len(files(front)) <= 3
    until(lambda: counted(front) - before == load.requests, "all requests to be counted")


def test_without_room_for_its_lines_the_front_serves_and_follows_changes(
    front, catalog, backends, engine, image, until
) -> None:
    """Its folder is a disk of its own, which others have filled."""
    front.remove()
    disk = front.log_folder
    options = "size=64k,uid=101,gid=4,mode=2750"
    run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], doing="mount a small disk")
    try:
        with suppress(OSError), (disk / "others").open("wb", buffering=0) as others:
            while others.write(bytes(4096)):
                pass
        front.start(image)
        until(lambda: front.status() == 200, "a front that serves")
        until(lambda: "No space left on device" in front.failure(), "word of it")
        catalog.register(backends[1].name, backends[1].address)
        until(lambda: len(front.instances()) == 2, "a change to be followed")
        (disk / "others").unlink()
        until(lambda: front.failure() == "", "an end of the problem")
        front.get(X_Request_ID="with-room")
        until(lambda: asked_by(front, "with-room") == 1, "its line")
    finally:
        front.remove()
        run(["umount", str(disk)], doing="unmount the small disk")
