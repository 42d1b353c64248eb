"""Compose files as people publish them: what is printed is valid, and nothing is left out without a word."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rollcall.components.loading import check
from rollcall.components.services import COMPONENT as SERVICES
from rollcall.compose import document, literal, reasons
from rollcall.compose.keys import KEYS
from rollcall.compose.services import imported
from rollcall.config import local_files
from rollcall.config.fleet import RawHost, nowhere
from rollcall.errors import RollcallError

DOCUMENTS = sorted((Path(__file__).parents[2] / "support" / "documents" / "compose").glob("*.yml"))
BY_NAME = {path.stem: path for path in DOCUMENTS}
RESERVED = ("consul", "registrator", "front", "dns")
# What a service has without these keys, too.
DEFAULTS = {
    "restart": ("always", "unless-stopped"),
    "security_opt": (["no-new-privileges:true"],),
    "healthcheck": ({"disable": True},),
}


# Ten million values in seven lines.
BOMB = "a: &a [x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(local_files, "_project", [tmp_path])
    return tmp_path


def services_of(text: str) -> Any:
    names: dict[str, Any] = {}
    exec(text, names)
    return names["services"]


def accept(declarations: Any) -> None:
    """Validate as a deploy does. Raises RollcallError."""
    host = RawHost("app1", frozenset({"consul_servers", "apps"}), {"services": declarations})
    check("lab", [host], "elsewhere", nowhere, [SERVICES])


def of_content(content: Any, path: Path = Path("compose.yml")) -> tuple[list[dict[str, Any]], list[str]]:
    return imported(document.Document(path, content, None), RESERVED)


def of_file(name: str) -> tuple[list[dict[str, Any]], list[str]]:
    return imported(document.read(BY_NAME[name]), RESERVED)


def test_there_are_ten_documents() -> None:
    assert len(DOCUMENTS) == 10


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_what_is_printed_is_accepted(path: Path) -> None:
    declarations, notes = imported(document.read(path), RESERVED)
    printed = services_of(literal.assignment(declarations))
    assert printed == declarations
    accept(printed)
    assert declarations
    assert all(note.startswith(f"{path}:") and "\n" not in note for note in notes)
    assert max(map(len, literal.assignment(declarations).splitlines())) <= 140


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_no_key_is_left_out_without_a_word(path: Path) -> None:
    whole = document.read(path)
    result = of_content(whole.content, path)
    for name, service in whole.content["services"].items():
        if any(f": services.{name}: not imported: " in note for note in result[1]):
            continue
        for key, value in service.items():
            if value in DEFAULTS.get(key, ()):
                continue
            content: Any = copy.deepcopy(whole.content)
            del content["services"][name][key]
            assert of_content(content, path) != result, (name, key)


def test_a_note_names_the_line() -> None:
    _, notes = of_file("blog")
    line = next(
        number for number, text in enumerate(BY_NAME["blog"].read_text().splitlines(), 1) if "DB_PASSWORD" in text
    )
    assert any(
        note.startswith(f"{BY_NAME['blog']}:{line}: services.wordpress.environment.WORDPRESS_DB_PASSWORD: ")
        for note in notes
    )


def test_a_service_with_its_limits_health_and_release() -> None:
    declarations, _ = of_file("worker")
    web, worker = declarations
    assert web["ports"] == [8000]
    assert web["public_port"] == 8000
    assert web["health"] == {"check": "http", "path": "/up", "port": 8000, "interval": "10s", "timeout": "3s"}
    assert worker == {
        "name": "worker-1",
        "image": "worker-1",
        "count": 2,
        "command": ["celery", "-A", "shop", "worker", "-l", "info"],
        "cpus": 0.5,
        "memory": 256,
        "pids": 100,
        "options": {"init": True, "stop_signal": "SIGQUIT"},
        "release": {"parallel": 1, "order": "start-first"},
    }


def test_files_beside_the_compose_file_become_files_of_the_project(project: Path) -> None:
    compose = project / "metrics" / "compose.yml"
    compose.parent.mkdir()
    compose.write_bytes(BY_NAME["metrics"].read_bytes())
    (compose.parent / "rules").mkdir()
    for name in ("prometheus.yml", "alerts.yml"):
        (compose.parent / name).write_text("groups: []\n")
    declarations, notes = imported(document.read(compose), RESERVED)
    assert declarations[0]["files"] == [
        {"source": "metrics/alerts.yml", "target": "/etc/prometheus/alerts.yml"},
        {"source": "metrics/prometheus.yml", "target": "/etc/prometheus/prometheus.yml"},
    ]
    accept(declarations)
    assert any("volumes[2]: not imported: ./rules is no single file" in note for note in notes)


def test_a_name_of_ours_costs_only_that_service() -> None:
    declarations, notes = of_file("home")
    assert [one["name"] for one in declarations] == ["homeassistant", "mqtt", "wireguard"]
    assert any("services.dns: not imported: name: got 'dns'" in note for note in notes)


@pytest.mark.parametrize(
    ("ports", "found", "public"),
    [
        (["80"], [80], None),
        (["8080:80"], [80], 8080),
        ([8080], [8080], None),
        (["0.0.0.0:8080:80/tcp"], [80], 8080),
        (["127.0.0.1:8080:80"], [80], None),
        (["[::1]:8080:80"], [80], None),
        (["127.0.0.1::80"], [80], None),
        (["3000-3002"], [3000, 3001, 3002], None),
        (["8000-8010:80"], [80], None),
        (["22:22"], [22], None),
        (["53:53/udp"], None, None),
        (["8080:80", "8443:443"], [80, 443], 8080),
        ([{"target": 80, "published": 8080}], [80], 8080),
        ([{"target": "80", "host_ip": "127.0.0.1", "published": "8080"}], [80], None),
        (["0:80"], [80], None),
        (["80:99999"], None, None),
        (["x"], None, None),
        ([None], None, None),
    ],
)
def test_ports(ports: list[Any], found: list[int] | None, public: int | None) -> None:
    ((declaration,), _) = of_content({"services": {"web": {"image": "web:1", "ports": ports}}})
    assert declaration.get("ports") == found
    assert declaration.get("public_port") == public


@pytest.mark.parametrize(
    ("test", "health"),
    [
        (["CMD", "curl", "-f", "http://localhost/up"], {"check": "http", "path": "/up", "port": 80}),
        ("curl -fk https://127.0.0.1:8443 || exit 1", {"check": "https", "path": "/", "port": 8443}),
        (["CMD-SHELL", "wget -qO- 'http://localhost:80/a?b=c'"], {"check": "http", "path": "/a?b=c", "port": 80}),
        (["CMD", "curl", "http://localhost:9999/"], {"check": "none"}),
        ("curl -s http://localhost/up | grep OK", {"check": "none"}),
        ("curl -s http://elsewhere/up", {"check": "none"}),
        ("pg_isready", {"check": "none"}),
        (["NONE"], {"check": "none"}),
    ],
)
def test_health(test: Any, health: dict[str, Any]) -> None:
    service = {"image": "web:1", "expose": [80, 8443], "healthcheck": {"test": test}}
    ((declaration,), _) = of_content({"services": {"web": service}})
    assert declaration["health"] == health


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "compose.yml:1: services: got None; expected a mapping of services"),
        ("[]", "compose.yml:1: services: got None; expected a mapping of services"),
        ("a: 1\nservices: []\n", "compose.yml:2: services: got []; expected a mapping of services"),
        ("services:\n  web: nginx\n", "compose.yml:2: services.web: got 'nginx'; expected a mapping with an image"),
        ("services: {web: [}", "compose.yml:1: got invalid YAML"),
        ("services:\n  a: {image: x}\n  a: {image: y}\n", "compose.yml:3: got invalid YAML (found duplicate key"),
        ("services: &a {b: *a}", "compose.yml:1: services.b: got None; expected a mapping with an image"),
        ("services: " + "[" * 60 + "]" * 60, "compose.yml: got values nested too deeply"),
        ("services: !!python/name:os.system {}", "compose.yml:1: services: got"),
        (BOMB, "compose.yml: got values nested too deeply"),
        ("\x00", "compose.yml"),
    ],
)
def test_a_bad_file_is_one_sentence(text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("compose.yml").write_text(text)
    with pytest.raises(RollcallError) as raised:
        document.read(Path("compose.yml"))
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)


def test_other_files_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"services: {caf\xe9: 1}")
    for path, reason in (
        (tmp_path, "cannot read it"),
        (tmp_path / "none.yml", "cannot read it"),
        (tmp_path / "latin.yml", "not UTF-8"),
    ):
        with pytest.raises(RollcallError, match=reason):
            document.read(path)


TEXT = st.sampled_from(["", "80", "web", "1m30s", "8080:80", "/a:/b", "a=b", "${A}", "${A:-b}", "-1", "é\x00", "true"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 70000) | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["test", "target", "source", "type", "published", "limits", "cpus", "soft", "resources", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
SERVICE = st.dictionaries(
    st.sampled_from([*KEYS, *reasons.SERVICE_KEYS, "image", "x-own", "unknown"]), VALUES, max_size=6
)
NAMES = st.sampled_from(["web", "Web_2", "dns", "-", "a.b", "é"])


@given(services=st.dictionaries(NAMES, SERVICE, min_size=1, max_size=3), top=st.dictionaries(TEXT, VALUES, max_size=2))
@hypothesis_settings(max_examples=100)
def test_anything_at_all_gives_valid_declarations(services: dict[str, Any], top: dict[str, Any]) -> None:
    tree: Any = {**top, "services": services}
    declarations, notes = of_content(document.plain(tree))
    assert len(declarations) + len(notes) >= len(services)
    printed = services_of(literal.assignment(declarations))
    assert printed == declarations
    if printed:
        accept(printed)


def test_yaml_means_what_compose_means_by_it(tmp_path: Path) -> None:
    # Not YAML 1.1, in which 22:22 is 1342, and "on" is true.
    path = tmp_path / "compose.yml"
    path.write_text("services:\n  web:\n    image: web:1\n    ports: [22:22]\n    environment: {MODE: on, EMPTY: ''}\n")
    ((declaration,), _) = imported(document.read(path), RESERVED)
    assert declaration["ports"] == [22]
    assert declaration["environment"] == {"MODE": "on", "EMPTY": ""}
    assert YAML().load(path.read_text())["services"]["web"]["ports"] == ["22:22"]
