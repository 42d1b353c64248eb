"""Every command block of README.md and docs/*.md that can run on the lab runs, and then `rollcall verify` is green."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import LAB, PROJECT, Fleet, rollcall, wait_for
from doc_blocks import ORDER, TABLE, Block, Run, blocks, script

# A deploy and a drain with its deadline are the longest.
SECONDS = 150


def runnable() -> list[Block]:
    chosen = [block for block in blocks() if isinstance(TABLE[block.name], Run)]
    return sorted(chosen, key=lambda block: ORDER.index(block.page))


@pytest.fixture(scope="module", autouse=True)
def tidied(fleet: Fleet) -> Iterator[None]:
    """Take away what the pages make: containers, keys, drains."""
    before = fleet.all_containers().values()
    yield
    for host in fleet.hosts:
        made = " ".join(set(fleet.containers(host).values()) - set(before))
        if made:
            fleet.on(host, f"docker rm --force --volumes {made}")
    rollcall("consul", LAB, "--", "kv", "delete", "-recurse", "rollcall/front/")
    rollcall("undrain", LAB, "app1")
    wait_for("a front without the pages' services", lambda: not problems(), 60)


def problems() -> str:
    done = command("status", "--check")
    return "" if done.returncode == 0 else done.stdout


def command(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "rollcall", name, LAB, *arguments]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("block", runnable(), ids=lambda block: "-".join(block.name)[:60])
def test_a_block_of_the_docs_runs(fleet: Fleet, block: Block) -> None:
    run = TABLE[block.name]
    assert isinstance(run, Run)
    given = command("token", "--ttl", "5m").stdout if run.stdin == "token" else ""
    text = script(block, run)
    if run.host:
        # As one who is logged in there: the hosts' shell for a command is no bash of its own.
        fleet.on(run.host, "cat > /tmp/block.sh", stdin=text)
        fleet.on(run.host, "bash /tmp/block.sh", stdin=given)
        fleet.on(run.host, "rm /tmp/block.sh")
        return
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=PROJECT,
        env={**os.environ, "PATH": path},
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
