"""The account at an authority, as it is kept."""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Account:
    """An account at one directory: its private key as a JWK, and its address there."""

    key: str = field(repr=False)
    uri: str


def written(account: Account) -> str:
    """Write an account as JSON."""
    return json.dumps({"key": account.key, "uri": account.uri})


def read(text: str) -> Account:
    """Read an account. Raises ValueError: it is not one."""
    try:
        return Account(**json.loads(text))
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not an account: {error}") from error
