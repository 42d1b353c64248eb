"""docs/routes.md is complete, and its examples work."""

import ast
import re
import shlex
from pathlib import Path

from front_catalog import settings

from rollcall.config.front.route_policies import markdown
from rollcall.config.project import CHECKOUT
from rollcall.config.service import Service
from rollcall.config.settings import DeclaredRoute, Front
from rollcall.contract import canary, maintenance_page, route_metadata, stream_metadata
from rollcall.contract.policies import streams

TEXT = (CHECKOUT / "docs/routes.md").read_text()
POLICIES = (CHECKOUT / "docs/policies.md").read_text()
STREAMS = (CHECKOUT / "docs/streams.md").read_text()
TABLE = TEXT.partition("## What a container may say")[2].partition("\n## ")[0]


def shown(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def commands(start: str) -> list[list[str]]:
    lines = "\n".join(shown("sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(start)]


def test_the_table_lists_exactly_the_keys_of_a_container() -> None:
    source = Path(route_metadata.__file__).read_text()
    read = {f"SERVICE_{key.upper()}" for key in (*re.findall(r'get\("(\w+)"', source), *route_metadata.ROUTE_KEYS)}
    assert set(re.findall(r"^\| `(\w+)`", TABLE, re.MULTILINE)) == read


def test_every_documented_container_gets_its_route() -> None:
    containers = commands("docker run")
    assert len(containers) > 3
    for words in containers:
        said = [word.partition("=") for word in words if word.startswith("SERVICE_")]
        meta = {re.sub(r"^SERVICE_(\d+_)?", "", key).lower(): value for key, _, value in said}
        assert route_metadata.read(meta) is not None, words


def test_the_documented_routes_are_valid_and_use_every_key() -> None:
    (example,) = shown("python")
    routes = ast.literal_eval(example.partition("=")[2].strip())["routes"]
    assert len(Front(routes=routes).routes) == len(routes)
    assert {key for route in routes for key in route} == set(DeclaredRoute.model_fields)


def test_the_documented_keys_are_valid() -> None:
    puts = {
        words[-2].removeprefix("rollcall/front/"): words[-1] for words in commands("rollcall consul") if "put" in words
    }
    assert [key for key in puts if key.startswith(canary.PREFIX) and canary.read(puts[key])]
    assert maintenance_page.sentences(puts, settings().server_name) == {
        ("shop.example.com", "/api"): "We are back at noon."
    }


def test_the_table_of_policies_is_that_of_the_program() -> None:
    assert markdown() in POLICIES, f"docs/policies.md lacks this table:\n{markdown()}"


def test_every_documented_policy_is_valid() -> None:
    blocks = re.findall(r"```python\n(.*?)```", POLICIES, re.DOTALL)
    assert len(blocks) > 2
    for block in blocks:
        Front.model_validate(ast.literal_eval(block.partition("=")[2].strip()))
    containers = re.findall(r"```sh\n(docker run.*?)```", POLICIES, re.DOTALL)
    assert containers
    for container in containers:
        words = shlex.split(container.replace("\\\n", " "))
        said = [word.partition("=") for word in words if word.startswith("SERVICE_")]
        route = route_metadata.read({key.removeprefix("SERVICE_").lower(): value for key, _, value in said})
        assert route is not None and route.options.policies and not route.options.closed


def test_the_table_of_streams_is_that_of_the_program() -> None:
    table = markdown(streams.POLICIES)
    assert table in STREAMS, f"docs/streams.md lacks this table:\n{table}"


def test_every_documented_stream_is_valid() -> None:
    blocks = re.findall(r"```python\n(.*?)```", STREAMS, re.DOTALL)
    settings = {block: ast.literal_eval(block.partition("=")[2].strip()) for block in blocks}
    services = [
        Service.model_validate(one) for block in blocks if block.startswith("services") for one in settings[block]
    ]
    assert any(service.streams for service in services)
    fronts = [Front.model_validate(settings[block]) for block in blocks if block.startswith("front")]
    assert sum(len(front.streams) for front in fronts) > 3 and any(front.metadata_ports for front in fronts)
    containers = [shlex.split(line) for line in re.findall(r"```sh\n(docker run.*?)```", STREAMS, re.DOTALL)]
    assert len(containers) == 3
    for words in containers:
        said = [word.partition("=") for word in words if word.startswith("SERVICE_")]
        meta = {re.sub(r"^SERVICE_(\d+_)?", "", key).lower(): value for key, _, value in said}
        found = stream_metadata.read(meta, udp="virtual_udp" in meta)
        assert found is not None and found.places and not found.foreign, words
