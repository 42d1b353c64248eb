"""The rows of the contract, in a real Consul's catalog, with real containers."""

import signal
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from docker.models.networks import Network
from registrator_world import HOSTNAME, Agent, Run, Start, run_once
from waiting import always, until

from rollcall.contract import route_metadata


def at(agent: Agent, name: str) -> set[tuple[str, int]]:
    """The addresses and ports under which a service is in the catalog."""
    return {(entry["ServiceAddress"], entry["ServicePort"]) for entry in agent.catalog(name).values()}


def address(container: Container, network: str = "bridge") -> str:
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])


def test_a_container_is_registered_from_its_start_to_its_stop(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run()
    entry = until(lambda: agent.catalog(name), f"{name} in the catalog")[f"{HOSTNAME}:{name}:80"]
    assert (entry["ServiceAddress"], entry["ServicePort"]) == (address(container), 80)
    until(lambda: agent.resolves(name) == {address(container)}, f"{name} in DNS")
    container.stop(timeout=1)
    until(lambda: not agent.catalog(name), f"{name} out of the catalog")
    until(lambda: agent.resolves(name) == set(), f"{name} out of DNS")


def test_a_killed_container_goes(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run()
    until(lambda: agent.catalog(name), f"{name} in the catalog")
    container.kill()
    until(lambda: not agent.catalog(name), f"{name} out of the catalog")


def test_two_ports_are_two_services_with_their_tags(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal", "-tags", "all,every")
    run(ports={"443/tcp": None}, environment={"SERVICE_80_TAGS": "http", "SERVICE_443_TAGS": "https"})
    until(lambda: agent.catalog(f"{name}-80") and agent.catalog(f"{name}-443"), "both services")
    (http,), (https,) = agent.catalog(f"{name}-80").values(), agent.catalog(f"{name}-443").values()
    assert (http["ServiceID"], http["ServiceTags"]) == (f"{HOSTNAME}:{name}:80", ["http", "all", "every"])
    assert (https["ServiceID"], https["ServiceTags"]) == (f"{HOSTNAME}:{name}:443", ["https", "all", "every"])


def test_two_instances_are_one_service_with_two_addresses(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    containers = [run("-1"), run("-2")]
    until(lambda: len(agent.catalog(name)) == 2, "two instances")
    assert at(agent, name) == {(address(container), 80) for container in containers}
    assert name in agent.api.catalog.services()[1]


def test_published_ports_are_registered_at_the_given_address(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-ip", "10.99.0.1")
    container = run(ports={"80/tcp": None, "81/tcp": None}, environment={"SERVICE_81_IGNORE": "x"})
    until(lambda: agent.catalog(f"{name}-80"), "the published port")
    container.reload()
    published = int(container.attrs["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"])
    assert at(agent, f"{name}-80") == {("10.99.0.1", published)}
    assert not agent.catalog(f"{name}-81")


def test_a_port_on_loopback_is_not_a_service_and_a_reachable_binding_counts(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-ip", "10.99.0.1")
    run("-alone", ports={"80/tcp": ("127.0.0.1", None)}, environment={"SERVICE_NAME": f"{name}-alone"})
    registrator.says("port 80/tcp: published on 127.0.0.1 only, where no clients of 10.99.0.1 reach it")
    both = run("-both", ports={"80/tcp": [("127.0.0.1", None), ("0.0.0.0", None)]})
    until(lambda: agent.catalog(name), name)
    both.reload()
    bindings = both.attrs["NetworkSettings"]["Ports"]["80/tcp"]
    (outside,) = {int(one["HostPort"]) for one in bindings if one["HostIp"] == "0.0.0.0"}
    assert at(agent, name) == {("10.99.0.1", outside)}
    assert not agent.catalog(f"{name}-alone")


def test_an_unpublished_container_is_ignored_and_the_log_says_why(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-ip", "10.99.0.1")
    run()

    def says_why() -> bool:
        lines = [line for line in registrator.text.splitlines() if f"container {name} (" in line]
        return any("not published on the host: 80/tcp" in line for line in lines)

    until(says_why, "the reason in the log")
    assert not agent.catalog(name)


def test_the_containers_address_with_the_published_port(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-ip-from-container")
    container = run(ports={"80/tcp": ("127.0.0.1", None)})
    until(lambda: agent.catalog(name), name)
    container.reload()
    published = int(container.attrs["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"])
    assert at(agent, name) == {(address(container), published)}


def test_the_address_from_a_label(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal", "-useIpFromLabel", "vpn.ip")
    run(labels={"rollcall.test": "1", "vpn.ip": "10.98.0.7/24"})
    until(lambda: agent.catalog(name), name)
    assert at(agent, name) == {("10.98.0.7", 80)}


@pytest.mark.parametrize("internal", [True, False])
def test_host_network_and_a_chain_of_borrowed_networks(
    start: Start, run: Run, agent: Agent, name: str, internal: bool
) -> None:
    start("-ip", "10.99.0.1", f"-internal={str(internal).lower()}")
    lender = run("-lender", ports={"80/tcp": None}, environment={"SERVICE_NAME": f"{name}-lender"})
    sleep = {"entrypoint": ["sleep", "600"]}
    middle = run("-middle", network_mode=f"container:{lender.id}", environment={"SERVICE_IGNORE": "1"}, **sleep)
    run("-borrower", network_mode=f"container:{middle.id}", environment={"SERVICE_NAME": f"{name}-borrower"}, **sleep)
    run("-host", network_mode="host", environment={"SERVICE_NAME": f"{name}-host"}, **sleep)
    until(lambda: agent.catalog(f"{name}-borrower") and agent.catalog(f"{name}-host"), "both")
    lender.reload()
    outside = int(lender.attrs["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"])
    assert at(agent, f"{name}-borrower") == {(address(lender), 80) if internal else ("10.99.0.1", outside)}
    assert at(agent, f"{name}-host") == {("10.99.0.1", 80)}


def test_a_borrowed_network_is_lost_with_the_restart_of_its_owner_until_the_borrower_restarts(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-ip", "10.99.0.1")
    lender = run("-lender", ports={"80/tcp": None}, environment={"SERVICE_IGNORE": "1"})
    borrower = run(network_mode=f"container:{lender.id}", entrypoint=["sleep", "600"], stop_signal="SIGKILL")
    until(lambda: agent.catalog(name), name)
    lender.restart(timeout=1)
    until(lambda: not agent.catalog(name), f"{name}, out of the catalog")
    registrator.says("has a new network since its restart")
    borrower.restart(timeout=1)
    until(lambda: agent.catalog(name), f"{name} again")
    lender.reload()
    outside = int(lender.attrs["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"])
    assert at(agent, name) == {("10.99.0.1", outside)}


def test_the_same_port_by_tcp_and_udp_with_a_check_by_tcp(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    run(ports={"80/udp": None}, environment={"SERVICE_CHECK_TCP": "true", "SERVICE_CHECK_INTERVAL": "1s"})
    until(lambda: len(agent.catalog(f"{name}-80")) == 2, "both")
    udp = agent.catalog(f"{name}-80")[f"{HOSTNAME}:{name}:80:udp"]
    assert udp["ServiceMeta"]["registrator-protocol"] == "udp"
    assert {check["ServiceID"] for check in agent.checks(f"{name}-80")} == {f"{HOSTNAME}:{name}:80"}


def test_metadata_that_consul_cannot_store_costs_nothing(start: Start, run: Run, agent: Agent, name: str) -> None:
    registrator = start("-internal")
    hosts = ",".join(f"shop-number-{number}.europe.example.com" for number in range(20))
    odd = {"SERVICE_ACCOUNT_JSON": "{" + "s3cret" * 400 + "}", "SERVICE_PASSWORD": "s3cret", "SERVICE_CONSUL-FOO": "x"}
    many = {f"SERVICE_K{number}": "v" for number in range(70)}
    run(
        environment={**odd, **many, "SERVICE_VIRTUAL_HOST": hosts}, labels={"rollcall.test": "1", "SERVICE_my.app": "1"}
    )
    (entry,) = until(lambda: agent.catalog(name), name).values()
    assert route_metadata.host_names(entry["ServiceMeta"]) == hosts.split(",")
    assert "password" not in entry["ServiceMeta"]
    for key in (*odd, "SERVICE_my.app", "SERVICE_K"):
        registrator.says(key)
    assert "s3cret" not in registrator.text


def test_names_and_ids_that_the_container_chooses(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    run(ports={"443/tcp": None}, environment={"SERVICE_80_NAME": f"{name}-web", "SERVICE_80_ID": f"{name}-id"})
    until(lambda: agent.catalog(f"{name}-web") and agent.catalog(f"{name}-443"), "both")
    assert set(agent.catalog(f"{name}-web")) == {f"{name}-id"}


def test_udp_has_its_suffix_and_tag(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    run(ports={"53/udp": None})
    (entry,) = until(lambda: agent.catalog(f"{name}-53"), "the UDP service").values()
    assert (entry["ServiceID"], entry["ServiceTags"]) == (f"{HOSTNAME}:{name}:53:udp", ["udp"])


def test_labels_win_over_the_environment(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    run(environment={"SERVICE_TAGS": "env"}, labels={"rollcall.test": "1", "SERVICE_TAGS": "label"})
    (entry,) = until(lambda: agent.catalog(name), name).values()
    assert entry["ServiceTags"] == ["label"]


def test_other_keys_become_meta(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    run(environment={"SERVICE_REGION": "eu", "SERVICE_80_RACK": "7"})
    (entry,) = until(lambda: agent.catalog(name), name).values()
    assert {"region": "eu", "rack": "7"}.items() <= entry["ServiceMeta"].items()


def test_tag_override_allows_others_to_change_the_tags(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal", "-resync", "1")
    run(environment={"SERVICE_TAGS": "ours", "SERVICE_ENABLE_TAG_OVERRIDE": "true"})
    (entry,) = until(lambda: agent.catalog(name), name).values()
    assert entry["ServiceEnableTagOverride"] is True
    service = {"ID": entry["ServiceID"], "Service": name, "Tags": ["theirs"], "Port": 80}
    service |= {"Address": entry["ServiceAddress"], "Meta": entry["ServiceMeta"], "EnableTagOverride": True}
    agent.api.catalog.register("test", entry["Address"], service=service)
    always(lambda: [one["ServiceTags"] for one in agent.catalog(name).values()] == [["theirs"]], "their tags", 3)


def test_ignored_and_unnamed_containers(start: Start, run: Run, agent: Agent, name: str) -> None:
    registrator = start("-internal", "-explicit")
    run("-ignored", environment={"SERVICE_IGNORE": "true"})
    run("-unnamed", environment={"SERVICE_NAME": ""})
    run("-named")
    until(lambda: agent.catalog(name), name)
    assert set(agent.catalog(name)) == {f"{HOSTNAME}:{name}-named:80"}
    registrator.says("SERVICE_IGNORE is set")
    registrator.says("it names no service")


def test_consuls_checks_decide_health(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    checked = {"SERVICE_CHECK_INTERVAL": "100ms", "SERVICE_CHECK_TIMEOUT": "1s"}
    kinds = {
        "http": {"SERVICE_CHECK_HTTP": "/"},
        "tcp": {"SERVICE_CHECK_TCP": "true"},
        "script": {"SERVICE_CHECK_SCRIPT": "sh -c 'test $SERVICE_PORT = 80'"},
        "bad": {"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_HTTP_METHOD": "DELETE"},
        "ttl": {"SERVICE_CHECK_TTL": "60s", "SERVICE_CHECK_INITIAL_STATUS": "warning"},
    }
    for kind, environment in kinds.items():
        run(f"-{kind}", environment={**checked, **environment, "SERVICE_NAME": f"{name}-{kind}"})
    expected = {"http": "passing", "tcp": "passing", "script": "passing", "bad": "critical", "ttl": "warning"}
    until(
        lambda: (
            {kind: [check["Status"] for check in agent.checks(f"{name}-{kind}")] for kind in kinds}
            == {kind: [status] for kind, status in expected.items()}
        ),
        f"the checks {expected}",
    )
    assert {check["Type"] for kind in kinds for check in agent.checks(f"{name}-{kind}")} == {
        "http",
        "tcp",
        "script",
        "ttl",
    }


def test_an_invalid_value_costs_only_that_service(start: Start, run: Run, agent: Agent, name: str) -> None:
    registrator = start("-internal")
    run(
        ports={"443/tcp": None},
        environment={"SERVICE_80_CHECK_HTTP": "/", "SERVICE_80_CHECK_INTERVAL": "often", "SERVICE_443_TAGS": "ok"},
    )
    run("-template", environment={"SERVICE_TAGS": "{{.Nmae}}", "SERVICE_NAME": f"{name}-template"})
    until(lambda: agent.catalog(f"{name}-443"), "the other port")
    registrator.says("SERVICE_80_CHECK_INTERVAL='often'")
    registrator.says("SERVICE_TAGS='{{.Nmae}}'")
    assert not agent.catalog(f"{name}-80")
    assert not agent.catalog(f"{name}-template")
    assert registrator.process.poll() is None


def test_pause_takes_out_and_unpause_puts_back(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run()
    until(lambda: agent.catalog(name), name)
    container.pause()
    until(lambda: not agent.catalog(name), "out while paused")
    container.unpause()
    until(lambda: agent.catalog(name), "back after the pause")


def test_a_renamed_container_has_its_new_id_only(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run()
    until(lambda: agent.catalog(name), name)
    container.rename(f"{name}-new")
    until(lambda: set(agent.catalog(name)) == {f"{HOSTNAME}:{name}-new:80"}, "the new id only")


def test_a_restart_on_a_new_address_is_followed(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run()
    until(lambda: agent.catalog(name), name)
    old = address(container)
    container.stop(timeout=1)
    run("-squatter", environment={"SERVICE_IGNORE": "true"})
    container.start()
    new = address(container)
    assert new != old
    until(lambda: at(agent, name) == {(new, 80)}, f"{new} instead of {old}")


def test_networks_are_followed(
    start: Start, run: Run, agent: Agent, name: str, network: Callable[[str], Network]
) -> None:
    start("-internal")
    first, second = network(f"{name}-a"), network(f"{name}-b")
    container = run(network=first.name, environment={"SERVICE_NETWORK": second.name})
    second.connect(container)
    until(lambda: at(agent, name) == {(address(container, second.name), 80)}, "the chosen network")
    second.disconnect(container)
    until(lambda: at(agent, name) == {(address(container, first.name), 80)}, "its usual network without the chosen one")


def test_on_success_keeps_a_failed_container(
    start: Start, run: Run, agent: Agent, name: str, client: docker.DockerClient
) -> None:
    start("-internal", "-deregister", "on-success")
    for suffix, code in (("-failed", 3), ("-ended", 0)):
        command = ["-c", f"trap 'exit {code}' USR1; echo trapped; while :; do sleep 0.02; done"]
        run(suffix, entrypoint=["sh"], command=command)
    until(lambda: len(agent.catalog(name)) == 2, "both")
    for suffix in ("-failed", "-ended"):
        container = client.containers.get(f"{name}{suffix}")
        # The first process of a container ignores a signal that it has not trapped yet.
        until(container.logs, "its trap")
        container.kill("USR1")
    until(lambda: set(agent.catalog(name)) == {f"{HOSTNAME}:{name}-failed:80"}, "the failed one only")
    always(lambda: len(agent.catalog(name)) == 1, "it stays", 2.5)


def test_a_stop_signal_takes_it_out_while_it_still_serves(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run(entrypoint=["sh"], command=["-c", "trap '' QUIT; while :; do sleep 0.05; done"])
    until(lambda: agent.catalog(name), name)
    container.kill(signal.SIGHUP)
    always(lambda: agent.catalog(name), "a HUP changes nothing", 0.5)
    container.kill(signal.SIGQUIT)
    until(lambda: not agent.catalog(name), "out at the stop signal", 2)
    container.reload()
    assert container.status == "running"


def test_a_container_that_survives_its_stop_signal_is_registered_again(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    start("-internal")
    container = run(entrypoint=["sh"], command=["-c", "trap '' QUIT; while :; do sleep 0.05; done"])
    until(lambda: agent.catalog(name), name)
    container.kill(signal.SIGQUIT)
    until(lambda: not agent.catalog(name), "out at the stop signal")
    # Ten seconds are Docker's default time to stop, and two are the margin.
    until(lambda: agent.catalog(name), "back after its time to stop", 15)


def test_the_old_process_is_out_before_docker_stop_returns(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run()
    until(lambda: agent.catalog(name), name)
    container.stop(timeout=1)
    assert not agent.catalog(name)


def test_a_service_without_drain_stays_until_its_container_exits(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    start("-internal")
    command = ["-c", "trap '' QUIT; while :; do sleep 0.05; done"]
    container = run(entrypoint=["sh"], command=command, environment={"SERVICE_DRAIN": "false"})
    until(lambda: agent.catalog(name), name)
    container.kill(signal.SIGQUIT)
    always(lambda: agent.catalog(name), "a stop signal does not take it out", 1)
    container.kill()
    until(lambda: not agent.catalog(name), "out at its end")


def test_once_dry_shows_the_services_and_why_the_rest_is_left_out(run: Run, agent: Agent, name: str) -> None:
    run()
    run("-off", environment={"SERVICE_IGNORE": "yes"})
    shown = run_once("once", "--dry", "-internal")
    assert shown.returncode == 0, shown.stderr
    assert f"{HOSTNAME}:{name}:80" in shown.stdout
    (why,) = (line for line in shown.stdout.splitlines() if line.startswith(f"{name}-off"))
    assert why.endswith("port 80/tcp: SERVICE_IGNORE is set")
    assert not agent.catalog(name)


def test_once_registers_what_runs_and_exits(run: Run, agent: Agent, name: str) -> None:
    run()
    done = run_once("once", "-internal", agent.uri)
    assert done.returncode == 0, done.stderr
    until(lambda: agent.catalog(name), name)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["-dry", "consul://"], 2, "registrator once -dry"),
        (["once", "-internal"], 2, "the Consul agent's address is missing"),
        (["once", "-dry", "-internal"], 1, "Docker does not respond"),
    ],
)
def test_a_failing_once_is_one_sentence(arguments: list[str], status: int, says: str, tmp_path: Path) -> None:
    done = run_once(*arguments, DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert says in done.stderr


def test_tags_may_be_templates(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal", "-tags", "{{.Config.Image}}")
    container = run(
        labels={"rollcall.test": "1", "role": "front", "SERVICE_TAGS": '{{index .Config.Labels "role" | upper}},x'}
    )
    (entry,) = until(lambda: agent.catalog(name), name).values()
    assert entry["ServiceTags"] == ["FRONT", "x", container.attrs["Config"]["Image"]]


def test_a_template_that_cannot_be_filled_costs_only_its_own_service(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-internal")
    run("-bad", environment={"SERVICE_TAGS": "{{.Config.Imgae}}"})
    run("-good")
    until(lambda: set(agent.catalog(name)) == {f"{HOSTNAME}:{name}-good:80"}, "the good one only")
    registrator.says(".Config.Imgae is not in the container's inspect data")
