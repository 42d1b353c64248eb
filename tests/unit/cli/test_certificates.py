"""The lines of `rollcall certificates`."""

from rollcall.cli.certificates import line

SITE = {
    "name": "shop.example.com",
    "source": "acme",
    "file": "",
    "issuer": "R13",
    "end": "2027-02-27T08:00:00+00:00",
    "next_try": "2027-01-20T03:04:05+00:00",
    "error": None,
}


def test_a_certificate_has_issuer_end_and_next_try() -> None:
    expected = "✓ shop.example.com: ACME, issued by R13, until 2027-02-27, next try 2027-01-20 03:04 UTC"
    assert line(SITE) == expected


def test_an_error_comes_last() -> None:
    found = line({**SITE, "source": "fleet", "issuer": "", "error": "DNS has no address for it"})
    assert found.startswith("✗ shop.example.com: the fleet's own, which no browser trusts, until ")
    assert found.endswith("; DNS has no address for it")


def test_the_default_sites_file_is_not_called_the_fleets() -> None:
    found = line({**SITE, "source": "fleet", "file": "certificates/site.crt", "issuer": ""})
    assert found.startswith(
        "✓ shop.example.com: none of its own, so it shows the default site's, certificates/site.crt, until "
    )


def test_a_file_is_named() -> None:
    assert "your file certificates/shop.crt" in line({**SITE, "source": "file", "file": "certificates/shop.crt"})
