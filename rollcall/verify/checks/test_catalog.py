"""Check that the catalog has exactly the services of the running containers, each at its own address."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.registrator.services.identity import dns_fault, folded, path_fault
from rollcall.registrator.services.services import Service
from rollcall.verify.catalog import Instance
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster

# A new container is registered within a second; a busy host may need a few.
CATCH_UP_TIMEOUT_SECONDS = 15
Report = Callable[[str], None]


def test_running_containers_and_no_others(cluster: Cluster, passed: Report) -> None:
    """The catalog has every running service container, and no other"""

    def problems() -> list[str]:
        instances = cluster.catalog.instances()
        return [problem for member in cluster.members for problem in _differences(cluster, member, instances)]

    left = wait_until_none(problems, CATCH_UP_TIMEOUT_SECONDS, cluster.begun, cluster.probe_containers)
    if left:
        host = left[0].split(":")[0]
        raise CheckError(
            f"the services of the running containers and no others, within {stretched(CATCH_UP_TIMEOUT_SECONDS):g} s",
            left,
            cluster.command_line(host, "docker logs --tail 20 registrator"),
        )
    expected = [
        (member.node, service) for member in cluster.members for service in cluster.expected(member).services.values()
    ]
    containers = {(node, service.container.id) for node, service in expected}
    passed(
        f"the catalog has every running service container and no other: "
        f"{len(containers)} containers, {len(expected)} services{_drained(cluster)}"
    )


def _drained(cluster: Cluster) -> str:
    """Name the drained instances: they run and get no requests, as requested."""
    nodes = cluster.catalog.drained_nodes()
    alone = [
        instance.id for instance in cluster.catalog.instances() if instance.maintenance and instance.node not in nodes
    ]
    drained = [*(f"all of {node}" for node in sorted(nodes)), *sorted(alone)]
    return f"; drained, so they get no requests: {', '.join(drained)}" if drained else ""


def _differences(cluster: Cluster, member: Member, instances: tuple[Instance, ...]) -> list[str]:
    expected = cluster.expected(member)
    here = [instance for instance in instances if instance.node == member.node]
    lost = sorted(expected.services.keys() - {instance.id for instance in here})
    extra = sorted({instance.id for instance in here if _is_ours(cluster, member, instance)} - expected.services.keys())
    return [
        *(f"{member.name}: {id_} runs, but is not in the catalog" for id_ in lost),
        *(f"{member.name}: {text}" for text in expected.losses),
        *(f"{member.name}: {id_} is in the catalog, but its container does not run" for id_ in extra),
    ]


def _is_ours(cluster: Cluster, member: Member, instance: Instance) -> bool:
    """Whether the host's registrator wrote the service; other tools may use the same agent."""
    hostname = cluster.registrator(member).hostname
    return instance.registrator == hostname or instance.id.startswith(f"{hostname}:")


def test_ids(cluster: Cluster, passed: Report, remark: Report) -> None:
    """Every service's id is host:container:port, or the one that its container sets"""
    ours = _pairs(cluster)
    asked = [instance.id for _, instance, service in ours if not service.own_id]
    example = next((f", such as {instance.id}" for _, instance, service in ours if service.own_id), "")
    passed(
        f"ids are host:container:port{example}{f'; {len(asked)} set their own' if asked else ''}"
        if ours
        else "ids are host:container:port: no container has a service"
    )
    for member in cluster.members:
        for sentence in cluster.expected(member).remarks:
            remark(f"{member.name}: {_printable(sentence)}")
    for sentence in _uncarried(cluster):
        remark(sentence)


def _uncarried(cluster: Cluster) -> list[str]:
    """Return one sentence for each part of the catalog that DNS or HTTP requests cannot carry."""
    _, catalog = cluster.catalog.any_agent().catalog.services()
    unasked = sorted(name for name in catalog if path_fault(name))
    tags = sorted({tag for instance in cluster.catalog.instances() for tag in instance.tags if dns_fault(tag)})
    said = [f"no request can carry the name of the service {name!r} of another tool; skipping it" for name in unasked]
    spellings: dict[str, set[str]] = {}
    for instance in cluster.catalog.instances():
        spellings.setdefault(folded(instance.service), set()).add(instance.service)
    said += [
        f"the names {' and '.join(sorted(same))} are the same to Consul and DNS"
        for same in spellings.values()
        if len(same) > 1
    ]
    if tags:
        said.append(f"DNS cannot carry {len(tags)} tags, such as {_printable(tags[0])}: {dns_fault(tags[0])}")
    return said


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def test_names_addresses_and_tags(cluster: Cluster, passed: Report) -> None:
    """Every service has its container's name, address, port and tags"""
    ours = _pairs(cluster)
    problems = []
    for member, instance, service in ours:
        where = f"{member.name}: {instance.id}"
        if instance.service != service.name:
            problems.append(f"{where} is called {instance.service}, not {service.name}")
        address = service.address or member.address
        if (instance.address, instance.port) != (address, service.port):
            problems.append(f"{where} is at {instance.endpoint}, not at {address}:{service.port}")
        if instance.tags != set(service.tags) and not service.enable_tag_override:
            problems.append(f"{where} has the tags {sorted(instance.tags)}, not {sorted(service.tags)}")
    if problems:
        host = problems[0].split(":")[0]
        command = cluster.command_line(host, "docker logs --tail 20 registrator")
        raise CheckError("names, addresses, ports and tags as in Docker", problems, command)
    tags = ", ".join(sorted({tag for _, instance, _ in ours for tag in instance.tags})) or "none"
    passed(f"names, addresses, ports and tags are the containers' own: {len(ours)} services (tags: {tags})")


def _pairs(cluster: Cluster) -> list[tuple[Member, Instance, Service]]:
    """Match the catalog's entries with the expected ones; another check finds the missing ones."""
    instances = {(instance.node, instance.id): instance for instance in cluster.catalog.instances()}
    return [
        (member, instances[member.node, service.id], service)
        for member in cluster.members
        for service in cluster.expected(member).services.values()
        if (member.node, service.id) in instances
    ]


def _place(entry: Mapping[str, Any]) -> str:
    """Word an instance's address; TCP and UDP may share a port."""
    udp = " (UDP)" if entry["ServiceID"].endswith(":udp") else ""
    return f"{entry['ServiceAddress'] or entry['Address']}:{entry['ServicePort']}{udp}"


def test_once_by_name_and_once_per_instance(cluster: Cluster, passed: Report) -> None:
    """A service is once in /v1/catalog/services and once per instance in /v1/catalog/service/NAME"""
    agent = cluster.catalog.any_agent()
    _, names = agent.catalog.services()
    # Consul compares names without case.
    counts = Counter(folded(instance.service) for instance in cluster.catalog.instances())
    listed_names = {folded(name) for name in names}
    problems = [f"{name} is not in /v1/catalog/services" for name in sorted(counts.keys() - listed_names)]
    for name, count in sorted(counts.items()):
        _, entries = agent.catalog.service(name)
        places = Counter(map(_place, entries))
        if len(entries) != count:
            problems.append(f"{name} is {len(entries)} times in /v1/catalog/service/{name}, not {count} times")
        problems += [f"{name} has {times} instances at {place}" for place, times in sorted(places.items()) if times > 1]
    if problems:
        command = f"rollcall consul {cluster.source} -- catalog nodes -service={next(iter(counts), '')}"
        raise CheckError("one name with distinct addresses", problems, command)
    listed = ", ".join(f"{name} × {count}" for name, count in sorted(counts.items())) or "none"
    passed(f"each service has one name, and one distinct address per instance: {listed}")
