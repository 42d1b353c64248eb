"""The text of every secret of a fleet, in each spelling in which it could turn up somewhere."""

import base64
import binascii
import hashlib
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from rollcall.secrets.certificates import Certificate
from rollcall.secrets.store import AUTHORITY, GOSSIP, TOKENS, Secrets
from rollcall.secrets.tokens import Role, Tokens


@dataclass(frozen=True)
class SecretSpellings:
    """What to search for; `names` says of each spelling whose it is, so that nobody need print the secret itself."""

    names: Mapping[str, str]

    def found_in(self, text: str) -> set[str]:
        return {name for spelling, name in self.names.items() if spelling in text}

    @property
    def lines(self) -> str:
        """One a line, as grep takes them."""
        return "".join(f"{spelling}\n" for spelling in self.names)


def secret_spellings(kept: Secrets, folder: Path, nodes: Iterable[str]) -> SecretSpellings:
    """Collect them from what is used and from the secrets' folder, which also has the keys that sign and derive."""
    texts = {f"{file} in the folder": (folder / file).read_text().strip() for file in (GOSSIP, TOKENS)}
    texts["gossip key"] = kept.gossip_key
    for generation in (kept.tokens, *kept.other_tokens):
        texts |= _tokens(generation, list(nodes))
    keys = {f"key of {AUTHORITY}": (folder / AUTHORITY).read_text()}
    keys |= {f"key of {name}": certificate.key for name, certificate in _certificates(kept).items()}
    for name, key in keys.items():
        texts |= _private(name, key)
    return SecretSpellings({spelling: name for name, text in texts.items() for spelling in _spellings(text)})


def value_spellings(name: str, value: str) -> SecretSpellings:
    """Collect those of one value, and of its plain digest, by which it could be guessed."""
    digest = hashlib.sha256(value.encode()).hexdigest()
    return SecretSpellings(dict.fromkeys((*_spellings(value), digest, digest[:12]), name))


def _tokens(generation: Tokens, nodes: list[str]) -> dict[str, str]:
    return {
        f"token {role} {node}": generation.secret(role, node)
        for role in get_args(Role)
        for node in (nodes if role in ("agent", "registrator") else [""])
    }


def _certificates(kept: Secrets) -> dict[str, Certificate]:
    agents = {f"the agent of {node}": one for node, one in kept.agents.items()}
    fronts = {f"the front {node}": one for node, one in kept.fronts.items()}
    return {**agents, **fronts, **kept.services.certificates, "the operator": kept.operator}


def _private(name: str, pem: str) -> dict[str, str]:
    """Give the lines of a key that are secret: the third has only what is public."""
    mark = "-----BEGIN PRIVATE KEY-----\n"
    body = pem[pem.index(mark) + len(mark) :].splitlines()
    key = serialization.load_pem_private_key(pem[pem.index(mark) :].encode(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    number = key.private_numbers().private_value
    return {name: body[0], f"{name}, second line": body[1], f"{name}, as a number": f"{number:064x}"}


def _spellings(text: str) -> set[str]:
    data = text.encode()
    return {
        text,
        text.replace("-", ""),
        text.replace("/", "\\/"),
        urllib.parse.quote(text, safe=""),
        data.hex(),
        *_inside_base64(data),
        *(_raw(text)),
    }


def _inside_base64(data: bytes) -> list[str]:
    """Give what base64 makes of it wherever in a longer text it begins: without what its neighbours have a part in."""
    return [base64.b64encode(b"\0" * shift + data).decode()[(0, 2, 3)[shift] :].rstrip("=")[:-1] for shift in range(3)]


def _raw(text: str) -> list[str]:
    """Give, of a key in base64, the bytes that it stands for."""
    try:
        return [base64.b64decode(text, validate=True).hex()]
    except binascii.Error:
        return []
