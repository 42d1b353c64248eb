"""Lists of users for the policy basic_auth."""

import bcrypt
import pytest

from rollcall.secrets import front_users

KEY = b"key of the fleet"
LIST = "ann:correct horse\n\nbob@example.com:battery: staple\n"


def test_a_hash_is_of_the_password_and_the_same_in_each_deploy() -> None:
    lines = front_users.hashed(LIST, KEY).splitlines()
    assert front_users.hashed(LIST, KEY).splitlines() == lines
    hashes = dict(line.split(":") for line in lines)
    assert bcrypt.checkpw(b"correct horse", hashes["ann"].encode())
    assert bcrypt.checkpw(b"battery: staple", hashes["bob@example.com"].encode())
    assert "horse" not in "".join(lines)


def test_equal_passwords_have_different_hashes() -> None:
    (one, other) = front_users.hashed("a:x\nb:x\n", KEY).splitlines()
    assert one.split(":")[1] != other.split(":")[1]
    assert front_users.hashed("a:x\n", b"another key") != f"{one}\n"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("ann", "line 1 is not NAME:PASSWORD"),
        ("ann:x\n:hunter2", "line 2 is not NAME:PASSWORD"),
        ("a b:hunter2", "line 1 is not"),
        ("ann:hunter2\x07", "line 1 is not"),
        ("ann:", "a password of 0 bytes"),
        (f"ann:{'€' * 25}", "a password of 75 bytes"),
        ("\n \n", "it has no line"),
        ("ann:hunter2\nann:x", "it has a name twice"),
    ],
)
def test_a_bad_list_is_one_sentence_without_a_password(value: str, says: str) -> None:
    found = front_users.fault(value)
    assert says in found and "hunter2" not in found
    assert front_users.fault(LIST) == ""
