"""A new container of the front takes over from the serving one."""

import socket

import pytest
from free_ports import free_port
from keep_alive_load import Load

BROKEN = "this_is_no_directive;\n"


@pytest.fixture
def replaced(served, image, until):
    """Start another container beside the serving one, wait until it has taken over, and return the old one."""

    def replace():
        old = served.container
        old.update(restart_policy={"Name": "no"})
        served.start(image)
        until(lambda: served.execute("front-health")[0] == 0, "a new front that is well", 20)
        return old

    return replace


def ended(container) -> bool:
    container.reload()
    return bool(container.attrs["State"]["Status"] == "exited")


def test_two_replacements_in_a_row_under_load_lose_no_request(served, replaced, catalog, backends, until) -> None:
    load = Load(served.http_port)
    generation = served.generation()
    with load.running():
        for number in (1, 2):
            until(lambda: load.requests > 500, "visitors")
            old = replaced()
            until(lambda old=old: ended(old), f"an end of the old front {number}", 20)
            assert old.attrs["State"]["ExitCode"] == 0
            assert served.generation() > generation
            generation = served.generation()
            catalog.register(f"more-{number}", backends[1].address, 8000 + number)
            until(lambda number=number: len(served.instances()) == number + 1, "a change to be followed")
            before = load.requests
            until(lambda before=before: load.requests > before + 500, "visitors of the new front")
    assert load.broken == {}
    assert served.restarts() == 0


def test_a_request_open_at_the_old_front_gets_its_response(served, replaced, until) -> None:
    visitor = served.connect()
    visitor.putrequest("POST", "/json")
    visitor.putheader("Content-Length", "4")
    visitor.endheaders(b"ab")  # nginx waits for the rest
    old = replaced()
    assert served.status() == 200
    assert not ended(old)
    visitor.send(b"cd")
    assert visitor.getresponse().status == 200
    until(lambda: ended(old), "an end of the old front")


def test_a_new_front_that_cannot_serve_leaves_the_old_one_in_place(served, image, catalog, backends, until) -> None:
    good, generation, old = served.read("nginx.conf"), served.generation(), served.container
    load = Load(served.http_port)
    with load.running():
        served.write("nginx.conf", good + BROKEN)
        new = served.start(image, restart="no")
        until(lambda: ended(new), "an end of the new front")
        until(lambda: load.requests > 500, "visitors")
    assert load.broken == {}
    assert new.attrs["State"]["ExitCode"] == 1
    assert 'unknown directive "this_is_no_directive"' in new.logs().decode()

    assert served.containers.pop() == new
    new.remove()
    assert served.container == old
    until(lambda: "does not serve" in served.log(), "a log line about the attempt")
    assert served.generation() == generation
    served.write("nginx.conf", good)
    catalog.register("two", backends[1].address)
    until(lambda: len(served.instances()) == 2, "a change to be followed")


def test_a_new_port_replaces_the_old_one(served, replaced, catalog, secret, until) -> None:
    before, after = served.http_port, free_port()
    served.configure(catalog, secret, http_port=after)
    old = replaced()
    assert served.http_port == after
    assert served.status() == 200
    until(lambda: ended(old), "an end of the old front", 20)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", before), 5)


def test_the_new_front_has_the_status_address_of_the_old_one(served, replaced, until) -> None:
    started = served.document()["started"]
    until(lambda: served.document()["time"] > started, "another second")
    replaced()
    until(lambda: served.document().get("started", started) > started, "the status of the new front")


def test_a_running_front_changes_its_port_and_still_hands_it_over(served, replaced, catalog, secret, until) -> None:
    before, after = served.http_port, free_port()
    served.configure(catalog, secret, http_port=after)
    assert served.execute("front-apply")[0] == 0
    assert served.status() == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", before), 5)
    old = replaced()
    assert served.status() == 200
    until(lambda: ended(old), "an end of the old front", 20)
