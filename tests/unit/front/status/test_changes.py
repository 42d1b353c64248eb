"""What just changed."""

from dataclasses import replace

from front_sight import NOW, instance, sight

from rollcall.contract.stream_metadata import Place
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.routing.model import Location, Routing, Server, Site, Stream, Upstream
from rollcall.front.status.changes import CHANGES, LENGTH, Changes, State, differences, state

WEB = [instance(f"web-{number}", node="app2") for number in range(1, 4)]
LEADERS = tuple(Instance("consul", "consul", f"consul{n}", f"10.77.0.1{n}", 8300) for n in (1, 2))


def of(*routed: Instance, others: tuple[Instance, ...] = (), kept: tuple[Instance, ...] = (), **more: object) -> State:
    """The state with these instances behind nginx, and others in the catalog alone."""
    sites = more.pop("sites", (Site("", (Location("/", "backends"),)),))
    routing = Routing(sites, (Upstream("backends", tuple(Server(one, 1) for one in routed), ("nginx-80",)),))  # type: ignore[arg-type]
    names = frozenset((one.node, one.identity) for one in kept)
    cluster = Cluster(**more)  # type: ignore[arg-type]
    catalog = Catalog((*(one for one in routed if one not in kept), *others))
    return state(routing, catalog, names, cluster)


def said(before: State, after: State) -> list[str]:
    return [f"{one.subject} {one.text} [{one.about}]" for one in differences(before, after)]


def test_an_instance_that_joins_or_leaves() -> None:
    assert said(of(WEB[0]), of(*WEB[:2])) == ["app2/web-2 joined [nginx-80]"]
    assert said(of(*WEB[:2]), of(WEB[0])) == ["app2/web-2 left [nginx-80]"]
    assert said(of(*WEB), of(*WEB)) == []


def test_an_instance_whose_state_changes() -> None:
    ill = replace(WEB[1], state="critical")
    resting = replace(WEB[1], state="maintenance")
    well = of(*WEB[:2])
    assert said(well, of(WEB[0], others=(ill,))) == ["app2/web-2 fails its check [nginx-80]"]
    assert said(of(WEB[0], others=(ill,)), well) == ["app2/web-2 passes its check again [nginx-80]"]
    assert said(well, of(WEB[0], others=(resting,))) == ["app2/web-2 is in maintenance [nginx-80]"]
    assert said(of(WEB[0], others=(resting,)), well) == ["app2/web-2 is back in service [nginx-80]"]
    assert said(of(WEB[0]), of(WEB[0], others=(ill,))) == ["app2/web-2 fails its check [nginx-80]"]


def test_a_stream_that_a_container_opens() -> None:
    db = instance("db-1", service="db-5432")
    upstream = Upstream("db-5432.tcp", (Server(db, 1),), ("db-5432",))
    opened = Routing((), (), streams=(Stream(Place(5432), "db-5432.tcp"),), stream_upstreams=(upstream,))
    before = state(Routing((), ()), Catalog(()), frozenset(), Cluster())
    after = state(opened, Catalog((db,)), frozenset(), Cluster())
    assert said(before, after) == ["port 5432/tcp leads to db-5432 [route]", "app1/db-1 joined [db-5432]"]


def test_an_instance_without_a_route() -> None:
    found = instance("db-1", service="db-5432")
    assert said(of(), of(others=(found,))) == ["app1/db-1 registered, without a route [db-5432]"]


def test_retained_instances_are_told_from_those_that_left() -> None:
    kept = of(*WEB[:2], kept=(WEB[1],))
    (one,) = said(of(*WEB[:2]), kept)
    assert "left the catalog with others; kept" in one
    assert said(kept, of(*WEB[:2])) == ["app2/web-2 is registered again [nginx-80]"]


def test_many_of_one_service_are_one_change() -> None:
    many = [instance(f"web-{number}") for number in range(30)]
    assert said(of(), of(*many)) == ["30 instances joined [nginx-80]"]


def test_routes() -> None:
    shop = Site("shop.example.com", (Location("/api", "backends"),))
    closed = replace(shop, locations=(Location("/api", "backends", maintenance=""),))
    no, yes, page = of(sites=()), of(sites=(shop,)), of(sites=(closed,))
    assert said(no, yes) == ["shop.example.com/api leads to nginx-80 [route]"]
    assert said(yes, page) == ["shop.example.com/api leads to a maintenance page [route]"]
    assert said(yes, no) == ["shop.example.com/api is no route any more []"]
    assert said(no, of()) == ["any other host / leads to nginx-80 [route]"]


def test_hosts_and_the_leader() -> None:
    before = of(others=LEADERS, hosts={"app1": True, "app2": True}, leader="10.77.0.11:8300")
    after = of(others=LEADERS, hosts={"app1": False, "app3": True}, leader="10.77.0.12:8300")
    assert said(before, after) == [
        "app1 is lost [host]",
        "app2 left the fleet [host]",
        "app3 joined the fleet [host]",
        "consul2 leads Consul []",
    ]
    assert "app1 is back [host]" in said(after, before)
    assert said(before, replace(before, leader="")) == ["consul1 leads Consul no longer; there is no leader []"]


def test_hosts_that_were_not_read_yet_are_no_change() -> None:
    assert said(of(), of(hosts={"app1": True})) == []


def test_the_newest_come_first_and_the_first_look_is_no_change() -> None:
    found = Changes()
    found.see(of(WEB[0]), NOW)
    assert found.newest() == ()
    found.see(of(*WEB[:2]), NOW)
    found.see(of(*WEB), NOW)
    assert [noted.change.subject for noted in found.newest()] == ["app2/web-3", "app2/web-2"]


def test_what_is_remembered_has_a_bound() -> None:
    found = Changes()
    for number in range(2 * CHANGES):
        found.see(of(instance("x" * 5000 + str(number), service=f"s{number}")), NOW)
    assert len(found.newest()) == CHANGES
    assert max(len(text) for noted in found.newest() for text in vars(noted.change).values()) == LENGTH


def test_a_whole_sight_has_no_difference_to_itself() -> None:
    whole = sight()
    found = state(whole.routing, whole.catalog, frozenset(), Cluster())
    assert differences(found, found) == []
