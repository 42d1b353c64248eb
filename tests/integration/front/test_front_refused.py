"""A configuration that nginx refuses never replaces the one it serves, and the reason is reported."""

import socket

BROKEN = "    this_is_no_directive;\n}\n"


def registered(front, catalog, backend, until) -> None:
    catalog.register(backend.name, backend.address)
    until(front.instances, "the instance behind the front")


def test_a_refused_change_leaves_the_last_good_configuration_and_gives_the_reason(
    front, catalog, backends, until
) -> None:
    one, two = backends
    registered(front, catalog, one, until)
    good = front.read("nginx.conf")

    front.write("nginx.conf", good.rstrip().removesuffix("}") + BROKEN)
    catalog.register(two.name, two.address)
    until(front.failure, "a reason")
    assert 'unknown directive "this_is_no_directive"' in front.failure()
    assert 'unknown directive "this_is_no_directive"' in front.log()
    assert front.instances() == [f"{one.address}:80"]
    assert front.get().json["container"] == one.name
    assert "this_is_no_directive" in front.execute("front-health")[1]
    assert front.restarts() == 0

    front.write("nginx.conf", good)
    catalog.deregister(one.name)
    until(lambda: front.instances() == [f"{two.address}:80"], "the next change served")
    assert front.failure() == ""


def test_with_a_broken_configuration_a_start_serves_the_last_good_one(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    front.write("nginx.conf", BROKEN)
    front.container.restart()
    until(lambda: front.status() == 200, "the last good configuration")
    # nginx starts first; the status page follows a moment later.
    until(lambda: "unknown directive" in front.failure(), "the reason")


def test_without_a_good_configuration_the_front_fails_with_the_reason(front, until) -> None:
    front.write("nginx.conf", BROKEN)
    front.shell("rm -rf /var/lib/rollcall/front/*")
    front.container.restart()
    until(lambda: front.restarts() > 0, "the container to end and be started again")
    assert "nginx refuses to start" in front.log()
    assert 'unknown directive "this_is_no_directive"' in front.log()


def test_a_changed_nginx_conf_is_served_without_a_restart(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    kept = front.connect()
    kept.request("GET", "/health")
    assert kept.getresponse().read() == b"ok\n"

    front.write("nginx.conf", front.read("nginx.conf").replace("server_tokens off", "server_tokens on"))
    assert front.execute("front-apply")[0] == 0
    assert front.get("/health").headers["Server"].startswith("nginx/1.")
    kept.request("GET", "/health")
    assert kept.getresponse().status == 200
    assert front.restarts() == 0


def test_a_deploy_gets_nginxs_refusal(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    front.write("nginx.conf", BROKEN)
    code, _, complaint = front.execute("front-apply")
    assert code == 1
    assert "stays" in complaint and "unknown directive" in complaint
    assert front.status() == 200


def test_a_checked_configuration_that_nginx_does_not_serve_is_a_failure(front, catalog, backends, until) -> None:
    """nginx -t does not detect that another process has the port."""
    registered(front, catalog, backends[0], until)
    good = front.read("nginx.conf")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = f"server {{ listen 127.0.0.1:{taken.getsockname()[1]}; }}"
        front.write("nginx.conf", good.replace("include sites.conf;", f"include sites.conf;\n{server}"))
        code, _, complaint = front.execute("front-apply")
    assert code == 1
    assert "did not serve" in complaint
    assert front.status() == 200

    front.write("nginx.conf", good)
    assert front.execute("front-apply")[0] == 0


def test_another_server_that_nginx_refuses_at_its_reload_leaves_the_last_good_configuration(
    front, catalog, backends, until
) -> None:
    """Other servers alone are not checked before the reload."""
    one, two = backends
    registered(front, catalog, one, until)
    template = front.read("sites.conf.j2")
    front.write("sites.conf.j2", template.replace("{{ server.instance.endpoint }}", "10.0.0.1:99999"))
    code, _, complaint = front.execute("front-apply")
    assert code == 1
    assert "did not serve" in complaint and 'invalid port in upstream "10.0.0.1:99999"' in complaint
    assert "invalid port" in front.failure() and "invalid port" in front.execute("front-health")[1]
    assert front.instances() == [f"{one.address}:80"]
    assert front.get().json["container"] == one.name

    front.write("sites.conf.j2", template)
    catalog.register(two.name, two.address)
    until(lambda: len(front.instances()) == 2, "the next change served")
    assert front.failure() == "" and front.restarts() == 0
