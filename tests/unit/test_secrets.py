"""Secrets are made once, kept closed, and shown nowhere."""

import base64
import os
from pathlib import Path

import pytest
from cryptography import x509

from rollcall import secrets
from rollcall.errors import RollcallError


def test_secrets_are_made_once_and_closed(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        first = secrets.load(tmp_path / "lab", "www.example.com")
    finally:
        os.umask(umask)
    again = secrets.load(tmp_path / "lab", "www.example.com")
    assert first == again
    assert len(base64.b64decode(first.gossip_key)) == 32
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "lab").iterdir()} == {0o600}


def test_two_inventories_have_different_secrets(tmp_path: Path) -> None:
    assert secrets.load(tmp_path / "a", "x").gossip_key != secrets.load(tmp_path / "b", "x").gossip_key


def test_the_certificate_bears_the_site_name(tmp_path: Path) -> None:
    made = secrets.load(tmp_path / "lab", "www.example.com")
    certificate = x509.load_pem_x509_certificate(made.front.certificate.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["www.example.com"]


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    made = secrets.load(tmp_path / "lab", "x")
    assert made.gossip_key not in repr(made)
    assert "PRIVATE" not in repr(made)


def test_an_open_folder_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(RollcallError, match=f"right is: chmod 700 {folder}"):
        secrets.load(folder, "x")
    assert list(folder.iterdir()) == []


def test_an_interrupted_write_is_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir(mode=0o700)
    (folder / "gossip.key.partial").write_text("half")
    assert len(base64.b64decode(secrets.load(folder, "x").gossip_key)) == 32
