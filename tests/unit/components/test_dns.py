import pytest

from rollcall.components import dns

FOLDER = "/etc/systemd/resolved.conf.d"


@pytest.mark.parametrize(
    ("files", "gone"),
    [
        ([FOLDER, f"{FOLDER}/rollcall.conf"], [FOLDER]),
        ([FOLDER, f"{FOLDER}/rollcall.conf", f"{FOLDER}/own.conf"], []),
        ([FOLDER], []),
        ([], []),
    ],
)
def test_the_directory_of_the_drop_in_goes_with_it_unless_something_else_is_in_it(
    files: list[str], gone: list[str]
) -> None:
    assert [directory.path for directory in dns.emptied(files)] == gone
