"""A one-off container of a service: what it has of it, and what it has not."""

from dataclasses import replace

from rollcall.converge.resources import Container, Mount, PublishedPort
from rollcall.services import one_off

SHOP = Container(
    "shop-1",
    "shop:1.4",
    "services",
    command=("serve",),
    environment=(("SERVICE_NAME", "shop"), ("LOG", "info")),
    ports=(PublishedPort(8000, "10.0.0.1", "22000-22099"),),
    exposed=(8001,),
    mounts=(Mount("shop-data", "/data", read_only=False),),
    network="services",
)


def test_it_has_image_environment_and_volumes_and_no_port_or_registration() -> None:
    words = one_off.arguments(SHOP, "shop-run-1", ["bin/report", "a b"], ["--interactive"])
    assert words[:4] == ["docker", "run", "--rm", "--name=shop-run-1"]
    assert words[-3:] == ["shop:1.4", "bin/report", "a b"]
    assert {"--interactive", "--env=LOG=info", "--env=SERVICE_IGNORE=true", "--network=services"} <= set(words)
    assert "--mount=type=volume,source=shop-data,target=/data" in words
    assert not [word for word in words if word.startswith(("--publish", "--expose", "--label", "--detach"))]
    assert "--restart=no" in words


def test_a_hook_waits_for_no_other_of_its_name() -> None:
    command = one_off.hook(SHOP, "shop-before", ["bin/migrate"])
    assert command.startswith("if docker inspect --type=container shop-before")
    assert "docker stop shop-before" in command


def test_a_hook_gets_a_secret_environment_from_standard_input() -> None:
    command = one_off.hook(replace(SHOP, secret_environment=(("PASSWORD", "s3cret"),)), "shop-before", ["bin/migrate"])
    assert '--env-file="$env"' in command
    assert "s3cret" not in command
