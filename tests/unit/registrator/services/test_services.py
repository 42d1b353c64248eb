"""Names, ids, tags, Meta: what a container's service is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registrator_documents import ENGINES, WEB, container, read, recorded, settings

from rollcall.registrator.docker.container import read_container
from rollcall.registrator.services.services import read_services
from rollcall.registrator.tracker import Tracker


@pytest.mark.parametrize("engine", ENGINES)
def test_two_ports_and_a_general_name_give_a_name_per_port(engine: str) -> None:
    reading = read(recorded("published", engine))
    assert {service.name: (service.id, service.tags) for service in reading.services if service.port != 8081} == {
        "nginx-80": ("app1:regt-published:80", ("http",)),
        "nginx-443": ("app1:regt-published:443", ("https",)),
    }


def test_a_backend_as_a_deploy_makes_it() -> None:
    made = recorded("published", "26.1")
    services = {service.name: service for service in read(made, internal=False, ip="10.77.0.21").services}
    assert {name: (service.id, service.address, service.port, service.tags) for name, service in services.items()} == {
        "webserver-80": ("app1:webserver-1:80", "10.77.0.21", 32969, ("http",)),
        "webserver-443": ("app1:webserver-1:443", "10.77.0.21", 32968, ("https",)),
    }
    timing = {"Status": "passing", "Interval": "5s", "Timeout": "2s"}
    assert services["webserver-80"].check == {"HTTP": "http://10.77.0.21:32969/health", **timing}
    secure = {"HTTP": "https://10.77.0.21:32968/health", "TLSSkipVerify": True}
    assert services["webserver-443"].check == {**secure, **timing}
    assert [service.address for service in read(made).services] == ["172.18.0.2", "172.18.0.2"]


def test_one_port_gives_the_plain_name() -> None:
    assert read(container("80/tcp", env={"SERVICE_NAME": "nginx"})).services[0].name == "nginx"


def test_a_name_given_for_the_port_stays_as_it_is() -> None:
    made = container("80/tcp", "443/tcp", env={"SERVICE_80_NAME": "web", "SERVICE_NAME": "nginx"})
    assert [service.name for service in read(made).services] == ["web", "nginx-443"]


def test_an_ignored_port_still_counts_for_the_others_names() -> None:
    made = container("80/tcp", "443/tcp", env={"SERVICE_443_IGNORE": "yes", "SERVICE_NAME": "nginx"})
    assert [service.name for service in read(made).services] == ["nginx-80"]


def test_the_same_port_over_tcp_and_udp() -> None:
    made = container("53/tcp", "53/udp", env={"SERVICE_NAME": "dns", "SERVICE_53_udp_NAME": "dns-udp"})
    assert [(service.name, service.id, service.tags) for service in read(made).services] == [
        ("dns-53", "app1:web-1:53", ()),
        ("dns-udp", "app1:web-1:53:udp", ("udp",)),
    ]


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "nginx"),
        ("nginx:1.30", "nginx"),
        ("shop/web:1.2", "web"),
        ("registry:5000/shop/web", "web"),
        ("registry:5000/shop/web:1.2", "web"),
        ("nginx@sha256:0123", "nginx"),
        ("nginx:1.30@sha256:0123", "nginx"),
    ],
)
def test_without_a_name_the_image_gives_it(image: str, name: str) -> None:
    assert read(container("80/tcp", Image=image)).services[0].name == name


@pytest.mark.parametrize("image", [f"sha256:{'0f' * 32}", "sha256:0f0f", "0f" * 32, "0f0f0f0f0f0f", "0f0f"])
def test_an_image_that_only_has_an_id_names_nothing_so_the_container_does(image: str) -> None:
    document = {**WEB, "Image": f"sha256:{'0f' * 32}", "Config": {"Image": image, "ExposedPorts": {"80/tcp": {}}}}
    (service,) = read(read_container(document)).services
    assert service.name == "web-1"


@pytest.mark.parametrize("image", ["cafe", "0f0f1111", "beef:1"])
def test_a_name_of_hexadecimal_digits_is_a_name(image: str) -> None:
    document = {**WEB, "Image": f"sha256:{'0f' * 32}", "Config": {"Image": image, "ExposedPorts": {"80/tcp": {}}}}
    assert [service.name for service in read(read_container(document)).services] == [image.partition(":")[0]]


@pytest.mark.parametrize("template", ["{{.ID}}", "{{.Id}}", "{{$.ID}}", '{{.HostConfig.DNS | join ""}}'])
def test_fields_of_templates_may_be_spelled_as_the_original_registrators_client_does(template: str) -> None:
    made = container("80/tcp", env={"SERVICE_TAGS": template})
    reading = read_services(made, settings(internal=True), document={"Id": "abc", "HostConfig": {"Dns": ["abc"]}})
    assert reading.services[0].tags == ("abc",)


def test_a_label_is_not_a_field_and_keeps_its_capitals() -> None:
    made = container("80/tcp", env={"SERVICE_TAGS": "{{.Config.Labels.ROLE}}"})
    reading = read_services(made, settings(internal=True), document={"Config": {"Labels": {"role": "db"}}})
    assert ".Config.Labels.ROLE is not in the container's inspect data" in reading.faults[0]


def test_explicit_wants_a_name() -> None:
    reading = read(container("80/tcp", "81/tcp", env={"SERVICE_81_NAME": "web"}), explicit=True)
    assert [service.name for service in reading.services] == ["web"]
    assert "-explicit requires" in reading.remarks[0]


@pytest.mark.parametrize("value", ["true", "false", "1", "x"])
def test_any_value_of_ignore_ignores(value: str) -> None:
    reading = read(container("80/tcp", env={"SERVICE_IGNORE": value}))
    assert reading.services == ()
    assert reading.remarks == ("port 80/tcp: SERVICE_IGNORE is set",)


def test_an_empty_ignore_ignores_nothing() -> None:
    assert len(read(container("80/tcp", env={"SERVICE_IGNORE": ""})).services) == 1


def test_the_containers_tags_come_before_those_for_all() -> None:
    made = container("53/udp", env={"SERVICE_TAGS": r"a,b\,c"})
    assert read(made, tags="all").services[0].tags == ("a", "b,c", "all", "udp")


def test_tags_may_be_templates_over_the_containers_inspect_data() -> None:
    made = container("80/tcp", env={"SERVICE_TAGS": "{{.Config.Image}},{{range .Config.Names}}{{.}},{{end}}"})
    document = {"Config": {"Image": "web:1", "Names": ["a", "b"]}, "Name": "/web-1"}
    reading = read_services(made, settings(internal=True, tags='all,{{replace "/" "" .Name}}'), document=document)
    assert reading.services[0].tags == ("web:1", "a", "b", "all", "web-1")


def test_a_template_for_all_that_one_container_cannot_fill_costs_only_that_one() -> None:
    made = container("80/tcp")
    reading = read_services(made, settings(internal=True, tags="{{.Config.Labels.role}}"), document={"Config": {}})
    assert reading.services == ()
    assert "-tags=" in reading.remarks[0]


def test_a_given_id_is_taken() -> None:
    assert read(container("80/tcp", env={"SERVICE_ID": "web"})).services[0].id == "web"


@pytest.mark.parametrize("wrong", ["x/../app1:web-2:80", "..", "a//b", "a\nb", "é", "Consul", "x" * 513])
def test_an_id_that_cannot_be_addressed_costs_no_service_and_is_said(wrong: str) -> None:
    reading = read(container("80/tcp", env={"SERVICE_80_ID": wrong}))
    assert [service.id for service in reading.services] == ["app1:web-1:80"]
    assert reading.services[0].own_id
    assert reading.remarks == ()
    assert "SERVICE_80_ID=" in reading.notes[0] and "its id is app1:web-1:80" in reading.notes[0]


@pytest.mark.parametrize("wrong", ["..", "a/../b", "a//b", "a\nb", "\0"])
def test_a_name_that_cannot_be_asked_for_costs_the_service(wrong: str) -> None:
    reading = read(container("80/tcp", env={"SERVICE_NAME": wrong}))
    assert reading.services == ()
    assert "SERVICE_NAME=" in reading.remarks[0]


def test_a_name_that_dns_cannot_carry_is_registered_and_said() -> None:
    reading = read(container("80/tcp", env={"SERVICE_NAME": "my_shop"}))
    assert [service.name for service in reading.services] == ["my_shop"]
    assert "'my_shop' works over HTTP only" in reading.notes[0]


def test_a_hostname_that_no_id_can_begin_with_is_named() -> None:
    reading = read(container("80/tcp"), hostname="a//b")
    assert reading.services == ()
    assert "--hostname='a//b'" in reading.remarks[0]


def test_a_ports_own_id_is_its_own_whatever_another_port_asks_for() -> None:
    reading = read(container("80/tcp", "443/tcp", env={"SERVICE_80_ID": "APP1:web-1:443"}))
    assert [(service.id, service.port) for service in reading.services] == [("app1:web-1:443", 443)]
    assert reading.remarks == ("port 80/tcp: the id APP1:web-1:443 is taken by its port 443",)


def test_one_id_for_two_ports_serves_the_first_and_tells() -> None:
    reading = read(container("80/tcp", "81/tcp", env={"SERVICE_ID": "web"}))
    assert [service.port for service in reading.services] == [80]
    assert "id web is taken" in reading.remarks[0]


def test_every_other_key_becomes_meta() -> None:
    env = {"SERVICE_NAME": "a", "SERVICE_ID": "b", "SERVICE_TAGS": "c", "SERVICE_REGION": "eu", "SERVICE_80_RACK": "7"}
    env |= {"SERVICE_81_RACK": "8", "SERVICE_CHECK_TCP": "true"}
    assert read(container("80/tcp", env=env)).services[0].meta == {"region": "eu", "rack": "7", "check_tcp": "true"}


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("SERVICE_CHECK_TTL", "soon", "expected a duration"),
        ("SERVICE_TAGS", "{{.Nmae}}", ".Nmae is not in the container's inspect data"),
        ("SERVICE_80_TAGS", "{{.Name", "has no }}"),
    ],
)
def test_what_consul_would_refuse_costs_the_service_and_is_named(key: str, value: str, says: str) -> None:
    reading = read(container("80/tcp", env={key: value}))
    assert reading.services == ()
    assert key in reading.remarks[0]
    assert says in reading.remarks[0]
    assert len(reading.remarks[0]) < 250


@pytest.mark.parametrize("value", ["flase", "/drain", "30s"])
def test_a_drain_with_another_meaning_costs_nothing_and_is_said(value: str) -> None:
    reading = read(container("80/tcp", env={"SERVICE_DRAIN": value}))
    assert reading.services[0].drain
    assert f"SERVICE_DRAIN={value!r}: expected true or false; it is drained" in reading.notes[0]


@pytest.mark.parametrize(("value", "on"), [("true", True), ("TRUE", True), ("false", False), ("", False)])
def test_tag_override(value: str, on: bool) -> None:
    service = read(container("80/tcp", env={"SERVICE_ENABLE_TAG_OVERRIDE": value})).services[0]
    assert service.enable_tag_override is on


def test_a_paused_container_serves_nothing() -> None:
    made = container("80/tcp", State={"Running": True, "Paused": True})
    assert (read(made).services, read(made).remarks) == ((), ("it is paused",))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_recorded_exit_is_read(engine: str) -> None:
    made = recorded("exited", engine)
    assert (made.running, made.exit_code, made.stop_signal) == (False, 3, "SIGQUIT")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(
    [
        "NAME",
        "TAGS",
        "ID",
        "IGNORE",
        "80_NAME",
        "1-99999_ID",
        "80_tcp_TAGS",
        "NETWORK",
        "CHECK_HTTP",
        "CHECK_SCRIPT",
        "CHECK_TTL",
        "CHECK_INTERVAL",
        "CHECK_INITIAL_STATUS",
        "ENABLE_TAG_OVERRIDE",
        "DRAIN",
        "80_DRAIN",
        "CHECK_CMD",
        "CHECK_DEREGISTER_AFTER",
        "A.B",
        "_",
        "80",
        "80_",
    ]
)
PORTS = st.sampled_from(
    ["80/tcp", "80/udp", "0/tcp", "99999999999/tcp", "x", "", "80-90/tcp", "80", "443/tcp", "9/sctp"]
)


PARTS = {
    "Config": ["Image", "Env", "Labels", "ExposedPorts", "StopSignal", "StopTimeout"],
    "State": ["Running", "Paused", "ExitCode", "StartedAt", "Health"],
    "NetworkSettings": ["Ports", "Networks"],
    "HostConfig": ["NetworkMode"],
}
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={"Id": JSON, "Name": JSON}
    | {part: JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(keys, JSON)) for part, keys in PARTS.items()},
)


@given(DOCUMENTS)
def test_no_document_makes_it_raise(document: dict[str, object]) -> None:
    tags = "{{.Config.Image}},{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    reading = read_services(read_container(document), settings(internal=True, tags=tags), document=document)
    assert all(isinstance(tag, str) for service in reading.services for tag in service.tags)


@given(
    st.dictionaries(KEYS, st.text(max_size=30), max_size=8),
    st.dictionaries(KEYS, st.text(max_size=30), max_size=8),
    st.lists(PORTS, max_size=5),
    st.booleans(),
)
def test_no_metadata_makes_it_raise_and_ids_are_unique(
    env: dict[str, str], labels: dict[str, str], ports: list[str], internal: bool
) -> None:
    made = container(
        *ports,
        env={f"SERVICE_{key}": value for key, value in env.items()},
        labels={f"SERVICE_{key}": value for key, value in labels.items()},
    )
    ids = [service.id for service in read(made, internal=internal).services]
    assert len(ids) == len(set(ids))


VALUES = st.text(max_size=30) | st.sampled_from(
    ["{{.Name}}", "{{", "{{.Nmae}}", "10s", "soon", "true", "passing", "a,b", "web", "'", "sh -c 'x'", "x" * 600]
)


@given(
    st.dictionaries(KEYS, VALUES, max_size=8),
    st.dictionaries(KEYS, VALUES, max_size=8),
    st.lists(PORTS, max_size=5, unique=True),
)
def test_whatever_one_container_says_the_others_keep_their_services(
    env: dict[str, str], labels: dict[str, str], ports: list[str]
) -> None:
    other = container("80/tcp", Id="1" * 64, Name="/other")
    odd = container(
        *ports,
        Id="2" * 64,
        Name="/odd",
        env={f"SERVICE_{key}": value for key, value in env.items()},
        labels={f"SERVICE_{key}": value for key, value in labels.items()},
    )
    tracker = Tracker(keep_failed=False)
    tracker.update(other, read(other))
    tracker.update(odd, reading := read(odd))
    news = [service for service in tracker.new_remarks() if service.ignored]
    desired = tracker.desired()
    assert desired["app1:other:80"].container is other
    told = len(reading.services) + len(news) if ports else len(news)
    assert told >= 1, "a container that has no service is told why"


@given(st.lists(st.sampled_from(["web", "shop", ""]), min_size=2, max_size=6))
def test_no_two_services_have_one_id_whatever_ids_containers_choose(chosen: list[str]) -> None:
    tracker = Tracker(keep_failed=False)
    for number, service_id in enumerate(chosen):
        made = container("80/tcp", "81/tcp", Id=f"{number}" * 64, Name=f"/c{number}", env={"SERVICE_ID": service_id})
        tracker.update(made, read(made))
    services = list(tracker.desired().values())
    assert len({service.id for service in services}) == len(services)
    assert all(service_id in tracker.desired() for service_id in chosen if service_id)
