"""`rollcall verify` runs every check that there is."""

from rollcall.cli import verify


def test_every_file_of_checks_is_run() -> None:
    files = sorted(file.stem.removeprefix("test_") for file in verify.CHECKS.glob("test_*.py"))
    assert sorted(verify.READ_ONLY + verify.DISTURBING) == files


def test_what_needs_a_front_is_left_out_without_one() -> None:
    needed = {name for name in verify.READ_ONLY + verify.DISTURBING if _loops_over_fronts(name)}
    assert needed <= verify.ABOUT_FRONTS


def _loops_over_fronts(name: str) -> bool:
    """Whether each check of the file is about fronts: it says nothing where there are none."""
    text = (verify.CHECKS / f"test_{name}.py").read_text()
    return text.count("\ndef test_") == text.count("    for front in cluster.fronts:\n")
