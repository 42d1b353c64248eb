"""The images keep the contract of the public ones whose names they carry."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from lab_command import Rollcall

CONSUL = "rollcall-lab/hashicorp/consul:1.22.7"
CONSUL_TEMPLATE = "rollcall-lab/hashicorp/consul-template:0.42.1"
NGINX = "rollcall-lab/nginx:1.30"
PYTHON = "rollcall-lab/python:3.13-slim"


@pytest.fixture(scope="module", autouse=True)
def images(rollcall: Rollcall) -> None:
    done = rollcall("lab", "images")
    assert done.returncode == 0, done.stdout + done.stderr


def run(image: str, *command: str, options: tuple[str, ...] = ()) -> str:
    arguments = ["docker", "run", "--rm", "--network=none", *options, image, *command]
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.strip()


def configuration(image: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(subprocess.check_output(["docker", "image", "inspect", image]))[0]["Config"]
    return found


def test_consul_is_the_released_version() -> None:
    assert run(CONSUL, "version").startswith("Consul v1.22.7\n")


@pytest.fixture
def agent() -> Iterator[str]:
    """A Consul agent that answers; its container's id."""
    container = subprocess.check_output(["docker", "run", "--detach", CONSUL, "agent", "-dev"], text=True).strip()
    try:
        ask = "until curl -sf 127.0.0.1:8500/v1/status/leader | grep -q :; do sleep 0.1; done"
        subprocess.run(["docker", "exec", container, "timeout", "20", "sh", "-c", ask], check=True)
        yield container
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", container], check=True, capture_output=True)


def test_consuls_agent_runs_as_its_user_on_its_directories(agent: str) -> None:
    pid = "$(grep -lx consul /proc/[0-9]*/comm | cut -d/ -f3)"
    look = f"stat -c %u:%g /consul/data; echo $(tr '\\0' ' ' < /proc/{pid}/cmdline)"
    inside = subprocess.check_output(["docker", "exec", agent, "sh", "-c", look], text=True).splitlines()
    assert inside == ["100:1000", "consul agent -data-dir=/consul/data -config-dir=/consul/config -dev"]
    top = subprocess.check_output(["docker", "top", agent, "-eo", "pid,uid,gid,comm"], text=True).splitlines()
    assert ["100", "1000", "consul"] in [line.split()[1:] for line in top]


def test_a_consul_subcommand_needs_no_program_name() -> None:
    assert "Usage: consul members" in run(CONSUL, "members", "-help")


def test_commands_other_than_consul_run_unchanged() -> None:
    assert run(CONSUL, "sh", "-c", "echo $0 as $(id -u)") == "sh as 0"


def test_consul_keeps_its_data_on_a_volume_and_exposes_its_ports() -> None:
    found = configuration(CONSUL)
    assert list(found["Volumes"]) == ["/consul/data"]
    assert {"8300/tcp", "8301/tcp", "8301/udp", "8500/tcp", "8600/tcp", "8600/udp"} <= set(found["ExposedPorts"])


def test_consul_template_takes_flags_alone_and_runs_unprivileged() -> None:
    assert run(CONSUL_TEMPLATE, "-version").startswith("consul-template v0.42.1")
    assert run(CONSUL_TEMPLATE, "sh", "-c", "id -u; id -g; ls /bin/consul-template").split() == [
        "100",
        "1000",
        "/bin/consul-template",
    ]


def test_nginx_has_the_official_layout() -> None:
    assert "nginx/1.30." in run(NGINX, "sh", "-c", "nginx -v 2>&1")
    assert run(NGINX, "sh", "-c", "nginx -t 2>&1 && id -u nginx && ls /etc/nginx/conf.d").splitlines()[-2:] == [
        "101",
        "default.conf",
    ]
    found = configuration(NGINX)
    assert found["StopSignal"] == "SIGQUIT"
    assert found["Cmd"] == ["nginx", "-g", "daemon off;"]
    assert list(found["ExposedPorts"]) == ["80/tcp"]


def test_nginx_runs_the_scripts_of_its_entrypoint_directory_first() -> None:
    script = (
        "printf '#!/bin/sh\\necho seen' > /docker-entrypoint.d/50-mine.sh && chmod +x /docker-entrypoint.d/50-mine.sh"
    )
    output = run(NGINX, "sh", "-c", f"{script} && /docker-entrypoint.sh nginx -v 2>&1")
    assert output.splitlines()[-2:][0] == "seen"


def test_nginx_fills_its_templates_with_the_environment_and_leaves_its_own_variables() -> None:
    fill = "mkdir /etc/nginx/templates && echo '$NAME $host' > /etc/nginx/templates/x.conf.template"
    output = run(
        NGINX,
        "sh",
        "-c",
        f"{fill} && /docker-entrypoint.d/20-envsubst-on-templates.sh && cat /etc/nginx/conf.d/x.conf",
        options=("--env=NAME=here",),
    )
    assert output == "here $host"


def test_nginx_can_load_the_script_module_by_its_usual_name() -> None:
    assert run(NGINX, "sh", "-c", "nginx -t -g 'load_module modules/ngx_http_js_module.so;' 2>&1").endswith(
        "successful"
    )


def test_nginx_has_streams_and_reads_names_of_tls() -> None:
    """The public image has them built in; by this pattern Debian's nginx loads its module."""
    module = "include /usr/share/nginx/modules-available/mod-stream.con[f];"
    text = f'{module} events {{}} stream {{ server {{ listen 5432; ssl_preread on; return ""; }} }}'
    assert run(NGINX, "sh", "-c", f"echo '{text}' > /tmp/nginx.conf && nginx -t -c /tmp/nginx.conf 2>&1").endswith(
        "successful"
    )


def test_python_and_pip_are_where_the_public_image_has_them() -> None:
    assert run(PYTHON, "sh", "-c", "for name in python python3 pip; do command -v $name; done").split() == [
        "/usr/local/bin/python",
        "/usr/local/bin/python3",
        "/usr/local/bin/pip",
    ]
    assert run(PYTHON, "python", "--version").startswith("Python 3.13.")


def test_pip_may_install_for_everybody() -> None:
    # Debian's own pip refuses ("externally-managed-environment") before it looks for the package.
    output = run(PYTHON, "sh", "-c", "pip install --no-index nonesuch 2>&1 || true")
    assert "No matching distribution found for nonesuch" in output
