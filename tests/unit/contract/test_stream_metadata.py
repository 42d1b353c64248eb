"""The stream that an instance requests, from its metadata."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.contract import route_metadata
from rollcall.contract.policies import streams
from rollcall.contract.stream_metadata import Place, StreamMetadata, read

MAIL = Place(8443, "tcp", "mail.example.com")


@pytest.mark.parametrize(
    ("meta", "udp", "places"),
    [
        ({"virtual_tcp": "5432"}, False, (Place(5432),)),
        ({"virtual_tcp": " 65535 "}, False, (Place(65535),)),
        ({"virtual_udp": "53"}, True, (Place(53, "udp"),)),
        ({"virtual_tls": "Mail.example.com.:8443"}, False, (MAIL,)),
        (
            {"virtual_tls": "mail.example.com:8443, *.example.org:993"},
            False,
            (MAIL, Place(993, "tcp", "*.example.org")),
        ),
        ({"virtual_tcp": "5432", "virtual_tls": "mail.example.com:8443"}, False, (Place(5432), MAIL)),
        # Without a port number it is every port's.
        ({"virtual_tcp": "5432", "virtual_udp": "53"}, False, (Place(5432),)),
        ({"virtual_tcp": "5432", "virtual_udp": "53"}, True, (Place(53, "udp"),)),
    ],
)
def test_metadata_names_ports(meta: dict[str, str], udp: bool, places: tuple[Place, ...]) -> None:
    found = read(meta, udp=udp)
    assert found is not None and found.places == places


def test_a_request_of_the_other_transport_is_foreign() -> None:
    assert read({"virtual_tcp": "5432"}, udp=True) == StreamMetadata((), (), (Place(5432),))


@pytest.mark.parametrize("meta", [{}, {"virtual_host": "shop.example.com"}, {"virtual_tcp": ""}, {"tcp": "5432"}])
def test_without_a_port_there_is_no_stream(meta: dict[str, str]) -> None:
    assert read(meta, udp=False) is None


PORT = 'expected a port such as "5432"'
NAMES = 'expected names with a port such as "mail.example.com:8443"'


@pytest.mark.parametrize(
    ("meta", "sentence"),
    [
        ({"virtual_tcp": "0"}, f"virtual_tcp: got '0'; {PORT}"),
        ({"virtual_tcp": "65536"}, f"virtual_tcp: got '65536'; {PORT}"),
        ({"virtual_tcp": "5432; listen 22"}, f"virtual_tcp: got '5432; listen 22'; {PORT}"),
        ({"virtual_tcp": "٥٤٣٢"}, f"virtual_tcp: got '٥٤٣٢'; {PORT}"),
        ({"virtual_tcp": "-1"}, f"virtual_tcp: got '-1'; {PORT}"),
        ({"virtual_udp": "dns"}, f"virtual_udp: got 'dns'; {PORT}"),
        ({"virtual_tls": "mail.example.com"}, f"virtual_tls: got 'mail.example.com'; {NAMES}"),
        ({"virtual_tls": "mail_1.example.com:1"}, f"virtual_tls: got 'mail_1.example.com:1'; {NAMES}"),
        ({"virtual_tls": ":8443"}, f"virtual_tls: got ':8443'; {NAMES}"),
        ({"virtual_tls": " "}, f"virtual_tls: got ' '; {NAMES}"),
        (
            {"virtual_tcp": "1", "virtual_alow": "10.0.0.0/8"},
            "virtual_alow: unknown key; did you mean virtual_allow?",
        ),
        (
            {"virtual_tcp": "1", "virtual_basic_auth": "staff"},
            "virtual_basic_auth: got it for a stream; expected virtual_allow or virtual_deny",
        ),
        (
            {"virtual_tls": "a.example.com:1", "virtual_max_connections": "3"},
            "virtual_max_connections: got it for a name of TLS; expected it for a whole port",
        ),
        (
            {"virtual_udp": "1", "virtual_proxy_protocol": "true"},
            "virtual_proxy_protocol: got it for UDP; expected it for TCP alone",
        ),
    ],
)
def test_what_is_not_understood_opens_nothing(meta: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read(meta, udp="virtual_udp" in meta)


@pytest.mark.parametrize("key", [policy.meta for policy in streams.POLICIES if policy.access])
@pytest.mark.parametrize("value", ["", " ", "?", "10.0.0.7/8", "everybody"])
def test_a_limit_of_who_gets_in_that_is_not_understood_opens_nothing(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: got "):
        read({"virtual_tcp": "5432", key: value}, udp=False)


def test_policies_are_read_in_the_tables_order() -> None:
    meta = {"virtual_read_timeout": "60", "virtual_deny": "10.0.0.1", "virtual_proxy_protocol": "yes"}
    found = read({"virtual_tcp": "5432", **meta}, udp=False)
    assert found is not None
    assert found.policies == (("deny", "10.0.0.1/32"), ("read_timeout", "60"), ("proxy_protocol", "on"))


def test_a_route_and_a_stream_may_stand_side_by_side() -> None:
    meta = {
        "virtual_host": "shop.example.com",
        "virtual_gzip": "off",
        "virtual_tcp": "5432",
        "virtual_allow": "10.0.0.1",
    }
    assert read(meta, udp=False) == StreamMetadata((Place(5432),), (("allow", "10.0.0.1/32"),))
    route = route_metadata.read(meta)
    assert route is not None and not route.options.closed


@pytest.mark.parametrize("key", ["virtual_deny", "virtual_proxy_protocol", "virtual_read_timeout"])
def test_a_policy_of_a_stream_alone_needs_no_host_name(key: str) -> None:
    assert route_metadata.read({"virtual_tcp": "5432", key: "1"}) is None


def test_a_policy_that_only_routes_have_still_needs_one() -> None:
    with pytest.raises(ValueError, match="virtual_gzip: got no virtual_host beside it"):
        route_metadata.read({"virtual_tcp": "5432", "virtual_gzip": "off"})


@given(st.dictionaries(st.sampled_from(sorted(streams.KEYS)), st.text(max_size=20), min_size=1), st.booleans())
def test_no_text_becomes_more_than_a_port_and_a_name(meta: dict[str, str], udp: bool) -> None:
    try:
        found = read(meta, udp=udp)
    except ValueError as error:
        assert "got " in str(error) and "expected" in str(error)
        return
    for place in found.places if found else ():
        assert 1 <= place.port <= 65535 and (place.name == "" or route_metadata.host(place.name) == place.name)
