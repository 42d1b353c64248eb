"""Registries used from a host: a shell with a docker and a curl that write down what they were given."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from rollcall.converge import registry_pull

CURL = """#!/bin/sh
echo "$*" >>"$AT/curl-arguments"
header=$(cat)
for last; do :; done
case $last in
  *one:1*) sleep 0.2; echo '{"Descriptor": {"digest":'; echo '"sha256:11"}}' ;;
  *two:2*) [ "$header" = 'header = "X-Registry-Auth: secret2"' ] && echo '{"Descriptor": {"digest": "sha256:22"}}' ;;
  *three*) echo '{"message": "manifest unknown"}' ;;
  *) exit 7 ;;
esac
"""
DOCKER = """#!/bin/sh
echo "$*" >>"$AT/docker-arguments"
stat -c %a "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json" >"$AT/modes"
cat "$DOCKER_CONFIG/config.json" >"$AT/read"
exit "${FAIL:-0}"
"""


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "run").mkdir()
    for name in ("_PRIVATE", "_RESOLVE"):
        monkeypatch.setattr(registry_pull, name, getattr(registry_pull, name).replace("/run", f"{tmp_path}/run"))
    for name, script in (("curl", CURL), ("docker", DOCKER)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(at: Path, command: str, stdin: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": f"{at}:{os.environ['PATH']}", "AT": str(at), **more}
    return subprocess.run(
        ["sh", "-c", command], input=stdin, env=environment, capture_output=True, text=True, check=False
    )


def test_tags_are_resolved_with_their_logins_in_no_argument(at: Path) -> None:
    images = {"one:1": "secret1", "two:2": "secret2", "three:3": "secret3", "four:4": "secret4"}
    done = run(at, registry_pull.resolve(), registry_pull.resolve_input(images))
    found, missing = registry_pull.digests(done.stdout, images)
    assert found == {"one:1": "sha256:11", "two:2": "sha256:22"}
    assert missing == {"three:3": "manifest unknown", "four:4": "the host's engine does not respond to curl"}
    assert "secret" not in (at / "curl-arguments").read_text()
    assert list((at / "run").iterdir()) == []


def test_a_host_that_does_not_respond_resolves_nothing() -> None:
    assert registry_pull.digests("", ["one:1"]) == ({}, {"one:1": "the host's engine does not respond to curl"})


@pytest.mark.parametrize("code", [0, 1])
def test_a_pull_has_its_login_only_while_it_runs(at: Path, code: int) -> None:
    login = json.dumps({"auths": {"ghcr.io": {"auth": "c2VjcmV0"}}})
    command = registry_pull.pull("docker pull ghcr.io/shop:1")
    done = run(at, command, registry_pull.pull_input(login), FAIL=str(code))
    assert done.returncode == code
    assert (at / "read").read_text() == login
    assert (at / "modes").read_text().split() == ["700", "600"]
    assert (at / "docker-arguments").read_text() == "pull ghcr.io/shop:1\n"
    assert list((at / "run").iterdir()) == []
