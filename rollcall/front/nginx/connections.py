"""nginx's own count of its connections."""

import re
from collections.abc import Mapping

# ngx_http_stub_status_module: "Active connections: 3 \nserver accepts handled requests\n 100 100 1000 \nReading: 0 …"
_STUB_STATUS = re.compile(
    r"Active connections: (?P<active>\d+)\s+server accepts handled requests\s+"
    r"(?P<accepted>\d+) (?P<handled>\d+) (?P<requests>\d+)\s+"
    r"Reading: (?P<reading>\d+) Writing: (?P<writing>\d+) Waiting: (?P<waiting>\d+)"
)


def connections(stub_status: str) -> Mapping[str, int]:
    """Parse a response of stub_status; return {} for anything else."""
    found = _STUB_STATUS.match(stub_status)
    return {name: int(count) for name, count in found.groupdict().items()} if found else {}
