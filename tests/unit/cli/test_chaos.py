"""`rollcall chaos`: how long it runs."""

from click.testing import CliRunner

from rollcall.cli.chaos import chaos


def test_a_number_of_times_and_a_time_exclude_each_other() -> None:
    said = CliRunner().invoke(chaos, ["nowhere.py", "--times", "1", "--minutes", "2"])
    assert (said.exit_code, "--times excludes --minutes." in said.output) == (2, True)
