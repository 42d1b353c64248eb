"""Check that access needs the fleet's certificates and tokens, and that certificates last."""

import json
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import requests
from cryptography import x509

from rollcall.components import access
from rollcall.config.fleet import Member
from rollcall.consul import agent_queries
from rollcall.consul.acl import ANONYMOUS, INITIAL, listed
from rollcall.consul.acl import requests as due
from rollcall.contract.problems import EXPIRING, INVENTORY
from rollcall.contract.problems import certificate as ending
from rollcall.contract.timeouts import stretched
from rollcall.secrets import certificates
from rollcall.verify.catalog import AGENT_ERRORS, RESPONSE_TIMEOUT_SECONDS, failure
from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster, agent_by_tls
from rollcall.verify.front_requests import front_by_tls, preface
from rollcall.verify.tls_probe import certificate, refusal, trusting

Report = Callable[[str], None]
# Consul refuses the first to an anonymous request, and returns the second empty, since it filters by rights.
# /v1/status needs no token.
REFUSED = (
    "/v1/agent/self",
    "/v1/agent/metrics",
    "/v1/acl/tokens",
    "/v1/operator/raft/configuration",
    "/v1/operator/keyring",
)
EMPTY = ("/v1/catalog/nodes", "/v1/catalog/services", "/v1/agent/services", "/v1/agent/members", "/v1/kv/?keys")
FORBIDDEN = 403


def test_anonymous_requests(cluster: Cluster, passed: Report) -> None:
    """Every request needs a token"""
    problems = [
        problem
        for host in cluster.hosts
        for problem in (*_seen(cluster, host), *_key_written(cluster, host), *_service_registered(cluster, host))
    ]
    if problems:
        raise CheckError("no access without a token", problems, cluster.mend)
    count = len(cluster.hosts)
    passed(f"every request needs a token: {count} of {count} agents")


def _anonymous(cluster: Cluster, host: str, method: str, path: str, body: str = "") -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        base = cluster.catalog.agents[host].http.base_uri
        return session.request(method, f"{base}{path}", data=body, timeout=stretched(RESPONSE_TIMEOUT_SECONDS))


def _seen(cluster: Cluster, host: str) -> Iterable[str]:
    for path in (*REFUSED, *EMPTY):
        answer = _anonymous(cluster, host, "GET", path)
        nothing = answer.status_code == FORBIDDEN or (path in EMPTY and not answer.json())
        if not nothing:
            yield f"{host}: GET {path} needs no token ({answer.status_code}, {len(answer.content)} bytes)"


def _key_written(cluster: Cluster, host: str) -> Iterable[str]:
    key = f"rollcall/verify/{uuid.uuid4()}"
    answer = _anonymous(cluster, host, "PUT", f"/v1/kv/{key}", "written by nobody")
    if answer.status_code != FORBIDDEN:
        cluster.catalog.agents[host].kv.delete(key)
        yield f"{host}: writing a key needs no token ({answer.status_code}); deleted the key"


def _service_registered(cluster: Cluster, host: str) -> Iterable[str]:
    name = f"rollcall-verify-{uuid.uuid4()}"
    answer = _anonymous(cluster, host, "PUT", "/v1/agent/service/register", f'{{"Name": "{name}"}}')
    if answer.status_code != FORBIDDEN:
        cluster.catalog.agents[host].agent.service.deregister(name)
        yield f"{host}: registering a service needs no token ({answer.status_code}); removed the service"


def test_https(cluster: Cluster, passed: Report) -> None:
    """Agents serve HTTPS to other hosts, and only to certificates of the fleet"""
    authority = cluster.secrets.authority
    operator = trusting(authority, cluster.secrets.operator)
    stranger = certificates.authority("Stranger")
    foreign = certificates.issue(stranger, "operator", ["operator.rollcall.internal"], "client")
    strangers = {"no certificate": trusting(authority), "a foreign certificate": trusting(authority, foreign)}
    problems = []
    for member in cluster.members:
        endpoint = cluster.endpoints[member.name][agent_by_tls(member)]
        name = f"{member.node}.node.{cluster.domain}"
        if why := refusal(endpoint, operator, name, "/v1/status/leader"):
            problems.append(f"{member.name}: the agent refuses the operator's certificate: {why}")
            continue
        problems += [
            f"{member.name}: the agent accepts a client with {what}"
            for what, context in strangers.items()
            if not refusal(endpoint, context, name, "/v1/status/leader")
        ]
    if problems:
        raise CheckError("HTTPS only for the fleet's own certificates", problems, cluster.mend)
    count = len(cluster.members)
    passed(f"HTTPS (8501) accepts the operator's certificate, and no foreign or missing one: {count} of {count}")


def test_certificates_last(cluster: Cluster, passed: Report) -> None:
    """Certificates of agents and fronts are valid for a while"""
    found = [
        (
            f"{member.name}'s {what}",
            certificate(cluster.endpoints[member.name][endpoint], preface(member) if what == "front" else b""),
            own,
        )
        for member in cluster.members
        for what, endpoint, own in _shown(member)
    ]
    now = datetime.now(UTC)
    problems = [
        problem
        for whose, one, own in found
        for problem in ending(f"{whose} certificate", one.not_valid_after_utc, own, now)
    ]
    if problems:
        # A certificate of the user's own comes first: no rotation and no deploy renews it.
        own = [problem.next for problem in problems if "front.certificate" in problem.next]
        step = own[0].replace(INVENTORY, cluster.source) if own else cluster.mend
        raise CheckError(f"at least {EXPIRING.days} days", [problem.text for problem in problems], step)
    first, earliest, _ = min(found, key=_end)
    passed(
        f"{len(found)} certificates of agents and fronts are valid for at least {EXPIRING.days} days; "
        f"the first to expire is {first}, on {earliest.not_valid_after_utc:%Y-%m-%d}"
    )


def _shown(member: Member) -> list[tuple[str, tuple[str, int], str]]:
    """List what a host shows a certificate for: where, and the user's own file that it comes from."""
    agent = ("agent", agent_by_tls(member), "")
    # By ACME they last less, and are renewed by themselves: test_sites_certificates.
    if not member.is_front or (member.settings.front.acme and member.settings.front.server_name):
        return [agent]
    return [agent, ("front", front_by_tls(member), member.settings.front.certificate or "")]


def _end(entry: tuple[str, x509.Certificate, str]) -> datetime:
    return entry[1].not_valid_after_utc


def test_sites_certificates(cluster: Cluster, passed: Report) -> None:
    """Each site shows its own certificate, and none has an error"""
    problems, count = [], 0
    for front in cluster.fronts:
        document = json.loads(cluster.docker(front.name, "exec", "front", "front", "status"))
        for site in document["certificates"]:
            if site["error"]:
                problems.append(f"{front.name}: {site['name']}: {site['error']}")
            if site["source"] != "fleet":
                count += 1
                problems += _other_certificate(cluster, front, site["name"], datetime.fromisoformat(site["end"]))
    if problems:
        raise CheckError(
            "each site's own certificate, and no error", problems, f"rollcall certificates {cluster.source}"
        )
    shown = {0: "no site has a certificate of its own", 1: "fronts show the one certificate of a site's own"}
    passed(f"{shown.get(count, f'fronts show {count} certificates of sites of their own')}; no order or renewal fails")


def _other_certificate(cluster: Cluster, front: Member, name: str, end: datetime) -> list[str]:
    """Return a problem unless the front shows the certificate that it names for a site."""
    shown = certificate(
        cluster.endpoints[front.name][front_by_tls(front)], preface(front), name.replace("*", "rollcall", 1)
    )
    if shown.not_valid_after_utc == end:
        return []
    return [f"{front.name}: {name}: nginx shows another certificate, until {shown.not_valid_after_utc:%Y-%m-%d}"]


def test_gossip_and_rpc(cluster: Cluster, passed: Report) -> None:
    """Agents encrypt gossip, and verify each other's certificates"""
    problems = []
    for name, agent in cluster.catalog.agents.items():
        try:
            own = agent.agent.self()
        except AGENT_ERRORS as problem:
            problems.append(f"{name}: {failure(problem)}")
            continue
        if own["Stats"]["serf_lan"]["encrypted"] != "true":
            problems.append(f"{name}: its gossip is not encrypted")
        rpc = own["DebugConfig"]["TLS"]["InternalRPC"]
        wanted = ("VerifyIncoming", "VerifyOutgoing", "VerifyServerHostname")
        problems += [f"{name}: {key} of its RPC is off" for key in wanted if not rpc[key]]
    if problems:
        raise CheckError("encrypted gossip and verified RPC", problems, cluster.mend)
    count = len(cluster.catalog.agents)
    passed(f"gossip is encrypted, and both ends of RPC verify certificates: {count} of {count}")


def test_policies_and_tokens(cluster: Cluster, passed: Report) -> None:
    """Consul's policies and tokens are as declared"""
    wanted = access.desired(cluster.fleet, cluster.secrets)
    agent = cluster.catalog.any_agent()
    header = {"X-Consul-Token": cluster.secrets.tokens.secret("auditor")}
    policies, tokens = (
        agent.http.session.get(
            f"{agent.http.base_uri}{path}", headers=header, timeout=stretched(RESPONSE_TIMEOUT_SECONDS)
        ).text
        for path in (agent_queries.POLICIES, agent_queries.TOKENS)
    )
    found = listed(policies, tokens)
    if found is None:
        raise CheckError("Consul's own lists of policies and tokens", policies[:200], cluster.mend)
    problems = [f"a deploy would {request.text}" for request in due(wanted, found)]
    if problems:
        raise CheckError("policies and tokens as declared", problems, cluster.mend)
    own = {ANONYMOUS, wanted.management_accessor, *(token.accessor for token in wanted.tokens)}
    others = [token for token in found.tokens if token["AccessorID"] not in own and token["Description"] != INITIAL]
    passed(
        f"{len(wanted.policies)} policies and {len(wanted.tokens)} tokens are as declared"
        + (f"; tokens of others: {len(others)}" if others else "")
    )
