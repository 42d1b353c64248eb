"""Parse the sites in nginx's configuration."""

from rollcall.verify.nginx_sites import parse

CONFIGURATION = """
upstream backends {
    zone backends 4m;
    server 10.0.0.1:80 max_fails=3 fail_timeout=60 weight=1;
    server [fd00::1]:8080 max_fails=3;
    keepalive 32;
}
upstream shop {
    server 10.0.0.2:80;
}
server {
    listen 80 default_server;
    server_name www.example.org;
    location / {
        proxy_pass http://backends;
    }
}
server {
    listen 80;
    server_name shop.example.org *.shop.example.org;
    location /api/ {
        proxy_pass http://backends/;
    }
    location / {
        grpc_pass grpc://shop;
    }
}
server {
    listen 443 ssl;
    server_name closed.example.org;
    error_page 503 /!rollcall/maintenance.html;
    location ^~ /!rollcall/ {
        internal;
        alias /etc/rollcall/front/pages/;
    }
    location / {
        set $maintenance_sentence "Back soon";
        return 503;
    }
}
"""


def test_upstreams_are_parsed() -> None:
    sites = parse(CONFIGURATION)
    assert sites.backends == {"10.0.0.1:80", "[fd00::1]:8080"}
    assert sites.lists["shop"] == {"10.0.0.2:80"}


def test_host_names_lead_to_their_servers() -> None:
    sites = parse(CONFIGURATION)
    hosts = sites.hosts
    assert sites.closed == {"closed.example.org"}
    assert hosts["www.example.org"] == {"10.0.0.1:80", "[fd00::1]:8080"}
    assert hosts["shop.example.org"] == hosts["*.shop.example.org"] == hosts["www.example.org"] | {"10.0.0.2:80"}
    assert hosts["closed.example.org"] == frozenset()


def test_a_front_without_sites_is_empty() -> None:
    assert parse("").backends == frozenset()
