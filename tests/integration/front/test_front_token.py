"""What consul-template reads (its token, its settings, its template) changes, and nginx does not notice."""

import uuid

import pytest


@pytest.fixture
def visitor(served):
    """Somebody who keeps a connection to the served."""
    connection = served.connect()
    assert is_served(connection)
    connection.auto_open = 0  # an end of the connection is to be seen
    yield connection
    connection.close()


def is_served(visitor) -> bool:
    visitor.request("GET", "/health")
    return visitor.getresponse().read() == b"ok\n"


def test_a_new_token_is_taken_up_and_the_old_one_can_go(served, visitor, catalog, backends, until) -> None:
    old, new = catalog.add_token("front"), catalog.add_token("front")
    served.write("token", old)
    assert served.execute("front-reload")[0] == 0
    nginx, generation, before = served.process("nginx"), served.generation(), served.process("consul-template")

    served.write("token", new)
    assert served.execute("front-reload")[0] == 0
    catalog.remove_token(old)
    assert (served.process("nginx"), served.generation()) == (nginx, generation)
    assert served.process("consul-template") != before

    catalog.register("two", backends[1].address)
    until(lambda: len(served.servers()) == 2, "a change to be followed")
    assert is_served(visitor)
    assert served.restarts() == 0


def test_a_token_that_consul_does_not_know_is_a_reason_and_no_outage(served, catalog, backends, until) -> None:
    good = served.read("token")
    served.write("token", str(uuid.uuid4()))
    code, _, complaint = served.execute("front-reload")
    assert code == 1
    assert "403" in complaint.splitlines()[-1]
    assert "403" in served.execute("front-health")[1]
    assert served.status() == 200
    assert served.instances() == [f"{backends[0].address}:80"]

    served.write("token", good)
    assert served.execute("front-reload")[0] == 0
    assert served.failure() == ""


def test_a_token_that_may_read_nothing_is_a_reason_and_no_outage(served, catalog, backends, until) -> None:
    """Consul then answers with empty lists, as if nobody were there."""
    catalog.add_policy("nothing", 'key "nothing" { policy = "read" }')
    served.write("token", catalog.add_token("nothing"))
    code, _, complaint = served.execute("front-reload")
    assert code == 1
    assert "Consul shows nothing of its catalog" in complaint
    assert served.status() == 200
    assert served.instances() == [f"{backends[0].address}:80"]


def test_the_token_is_nowhere_but_in_its_file(served, catalog, secret, until) -> None:
    token = secret.tokens.secret("front")
    served.execute("front-reload")
    arguments = served.shell("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'")
    assert "consul-template" in arguments and token not in arguments
    assert token not in served.log()
    assert token not in str(served.container.attrs)
    assert token not in served.shell("grep -r . /var/lib/rollcall/front /run/rollcall/front")


def test_a_new_template_is_served_without_a_new_container(served, visitor, catalog, backends, until) -> None:
    served.write("upstream.ctmpl", served.read("upstream.ctmpl").replace("max_fails=3", "max_fails=7"))
    assert served.execute("front-reload")[0] == 0
    assert "max_fails=7" in served.loaded()
    assert is_served(visitor)
    assert served.restarts() == 0


def test_a_template_that_cannot_be_rendered_is_a_reason_and_no_outage(served, catalog, backends, until) -> None:
    good = served.read("upstream.ctmpl")
    served.write("upstream.ctmpl", good + "[[ nonsense ]]\n")
    code, _, complaint = served.execute("front-reload")
    assert code == 1
    assert 'function "nonsense" not defined' in complaint.splitlines()[-1]
    assert served.status() == 200

    served.write("upstream.ctmpl", good)
    assert served.execute("front-reload")[0] == 0
    catalog.register("two", backends[1].address)
    until(lambda: len(served.servers()) == 2, "a change to be followed")


def test_a_template_of_which_nginx_makes_nothing_is_a_reason_and_no_outage(served, catalog, backends, until) -> None:
    served.write("upstream.ctmpl", served.read("upstream.ctmpl").replace("least_conn;", "most_conn;"))
    code, _, complaint = served.execute("front-reload")
    assert code == 1
    assert 'unknown directive "most_conn"' in complaint
    assert served.status() == 200
