"""The catalog says what runs: every service of every container, nothing else, and each at its own address."""

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

# A container that started this moment is registered within a second; a busy host may need a few.
CATCH_UP_SECONDS = 15
Says = Callable[[str], None]


def test_running_containers_and_no_others(cluster: Cluster, says: Says) -> None:
    """Every running service container is in the catalog, and no other"""
    looked = False

    def problems() -> list[str]:
        nonlocal looked
        if looked:
            cluster.look_at_containers()
        looked = True
        instances = cluster.catalog.instances()
        return [problem for member in cluster.members for problem in _differences(cluster, member, instances)]

    left = wait_until_none(problems, CATCH_UP_SECONDS)
    if left:
        host = left[0].split(":")[0]
        raise CheckError(
            f"the services of the running containers and no others, within {stretched(CATCH_UP_SECONDS):g} s",
            left,
            cluster.shown(host, "docker logs --tail 20 registrator"),
        )
    expected = [(member.node, one) for member in cluster.members for one in cluster.expected(member).services.values()]
    containers = {(node, service.container.id) for node, service in expected}
    says(
        f"every running service container is in the catalog and no other: "
        f"{len(containers)} containers, {len(expected)} services{_drained(cluster)}"
    )


def _drained(cluster: Cluster) -> str:
    """Name what somebody took out of service: it runs, and nobody is sent to it, as was wanted."""
    nodes = cluster.catalog.drained_nodes()
    alone = [one.id for one in cluster.catalog.instances() if one.maintenance and one.node not in nodes]
    drained = [*(f"all of {node}" for node in sorted(nodes)), *sorted(alone)]
    return f"; drained, so that nobody is sent there: {', '.join(drained)}" if drained else ""


def _differences(cluster: Cluster, member: Member, instances: tuple[Instance, ...]) -> list[str]:
    expected = cluster.expected(member)
    here = [one for one in instances if one.node == member.node]
    lost = sorted(expected.services.keys() - {one.id for one in here})
    extra = sorted({one.id for one in here if _is_ours(cluster, member, one)} - expected.services.keys())
    return [
        *(f"{member.name}: {id_} runs, but is not in the catalog" for id_ in lost),
        *(f"{member.name}: {text}" for text in expected.losses),
        *(f"{member.name}: {id_} is in the catalog, but its container does not run" for id_ in extra),
    ]


def _is_ours(cluster: Cluster, member: Member, instance: Instance) -> bool:
    """Services that other tools registered with the same agent are none of the registrator's."""
    hostname = cluster.registrator(member).hostname
    return instance.registrator == hostname or instance.id.startswith(f"{hostname}:")


def test_ids(cluster: Cluster, says: Says, remark: Says) -> None:
    """Every service's id is host:container:port, or the one that its container asks for"""
    ours = _pairs(cluster)
    asked = [instance.id for _, instance, service in ours if not service.own_id]
    example = next((f", such as {instance.id}" for _, instance, service in ours if service.own_id), "")
    says(
        f"ids are host:container:port{example}{f'; {len(asked)} asked for another' if asked else ''}"
        if ours
        else "ids are host:container:port: no container has a service here"
    )
    for member in cluster.members:
        for sentence in cluster.expected(member).remarks:
            remark(f"{member.name}: {_printable(sentence)}")
    for sentence in _uncarried(cluster):
        remark(sentence)


def _uncarried(cluster: Cluster) -> list[str]:
    """Say what of the catalog DNS does not answer for, or nobody can ask for, in one sentence each."""
    _, catalog = cluster.catalog.any_agent().catalog.services()
    unasked = sorted(name for name in catalog if path_fault(name))
    tags = sorted({tag for one in cluster.catalog.instances() for tag in one.tags if dns_fault(tag)})
    said = [f"no request can name the service {name!r} of another tool; skipping it" for name in unasked]
    spellings: dict[str, set[str]] = {}
    for one in cluster.catalog.instances():
        spellings.setdefault(folded(one.service), set()).add(one.service)
    said += [
        f"Consul and DNS take the names {' and '.join(sorted(same))} for one"
        for same in spellings.values()
        if len(same) > 1
    ]
    if tags:
        said.append(f"DNS does not answer for {len(tags)} tags, such as {_printable(tags[0])}: {dns_fault(tags[0])}")
    return said


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def test_names_addresses_and_tags(cluster: Cluster, says: Says) -> None:
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
        command = cluster.shown(host, "docker logs --tail 20 registrator")
        raise CheckError("what Docker says of each container", problems, command)
    tags = ", ".join(sorted({tag for _, instance, _ in ours for tag in instance.tags})) or "none"
    says(f"names, addresses, ports and tags are the containers' own: {len(ours)} services (tags: {tags})")


def _pairs(cluster: Cluster) -> list[tuple[Member, Instance, Service]]:
    """Match what is in the catalog with what should be; what is missing is another check's matter."""
    instances = {(one.node, one.id): one for one in cluster.catalog.instances()}
    return [
        (member, instances[member.node, service.id], service)
        for member in cluster.members
        for service in cluster.expected(member).services.values()
        if (member.node, service.id) in instances
    ]


def _place(entry: Mapping[str, Any]) -> str:
    """Say where an instance is. TCP and UDP may have the same port."""
    udp = " (UDP)" if entry["ServiceID"].endswith(":udp") else ""
    return f"{entry['ServiceAddress'] or entry['Address']}:{entry['ServicePort']}{udp}"


def test_once_by_name_and_once_per_instance(cluster: Cluster, says: Says) -> None:
    """A service stands once in /v1/catalog/services and once per instance in /v1/catalog/service/NAME"""
    agent = cluster.catalog.any_agent()
    _, names = agent.catalog.services()
    # Consul takes names that differ only in case for one.
    counts = Counter(folded(one.service) for one in cluster.catalog.instances())
    listed_names = {folded(name) for name in names}
    problems = [f"{name} is not in /v1/catalog/services" for name in sorted(counts.keys() - listed_names)]
    for name, count in sorted(counts.items()):
        _, entries = agent.catalog.service(name)
        places = Counter(map(_place, entries))
        if len(entries) != count:
            problems.append(f"{name} stands {len(entries)} times in /v1/catalog/service/{name}, not {count} times")
        problems += [f"{name} has {times} instances at {place}" for place, times in sorted(places.items()) if times > 1]
    if problems:
        command = f"rollcall consul {cluster.source} -- catalog nodes -service={next(iter(counts), '')}"
        raise CheckError("one name, and distinct addresses below it", problems, command)
    listed = ", ".join(f"{name} × {count}" for name, count in sorted(counts.items())) or "there are none"
    says(f"services stand once by name, and at distinct addresses once per instance: {listed}")
