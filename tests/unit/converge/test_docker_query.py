"""The engine is read by a shell; its listing passes through it as it is."""

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rollcall.converge.docker_query import LABEL, Wanted, parse, query

# Responds to the listing alone.
CURL = '#!/bin/sh\ncase "$*" in *containers/json*) cat "$LISTING";; esac\n'


def read(listing: str) -> dict[str, str]:
    with TemporaryDirectory() as folder:
        for name, text in {"curl": CURL, "docker": "#!/bin/sh\nexit 1\n"}.items():
            (Path(folder) / name).write_text(text)
            (Path(folder) / name).chmod(0o700)
        (Path(folder) / "listing").write_text(f"{listing}\n")
        places = {"PATH": f"{folder}:{os.environ['PATH']}", "LISTING": f"{folder}/listing", "work": folder}
        command = ["sh", "-c", query(Wanted(containers=("shop-1",)))]
        subprocess.run(command, env={**os.environ, **places}, capture_output=True, text=True, check=True)
        output = (Path(folder) / "engine").read_text()
    return dict(parse(output.split("\n"), ()).components)


@settings(max_examples=25, deadline=None)
@example("sh -c '\nprintf \"\\0\\n\"; echo \\c'")
@given(st.text())
def test_whatever_a_container_runs_the_host_is_read(command: str) -> None:
    container = {"Names": ["/shop-1"], "Labels": {LABEL: "services"}, "ImageID": "sha256:1", "Command": command}
    assert read(json.dumps([container])) == {"shop-1": "services"}


@pytest.mark.parametrize(
    ("document", "known"),
    [
        ('{"DockerRootDir": "/data"}', {"DockerRootDir": "/data"}),
        ('{"message": "page not found"}', {}),
        ('{"DockerRootDir": "", "MemoryLimit": false, "ServerErrors": ["down"]}', {}),
    ],
)
def test_an_engine_without_info_is_read_all_the_same(document: str, known: dict[str, str]) -> None:
    found = parse([document, '{"Name": "consul-data", "Mountpoint": "/data/volumes/consul-data"}'], ())
    assert (found.info, list(found.volumes)) == (known, ["consul-data"])
