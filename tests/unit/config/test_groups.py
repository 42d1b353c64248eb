"""A group whose name is a mistyped role is refused; every other name is the user's to choose."""

from pathlib import Path

import pytest

from rollcall.config import groups, inventory
from rollcall.config.fleet import RawHost
from rollcall.did_you_mean import typo_of
from rollcall.errors import RollcallError


def write(folder: Path, text: str, name: str = "shop.py") -> Path:
    (folder / "deploy.py").touch()
    (folder / name).write_text(text)
    return folder / name


def checked(file: Path, *folders: Path) -> None:
    read = inventory.read(str(file))
    groups.check(file, [host.raw for host in read.hosts], folders)


@pytest.mark.parametrize(
    ("group", "meant"),
    [
        ("front", "fronts"),
        ("frotns", "fronts"),
        ("Fronts", "fronts"),
        ("backend", "backends"),
        ("back_ends", "backends"),
        ("consul_server", "consul_servers"),
        ("consulservers", "consul_servers"),
        ("consul_servres", "consul_servers"),
    ],
)
def test_a_mistyped_role_is_refused(group: str, meant: str) -> None:
    hosts = [RawHost("a", frozenset({"consul_servers", "shop"}), {}), RawHost("b", frozenset({group, "shop"}), {})]
    with pytest.raises(RollcallError, match=f"{group}: unknown group; did you mean {meant}\\?"):
        groups.check(Path("shop.py"), hosts, ())


@pytest.mark.parametrize(
    "group", ["hosts", "frontends", "web", "databases", "servers", "consul", "fonts2go", "production"]
)
def test_other_groups_are_free(group: str) -> None:
    groups.check(Path("shop.py"), [RawHost("a", frozenset({"consul_servers", group, "shop"}), {})], ())


def test_the_group_that_pyinfra_makes_of_the_file_is_no_slip() -> None:
    hosts = [RawHost("a", frozenset({"consul_servers", "front"}), {}), RawHost("b", frozenset({"front"}), {})]
    groups.check(Path("front.py"), hosts, ())
    with pytest.raises(RollcallError, match="did you mean fronts"):
        groups.check(Path("front.py"), [*hosts, RawHost("c", frozenset({"consul_servers"}), {})], ())


def test_the_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, 'consul_servers = ["10.0.0.1"]\nfront = ["10.0.0.2"]\n')
    with pytest.raises(RollcallError, match=r"^shop\.py:2: front: unknown group; did you mean fronts\?$"):
        checked(file)


def test_group_data_of_a_mistyped_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, 'consul_servers = ["10.0.0.1"]\n')
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data" / "front.py").write_text("front = {}\n")
    (tmp_path / "group_data" / "web.py").write_text("x_y = 1\n")
    with pytest.raises(
        RollcallError, match=r"group_data/front\.py: settings of an unknown group; did you mean fronts\.py"
    ):
        checked(file, tmp_path / "group_data")
    # Of another inventory beside this one.
    write(tmp_path, "", "front.py")
    checked(file, tmp_path / "group_data")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"front1"', "got 'front1'"),
        ('{"front1": {}}', "got a dict"),
        ('("front1", {"address": "10.0.0.9"})', "got a tuple of another form"),
        ('[["front1", {}]]', "got a list of another form"),
    ],
)
def test_hosts_that_pyinfra_would_leave_out_or_take_letter_by_letter(tmp_path: Path, value: str, shown: str) -> None:
    file = write(tmp_path, f'consul_servers = ["10.0.0.1"]\nfronts = {value}\n')
    with pytest.raises(RollcallError, match=f"^[^ ]*shop.py:2: fronts: {shown}.*expected a list of hosts"):
        inventory.read(str(file))


def test_typos_are_slips_and_not_likenesses() -> None:
    known = ["fronts", "name"]
    assert [
        typo_of(given, known) for given in ("fronst", "frnts", "fonts", "hosts", "fronts", "nam", "game", "same1")
    ] == [
        "fronts",
        "fronts",
        "fronts",
        "",
        "",
        "name",
        "name",
        "",
    ]
