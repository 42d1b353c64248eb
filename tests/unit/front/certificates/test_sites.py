"""Which certificate each site gets, and what is wrong with one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from front_catalog import SETTINGS
from tls_files import TlsFiles

from rollcall.contract import acme_files
from rollcall.contract.acme_files import NameState
from rollcall.front.certificates.sites import Certificates, copies, of_certificate
from rollcall.front.certificates.store import Store
from rollcall.front.inputs.settings import CertificateFile, Settings

NOW = datetime.now(UTC)
LATER = (NOW + timedelta(days=60)).isoformat()
SHOP = "shop.example.com"


class World:
    def __init__(self, folder: Path) -> None:
        self.tls = TlsFiles(folder / "files")
        self.acme = folder / "acme"
        (self.acme / acme_files.ISSUED).mkdir(parents=True)
        self.store = Store(folder / "store")
        self.certificates = Certificates(self.store, folder / "files", self.acme)

    def file(self, *names: str, end: str = LATER) -> CertificateFile:
        file = names[0].replace("*", "star")
        self.tls.issue(*names, file=file)
        return CertificateFile(f"{file}.pem", f"{file}.key", f"own/{file}.pem", names, "test", end)

    def issue(self, name: str, *, error: str = "", end: str = LATER) -> None:
        certificate, key = self.tls.issue(name, file=f"acme-{name}")
        pem = certificate.read_text() + key.read_text()
        (self.acme / acme_files.ISSUED / f"{name}.pem").write_text(pem)
        self.states(**{name: NameState("digest", "Test CA", LATER, end, LATER, error)})

    def states(self, **states: NameState) -> None:
        acme_files.replace_file(self.acme / acme_files.STATE, acme_files.written_states(states))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def with_files(*files: CertificateFile) -> Settings:
    return replace(SETTINGS, certificates=files, acme=True)


def sources(world: World, settings: Settings, *hosts: str) -> dict[str, str]:
    return {
        site.name: site.offer.title if site.offer else "fleet" for site in world.certificates.sites(settings, hosts)
    }


def test_a_file_comes_before_acme_and_a_name_before_a_wildcard(world: World) -> None:
    star, own = world.file("*.example.com"), world.file(SHOP)
    world.issue(SHOP)
    assert sources(world, with_files(star, own), SHOP, "a.example.com", "a.b.example.com") == {
        SHOP: own.own,
        "a.example.com": star.own,
        "a.b.example.com": "fleet",
    }
    assert sources(world, with_files(), SHOP) == {SHOP: "the certificate by ACME"}


def test_a_site_of_a_wildcard_needs_that_wildcard(world: World) -> None:
    star = world.file("*.example.com")
    assert sources(world, with_files(star), "*.example.com") == {"*.example.com": star.own}
    assert sources(world, with_files(world.file(SHOP)), "*.example.com") == {"*.example.com": "fleet"}


def ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def wanted(world: World, settings: Settings, *hosts: str) -> tuple[str, ...]:
    world.certificates.request(settings, world.certificates.sites(settings, hosts))
    return acme_files.read_wanted((world.acme / acme_files.WANTED).read_text())


def test_an_expired_file_is_served_until_there_is_a_better_one(world: World) -> None:
    old, good = world.file(SHOP, end=ago(1)), world.file("blog.example.com")
    settings = with_files(old, good)
    assert sources(world, settings, SHOP, "blog.example.com") == {SHOP: old.own, "blog.example.com": good.own}
    (problem,) = world.certificates.problems(settings, world.certificates.sites(settings, [SHOP]))
    assert problem.kind == "expired" and old.own in problem.text
    assert wanted(world, settings, SHOP, "blog.example.com") == (SHOP,)
    world.issue(SHOP)
    assert sources(world, settings, SHOP) == {SHOP: "the certificate by ACME"}
    world.issue(SHOP, end=ago(2))
    assert sources(world, settings, SHOP) == {SHOP: old.own}


@pytest.mark.parametrize(("error", "reason"), [("the clock is wrong", "the clock is wrong"), ("", "no other came yet")])
def test_an_expired_certificate_by_acme_is_served_and_a_problem(world: World, error: str, reason: str) -> None:
    world.issue(SHOP, end=ago(3), error=error)
    settings = with_files()
    (site,) = world.certificates.sites(settings, [SHOP])
    assert site.copy and site.offer and site.offer.title == "the certificate by ACME"
    (problem,) = world.certificates.problems(settings, [site])
    day = f"{NOW - timedelta(days=3):%Y-%m-%d}"
    assert problem.text == f"{SHOP}: its certificate ended on {day}, and is still served: {reason}"
    assert (problem.kind, problem.severity) == ("expired", "outage")
    assert site.error(NOW) == (f"it ended on {day}; {error}" if error else f"it ended on {day}")
    assert wanted(world, settings, SHOP) == (SHOP,)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("missing", "/"),
        ("mismatched", "the key does not belong to the certificate"),
        ("no key", "[SSL"),
        ("not PEM", "[SSL"),
    ],
)
def test_a_bad_file_costs_its_own_site_only_and_is_a_problem(world: World, damage: str, reason: str) -> None:
    bad, good = world.file(SHOP), world.file("blog.example.com")
    key = world.tls.folder / bad.key
    if damage == "missing":
        key.unlink()
    elif damage == "mismatched":
        key.write_text((world.tls.folder / good.key).read_text())
    else:
        key.write_text("" if damage == "no key" else "nonsense")
    settings = with_files(bad, good)
    assert sources(world, settings, SHOP, "blog.example.com") == {SHOP: "fleet", "blog.example.com": good.own}
    (problem,) = world.certificates.problems(settings, world.certificates.sites(settings, [SHOP]))
    assert problem.kind == "certificate"
    assert problem.text.startswith(f"{SHOP}: {bad.own} cannot be served: {reason}")
    assert problem.text.endswith("; the fleet's own is served instead")


def test_a_site_without_a_certificate_of_its_own_has_no_copy_that_nginx_would_look_for(world: World) -> None:
    settings = with_files(world.file(SHOP))
    every = world.certificates.sites(settings, [SHOP, "blog.example.com"])
    assert set(copies(every)) == {SHOP}


def test_a_copy_that_somebody_removed_is_made_again(world: World) -> None:
    settings = with_files(world.file(SHOP))
    (site,) = world.certificates.sites(settings, [SHOP])
    assert site.copy
    site.copy.unlink()
    (again,) = world.certificates.sites(settings, [SHOP])
    assert again.copy == site.copy and site.copy.exists()


@pytest.mark.parametrize(("days", "count"), [(5, 1), (200, 0)])
def test_an_end_of_the_default_sites_own_certificate_is_a_problem_in_time(days: int, count: int) -> None:
    end = (NOW + timedelta(days=days)).isoformat()
    assert len(list(of_certificate(replace(SETTINGS, certificate_end=end), NOW))) == count


def test_without_a_word_of_its_end_there_is_none() -> None:
    assert of_certificate(replace(SETTINGS, certificate_end=""), NOW) == []


def test_names_are_no_business_of_an_acme_that_is_off(world: World) -> None:
    settings = replace(with_files(), acme=False)
    world.certificates.request(settings, world.certificates.sites(settings, [SHOP]))
    assert not (world.acme / acme_files.WANTED).exists()


def test_copies_are_private_and_those_that_nothing_serves_are_removed(world: World) -> None:
    settings = with_files(world.file(SHOP))
    (site,) = world.certificates.sites(settings, [SHOP])
    assert site.copy
    assert (site.copy.stat().st_mode & 0o777, world.store.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    world.file(SHOP)
    (renewed,) = world.certificates.sites(settings, [SHOP])
    assert renewed.copy and renewed.copy != site.copy
    world.store.keep_only(f"ssl_certificate {renewed.copy};")
    assert list(world.store.folder.iterdir()) == [renewed.copy]


def test_what_acme_cannot_do_is_a_problem_of_its_name(world: World) -> None:
    world.states(**{SHOP: NameState(error="DNS has no address for it")})
    settings = with_files()
    (problem,) = world.certificates.problems(settings, world.certificates.sites(settings, [SHOP]))
    assert problem.text == f"{SHOP} has no certificate of its own: DNS has no address for it"
    world.issue(SHOP, error="rate limited")
    (problem,) = world.certificates.problems(settings, world.certificates.sites(settings, [SHOP]))
    assert "is not renewed, and ends on" in problem.text
    covered = with_files(world.file(SHOP))
    assert world.certificates.problems(covered, world.certificates.sites(covered, [SHOP])) == []


def test_the_acme_program_is_told_the_names_without_a_file(world: World) -> None:
    settings = with_files(world.file(SHOP))
    world.certificates.request(settings, world.certificates.sites(settings, [SHOP, "b.example.com", "a.example.com"]))
    wanted = (world.acme / acme_files.WANTED).read_text()
    assert acme_files.read_wanted(wanted) == ("a.example.com", "b.example.com")


def test_an_unreadable_state_is_a_problem_and_the_last_one_holds(world: World) -> None:
    world.issue(SHOP)
    settings = with_files()
    assert sources(world, settings, SHOP) == {SHOP: "the certificate by ACME"}
    acme_files.replace_file(world.acme / acme_files.STATE, "{")
    assert sources(world, settings, SHOP) == {SHOP: "the certificate by ACME"}
    assert any("cannot read" in one.text for one in world.certificates.problems(settings, ()))
