"""The front's, the backends' and the forwarder's files as a deploy writes them."""

import json
import re

import pytest

from rollcall.settings import Front
from rollcall.templates import render, source

RENDERED = {
    "front/nginx.conf.j2": {"front": Front()},
    "front/consul-template.hcl.j2": {"consul_address": "127.0.0.1:8500"},
    "backend/nginx.conf.j2": {"backend": {"host": "app1"}},
    "dns/dnsmasq.conf.j2": {"dns": {"interface": "docker0", "domain": "consul"}},
}


def lines(name: str, **values: object) -> list[str]:
    return [line.strip() for line in render(name, **values).splitlines()]


def nginx(**settings: object) -> list[str]:
    return lines("front/nginx.conf.j2", front=Front(**settings))


@pytest.mark.parametrize("name", RENDERED)
def test_a_rendered_file_has_nothing_left_over(name: str) -> None:
    text = render(name, **RENDERED[name])
    assert not [line for line in text.splitlines() if line != line.rstrip()], "spaces at a line's end"
    assert text.endswith("\n") and not text.endswith("\n\n") and not text.startswith("\n")
    assert not [mark for mark in ("{{", "}}", "{%", "{#", "None", "Undefined") if mark in text]


def test_backends_learn_who_asked_and_connections_to_them_are_kept() -> None:
    assert {
        "proxy_http_version 1.1;",
        "proxy_set_header Connection $connection_upgrade;",
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
    } <= set(nginx())


def test_a_reload_gives_connections_time_but_not_for_ever() -> None:
    text = nginx(shutdown_timeout=45)
    assert "keepalive_min_timeout 10s;" in text
    assert "worker_shutdown_timeout 45s;" in text


def test_nginx_tells_its_status_to_nobody_outside_the_container() -> None:
    before, serving = "\n".join(nginx()).split("server_name front.rollcall.invalid;")
    assert "stub_status;" in before and "include generation.conf;" in before
    listening = [line for line in before.splitlines() if line.startswith("listen")]
    assert listening == ["listen unix:/run/rollcall/front/nginx.sock;", "listen 80;"]
    assert not [line for line in serving.splitlines() if line.startswith(("listen", "stub_status", "include gen"))]


def test_whether_it_serves_is_answered_where_visitors_are_and_by_no_backend() -> None:
    text = "\n".join(nginx(address="10.0.0.1", http_port=8080, redirect=True))
    assert "listen 10.0.0.1:8080;\nserver_name front.rollcall.invalid;\naccess_log off;\nreturn 204;\n}" in text


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


def test_consul_template_asks_the_hosts_own_agent_and_never_gives_up() -> None:
    text = [" ".join(line.split()) for line in lines("front/consul-template.hcl.j2", consul_address="127.0.0.1:8600")]
    assert 'address = "127.0.0.1:8600"' in text
    assert "attempts = 0" in text


def test_a_backends_page_names_the_docker_host() -> None:
    assert 'set $docker_host "app7";' in lines("backend/nginx.conf.j2", backend={"host": "app7"})


def test_a_backends_script_is_the_same_however_it_is_copied() -> None:
    assert render("backend/answer.js") == source("backend/answer.js")


def test_only_the_catalogs_domain_goes_to_consul() -> None:
    text = lines("dns/dnsmasq.conf.j2", dns={"interface": "bridge0", "domain": "fleet.example"})
    assert [line for line in text if line.startswith("server=")] == ["server=/fleet.example/127.0.0.1#8600"]
    assert "resolv-file=/etc/rollcall/dns/upstream.conf" in text
    doors = [line for line in text if line.startswith(("listen-address", "interface"))]
    assert doors == ["interface=bridge0", "interface=br-*"]
    assert "cache-size=0" in text
