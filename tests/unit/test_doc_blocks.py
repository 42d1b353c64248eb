"""Each command block of README and docs is run by a test, or says why not."""

from collections import Counter

from doc_blocks import ORDER, TABLE, Run, blocks, script


def test_every_block_stands_in_the_table_and_the_table_has_no_other() -> None:
    found = Counter(block.name for block in blocks())
    assert [name for name, count in found.items() if count > 1] == []
    assert [name for name in found if name not in TABLE] == []
    assert [name for name in TABLE if name not in found] == []


def test_what_is_not_run_says_why_and_what_is_left_out_is_there() -> None:
    for block in blocks():
        entry = TABLE[block.name]
        if not isinstance(entry, Run):
            assert entry
            continue
        assert block.page in ORDER
        text = "\n".join(line.removeprefix("$ ") for line in block.text.splitlines())
        assert all(any(line.startswith(start) for line in text.splitlines()) for start in entry.skip), block.name


def test_nothing_of_a_production_fleet_is_left_in_what_the_lab_runs() -> None:
    for block in blocks():
        entry = TABLE[block.name]
        if isinstance(entry, Run):
            text = script(block, entry)
            assert not [word for word in ("production.py", "INVENTORY", "my/", "http://FRONT") if word in text], text
