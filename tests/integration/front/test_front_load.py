"""No request is lost because the list changes."""

import ssl

from keep_alive_load import Load

from rollcall.secrets import certificates

CHANGES = 50


def test_fifty_changes_of_the_list_under_keep_alive_load_lose_nothing(
    front, catalog, backends, until, record_property
) -> None:
    one, two = backends
    catalog.register("one", one.address)
    until(front.instances, "the instance behind the front")

    load = Load(front.http_port)
    with load.running():
        for change in range(CHANGES // 2):
            catalog.register("two", two.address)
            until(lambda: len(front.instances()) == 2, f"the instance added in round {change}")
            catalog.deregister("two")
            until(lambda: len(front.instances()) == 1, f"the instance removed in round {change}")
        until(lambda: load.requests > 1000, "visitors")

    record_property("requests", load.requests)
    record_property("connects", load.connects)
    assert load.broken == {}


def test_certificates_and_tokens_that_change_under_load_lose_nothing(served, catalog, until, record_property) -> None:
    load = Load(served.https_port, tls=ssl._create_unverified_context())
    authority = certificates.authority("another")
    with load.running():
        for _ in range(10):
            new = certificates.issue(authority, "front", ["www.mastartup.io"], "server")
            served.write("tls/front.crt", new.certificate)
            served.write("tls/front.key", new.key)
            assert served.execute("front-apply")[0] == 0
            served.write("token", catalog.add_token("front"))
            assert served.execute("front-reload")[0] == 0
        until(lambda: load.requests > 1000, "visitors")

    record_property("requests", load.requests)
    record_property("connects", load.connects)
    assert load.broken == {}
