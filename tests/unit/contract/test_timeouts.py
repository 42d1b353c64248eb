"""One factor multiplies every deadline, in containers and on the command line."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import rollcall
from rollcall.config.settings import Settings
from rollcall.contract import timeouts
from rollcall.converge import takeover
from rollcall.converge.resources import Container
from rollcall.images import catalogue
from rollcall.remote import ssh

IN_CONTAINERS = {
    "rollcall.front.nginx.reload": ("CONFIRM_TIMEOUT_SECONDS",),
    "rollcall.front.nginx.process": ("RESPONSE_TIMEOUT_SECONDS", "CHECK_TIMEOUT_SECONDS"),
    "rollcall.front.nginx.handover": ("RESPONSE_TIMEOUT_SECONDS", "START_TIMEOUT_SECONDS"),
    "rollcall.front.inputs.consul": ("RESPONSE_TIMEOUT_SECONDS",),
    "rollcall.front.inputs.consul_template": ("RENDER_TIMEOUT_SECONDS",),
    "rollcall.front.inputs.control": ("REQUEST_TIMEOUT_SECONDS",),
    "rollcall.front.inputs.commands": ("TURN_TIMEOUT_SECONDS",),
    "rollcall.front.routing.accepting": ("CONNECT_TIMEOUT_SECONDS",),
    "rollcall.front.status.http_server": ("TIMEOUT_SECONDS",),
    "rollcall.registrator.consul.agent": ("TIMEOUT_SECONDS",),
    "rollcall.registrator.docker.engine": ("TIMEOUT_SECONDS",),
    "rollcall.registrator.healthcheck": ("TIMEOUT_SECONDS",),
    "rollcall.registrator.status": ("STUCK_SECONDS",),
    "rollcall.template_sync.commands": ("TIMEOUT_SECONDS",),
}


@pytest.fixture
def slow() -> Iterator[None]:
    timeouts.use([1, 4])
    yield
    timeouts.use([1])


def test_a_container_takes_the_factor_from_its_environment() -> None:
    [(name, value)] = timeouts.environment(4)
    looks = [f"{module}.{constant}" for module, constants in IN_CONTAINERS.items() for constant in constants]
    script = f"import {', '.join(IN_CONTAINERS)}\nprint({', '.join(looks)})"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, name: value}, capture_output=True, text=True, check=True
    )
    usual = [getattr(import_module(module), constant) for module, names in IN_CONTAINERS.items() for constant in names]
    assert [float(word) for word in done.stdout.split()] == [4 * seconds for seconds in usual]


def test_the_usual_factor_leaves_containers_as_they_are() -> None:
    assert timeouts.environment(Settings().timeout_factor) == ()


@pytest.mark.usefixtures("slow")
def test_the_command_line_takes_the_largest_factor_of_the_fleet() -> None:
    assert timeouts.stretched(30) == 120
    command = takeover.take_over(Container("front", "front:1", "front", readiness_command=("front-health",)))
    assert "+ 120" in command
    assert "timeout 40 docker exec" in command
    assert takeover.READY_TIMEOUT_SECONDS == 30
    assert ssh.CONNECT_TIMEOUT_SECONDS == 10


def _bounded(tree: ast.AST) -> Iterator[ast.expr]:
    """Return the deadlines in calls: timeout(…), timeout=…, wait_for(…, …), settimeout(…)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield from (keyword.value for keyword in node.keywords if (keyword.arg or "").endswith("timeout"))
            if name in ("timeout", "settimeout") and node.args:
                yield node.args[0]
            if name == "wait_for" and len(node.args) > 1:
                yield node.args[1]


def test_no_deadline_is_a_plain_number_or_an_unstretched_constant() -> None:
    """Every literal deadline is multiplied where it is defined or where it is used."""
    package = Path(rollcall.__file__).parent
    found = []
    for file in sorted(package.rglob("*.py")):
        if file.is_relative_to(package / "lab"):
            continue
        tree = ast.parse(file.read_text("utf-8"))
        plain = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for value in _bounded(tree):
            number = isinstance(value, ast.Constant) and isinstance(value.value, int | float) and value.value > 0
            if number or (isinstance(value, ast.Name) and value.id in plain):
                found.append(f"{file.relative_to(package)}:{value.lineno}: {ast.unparse(value)}")
    # This machine reads the inventory before any setting is known.
    assert [line for line in found if not line.startswith("config/inventory_reader.py")] == []


def test_images_hold_every_module_that_their_programs_import() -> None:
    for image in catalogue.IMAGES:
        sources = [catalogue.source(part) for part in image.recipe.sources]
        files = [file for part in sources for file in ([part] if part.is_file() else sorted(part.rglob("*.py")))]
        inside = {str(file.relative_to(catalogue.source("."))) for file in files}
        for file in files:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
                if module.startswith("rollcall."):
                    path = module.replace(".", "/")
                    assert {f"{path}.py", f"{path}/__init__.py"} & inside, f"{image.name}: {file}: {module}"
