"""Reading a host: the script in a real shell, and the parsing of its output."""

import shlex
import subprocess
from pathlib import Path

import pytest
from pyinfra.api.exceptions import FactProcessError

from rollcall.converge import host_state
from rollcall.converge.docker_query import Wanted, as_listed
from rollcall.converge.host_state import parse, script
from rollcall.converge.resources import File
from rollcall.deploy.facts import HostFact

ANSWER = """\
@@rollcall engine
[{"Id": "1", "Names": ["/web-1"], "Labels": {"rollcall.managed": "backend"}}]

{"Id": "1", "Name": "/web-1", "State": {"Running": true}, "Config": {"Labels": {"rollcall.managed": "backend"}}}
{"message": "No such container: web-2"}
{"Id": "sha256:a", "RepoTags": ["nginx:1.30"], "RepoDigests": [], "Config": {"Env": ["A=b"]}}
{"Name": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}, "Labels": {}}
{"Name": "consul-data", "Mountpoint": "/var/lib/docker/volumes/consul-data", "Labels": {"rollcall.managed": "volume"}}
@@rollcall files
100.5 700 0:0 /etc/rollcall
200.25 600 100:1000 /etc/rollcall/key
@@rollcall digests
abc123  /etc/rollcall/key
@@rollcall addresses
1: lo    inet 127.0.0.1/8 scope host lo
2: eth0    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0
3: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0
4: br-0a1b2c3d4e5f    inet 172.18.0.1/16 brd 172.18.255.255 scope global br-0a1b2c3d4e5f
@@rollcall listening
0100007F:2134
00000000:0050
00000000000000000000000000000000:01BB
@@rollcall clock
1790000000
@@rollcall user
1000
@@rollcall socket
998
@@rollcall text /etc/resolv.conf
search lan
nameserver 10.0.0.53

@@rollcall probe consul
{"Healthy": true}
@@rollcall end
"""


def test_everything_is_parsed_from_the_output() -> None:
    host = parse(ANSWER, ["nginx:1.30", "missing:1"])
    assert list(host.engine.containers) == ["web-1"]
    assert host.engine.managed == {"web-1"}
    assert set(host.engine.images) == {"nginx:1.30", "sha256:a"}
    assert list(host.engine.volumes) == ["consul-data"]
    assert host.bridge == "172.17.0.1"
    assert host.addresses == ("127.0.0.1", "10.0.0.1", "172.17.0.1", "172.18.0.1")
    assert host.interfaces["10.0.0.1"] == "eth0"
    assert host.bridges == ("172.17.0.1", "172.18.0.1")
    assert host.bridge_interface == "docker0"
    assert host.listening == {("127.0.0.1", 8500), ("", 80), ("", 443)}
    assert host.clock == 1790000000
    assert host.user == 1000
    assert host.socket_group == 998
    assert host.texts == {"/etc/resolv.conf": "search lan\nnameserver 10.0.0.53\n"}
    assert host.probes == {"consul": '{"Healthy": true}'}
    assert host.files["/etc/rollcall/key"] == host_state.ObservedFile(0o600, "100:1000", "abc123", 200.25)
    assert host.files["/etc/rollcall"].digest is None


def test_a_newer_engine_names_the_gateway() -> None:
    assert parse(ANSWER.replace('"Subnet"', '"Gateway": "172.18.0.1", "Subnet"'), []).bridge == "172.18.0.1"


@pytest.mark.parametrize("cut", [0, 30, 800, len(ANSWER) - 2])
def test_a_truncated_output_is_an_error(cut: int) -> None:
    with pytest.raises(ValueError, match="the output is cut off"):
        parse(ANSWER[:cut], [])


def test_output_that_is_not_json_fails_only_one_host() -> None:
    fact = HostFact()
    fact.command(Wanted())
    with pytest.raises(FactProcessError, match="the host's state cannot be read"):
        fact.process(ANSWER.replace("engine\n", "engine\nSegmentation fault\n").splitlines())


def fake_docker(folder: Path, body: str) -> dict[str, str]:
    for name, text in (("docker", body), ("curl", "exit 7")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_a_host_whose_engine_does_not_respond_is_not_empty(tmp_path: Path) -> None:
    path = fake_docker(tmp_path, 'echo "Cannot connect to the Docker daemon" >&2; exit 1')
    done = subprocess.run(["sh", "-c", script(Wanted())], env=path, capture_output=True, text=True, check=True)
    assert "Cannot connect to the Docker daemon" in parse(done.stdout, []).engine_error


def test_everything_that_a_deploy_needs_from_the_machine_is_read(tmp_path: Path) -> None:
    path = fake_docker(tmp_path, """case "$1" in info) echo '{"DockerRootDir": "/data"}';; esac""")
    done = subprocess.run(["sh", "-c", script(Wanted())], env=path, capture_output=True, text=True, check=True)
    found = parse(done.stdout, [])
    assert (found.engine_error, found.probes, found.machine.lacks) == ("", {}, ())
    assert found.machine.info == {"DockerRootDir": "/data"}
    assert (found.machine.memory > 0, "/" in found.machine.free) == (True, True)


def test_texts_survive_the_way(tmp_path: Path) -> None:
    """The parser finds the next section after a file without a final newline."""
    docker = fake_docker(tmp_path, "exit 0")
    for text in ("a\nb\n", "a\nb", ""):
        file = tmp_path / "resolv.conf"
        file.write_text(text)
        command = script(Wanted(), texts=[str(file)], probes={"p": "echo x; exit 3", "q": "echo; echo y"})
        done = subprocess.run(["sh", "-c", command], env=docker, capture_output=True, text=True, check=False)
        found = parse(done.stdout, [])
        assert found.texts[str(file)] == text
        # Responses are told apart by their lines: an empty first one stays.
        assert found.probes == {"p": "x", "q": "\ny"}


IMAGE = '{"Id":"sha256:old","RepoTags":[]}'
LISTED = '[{"Names": ["/web-1"]}]'
INSPECTED = '{"Name":"/web-1","State":{}}'


def test_a_host_without_curl_is_read_with_the_docker_command(tmp_path: Path) -> None:
    body = f"""case "$1" in ps) echo '{LISTED[1:-1]}';; inspect) echo '{INSPECTED}'; exit 1;; esac"""
    path = fake_docker(tmp_path, body)
    command = script(Wanted(containers=("web-1",)))
    done = subprocess.run(["sh", "-c", command], env=path, capture_output=True, text=True, check=True)
    assert parse(done.stdout, []).engine_error == ""
    found = parse(done.stdout, []).engine
    assert (list(found.containers), found.managed) == (["web-1"], {"web-1"})


@pytest.mark.parametrize("tagged", [True, False])
def test_the_images_that_our_containers_were_made_from_are_read_too(tmp_path: Path, tagged: bool) -> None:
    """Their tags may point to other images by now; a second request is for those that none points to."""
    listed = '[{"Names": ["/web-1"], "ImageID": "sha256:old"}]'
    answers = [listed, INSPECTED, *([IMAGE] if tagged else [])]
    curl = f"""echo >>"{tmp_path}/requests"
    case "$*" in
        *info*containers/json*containers/web-1/json*) printf '%s\\n' {shlex.join(answers)};;
        *http://docker/images/sha256:old/json) echo '{IMAGE}';;
    esac"""
    path = fake_docker(tmp_path, "exit 1")
    (tmp_path / "curl").write_text(f"#!/bin/sh\n{curl}\n")
    command = script(Wanted(containers=("web-1",)))
    done = subprocess.run(["sh", "-c", command], env=path, capture_output=True, text=True, check=True)
    found = parse(done.stdout, []).engine
    assert (list(found.containers), found.managed, list(found.images)) == (["web-1"], {"web-1"}, ["sha256:old"])
    assert len((tmp_path / "requests").read_text()) == (1 if tagged else 2)


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("nginx:1.30", "nginx:1.30"),
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx:1.30", "nginx:1.30"),
        ("docker.io/hashicorp/consul:1.22.7", "hashicorp/consul:1.22.7"),
        ("registry.example.com:5000/nginx", "registry.example.com:5000/nginx:latest"),
        ("nginx:1.30@sha256:abc", "nginx@sha256:abc"),
        ("registry.example.com:5000/nginx@sha256:abc", "registry.example.com:5000/nginx@sha256:abc"),
    ],
)
def test_an_image_is_found_however_its_name_is_written(written: str, listed: str) -> None:
    assert as_listed(written) == listed


def test_files_with_a_salt_beside_them_are_digested_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_state, "ROOT", str(tmp_path / "root"))
    plain = File(str(tmp_path / "root/services/shop/a"), "hunter2")
    salt = File(str(tmp_path / "root/services/shop/secrets-1/.salt"), "pepper", salt="pepper")
    secret = File(str(tmp_path / "root/services/shop/secrets-1/a b"), "hunter2", salt="pepper")
    for file in (plain, salt, secret):
        Path(file.path).parent.mkdir(parents=True, exist_ok=True)
        Path(file.path).write_text(file.text)
    command = script(Wanted())
    path = fake_docker(tmp_path, "exit 0")
    done = subprocess.run(["sh", "-c", command], env=path, capture_output=True, text=True, check=True)
    found = {path: one.digest for path, one in parse(done.stdout, []).files.items() if one.digest}
    assert found == {file.path: file.digest for file in (plain, salt, secret)}
    assert done.stdout.count(plain.digest) == 1
    assert plain.digest != secret.digest
