"""Ask a zone's own name servers for a record, past every cache."""

import time
from collections.abc import Iterator

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.resolver

from rollcall.acme.order_error import OrderError
from rollcall.contract.timeouts import stretched

# Providers copy a change to their servers within a minute or two.
TIMEOUT_SECONDS = stretched(180.0)
QUERY_TIMEOUT_SECONDS = stretched(3.0)
PAUSE_SECONDS = 0.5


def wait(record: str, value: str) -> None:
    """Wait until every name server of the record's zone has this value.

    A server that does not respond is not waited for: it is down, or not reached from here, and the authority's own
    queries decide.

    Raises:
        OrderError: a server still lacks it after TIMEOUT_SECONDS.
    """
    until = time.monotonic() + TIMEOUT_SECONDS
    try:
        # The record may be an alias in a zone of its own.
        name = dns.resolver.canonical_name(record)
        left = list(_addresses(dns.resolver.zone_for_name(name)))
    except dns.exception.DNSException:
        return
    while left := [address for address in left if _lacks(address, name, value)]:
        if time.monotonic() > until:
            raise OrderError(
                f"the name server {left[0]} does not have the record {record} after {TIMEOUT_SECONDS:g} s", local=True
            )
        time.sleep(PAUSE_SECONDS)


def _addresses(zone: dns.name.Name) -> Iterator[str]:
    for server in dns.resolver.resolve(zone, "NS"):
        try:
            yield from dns.resolver.resolve_name(server.target).addresses()
        except dns.exception.DNSException:
            continue


def _lacks(address: str, name: dns.name.Name, value: str) -> bool:
    query = dns.message.make_query(name, dns.rdatatype.TXT)
    try:
        response, _ = dns.query.udp_with_fallback(query, address, timeout=QUERY_TIMEOUT_SECONDS)
    except (dns.exception.DNSException, OSError):
        return False
    found = (record for answer in response.answer for record in answer if record.rdtype == dns.rdatatype.TXT)
    return all(b"".join(record.strings) != value.encode() for record in found)
