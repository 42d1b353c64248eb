"""The changes that a deploy plans for a host, from its state and its desired resources."""

import copy
from dataclasses import make_dataclass, replace
from typing import Any

import inspect_documents
import pytest

from rollcall.converge import docker_commands, resources
from rollcall.converge.changes import Action, Change
from rollcall.converge.docker_query import EngineState
from rollcall.converge.host_state import EMPTY, HostState, ObservedFile
from rollcall.converge.leftovers import everything, leftovers
from rollcall.converge.notifications import notifications, pending_marker
from rollcall.converge.plan import plan
from rollcall.converge.resources import (
    AbsentFile,
    Container,
    Directory,
    File,
    LeadingLine,
    Mount,
    Network,
    PublishedPort,
    Resource,
    Tmpfs,
    Volume,
)
from rollcall.errors import RollcallError

IMAGE = inspect_documents.image(
    "sha256:aaa", "nginx:1.30", Env=["PATH=/bin"], Cmd=["nginx"], ExposedPorts={"80/tcp": {}}
)
NETWORKS = {name: inspect_documents.network(name) for name in ("rollcall", "host")}
WEB = Container(
    name="web-1",
    image="nginx:1.30",
    component="backend",
    environment=(("SERVICE_NAME", "web"),),
    network="rollcall",
    hostname="web-1",
    ports=(PublishedPort(80, "10.0.0.1"),),
    exposed=(443,),
    mounts=(Mount("/etc/x", "/etc/nginx/rollcall"), Mount("data", "/data", read_only=False)),
    tmpfs=(Tmpfs("/run"),),
    configuration="c0ffee",
)


def document(container: Container = WEB) -> dict[str, Any]:
    """Docker's inspect document of a container that runs as desired."""
    return inspect_documents.running(container, IMAGE)


def engine(**answered: Any) -> EngineState:
    return replace(EMPTY, **answered)


def state(**changes: Any) -> HostState:
    found = document()
    for path, value in changes.items():
        here = found
        *parents, last = path.split("__")
        for part in parents:
            here = here[part]
        here[last] = value
    return host({"web-1": found})


def host(found: dict[str, Any], managed: frozenset[str] = frozenset(["web-1"]), **more: Any) -> HostState:
    images = dict.fromkeys(("nginx:1.30", "sha256:aaa"), IMAGE)
    return HostState(engine(containers=found, images=images, networks=NETWORKS, managed=managed), **more)


def said(resources: list[Resource], found: HostState) -> list[str]:
    return [str(change) for change in plan(resources, found)]


def test_a_container_that_is_as_it_should_be_is_left_alone() -> None:
    assert said([WEB], state()) == []


def test_a_missing_container_is_created() -> None:
    assert said([WEB], HostState()) == ["create container web-1"]


def attached(*names: str, endpoint: str = "e") -> dict[str, Any]:
    return {name: {"NetworkID": f"id-of-{name}", "EndpointID": endpoint} for name in names}


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"Config__Env": ["SERVICE_NAME=other", "PATH=/bin"]}, "environment.SERVICE_NAME: 'other' → 'web'"),
        ({"Config__Env": ["SERVICE_NAME=web", "DEBUG=1", "PATH=/bin"]}, "environment.DEBUG: '1' → absent"),
        ({"Config__Env": ["PATH=/bin"]}, "environment.SERVICE_NAME: absent → 'web'"),
        ({"Config__Cmd": ["sleep", "9"]}, "command: [sleep, 9] → []"),
        ({"Config__Image": "nginx:1.29"}, "image: 'nginx:1.29' → 'nginx:1.30'"),
        ({"Image": "sha256:bbb"}, "image id: sha256:bbb → sha256:aaa"),
        ({"Config__Hostname": "x"}, "hostname: 'x' → 'web-1'"),
        ({"NetworkSettings__Networks": attached("bridge")}, "network: 'bridge' → 'rollcall'"),
        ({"NetworkSettings__Networks": attached("rollcall", "other")}, "network: 'other, rollcall' → 'rollcall'"),
        ({"NetworkSettings__Networks": {}}, "network: 'not attached' → 'rollcall'"),
        ({"NetworkSettings__Networks": attached("rollcall", endpoint="")}, "network: 'not attached' → 'rollcall'"),
        ({"NetworkSettings__SandboxID": ""}, "network: 'not attached' → 'rollcall'"),
        ({"NetworkSettings__Ports": {}}, "ports: [] → [80:10.0.0.1:]"),
        ({"NetworkSettings__Ports": {"80/tcp": None}}, "ports: [] → [80:10.0.0.1:]"),
        (
            {"NetworkSettings__Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}]}},
            "ports: [] → [80:10.0.0.1:]",
        ),
        ({"HostConfig__CapAdd": ["CAP_NET_ADMIN"]}, "add_capabilities: [NET_ADMIN] → []"),
        ({"HostConfig__CapDrop": None}, "drop_capabilities: [] → [ALL]"),
        ({"HostConfig__SecurityOpt": None}, "security_options: [] → [no-new-privileges]"),
        ({"HostConfig__ReadonlyRootfs": False}, "read_only: False → True"),
        ({"HostConfig__Memory": 0}, "memory: 0 → 128"),
        ({"HostConfig__PidsLimit": None}, "pids: 0 → 128"),
        ({"HostConfig__Tmpfs": None}, "tmpfs: [] → [/run:size=16m]"),
        ({"Config__User": "0:0"}, "user: '0:0' → ''"),
        ({"HostConfig__RestartPolicy": {"Name": "no"}}, "restart: 'no' → 'always'"),
        ({"HostConfig__PortBindings": {}}, "ports: [] → [80:10.0.0.1:]"),
        ({"Config__StopTimeout": 1}, "stop_timeout: 1 → 10"),
        ({"Mounts": []}, "mounts: [] → [data:/data:False, /etc/x:/etc/nginx/rollcall:True]"),
        ({"Config__Labels": {"rollcall.managed": "backend"}}, "configuration: '' → 'c0ffee'"),
    ],
)
def test_a_changed_container_is_replaced_and_the_field_is_named(changes: dict[str, Any], difference: str) -> None:
    (change,) = plan([WEB], state(**changes))
    assert change.action == "replace"
    assert difference in [str(one) for one in change.differences]


def test_an_option_that_docker_does_not_keep_changes_the_digest() -> None:
    labels = {"rollcall.managed": "backend", "rollcall.spec": "old", "rollcall.configuration": "c0ffee"}
    assert said([WEB], state(Config__Labels=labels)) == [f"replace container web-1 (spec: 'old' → '{WEB.spec}')"]


def test_stopped_and_paused_containers_run_again_without_being_replaced() -> None:
    stopped = {"Status": "exited", "Running": False, "Paused": False, "Restarting": False}
    paused = {"Status": "paused", "Running": True, "Paused": True, "Restarting": False}
    assert said([WEB], state(State=stopped)) == ["start container web-1 (state: exited → running)"]
    assert said([WEB], state(State=paused)) == ["unpause container web-1 (state: paused → running)"]


def test_a_stopped_container_has_no_endpoint_and_no_bindings_to_miss() -> None:
    settings = {"SandboxID": "", "Ports": {}, "Networks": attached("rollcall", endpoint="")}
    stopped = {"Status": "exited", "Running": False, "Paused": False, "Restarting": False}
    assert said([WEB], state(State=stopped, NetworkSettings=settings)) == [
        "start container web-1 (state: exited → running)"
    ]


@pytest.mark.parametrize("networks", [{}, {"rollcall": inspect_documents.network("rollcall", "another")}])
def test_a_stopped_container_whose_network_was_removed_cannot_be_started_and_is_replaced(
    networks: dict[str, Any],
) -> None:
    stopped = {"Status": "exited", "Running": False, "Paused": False, "Restarting": False}
    here = state(State=stopped)
    gone = HostState(replace(here.engine, networks=networks))
    assert said([WEB], gone) == ["replace container web-1 (network: 'not attached' → 'rollcall')"]


def test_a_foreign_container_is_never_touched() -> None:
    with pytest.raises(RollcallError, match="named web-1 exists already and is not Rollcall's"):
        plan([WEB], HostState(engine(containers={"web-1": document()})))
    assert leftovers([], HostState(engine(containers={"web-1": document()}))) == ()


def test_files_are_compared_by_digest_mode_and_owner() -> None:
    file = File("/etc/rollcall/a", "text\n", 0o600, "100:1000")
    right = ObservedFile(0o600, "100:1000", file.digest)
    assert said([file], HostState(files={file.path: right})) == []
    assert said([file], HostState()) == ["create file /etc/rollcall/a"]
    wrong = {file.path: ObservedFile(0o644, "0:0", "0" * 64)}
    assert said([file], HostState(files=wrong)) == [
        "write file /etc/rollcall/a "
        f"(mode: 0644 → 0600; owner: 0:0 → 100:1000; sha256: {'0' * 12} → {file.digest[:12]})"
    ]


def test_no_message_contains_the_text_of_a_file() -> None:
    file = File("/etc/rollcall/key", "SECRET")
    changes = plan([file], HostState(files={file.path: ObservedFile(0o644, "0:0", "0" * 64)}))
    assert "SECRET" not in str(changes[0])
    assert "SECRET" not in repr(changes)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("nameserver 172.17.0.1\nnameserver 10.0.0.53\n", False),
        ("nameserver 10.0.0.53\n", True),
        ("nameserver 10.0.0.53\nnameserver 172.17.0.1\n", True),
        ("# Generated by dhcpcd from lan0.dhcp\n\n; as well\nnameserver 172.17.0.1\nnameserver 10.0.0.53\n", False),
        ("# nameserver 172.17.0.1\nnameserver 10.0.0.53\n", True),
        ("", True),
    ],
)
def test_leading_line(text: str, changed: bool) -> None:
    resource = LeadingLine("/etc/resolv.conf", "nameserver 172.17.0.1")
    assert bool(plan([resource], HostState(texts={resource.path: text}))) is changed


def test_every_kind_of_change_reads_as_a_sentence() -> None:
    resources = (
        Directory("/etc/x"),
        File("/etc/x/y", ""),
        AbsentFile("/etc/z"),
        LeadingLine("/etc/resolv.conf", "nameserver 172.17.0.1"),
        Network("rollcall"),
        Volume("data"),
        WEB,
    )
    assert [str(Change("create", resource)) for resource in resources] == [
        "create directory /etc/x",
        "create file /etc/x/y",
        "create file /etc/z",
        "create first line of /etc/resolv.conf",
        "create network rollcall",
        "create volume data",
        f"create container {WEB.name}",
    ]


def test_files_come_before_the_containers_that_read_them() -> None:
    resources: list[Resource] = [
        WEB,
        LeadingLine("/etc/resolv.conf", "x"),
        Volume("data"),
        Network("rollcall"),
        File("/f", ""),
    ]
    resources.append(Directory("/d"))
    kinds = [type(change.resource).__name__ for change in plan(resources, HostState())]
    assert kinds == ["Directory", "File", "Network", "Volume", "Container", "LeadingLine"]


def observed() -> HostState:
    labels = {"rollcall.managed": "x"}
    return HostState(
        engine(
            managed=frozenset(["old"]),
            networks={"rollcall": {"Labels": labels}, "bridge": {"Labels": {}}},
            volumes={"consul-data": {"Labels": labels}},
        ),
        files={
            "/etc/rollcall": ObservedFile(0o700, "0:0", None),
            "/etc/rollcall/a": ObservedFile(0o700, "0:0", None),
            "/etc/rollcall/a/b": ObservedFile(0o600, "0:0", "1"),
            "/var/log/rollcall": ObservedFile(0o755, "0:0", None),
        },
    )


def test_leftovers_go_but_data_stays() -> None:
    assert [str(change) for change in leftovers([Directory("/etc/rollcall/a")], observed())] == [
        "remove container old",
        "remove network rollcall",
        "remove file /etc/rollcall/a/b",
    ]


def test_removal_removes_everything_of_rollcalls_and_nothing_else() -> None:
    assert [str(change) for change in everything(observed())] == [
        "remove container old",
        "remove network rollcall",
        "remove file /etc/rollcall/a/b",
        "remove directory /etc/rollcall/a",
        "remove volume consul-data",
        "remove directory /var/log/rollcall",
        "remove directory /etc/rollcall",
    ]


def test_only_a_directory_of_data_goes_with_its_files() -> None:
    assert docker_commands.remove_file(Directory("/etc/rollcall/a")) == "rmdir /etc/rollcall/a"
    assert docker_commands.remove_file(Directory("/var/log/rollcall", holds_data=True)) == "rm -rf /var/log/rollcall"


def test_every_field_of_a_container_is_in_its_digest() -> None:
    other = copy.copy(WEB)
    object.__setattr__(other, "stop_timeout", 11)
    assert other.spec != WEB.spec


def test_run_arguments_contain_everything_desired() -> None:
    assert docker_commands.run_arguments(WEB) == [
        "docker",
        "run",
        "--detach",
        "--name=web-1",
        "--label=rollcall.managed=backend",
        f"--label=rollcall.spec={WEB.spec}",
        "--label=rollcall.configuration=c0ffee",
        "--network=rollcall",
        "--hostname=web-1",
        "--restart=always",
        "--stop-timeout=10",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--read-only",
        "--memory=128m",
        "--pids-limit=128",
        "--env=SERVICE_NAME=web",
        "--expose=443",
        "--publish=10.0.0.1::80",
        "--mount=type=volume,source=data,target=/data",
        "--mount=type=bind,source=/etc/x,target=/etc/nginx/rollcall,readonly",
        "--tmpfs=/run:size=16m",
        "--log-driver",
        "json-file",
        "--log-opt",
        "max-size=10m",
        "--log-opt",
        "max-file=3",
        "nginx:1.30",
    ]


def test_what_a_user_sets_cannot_become_another_command() -> None:
    evil = Container(name="web-1", image="nginx:1.30", component="x", environment=(("A", "$(reboot) ; 'x'"),))
    assert "'--env=A=$(reboot) ; '\"'\"'x'\"'\"''" in docker_commands.run(evil)


def test_a_change_describes_its_resource() -> None:
    assert Change("remove", Network("rollcall")).name == "rollcall"
    assert Change("write", File("/f", "")).name == "/f"


@pytest.mark.parametrize(("modified", "restarted"), [(0, False), (150, True), (300, False)])
def test_a_container_that_started_on_an_edited_file_is_replaced(modified: float, restarted: bool) -> None:
    """It was created at second 100 and started at second 200."""
    file = File("/etc/x/nginx.conf", "right")
    edited = {file.path: ObservedFile(0o644, "0:0", "0" * 64, modified)}
    here = state()
    actions = [change.action for change in plan([file, WEB], HostState(here.engine, files=edited))]
    assert actions == (["write", "replace"] if restarted else ["write"])


@pytest.mark.parametrize(("modified", "replaced"), [(0, False), (150, True), (300, True)])
def test_a_container_with_an_edited_file_as_a_mount_is_replaced(modified: float, replaced: bool) -> None:
    file = File("/etc/x/nginx.conf", "right")
    single = replace(WEB, mounts=(Mount(file.path, "/etc/nginx/nginx.conf"),))
    edited = {file.path: ObservedFile(0o644, "0:0", "0" * 64, modified)}
    here = host({"web-1": document(single)})
    actions = [change.action for change in plan([file, single], HostState(here.engine, files=edited))]
    assert actions == (["write", "replace"] if replaced else ["write"])


@pytest.mark.parametrize(
    ("listening", "wanted", "taken"),
    [
        (("", 80), ("127.0.0.1", 80), True),
        (("127.0.0.1", 80), ("", 80), True),
        (("10.0.0.1", 80), ("127.0.0.1", 80), False),
        (("", 81), ("", 80), False),
    ],
)
def test_a_taken_port_is_an_error_before_any_change(
    listening: tuple[str, int], wanted: tuple[str, int], taken: bool
) -> None:
    front = Container(name="front", image="x", component="front", network="host", listens=(wanted,))
    here = HostState(listening=frozenset([listening]))
    if taken:
        with pytest.raises(RollcallError, match=r"port 80 at .* is taken by another program"):
            plan([front], here)
    else:
        assert said([front], here) == ["create container front"]


FRONT = replace(WEB, name="front", network="host", ports=(), listens=(("", 80),), readiness_command=("front-health",))
BOTH = frozenset(["front", "front-retired"])


def front(**status: Any) -> dict[str, Any]:
    found = document(FRONT)
    found["HostConfig"]["PortBindings"] = {}
    found["Config"]["Labels"]["rollcall.overlap"] = "front-health"
    found["State"].update(status)
    return found


def beside(found: dict[str, Any], *, managed: frozenset[str] = frozenset(["front"])) -> HostState:
    """A host where a program listens on port 80, with these managed containers."""
    return host(found, managed, listening=frozenset([("", 80)]))


def test_a_container_that_can_hand_over_is_taken_over() -> None:
    running = beside({"front": front()})
    assert said([FRONT], running) == []
    other = replace(FRONT, memory=64)
    assert said([other], running) == ["take over container front (memory: 128 → 64)"]


@pytest.mark.parametrize("status", [{"Running": False}, {"Running": True, "Restarting": True}, {"Paused": True}])
def test_one_that_does_not_run_has_nothing_to_hand_over(status: dict[str, Any]) -> None:
    (change,) = plan([replace(FRONT, memory=64)], beside({"front": front(**status)}))
    assert change.action == "replace"


def test_a_container_that_cannot_hand_over_is_stopped_first() -> None:
    old = front()
    del old["Config"]["Labels"]["rollcall.overlap"]
    assert said([FRONT], beside({"front": old})) == ["replace container front (readiness_command: [] → [front-health])"]


def test_an_interrupted_takeover_is_finished() -> None:
    retired = front()
    both = beside({"front": front(), "front-retired": retired}, managed=BOTH)
    begun = "takeover: interrupted → finished"
    assert said([FRONT], both) == [f"finish container front ({begun})"]
    assert said([replace(FRONT, memory=64)], both) == [f"take over container front ({begun}; memory: 128 → 64)"]
    # Its predecessor listens on the ports that it needs.
    old = beside({"front-retired": retired}, managed=frozenset(["front-retired"]))
    assert said([FRONT], old) == [f"take over container front ({begun})"]


def test_a_retired_container_stays_while_its_successor_is_desired() -> None:
    both = beside({}, managed=BOTH)
    assert leftovers([FRONT, Network("rollcall"), Network("host")], both) == ()
    assert [change.name for change in leftovers([], both)][:2] == ["front", "front-retired"]


def test_a_foreign_container_with_the_name_of_a_retired_one_is_never_touched() -> None:
    taken = beside({"front": front(), "front-retired": front()})
    with pytest.raises(RollcallError, match="named front-retired exists already and is not Rollcall's"):
        plan([FRONT], taken)


@pytest.mark.parametrize("change", [{"image_source": "push"}, {"listens": (("", 81),)}])
def test_how_an_image_comes_and_where_its_program_listens_replaces_nothing(change: dict[str, Any]) -> None:
    assert replace(WEB, **change).spec == WEB.spec
    assert replace(WEB, readiness_command=("true",)).spec != WEB.spec


def test_the_readiness_command_is_a_label_of_the_container() -> None:
    assert "--label=rollcall.overlap=front-health" in docker_commands.run_arguments(FRONT)
    assert not [argument for argument in docker_commands.run_arguments(WEB) if "overlap" in argument]


@pytest.mark.parametrize(
    ("action", "told"), [("create", False), ("replace", False), ("take over", True), ("finish", True), (None, True)]
)
def test_a_consumer_that_may_stay_is_notified_of_its_files(action: Action | None, told: bool) -> None:
    """If a new container does not serve and the old one stays, the next deploy must still find the pending marker."""
    file = File("/etc/rollcall/front/nginx.conf", "", notify="docker exec front front-apply", consumer="front")
    changes = [Change("write", file), *([Change(action, FRONT)] if action else [])]
    assert notifications(changes) == ({file.notify: pending_marker(file)} if told else {})


SECRET = replace(WEB, secrets="0123", secret_environment=(("PASSWORD", "hunter2"),))


@pytest.mark.parametrize(
    ("wanted", "difference"),
    [
        (SECRET, ""),
        (replace(SECRET, secret_environment=(("PASSWORD", "other"),)), "environment.PASSWORD: a secret → a secret"),
        (replace(SECRET, secrets="4567"), "secrets: '0123' → '4567'"),
        (WEB, "environment.PASSWORD: a secret → absent"),
        (replace(WEB, environment=(("PASSWORD", "x"), *WEB.environment)), "environment.PASSWORD: absent → 'x'"),
    ],
)
def test_a_secret_in_the_environment_is_compared_and_never_shown(wanted: Container, difference: str) -> None:
    lines = said([wanted], host({"web-1": document(SECRET)}))
    assert [line for line in lines if "hunter2" in line] == []
    assert (difference in lines[0]) if difference else lines == []


def test_a_field_that_a_later_version_adds_replaces_no_running_container(monkeypatch: pytest.MonkeyPatch) -> None:
    later = make_dataclass("Later", [("later", str, "")], bases=(Container,), frozen=True)
    monkeypatch.setitem(resources._DEFAULTS, "later", "")
    made: Any = later("shop-1", "shop:1", "services")
    assert made.spec == Container("shop-1", "shop:1", "services").spec
    assert made.spec != replace(made, later="set").spec


BROUGHT = {"Entrypoint": ["/entry", "-v"], "WorkingDir": "/app", "StopSignal": "SIGQUIT", "Labels": {"maker": "x"}}


def with_image(wanted: Container, **changed: Any) -> list[str]:
    """The plan on a host whose container was made from an image that brings options itself, and then changed."""
    source = inspect_documents.image("sha256:aaa", "nginx:1.30", **BROUGHT)
    found = inspect_documents.running(WEB, source)
    found["Config"] |= {"StopSignal": "SIGQUIT", **changed}
    known = dict.fromkeys(("nginx:1.30", "sha256:aaa"), source)
    here = HostState(engine(containers={"web-1": found}, images=known, networks=NETWORKS, managed=frozenset(["web-1"])))
    return said([wanted], here)


def test_options_that_an_image_brings_are_no_difference() -> None:
    assert with_image(WEB) == []


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"Entrypoint": ["sh", "-c"]}, "options.entrypoint: [sh] → absent"),
        ({"WorkingDir": "/"}, "options.working_dir: [/] → absent"),
        ({"StopSignal": "SIGTERM"}, "options.stop_signal: [SIGTERM] → absent"),
        ({"Labels": {"maker": "y", "rollcall.managed": "backend", "rollcall.spec": WEB.spec}}, "labels: [maker=y] →"),
    ],
)
def test_options_changed_by_hand_are_seen(changed: dict[str, Any], difference: str) -> None:
    (line,) = with_image(WEB, **changed)
    assert difference in line
