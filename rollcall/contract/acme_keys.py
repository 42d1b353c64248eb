"""Name Consul's keys of the ACME programs."""

import hashlib

PREFIX = "rollcall/acme/"
# Held by the program that orders.
LOCK = f"{PREFIX}lock"
# NODE: the names that this front wants, held by its session.
WANTED = f"{PREFIX}wanted/"
# NAME/TOKEN: an open challenge's answer, which any front gives.
CHALLENGES = f"{PREFIX}challenges/"
# NAME: the TXT record and the value that the DNS hook added for an open challenge.
RECORDS = f"{PREFIX}records/"
# NAME: certificate and key, encrypted.
CERTIFICATES = f"{PREFIX}certificates/"
# NAME: when the next try is, and why the last one failed.
STATES = f"{PREFIX}states/"
# A digest of the directory's address: the account, encrypted.
ACCOUNTS = f"{PREFIX}accounts/"
# NAME: somebody wants this one renewed now.
RENEWALS = f"{PREFIX}renewals/"
# The fingerprint of the key that encrypted all of them, once it has.
SEALED_BY = f"{PREFIX}sealed-by"


def fingerprint(key: str) -> str:
    """Return a digest that names a random key, and does not help to find it."""
    return hashlib.sha256(b"rollcall acme " + key.encode()).hexdigest()[:32]
