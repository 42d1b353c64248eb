"""Parse the streams in nginx's configuration: what the front's own template makes of a routing is read back."""

import shlex
import subprocess
from pathlib import Path

import pytest
from front_catalog import instance, routed, settings
from hypothesis import given
from hypothesis import strategies as st

from rollcall.components.template_files import source
from rollcall.contract.service_protocol import MARK_PROTOCOL
from rollcall.contract.stream_metadata import Place
from rollcall.front.inputs.catalog import Instance
from rollcall.front.inputs.settings import DeclaredStream
from rollcall.front.routing.sites import render_streams
from rollcall.verify import nginx_streams

PORTS = frozenset({(5432, "tcp"), (53, "udp"), (5432, "udp"), (8443, "tcp")})
TEMPLATE = source("front/streams.conf.j2")

INSTANCES = st.builds(
    lambda name, service, state, address, meta: instance(name, service, state=state, address=address, **meta),
    st.sampled_from("abc"),
    st.sampled_from(["db-5432", "mail-993", "dns-53"]),
    st.sampled_from(["passing", "critical"]),
    st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1"]),
    st.fixed_dictionaries(
        {},
        optional={
            "virtual_tcp": st.sampled_from(["5432", "8443"]),
            "virtual_tls": st.sampled_from(["a.example.com:8443", "*.example.com:8443, b.example.com:5432"]),
            "virtual_udp": st.sampled_from(["53", "5432"]),
            "virtual_allow": st.just("10.0.0.0/8"),
            "virtual_deny": st.just("fd00::/8 10.0.0.7"),
            "virtual_read_timeout": st.just("60"),
            MARK_PROTOCOL: st.just("udp"),
        },
    ),
)


@given(
    st.lists(INSTANCES, max_size=6), st.sampled_from(["", "10.0.0.9", "[fd00::9]"]), st.sampled_from(["db-5432", "x"])
)
def test_what_the_front_wrote_is_read_back(instances: list[Instance], address: str, service: str) -> None:
    declared = (DeclaredStream(service, (Place(7000), Place(7000, "udp")), ()),)
    given_settings = settings(stream_ports=PORTS, streams=declared, address=address)
    routing = routed(*instances, settings=given_settings)
    upstreams = {one.name: {server.instance.endpoint for server in one.servers} for one in routing.stream_upstreams}
    found = nginx_streams.parse(render_streams(TEMPLATE, routing, given_settings))
    assert found == {one.place: upstreams[one.upstream] for one in routing.streams}


@pytest.mark.parametrize(
    ("nginx", "streams"),
    [("stream {\n    include streams.conf;\n}\n", "server {\n}\n"), ("http {\n}\n", "")],
)
def test_what_nginx_does_not_include_is_not_served(tmp_path: Path, nginx: str, streams: str) -> None:
    (tmp_path / "nginx.conf").write_text(nginx)
    (tmp_path / "streams.conf").write_text("server {\n}\n")
    *_, script = shlex.split(nginx_streams.COMMAND)
    read = subprocess.run(
        ["sh", "-c", script.replace("/var/lib/rollcall/front/current", str(tmp_path))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout == streams
