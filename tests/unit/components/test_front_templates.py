"""The files of the front, the sample service and the forwarder, as a deploy writes them."""

import json
import re
import select

import pytest
from nginx_configuration import Directive, parsed

from rollcall.components.front import nginx_conf
from rollcall.components.template_files import render
from rollcall.config.settings import Front
from rollcall.front import paths

RENDERED = {
    "front/consul-template.hcl.j2": {"consul_address": "127.0.0.1:8500"},
    "webserver/nginx.conf.j2": {"host": "app1"},
    "dns/dnsmasq.conf.j2": {"dns": {"interface": "docker0", "domain": "consul", "servers": []}},
}


def lines(name: str, **values: object) -> list[str]:
    return [line.strip() for line in render(name, **values).splitlines()]


def nginx(**settings: object) -> list[str]:
    return [line.strip() for line in nginx_conf(Front(**settings), 1).splitlines()]


@pytest.mark.parametrize("name", [*RENDERED, "front/nginx.conf.j2"])
def test_a_rendered_file_has_nothing_left_over(name: str) -> None:
    text = render(name, **RENDERED[name]) if name in RENDERED else nginx_conf(Front(), 1)
    assert not [line for line in text.splitlines() if line != line.rstrip()], "spaces at a line's end"
    assert text.endswith("\n") and not text.endswith("\n\n") and not text.startswith("\n")
    assert not [mark for mark in ("{{", "}}", "{%", "{#", "None", "Undefined") if mark in text]


def test_backends_receive_the_clients_address_over_persistent_connections() -> None:
    assert {
        "proxy_http_version 1.1;",
        "proxy_set_header Connection $connection_upgrade;",
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $visitor_scheme;",
    } <= set(nginx())


@pytest.mark.parametrize("module", ["proxy", "grpc"])
def test_a_clients_forwarding_headers_reach_no_backend(module: str) -> None:
    """A program that trusts it would send a visitor's password reset to a host of the client's choice."""
    assert {
        f"{module}_set_header X-Forwarded-Host $host$is_request_port$request_port;",
        f"{module}_set_header X-Forwarded-Port $visitor_port;",
        f'{module}_set_header Forwarded "";',
        # CVE-2016-5385: CGI programs read it as the setting of their own proxy.
        f'{module}_set_header Proxy "";',
    } <= set(nginx())


def test_a_reload_limits_the_time_of_old_connections() -> None:
    text = nginx(shutdown_timeout=45)
    assert "keepalive_min_timeout 10s;" in text
    assert "worker_shutdown_timeout 45s;" in text


def test_nginx_serves_its_status_only_inside_the_container() -> None:
    before, serving = "\n".join(nginx()).split("server_name front.rollcall.invalid;")
    assert "stub_status;" in before and "include generation.conf;" in before
    listening = [line for line in before.splitlines() if line.startswith("listen")]
    assert listening == ["listen unix:/run/rollcall/front/nginx.sock;", "listen 80;"]
    assert not [line for line in serving.splitlines() if line.startswith(("listen", "stub_status", "include gen"))]


def test_the_health_response_comes_from_the_front_itself() -> None:
    text = "\n".join(nginx(address="10.0.0.1", http_port=8080, redirect=True))
    assert "listen 10.0.0.1:8080;\nserver_name front.rollcall.invalid;\naccess_log off;\nreturn 204;\n}" in text


def http(**settings: object) -> Directive:
    return parsed(nginx_conf(Front(**settings), 1)).one("http")


def mapped(source: str, value: str, **settings: object) -> dict[str, str]:
    """The result of an nginx map for each value; a pattern stays unchanged."""
    (found,) = [one for one in http(**settings).all("map") if one.arguments == [source, value]]
    return {one.name: one.arguments[0] for one in found.block}


def test_an_upgrade_takes_a_connection_along_and_nothing_else_does() -> None:
    """Nor h2c: the front could not see the client's further requests to the backend."""
    assert mapped("$http_upgrade", "$upgrade") == {"~*h2c": "", "default": "$http_upgrade"}
    assert mapped("$upgrade", "$connection_upgrade") == {"": "", "default": "upgrade"}
    assert ["Upgrade", "$upgrade"] in [one.arguments for one in http().all("proxy_set_header")]


TRUSTED = ("10.0.0.0/8", "2001:db8::/32")


def test_without_trusted_proxies_a_client_is_who_connects() -> None:
    found = http()
    assert found.all("set_real_ip_from") == found.all("real_ip_header") == []
    assert [(one.name, one.arguments) for one in found.one("geo").block] == [("default", [""])]


def test_trusted_proxies_alone_tell_who_the_client_is() -> None:
    found = http(trusted_proxies=TRUSTED)
    assert [one.arguments[0] for one in found.all("set_real_ip_from")] == [*TRUSTED]
    assert found.value("real_ip_header") == "X-Forwarded-For" and found.value("real_ip_recursive") == "on"
    assert [(one.name, *one.arguments) for one in found.one("geo").block] == [
        ("default", ""),
        *((network, "1") for network in TRUSTED),
    ]


@pytest.mark.parametrize(
    ("sender", "claim", "scheme"),
    [
        ("1", "https", "https"),
        ("1", "HTTPS", "https"),
        ("1", "http", "http"),
        # A load balancer that appends: the client's own claim comes first.
        ("1", "https, http", "http"),
        ("1", "http,https", "https"),
        ("1", "httpsx", "$scheme"),
        ("1", "", "$scheme"),
        ("", "https", "$scheme"),
        ("", "1:https", "$scheme"),
    ],
)
def test_the_scheme_is_a_trusted_proxys_last_word(sender: str, claim: str, scheme: str) -> None:
    found = mapped("$by_trusted_proxy:$http_x_forwarded_proto", "$visitor_scheme", trusted_proxies=TRUSTED)
    patterns = {pattern.removeprefix("~*"): result for pattern, result in found.items() if pattern != "default"}
    results = [result for pattern, result in patterns.items() if re.search(pattern, f"{sender}:{claim}", re.I)]
    assert (results or [found["default"]]) == [scheme]


def test_by_the_proxy_protocol_no_header_counts() -> None:
    """A load balancer of connections passes the client's own headers unchanged."""
    settings = {"trusted_proxies": TRUSTED, "proxy_protocol": True}
    assert http(**settings).value("real_ip_header") == "proxy_protocol"
    scheme = mapped("$by_trusted_proxy:$proxy_protocol_server_port", "$visitor_scheme", **settings)
    assert scheme == {"1:443": "https", "default": "$scheme"}
    assert mapped("", "$visitor_port", **settings) == {"default": ""}
    (listen,) = [one.value("listen") for one in http(**settings).all("server") if one.all("return")]
    assert listen == "80 proxy_protocol"


@pytest.mark.parametrize("given", ["abc-1", "4bf92f3577b34da6a3ce929d0e0e4736", "a/b+c=="])
def test_a_clients_request_id_is_preserved(given: str) -> None:
    assert kept_id(given)


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "a, b", "a" * 129, "ä", "$host", "<b>"])
def test_an_invalid_request_id_is_replaced(given: str) -> None:
    assert not kept_id(given)


def kept_id(given: str) -> bool:
    pattern, default = mapped("$http_x_request_id", "$known_request_id")
    assert default == "default"
    return re.search(pattern.removeprefix("~"), given) is not None


def test_a_request_id_goes_to_the_backend_the_client_and_the_log() -> None:
    found = http()
    for directive in ("proxy_set_header", "grpc_set_header"):
        assert ["X-Request-ID", "$known_request_id"] in [one.arguments for one in found.all(directive)]
    assert found.value("add_header") == "X-Request-ID $known_request_id always"
    # Otherwise a location with its own headers would have none of these.
    assert found.value("add_header_inherit") == "merge"
    assert found.value("proxy_hide_header") == found.value("grpc_hide_header") == "X-Request-ID"


def test_http_2_is_spoken_on_both_ports() -> None:
    assert http().value("http2") == "on"


def test_the_access_log_is_written_in_pieces_that_a_pipe_keeps_whole() -> None:
    """Larger writes of two workers would mix within a line."""
    (one,) = [one.arguments for one in http().all("access_log") if one.arguments[1:2] == ["rollcall"]]
    (kilobytes,) = [int(size) for size in re.findall(r"buffer=(\d+)k", " ".join(one))]
    assert kilobytes * 1024 <= select.PIPE_BUF


FILE = "/run/rollcall/front/access.log"
LOGS = [
    ("json", [["/dev/stdout", "rollcall"]]),
    ("short", [["/dev/stdout", "short"]]),
    ("file", [[FILE, "rollcall"]]),
    ("off", []),
]


@pytest.mark.parametrize(("wanted", "logs"), LOGS)
def test_the_access_log_is_what_the_setting_says_and_counting_does_not_need_it(
    wanted: str, logs: list[list[str]]
) -> None:
    found = [one.arguments[:2] for one in http(access_log=wanted).all("access_log") if one.arguments != ["off"]]
    assert found == [*logs, [str(paths.COUNTED_LOG), "counted"]]
    assert str(paths.ACCESS_LOG) == FILE


def test_tries_are_counted_apart_from_the_access_log() -> None:
    (one,) = [one.arguments for one in http().all("access_log") if one.arguments[1:2] == ["counted"]]
    assert one[0] == "/run/rollcall/front/counted.log" and "if=$upstream_addr" in one
    (form,) = [one.arguments for one in http().all("log_format") if one.arguments[0] == "counted"]
    assert form[1:] == ["$upstream_addr|$upstream_status|$upstream_response_time"]


def test_grpc_is_passed_on_by_the_same_rules() -> None:
    found = http(proxy_read_timeout=14)
    for name in ("connect_timeout", "read_timeout", "next_upstream", "ssl_server_name"):
        assert found.value(f"grpc_{name}") == found.value(f"proxy_{name}")
    proxied, grpc = (
        {tuple(one.arguments) for one in found.all(directive)} for directive in ("proxy_set_header", "grpc_set_header")
    )
    assert proxied - grpc == {("Upgrade", "$upgrade"), ("Connection", "$connection_upgrade")} and grpc < proxied


def test_the_sites_are_the_front_programs_matter() -> None:
    assert nginx()[-2:] == ["include sites.conf;", "}"]


def test_a_line_of_the_access_log_is_json_whatever_a_client_sends() -> None:
    text = "\n".join(nginx())
    (written,) = re.findall(r"log_format rollcall escape=json\n((?:'.*'\n?)+);", text)
    line = "".join(re.findall("'(.*)'", written))
    # nginx's numbers, and texts that escape=json escapes.
    numbers = dict.fromkeys(("logged_status", "request_length", "bytes_sent", "request_time"), "0")
    filled = json.loads(re.sub(r"\$(\w+)", lambda found: numbers.get(found[1], found[1]), line))
    assert {"time", "request_id", "host", "method", "uri", "status", "upstream_addr", "seconds"} <= filled.keys()
    assert filled["status"] == 0 and filled["protocol"] == "server_protocol"


def test_every_limit_is_the_settings() -> None:
    limits = {
        "max_body_size": "5m",
        "max_header_size": 16,
        "client_header_timeout": 11,
        "client_body_timeout": 12,
        "send_timeout": 13,
        "proxy_read_timeout": 14,
    }
    assert {
        "client_max_body_size 5m;",
        "large_client_header_buffers 4 16k;",
        "client_header_timeout 11s;",
        "client_body_timeout 12s;",
        "send_timeout 13s;",
        "proxy_read_timeout 14s;",
        "grpc_read_timeout 14s;",
    } <= set(nginx(**limits))


def test_consul_template_uses_the_hosts_own_agent_and_retries_for_ever() -> None:
    text = [" ".join(line.split()) for line in lines("front/consul-template.hcl.j2", consul_address="127.0.0.1:8600")]
    assert 'address = "127.0.0.1:8600"' in text
    assert "attempts = 0" in text


def test_only_the_catalogs_domain_goes_to_consul() -> None:
    text = lines(
        "dns/dnsmasq.conf.j2", dns={"interface": "bridge0", "domain": "fleet.example", "servers": ["192.0.2.1#5353"]}
    )
    assert [line for line in text if line.startswith("server=")] == [
        "server=/fleet.example/127.0.0.1#8600",
        "server=192.0.2.1#5353",
    ]
    assert "resolv-file=/etc/rollcall/dns/upstream.conf" in text
    doors = [line for line in text if line.startswith(("listen-address", "interface"))]
    assert doors == ["interface=bridge0", "interface=br-*"]
    assert "cache-size=0" in text


def test_streams_are_configured_only_where_the_front_may_have_some() -> None:
    """A front without them needs no nginx with the module."""
    assert "stream {" not in nginx() and not any("mod-stream" in line for line in nginx())
    for setting in ({"streams": [{"port": 5432, "service": "db-5432"}]}, {"stream_ports": [5432]}):
        lines = nginx(**setting)
        assert "stream {" in lines and "include streams.conf;" in [line.strip() for line in lines]


def test_a_streams_lines_are_logged_as_requests_are_and_counted() -> None:
    whole = parsed("\n".join(nginx(stream_ports=[5432])))
    for wanted, logs in LOGS:
        whole = parsed("\n".join(nginx(stream_ports=[5432], access_log=wanted)))
        found = [one.arguments[:2] for one in whole.one("stream").all("access_log")]
        assert found == [*logs, [str(paths.COUNTED_LOG), "counted"]]
