"""A HAProxy that a user runs follows the catalog, and is never left with a file that it does not take."""

import socket

import pytest
from keep_alive_load import Load

CONNECTIONS, CHANGES = 32, 50


def test_registered_instances_get_requests_and_others_none(served, haproxy, catalog, instances, until) -> None:
    one, two = instances
    catalog.register(two)
    until(lambda: haproxy.answers() == {"one", "two"}, "answers of both")
    catalog.deregister(one)
    until(lambda: haproxy.answers() == {"two"}, "answers of the second only")
    status = until(lambda: (now := served.status())["addresses"] == 1 and now, "its status")
    assert (status["state"], status["problem"]) == ("served", None)
    assert status["destination"] == str(served.file)
    assert sorted(path.name for path in served.folder.iterdir()) == ["haproxy.cfg"]


def test_a_broken_candidate_leaves_the_last_good_serving(served, haproxy, catalog, instances, until) -> None:
    good = served.file.read_text()
    catalog.set("balance", "nonsense")
    until(served.problem, "a reason")
    assert "its check fails" in served.problem()
    assert "balance only supports" in served.problem()
    assert "balance only supports" in served.log()
    assert served.container.exec_run(["templates", "healthy"]).exit_code == 0
    assert served.file.read_text() == good
    assert haproxy.answer() == "one"

    catalog.set("balance", "leastconn")
    until(lambda: served.status()["state"] == "served", "the next good one")
    assert "leastconn" in served.file.read_text()
    assert haproxy.answer() == "one"


def test_a_reload_that_fails_puts_the_former_file_back(served, haproxy, catalog, until) -> None:
    """Its check does not see that another process has the port."""
    good = served.file.read_text()
    with socket.create_server(("0.0.0.0", 0)) as taken:
        catalog.set("port", taken.getsockname()[1])
        until(served.problem, "a reason")
        assert "the reload fails" in served.problem()
        assert "the former file is back" in served.problem()
        assert served.file.read_text() == good
        until(lambda: haproxy.answer() == "one", "an answer as before")
        catalog.set("port", haproxy.port)
        until(lambda: served.status()["state"] == "served", "what can be served again")
    assert haproxy.answer() == "one"


def test_a_loss_of_everything_leaves_the_last_good_file(served, haproxy, catalog, instances, until) -> None:
    catalog.deregister(instances[0])
    until(served.problem, "a reason")
    assert "it would lose 1 of 1 addresses at once" in served.problem()
    assert haproxy.answer() == "one"
    catalog.register(instances[1])
    until(lambda: haproxy.answers() == {"two"}, "the next instance")
    until(lambda: not served.problem(), "no reason any more")


def test_a_service_that_may_lose_everything_does(start_templates, haproxy, catalog, instances, until) -> None:
    with start_templates(keep=0) as templates:
        catalog.register(instances[0])
        until(lambda: haproxy.answer() == "one", "an answer", 30)
        catalog.deregister(instances[0])
        until(lambda: haproxy.answer() == "503", "nobody behind HAProxy")
        assert not templates.problem()


def test_a_restarted_haproxy_gets_the_changes(served, haproxy, catalog, instances, until) -> None:
    haproxy.container.stop(timeout=1)
    catalog.register(instances[1])
    until(lambda: "does not run" in served.problem(), "a reason")
    haproxy.container.start()
    until(lambda: haproxy.answers() == {"one", "two"}, "both behind the HAProxy that is back", 15)


def test_templates_killed_in_the_middle_lose_nothing(served, haproxy, catalog, instances, until) -> None:
    served.container.kill()
    catalog.register(instances[1])
    assert haproxy.answer() == "one"
    served.container.start()
    until(lambda: haproxy.answers() == {"one", "two"}, "what changed while they were away", 15)


def test_a_consul_template_that_was_killed_comes_back(served, haproxy, catalog, instances, until) -> None:
    kill = "for one in /proc/[0-9]*; do grep -qs consul-template $one/comm && kill -s KILL ${one#/proc/}; done"
    served.container.exec_run(["sh", "-c", kill])
    until(lambda: "consul-template exited" in served.log(), "a line about it")
    catalog.register(instances[1])
    until(lambda: haproxy.answers() == {"one", "two"}, "the change", 15)
    until(lambda: served.status()["state"] == "served", "no problem any more")


def test_an_unreadable_template_is_reported(start_templates, haproxy, until) -> None:
    with start_templates("{{ range }}") as templates:
        until(templates.problem, "a reason")
        assert "missing value for range" in templates.problem()
        assert templates.container.exec_run(["templates", "healthy"]).exit_code == 1


def test_keys_beyond_those_that_are_set_stay_unread(start_templates, haproxy, catalog, until) -> None:
    catalog.api.kv.put("secret/key", "hidden")
    text = '# {{ keyOrDefault "secret/key" "nothing" }}\n'
    with start_templates(text, container="", check="true {candidate}", reload="") as templates:
        until(lambda: "has rendered nothing yet" in templates.problem(), "a reason")
        assert "Permission denied" in templates.problem()
        assert not templates.file.exists()


def test_the_file_has_the_owner_and_mode_that_are_set(start_templates, haproxy, catalog, until) -> None:
    with start_templates(
        container="", check="test -s {candidate}", reload="", owner="123:456", mode="0640"
    ) as templates:
        until(templates.file.exists, "the file")
        found = templates.file.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (123, 456, 0o640)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/containers/rollcall-test-haproxy/exec"),
        ("POST", "/containers/create"),
        ("GET", "/containers/json"),
        ("GET", "/haproxy/check"),
        ("POST", "/haproxy/check/../../containers/create"),
        ("POST", "/haproxy/other"),
        ("POST", f"/exec/{'0' * 63}/start"),
        ("PUT", f"/exec/{'0' * 64}/start"),
        ("GET", "/exec/../containers/json"),
        ("POST", "/haproxy%2fcheck/x"),
    ],
)
def test_the_commands_filter_runs_nothing_else(served, method, path) -> None:
    code, output = _ask(served, method, path, '{"Cmd": ["id"], "Privileged": true}')
    assert code == 0
    assert "refused by the commands filter" in output or "400 Bad Request" in output


def test_request_data_changes_no_command(served, haproxy) -> None:
    sent = '{"Cmd": ["touch", "/tmp/evil"], "User": "root", "Privileged": true}'
    code, output = _ask(served, "POST", "/haproxy/check", sent)
    assert code == 0
    identity = output.split('"Id":"')[1][:64]
    _ask(served, "POST", f"/exec/{identity}/start", sent)
    document = haproxy.container.client.api.exec_inspect(identity)
    assert document["ProcessConfig"]["arguments"][1].startswith("haproxy -c -f /")
    assert not document["ProcessConfig"].get("privileged")
    assert haproxy.container.exec_run(["ls", "/tmp/evil"]).exit_code != 0


def _ask(templates, method: str, path: str, body: str) -> tuple[int, str]:
    """Ask the commands filter from within the templates' container."""
    script = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect('/run/templates-filter/commands.sock')\n"
        "s.sendall(sys.argv[1].encode())\n"
        "while part := s.recv(65536): sys.stdout.buffer.write(part)\n"
    )
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    code, output = templates.container.exec_run(["python3", "-c", script, request])
    return code, output.decode(errors="replace")


def test_fifty_changes_under_keep_alive_load_lose_nothing(
    served, haproxy, catalog, instances, until, record_property
) -> None:
    two = instances[1]
    changes = served.status()["changes"]
    load = Load(haproxy.port, path="/", connections=CONNECTIONS)
    with load.running():
        for change in range(CHANGES // 2):
            catalog.register(two)
            until(lambda: f":{two.port} " in served.file.read_text(), f"the instance added in round {change}")
            catalog.deregister(two)
            until(lambda: f":{two.port} " not in served.file.read_text(), f"the instance removed in round {change}")
        until(lambda: served.status()["changes"] >= changes + CHANGES, "all changes served")
        until(lambda: load.requests > 1000, "visitors")

    record_property("requests", load.requests)
    record_property("connects", load.connects)
    assert load.broken == {}
