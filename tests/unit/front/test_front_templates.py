"""The front's, the backends' and the forwarder's files as a deploy writes them."""

import pytest

from rollcall.settings import Front
from rollcall.templates import render, source

RENDERED = {
    "front/nginx.conf.j2": {"front": Front()},
    "front/upstream.ctmpl.j2": {"front": Front()},
    "front/consul-template.hcl.j2": {"consul_address": "127.0.0.1:8500"},
    "backend/nginx.conf.j2": {"backend": {"host": "app1"}},
    "dns/dnsmasq.conf.j2": {"dns": {"interface": "docker0", "domain": "consul"}},
}


def lines(name: str, **values: object) -> list[str]:
    return [line.strip() for line in render(name, **values).splitlines()]


def upstream(**settings: object) -> list[str]:
    return lines("front/upstream.ctmpl.j2", front=Front(**settings))


def nginx(**settings: object) -> list[str]:
    return lines("front/nginx.conf.j2", front=Front(**settings))


def plain_server(**settings: object) -> list[str]:
    """The lines of the server that listens without TLS."""
    return _servers(**settings)[1]


def tls_server(**settings: object) -> list[str]:
    return _servers(**settings)[2]


def _servers(**settings: object) -> list[list[str]]:
    """Each server's lines: of the socket, of plain HTTP, of HTTPS."""
    servers = "\n".join(nginx(**settings)).split("server {")[1:]
    assert len(servers) == 3
    return [server.splitlines() for server in servers]


@pytest.mark.parametrize("name", RENDERED)
def test_a_rendered_file_has_nothing_left_over(name: str) -> None:
    text = render(name, **RENDERED[name])
    assert not [line for line in text.splitlines() if line != line.rstrip()], "spaces at a line's end"
    assert text.endswith("\n") and not text.endswith("\n\n") and not text.startswith("\n")
    assert not [mark for mark in ("{{", "}}", "{%", "{#", "None", "Undefined") if mark in text]


def test_each_instance_is_one_line_of_the_form_people_know() -> None:
    assert "server [[ . ]] max_fails=3 fail_timeout=60 weight=1;" in upstream()
    assert "server [[ . ]] max_fails=5 fail_timeout=7 weight=2;" in upstream(max_fails=5, fail_timeout=7, weight=2)


def test_every_service_of_the_setting_is_asked_for_and_no_other() -> None:
    asked = [line for line in upstream(services=["https.shop-443", "nginx-80"]) if '"collect" (service ' in line]
    assert asked == [
        '[[-   template "collect" (service "https.shop-443") ]]',
        '[[-   template "collect" (service "nginx-80") ]]',
    ]


def test_nobody_there_is_a_server_that_refuses_since_an_empty_upstream_ends_nginx() -> None:
    assert "server 127.0.0.1:65535;" in upstream()


@pytest.mark.parametrize(
    ("address", "http", "https"),
    [("", "listen 80", "listen 443"), ("127.0.0.1", "listen 127.0.0.1:80", "listen 127.0.0.1:443")],
)
def test_listens_where_the_settings_say_for_any_host_name(address: str, http: str, https: str) -> None:
    plain, tls = (server(address=address, server_name="shop.example.com") for server in (plain_server, tls_server))
    assert f"{http} default_server;" in plain
    assert f"{https} ssl default_server;" in tls
    assert [line for line in nginx() if line.startswith("listen")] == [
        "listen unix:/run/rollcall/front/nginx.sock;",
        "listen 80 default_server;",
        "listen 443 ssl default_server;",
    ]
    assert "server_name shop.example.com;" in plain and "server_name shop.example.com;" in tls


def test_backends_learn_who_asked_and_connections_to_them_are_kept() -> None:
    assert {
        "proxy_http_version 1.1;",
        'proxy_set_header Connection "";',
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
    } <= set(nginx())
    assert {"least_conn;", "keepalive 32;"} <= set(upstream())


def test_a_reload_gives_connections_time_but_not_for_ever() -> None:
    text = nginx(shutdown_timeout=45)
    assert "keepalive_min_timeout 10s;" in text
    assert "worker_shutdown_timeout 45s;" in text


def test_nginx_tells_its_status_to_nobody_outside_the_container() -> None:
    socket, plain, tls = _servers()
    assert "listen unix:/run/rollcall/front/nginx.sock;" in socket
    assert "stub_status;" in socket and "include generation.conf;" in socket
    assert "stub_status;" not in plain + tls and "include generation.conf;" not in plain + tls


def test_plain_http_is_served_unless_a_redirect_is_asked_for() -> None:
    assert "proxy_pass http://backends;" in plain_server()
    assert not [line for line in nginx() if line.startswith(("return 301", "add_header"))]


@pytest.mark.parametrize(
    ("settings", "target", "for_good"),
    [
        ({"redirect": True}, "https://$host$request_uri", True),
        ({"redirect": True, "https_port": 8443}, "https://$host:8443$request_uri", False),
        ({"redirect": 8443}, "https://$host:8443$request_uri", False),
        ({"redirect": 443, "https_port": 8443}, "https://$host$request_uri", True),
    ],
)
def test_a_redirect_goes_where_visitors_find_https(settings: dict[str, object], target: str, for_good: bool) -> None:
    """And browsers are to remember it only where that is the port they try by themselves."""
    assert f"return 301 {target};" in plain_server(**settings)
    assert "proxy_pass http://backends;" not in plain_server(**settings)
    assert "proxy_pass http://backends;" in tls_server(**settings)
    remembered = 'add_header Strict-Transport-Security "max-age=63072000" always;'
    assert (remembered in tls_server(**settings)) is for_good
    assert remembered not in plain_server(**settings)


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
