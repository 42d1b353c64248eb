"""Changes of token, settings and templates under the running front."""

import uuid

import pytest


@pytest.fixture
def visitor(served):
    """A client that keeps a connection to the front open."""
    connection = served.connect()
    assert is_served(connection)
    connection.auto_open = 0  # the test must notice a closed connection
    yield connection
    connection.close()


def is_served(visitor) -> bool:
    visitor.request("GET", "/health")
    return visitor.getresponse().read() == b"ok\n"


def test_a_new_token_replaces_the_old_one(served, visitor, catalog, backends, until) -> None:
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
    until(lambda: len(served.instances()) == 2, "a change to be followed")
    assert is_served(visitor)
    assert served.restarts() == 0


def test_an_unknown_token_is_a_problem_without_an_outage(served, catalog, backends, until) -> None:
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
    until(lambda: served.failure() == "", "an end of the problem")


def test_a_token_without_rights_is_a_problem_without_an_outage(served, catalog, backends, until) -> None:
    """Consul then returns empty lists, as if nothing were registered."""
    catalog.add_policy("nothing", 'key "nothing" { policy = "read" }')
    served.write("token", catalog.add_token("nothing"))
    code, _, complaint = served.execute("front-reload")
    assert code == 1
    assert "Consul returned an empty catalog" in complaint
    assert served.status() == 200
    assert served.instances() == [f"{backends[0].address}:80"]


def test_the_token_is_only_in_its_file(served, catalog, secret, until) -> None:
    token = secret.tokens.secret("front")
    served.execute("front-reload")
    arguments = served.shell("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'")
    assert "consul-template" in arguments and token not in arguments
    assert token not in served.log()
    assert token not in str(served.container.attrs)
    assert token not in served.shell("grep -r . /var/lib/rollcall/front /run/rollcall/front")


def test_a_new_template_is_served_without_a_new_container(served, visitor) -> None:
    served.write("sites.conf.j2", served.read("sites.conf.j2").replace("least_conn;", "random two least_conn;"))
    assert served.execute("front-apply")[0] == 0
    assert "random two least_conn;" in served.loaded()
    assert is_served(visitor)
    assert served.restarts() == 0


def test_a_template_that_consul_template_cannot_render_is_a_problem_without_an_outage(
    served, catalog, backends, until
) -> None:
    good = served.read("catalog.ctmpl")
    served.write("catalog.ctmpl", good + "[[ nonsense ]]\n")
    code, _, complaint = served.execute("front-reload")
    assert code == 1
    assert 'function "nonsense" not defined' in complaint.splitlines()[-1]
    assert served.status() == 200

    served.write("catalog.ctmpl", good)
    assert served.execute("front-reload")[0] == 0
    catalog.register("two", backends[1].address)
    until(lambda: len(served.instances()) == 2, "a change to be followed")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("least_conn;", "most_conn;"), 'unknown directive "most_conn"'),
        (("{% for upstream", "{% fro upstream"), "unknown tag 'fro'"),
        (("{{ upstream.name }}", "{{ upstream.nome }}"), "has no attribute 'nome'"),
    ],
)
def test_an_invalid_sites_template_is_a_problem_without_an_outage(
    served, catalog, backends, until, change: tuple[str, str], reason: str
) -> None:
    good = served.read("sites.conf.j2")
    served.write("sites.conf.j2", good.replace(*change))
    catalog.register("two", backends[1].address)
    until(served.failure, "a reason")
    assert reason in served.failure()
    assert reason in served.execute("front-apply")[2]
    assert served.instances() == [f"{backends[0].address}:80"]
    assert served.status() == 200
    assert served.execute("front-health")[0] == 0

    served.write("sites.conf.j2", good)
    assert served.execute("front-apply")[0] == 0
    assert len(served.instances()) == 2
    assert served.failure() == ""
