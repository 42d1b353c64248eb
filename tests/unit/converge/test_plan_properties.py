"""Plans for pairs of actual and desired containers: nothing raises, and only differences are shown."""

import re
from dataclasses import fields, replace
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import inspect_documents
from hypothesis import given
from hypothesis import strategies as st

from rollcall.converge.changes import Change
from rollcall.converge.container_options import made as made_options
from rollcall.converge.container_plan import UNKNOWN_IMAGE
from rollcall.converge.docker_query import EngineState
from rollcall.converge.host_state import EMPTY, HostState, ObservedFile
from rollcall.converge.notifications import notifications
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

WORD = st.text(ascii_lowercase, min_size=1, max_size=6)
NAME = st.text(ascii_uppercase, min_size=1, max_size=3)
ANYTHING = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
PORT = st.integers(1, 65535)
PATH = WORD.map("/{}".format)
IMAGES = ("nginx:1.30", "nginx:1.31", "registry.example.com:5000/shop/web:2")
# Docker rejects a container that names the same target, port or variable twice.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "image": st.sampled_from(IMAGES),
    "component": WORD,
    "command": st.lists(ANYTHING.filter(bool), max_size=3).map(tuple),
    "environment": st.dictionaries(NAME, ANYTHING, max_size=3).map(lambda found: tuple(found.items())),
    "network": st.sampled_from(["bridge", "rollcall", "host", "none"]),
    "hostname": st.just("") | WORD,
    "ports": st.lists(
        st.builds(PublishedPort, PORT, st.sampled_from(["", "10.0.0.1"]), st.sampled_from(["", "8080", "20000-20999"])),
        max_size=3,
        unique_by=lambda port: port.container,
    ).map(tuple),
    "exposed": st.lists(PORT, max_size=3, unique=True).map(tuple),
    "listens": st.lists(st.tuples(st.sampled_from(["", "10.0.0.1"]), PORT), max_size=2).map(tuple),
    "mounts": st.lists(
        st.builds(Mount, PATH | WORD, PATH, st.booleans()), max_size=3, unique_by=lambda mount: mount.target
    ).map(tuple),
    "tmpfs": st.lists(st.builds(Tmpfs, PATH, WORD), max_size=2, unique_by=lambda tmpfs: tmpfs.target).map(tuple),
    "user": st.sampled_from(["", "0:0", "101:101"]),
    "drop_capabilities": st.sampled_from([(), ("ALL",), ("KILL", "CHOWN")]),
    "add_capabilities": st.sampled_from([(), ("NET_ADMIN",), ("NET_RAW", "NET_ADMIN")]),
    "security_options": st.sampled_from([(), ("no-new-privileges",), ("seccomp=unconfined", "no-new-privileges")]),
    "read_only": st.booleans(),
    "memory": st.integers(0, 4096),
    "pids": st.integers(0, 4096),
    "restart": st.sampled_from(["no", "always", "unless-stopped", "on-failure", "on-failure:3"]),
    "stop_timeout": st.integers(0, 90),
    "configuration": st.just("") | WORD,
    "readiness_command": st.lists(WORD, max_size=2).map(tuple),
    "image_source": st.sampled_from(["pull", "push"]),
    "options": st.fixed_dictionaries(
        {},
        optional={
            "cpus": st.sampled_from([["0.5"], ["2"]]),
            "init": st.just(["true"]),
            "entrypoint": st.sampled_from([["/bin/serve"], ["sh"]]),
            "working_dir": st.sampled_from([["/app"], ["/srv"]]),
            "stop_signal": st.just(["SIGQUIT"]),
            "extra_hosts": st.sampled_from([["db:10.0.0.1"], ["db:10.0.0.2", "host:host-gateway"]]),
            "devices": st.sampled_from(
                [["/dev/fuse:/dev/fuse:rwm"], ["/dev/fuse:/dev/fuse:r", "/dev/kvm:/dev/kvm:rw"]]
            ),
            "group_add": st.sampled_from([["44"], ["44", "video"]]),
            "shm_size": st.sampled_from([["128m"], ["256m"]]),
            "sysctls": st.sampled_from([["net.core.somaxconn=1024"], ["kernel.sem=1 2 3 4"]]),
            "ulimits": st.sampled_from([["nofile=1:2"], ["nofile=1:3", "nproc=4:4"]]),
            "oom_score_adj": st.sampled_from([["-5"], ["500"]]),
            "labels": st.sampled_from([["team=shop"], ["team=a=b", "com.example.x="]]),
        },
    ).map(lambda found: made_options(**found)),
    "secrets": st.sampled_from(["", "0123"]),
    "secret_environment": st.sampled_from([(), (("S_1", "x"),), (("S_1", "y"), ("S_2", ""))]),
}
BROUGHT = st.fixed_dictionaries(
    {
        "Env": st.none()
        | st.dictionaries(NAME, ANYTHING, max_size=3).map(lambda e: [f"{n}={v}" for n, v in e.items()]),
        "Cmd": st.none() | st.lists(ANYTHING.filter(bool), max_size=2),
        "User": st.sampled_from(["", "0:0", "101:101", "nginx"]),
        "ExposedPorts": st.none() | st.dictionaries(PORT.map("{}/tcp".format), st.just({}), max_size=2),
    }
)
NETWORKS = {name: inspect_documents.network(name) for name in ("bridge", "rollcall", "host", "none")}
# Fields that Docker does not keep, and that change nothing.
NOT_KEPT = {"image_source", "listens"}


def containers() -> st.SearchStrategy[Container]:
    return st.builds(Container, name=st.just("web-1"), **VALUES)


def images(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    return {name: inspect_documents.image(f"sha256:{name}", name, **draw(BROUGHT)) for name in IMAGES}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Container, Container, dict[str, dict[str, Any]], set[str]]:
    """A container as created, one as desired, the images, and the fields in which the two differ."""
    made = draw(containers())
    names = draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=4))
    wanted = replace(made, **{name: draw(VALUES[name]) for name in names})
    differing = {one.name for one in fields(Container) if getattr(made, one.name) != getattr(wanted, one.name)}
    return made, wanted, images(draw), differing


def host(made: Container, sources: dict[str, Any], present: tuple[str, ...] = IMAGES) -> HostState:
    """A host on which a container runs as created, with these images."""
    known = {key: sources[name] for name in present for key in (name, sources[name]["Id"])}
    document = inspect_documents.running(made, sources[made.image])
    return HostState(EngineState({made.name: document}, known, NETWORKS, {}, frozenset([made.name])))


def shown(changes: tuple[Change, ...]) -> set[str]:
    for change in changes:
        assert str(change)
        assert repr(change)
    return {field_of(one.field) for change in changes for one in change.differences}


def field_of(shown: str) -> str:
    """The field of a difference: a secret variable is shown as any other."""
    return "secret_environment" if shown.startswith("environment.S_") else shown.partition(".")[0]


@given(containers(), st.data())
def test_an_unchanged_container_is_left_alone(made: Container, data: st.DataObject) -> None:
    sources = data.draw(st.composite(images)())
    assert plan([made], host(made, sources)) == ()


@given(pairs())
def test_only_what_differs_is_shown(pair: tuple[Container, Container, dict[str, Any], set[str]]) -> None:
    made, wanted, sources, differing = pair
    expected = differing - NOT_KEPT
    # An option equal to the image's default is an invisible difference; only the digest shows it.
    seen = shown(plan([wanted], host(made, sources)))
    by_image = {"command", "environment", "user", "exposed", "hostname"} & differing
    assert seen - {"spec"} >= expected - by_image
    assert seen - {"spec"} <= expected
    assert bool(seen) == bool(expected)


@given(pairs())
def test_only_the_requested_environment_is_shown(
    pair: tuple[Container, Container, dict[str, Any], set[str]],
) -> None:
    made, wanted, sources, _ = pair
    changes = plan([wanted], host(made, sources))
    names = {
        one.field.removeprefix("environment.")
        for change in changes
        for one in change.differences
        if one.field.startswith("environment.") and field_of(one.field) == "environment"
    }
    was, will = dict(made.environment), dict(wanted.environment)
    assert names <= {name for name in was | will if was.get(name) != will.get(name)}


@given(pairs(), st.sets(st.sampled_from(IMAGES)))
def test_an_image_that_the_host_lacks_is_reported_as_unknown(
    pair: tuple[Container, Container, dict[str, Any], set[str]], present: set[str]
) -> None:
    made, wanted, sources, differing = pair
    changes = plan([wanted], host(made, sources, tuple(sorted(present))))
    seen = shown(changes)
    assert seen <= {*differing, "image id", "spec"}
    for change in changes:
        assert (UNKNOWN_IMAGE in str(change)) == (wanted.image not in present)
    if made.image not in present:
        assert changes


@given(containers())
def test_a_container_with_a_new_image_differs_only_in_its_image(made: Container) -> None:
    old = inspect_documents.image("sha256:old", Env=["PATH=/old", "VERSION=1"], Cmd=["old"], User="9:9")
    new = inspect_documents.image("sha256:new", made.image, Env=["PATH=/new"], Cmd=["new"])
    document = inspect_documents.running(made, old)
    known = {"sha256:old": old, "sha256:new": new, made.image: new}
    changes = plan([made], HostState(EngineState({made.name: document}, known, NETWORKS, {}, frozenset([made.name]))))
    assert [str(one) for change in changes for one in change.differences] == ["image id: sha256:old → sha256:new"]


TEXT = st.text(max_size=20)
MODE = st.sampled_from([0o600, 0o644, 0o755, 0o777])
OWNER = st.sampled_from(["0:0", "100:1000"])
FILES: st.SearchStrategy[Resource] = st.one_of(
    st.builds(Directory, PATH, MODE, OWNER, st.booleans()),
    st.builds(File, PATH, TEXT, MODE, OWNER, TEXT, WORD),
    st.builds(AbsentFile, PATH, TEXT),
    st.builds(LeadingLine, PATH, WORD, st.booleans()),
    st.builds(Network, WORD),
    st.builds(Volume, WORD),
)


def left_by(resource: Resource) -> HostState:
    """A host after the deploy of this one resource."""
    labels = {"Labels": {"rollcall.managed": "x"}}
    match resource:
        case Directory():
            return HostState(files={resource.path: ObservedFile(resource.mode, resource.owner, None)})
        case File():
            return HostState(files={resource.path: ObservedFile(resource.mode, resource.owner, resource.digest)})
        case LeadingLine():
            return HostState(texts={resource.path: f"{resource.line}\nother\n" if resource.present else "other\n"})
        case Network():
            return HostState(replace(EMPTY, networks={resource.name: labels}))
        case Volume():
            return HostState(replace(EMPTY, volumes={resource.name: labels}))
        case _:
            return HostState()


@given(FILES)
def test_what_a_deploy_left_needs_no_change(resource: Resource) -> None:
    assert plan([resource], left_by(resource)) == ()


@given(FILES, FILES)
def test_anything_may_stand_where_anything_should_be(there: Resource, wanted: Resource) -> None:
    changes = plan([wanted], left_by(there))
    notifications(changes)
    for change in changes:
        assert re.match(r"(create|write|remove) [a-z ]+ /?[a-z]+", str(change))
        assert all(one.old != one.new for one in change.differences)
