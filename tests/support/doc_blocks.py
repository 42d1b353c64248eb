# ruff: noqa: E501 - the table has whole lines of the pages.
"""Every command block of README.md and docs/*.md: where the lab runs it, or why it does not.

A block is a fenced one of a shell, or an indented one. It is named by its page and first line; TABLE has each of them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rollcall.config.project import CHECKOUT

# Fenced blocks of these languages are files and settings, no commands.
FILES = frozenset({"python", "jinja", "hcl", "nft", "ini", "json", "yaml"})
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# After an empty line; an empty line inside it is followed by another line of it.
_INDENTED = re.compile(r"(?<=\n\n)    \S[^\n]*\n(?:(?:\n*    )[^\n]*\n)*")
# In a block of a session, `$ ` stands before what is typed; the rest is what comes of it.
PROMPT = "$ "


@dataclass(frozen=True)
class Block:
    """One block as it stands on its page."""

    page: str
    text: str

    @property
    def name(self) -> tuple[str, str]:
        """The page and the first line, as TABLE has it."""
        return self.page, self.text.splitlines()[0].strip()


@dataclass(frozen=True)
class Run:
    """Run a block with bash, on `host` or, without one, on the control machine; what the lab calls otherwise is replaced.

    `skip` has the beginnings of lines that are left out, each with the reason. `first` is run before it, in the same
    shell; `stdin` is given to it: "token" is one that `rollcall token` makes.
    """

    host: str = ""
    replace: Mapping[str, str] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)
    first: str = ""
    stdin: str = ""


LAB = {"inventories/production.py": "inventories/lab.py", "INVENTORY": "inventories/lab.py"}
# The lab's inventory with the setting that allows chaos; by the same file name, it has the lab's secrets.
ALLOWED = "/tmp/rollcall-chaos/lab.py"
CHAOS = {"inventories/production.py": ALLOWED}
ALLOW = """\
mkdir -p /tmp/rollcall-chaos/group_data
cp inventories/lab.py /tmp/rollcall-chaos/
echo 'chaos = True' > /tmp/rollcall-chaos/group_data/all.py
"""
IMAGES = dict.fromkeys(("my/shop:1.4", "my/blog:2.0", "my/shop:2", "my/search:1", "my/news:1"), "nginx:1.30")
FRONT = {"http://FRONT/": "http://127.0.0.1:8080/"}
OUTPUT = "what a command prints"
SETTINGS = "settings, no commands"
# docs/consul.md is one session on a host, whose blocks share a shell.
SESSION = """\
read -rs CONSUL_HTTP_TOKEN && export CONSUL_HTTP_TOKEN
api() { curl -sS -H @<(echo "X-Consul-Token: $CONSUL_HTTP_TOKEN") "http://127.0.0.1:8500$@"; }
"""
IN_SESSION = Run("app1", first=SESSION, stdin="token")
SHOP = """\
docker run -d -P -e SERVICE_80_NAME=shop-80 -e SERVICE_TAGS=v2 -e SERVICE_443_IGNORE=true nginx:1.30
docker run -d -P -e SERVICE_80_NAME=shop-80 -e SERVICE_TAGS=v3 -e SERVICE_443_IGNORE=true nginx:1.30
"""
REGISTERED = """\
until rollcall curl inventories/lab.py /v1/catalog/service/shop-80 | grep '"v3"' >/dev/null; do :; done
"""
ROUTED = """\
until rollcall lab ssh front1 -- docker exec front front status | grep '"host": "shop.example.com", "path": "/api"' >/dev/null; do :; done
"""
STREAMS = (
    "tests/integration/front/test_front_streams.py tries each kind of stream, tests/unit/front/test_docs.py the words"
)
REGISTRATOR_ALONE = "a registrator beside the fleet's would have its name; tests/integration/registrator runs one"

TABLE: Mapping[tuple[str, str], Run | str] = {
    ("README.md", "uv tool install rollcall           # or: pipx install rollcall"): "installs from a package index",
    (
        "README.md",
        "rollcall images build                                  # ours are on no public registry; a deploy pushes them",
    ): Run(replace=LAB, skip={"rollcall images build": "starts from images of a public registry"}),
    ("README.md", "docker run -d -P -e SERVICE_NAME=shop my/shop:1.4"): Run("app1", IMAGES),
    # `make lab` and `make test`, above the session, made this lab and run this test.
    (
        "README.md",
        "make lab      # six real hosts on this machine, deployed: three Consul servers, two hosts of containers, a front",
    ): Run(skip={"make lab-down": "other tests need the lab"}),
    (
        "docs/adding-a-component.md",
        "rollcall deploy inventories/production.py --dry    # shows the new container on every host",
    ): ("tests/e2e/fleet/test_own_component.py runs that page"),
    (
        "docs/architecture.md",
        "container starts ─ Docker event ─▶ registrator ─▶ local Consul agent ─▶ Consul servers",
    ): "a drawing",
    ("docs/architecture.md", "settings ─▶ Fleet ─▶ components ─▶ resources ─┐"): "a drawing",
    ("docs/consul.md", "rollcall curl inventories/production.py /v1/catalog/services | jq keys"): Run(replace=LAB),
    ("docs/consul.md", "rollcall token inventories/production.py --ttl 10m"): Run(replace=LAB),
    ("docs/consul.md", "read -rs CONSUL_HTTP_TOKEN && export CONSUL_HTTP_TOKEN"): Run("app1", stdin="token"),
    ("docs/consul.md", "api /v1/catalog/services"): IN_SESSION,
    ("docs/consul.md", "dig +short webserver-80.service.consul"): Run("app1"),
    ("docs/consul.md", "api /v1/kv/tutorial/greeting -X PUT -d 'Good morning'"): IN_SESSION,
    ("docs/consul.md", "mkdir -p /tmp/tutorial && cat > /tmp/tutorial/upstream.ctmpl <<'END'"): IN_SESSION,
    ("docs/consul.md", "api /v1/kv/tutorial/greeting -X DELETE"): IN_SESSION,
    (
        "docs/chaos.md",
        "rollcall chaos inventories/production.py --plan --seed 7",
    ): Run(
        replace=CHAOS,
        skip={"rollcall chaos inventories/production.py --seed": "takes minutes; tests/e2e/fleet/test_chaos.py"},
        first=ALLOW,
    ),
    ("docs/chaos.md", "fault     host               failed requests  longest gap  right after"): OUTPUT,
    ("docs/chaos.md", "rollcall chaos inventories/production.py --heal"): Run(replace=CHAOS, first=ALLOW),
    (
        "docs/engines.md",
        "rollcall lab up --engines 20.10,newest      new hosts take these in turn; without the option each has 26.1",
    ): ("builds hosts for minutes; make test ENGINES=… does it"),
    ("docs/firewalls.md", "ufw allow 22/tcp"): "changes a host's firewall; the page says how it was tried",
    (
        "docs/firewalls.md",
        "systemctl enable nftables",
    ): "changes a host's firewall; tests/integration/firewalls runs it",
    ("docs/firewalls.md", "systemctl restart docker"): "changes a host's firewall; the page says how it was tried",
    (
        "docs/images.md",
        "rollcall images build                            # all; or: rollcall images build front dns",
    ): ("starts from images of a public registry"),
    ("docs/images.md", "# group_data/all.py"): "needs a registry of the user's own",
    (
        "docs/life.md",
        "rollcall remove inventories/production.py --host app2",
    ): "tests/e2e/long/test_life.py, which brings the host back",
    (
        "docs/life.md",
        "rollcall forget inventories/production.py app2",
    ): "tests/e2e/long/test_life.py, which brings the host back",
    (
        "docs/life.md",
        "rollcall backup inventories/production.py shop.backup.age --passphrase-file ~/.shop-backup",
    ): Run(
        replace={**LAB, "shop.backup.age": "/tmp/shop.backup.age", "~/.shop-backup": "<(echo open sesame)"},
        skip={"rollcall backup --check": "tests/integration/backup does it with an image of the lab"},
    ),
    (
        "docs/life.md",
        "ssh root@consul2 docker stop consul",
    ): "renews a server's tokens; done by hand on the lab, 2026-11-29",
    (
        "docs/life.md",
        "rollcall restore inventories/production.py shop.backup.age --passphrase-file ~/.shop-backup",
    ): "tests/e2e/long/test_life.py, under load",
    (
        "docs/life.md",
        "rollcall remove inventories/production.py --host web2",
    ): "tests/e2e/long/test_addresses.py does it",
    (
        "docs/life.md",
        "rollcall restore --settings shop-fleet shop.backup.age --passphrase-file ~/.shop-backup",
    ): "needs hosts without anything; tests/e2e/long/test_restored_elsewhere.py does it",
    (
        "docs/life.md",
        "ssh root@consul1 'cat /srv/consul-backups/consul-2026-11-29T120000Z.snapshot' > consul.snapshot",
    ): "a file has its time in its name; tests/e2e/long/test_life.py restores one",
    ("docs/life.md", "rollcall recover inventories/production.py"): "tests/e2e/long/test_life.py",
    ("docs/life.md", "rollcall reboot inventories/production.py app1 app2"): "tests/e2e/long/test_life.py",
    ("docs/logging-in.md", "# an inventory's host, or group_data/all.py for every host"): SETTINGS,
    (
        "docs/operating.md",
        "rollcall logs inventories/production.py front --since 10m --grep '\"status\":5'",
    ): Run(replace=LAB),
    ("docs/operating.md", "rollcall drain inventories/production.py app1/webserver-1     # one container"): Run(
        replace={
            **LAB,
            "undrain inventories/lab.py app1  ": "undrain inventories/lab.py app1/webserver-1; rollcall undrain inventories/lab.py app1  ",
        },
    ),
    (
        "docs/operating.md",
        "Drained app1/webserver-1 in 1.4 s. To put it back: rollcall undrain inventories/production.py app1/webserver-1",
    ): OUTPUT,
    (
        "docs/operating.md",
        "rollcall: app1/webserver-1 is out of service, but after 30 s 2 connections are left: 2 of front1 to",
    ): OUTPUT,
    ("docs/operating.md", "rollcall drain inventories/production.py app1 --deadline 120 && ssh root@app1 reboot"): Run(
        replace={**LAB, "ssh root@app1 reboot": "rollcall lab ssh app1 -- true"}
    ),
    (
        "docs/operating.md",
        "rollcall canary inventories/production.py shop-80 v2=10          # 10 % to the instances tagged v2",
    ): Run(replace=LAB, first=REGISTERED),
    ("docs/operating.md", "shop-80: v2 10 % (1 instance), the rest 90 % (3 instances)"): OUTPUT,
    (
        "docs/operating.md",
        'rollcall maintenance inventories/production.py shop.example.com/api on --text "We are back at noon."',
    ): Run(replace=LAB, first=ROUTED),
    ("docs/own-templates.md", "docker run -d --name haproxy --restart always --network host \\"): (
        "needs an image of the user's own; tests/integration/template_sync runs HAProxy so"
    ),
    (
        "docs/own-templates.md",
        "docker exec templates templates-status",
    ): "the lab has no templates of its own; tests/integration/template_sync",
    (
        "docs/registrator.md",
        'docker run -d --name registrator --restart always --net host --hostname "$(hostname)" \\',
    ): REGISTRATOR_ALONE,
    (
        "docs/registrator.md",
        "context=$(mktemp -d)",
    ): "starts from an image of a public registry; the lab builds the same context",
    ("docs/registrator.md", "docker exec registrator registrator once -dry"): Run("app1"),
    ("docs/registrator.md", "mkdir -p /etc/socket-filter"): REGISTRATOR_ALONE,
    (
        "docs/registrator.md",
        "docker run -d --name socket-filter --restart always --network none -e SERVICE_IGNORE=true \\",
    ): REGISTRATOR_ALONE,
    (
        "docs/routes.md",
        "docker run -d -P -e SERVICE_NAME=shop -e SERVICE_VIRTUAL_HOST=shop.example.com nginx:1.30",
    ): Run("app1", skip={"curl": "goes to the front, from the control machine: the README's tour"}),
    (
        "docs/routes.md",
        "docker run -d -P -e SERVICE_80_VIRTUAL_HOST=shop.example.com -e SERVICE_80_VIRTUAL_PATH=/api -e SERVICE_80_VIRTUAL_STRIP=true \\",
    ): Run("app2", IMAGES, first=SHOP),
    (
        "docs/routes.md",
        "shop.example.com/ goes to ape-80 as the name that sorts first; zebra-80 claims it too",
    ): OUTPUT,
    ("docs/routes.md", "rollcall consul INVENTORY -- kv put rollcall/front/canary/shop-80 '{\"v2\": 10}'"): Run(
        replace=LAB
    ),
    (
        "docs/policies.md",
        "docker run -d -P -e SERVICE_NAME=shop -e SERVICE_VIRTUAL_HOST=shop.example.com -e SERVICE_VIRTUAL_REDIRECT_FROM=www \\",
    ): ("tests/integration/front/test_front_policies.py tries each policy"),
    (
        "docs/policies.md",
        "rollcall secret set INVENTORY front staff",
    ): "asks for passwords; tests/unit/secrets has them",
    ("docs/status.md", "Problems"): OUTPUT,
    ("docs/status.md", "scrape_configs:"): SETTINGS,
    ("docs/status.md", "- alert: SiteIsUnserved"): SETTINGS,
    (
        "docs/streams.md",
        "docker run -d -p 5432 -e SERVICE_5432_NAME=db -e SERVICE_5432_VIRTUAL_TCP=5432 -e SERVICE_5432_VIRTUAL_ALLOW=10.0.0.0/8 my/postgres:17",
    ): STREAMS,
    (
        "docs/streams.md",
        'docker run -d -p 993 -e SERVICE_993_NAME=mail -e SERVICE_993_VIRTUAL_TLS="mail.example.com:993, *.example.org:993" my/mail:3',
    ): STREAMS,
    (
        "docs/streams.md",
        "docker run -d -p 53/udp -e SERVICE_53_NAME=resolver -e SERVICE_53_VIRTUAL_UDP=5353 my/resolver:2",
    ): STREAMS,
    ("docs/two-fronts.md", 'front = {"virtual_address": "10.0.0.100/24", …}      # group_data/fronts.py'): SETTINGS,
}
# Routes first, since later pages use its containers; operating.md last, which leaves a maintenance page.
ORDER = (
    *("docs/routes.md", "docs/registrator.md", "docs/consul.md", "docs/chaos.md", "README.md"),
    *("docs/operating.md", "docs/life.md"),
)


def pages() -> list[Path]:
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def blocks() -> list[Block]:
    """Every block that could be commands, in the order of the pages."""
    return [
        Block(str(path.relative_to(CHECKOUT)), text) for path in pages() for text in _texts(path.read_text("utf-8"))
    ]


def _texts(page: str) -> Iterator[str]:
    # A fenced block's place is left empty, so that its own indented lines are none.
    found = [(match.start(), match[2]) for match in _FENCE.finditer(page) if match[1] not in FILES]
    rest = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), page)
    for match in _INDENTED.finditer(rest):
        if not _is_in_a_list(rest, match.start()):
            found.append((match.start(), re.sub(r"^    ", "", match[0], flags=re.MULTILINE)))
    yield from (text for _, text in sorted(found))


def _is_in_a_list(page: str, at: int) -> bool:
    before = page[:at].rstrip().splitlines()
    return bool(before) and bool(re.match(r"\s*(-|[0-9]+\.) ", before[-1]))


def script(block: Block, run: Run) -> str:
    """Write what the lab runs of a block."""
    lines = block.text.splitlines()
    if any(line.startswith(PROMPT) for line in lines):
        lines = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
    text = "\n".join(line for line in lines if not line.startswith(tuple(run.skip))) if run.skip else "\n".join(lines)
    for old, new in run.replace.items():
        text = text.replace(old, new)
    return f"set -eu -o pipefail\n{run.first}{text}\n"
