"""A service of a user's own, declared beside a copy of the lab's inventory, in versions of several kinds."""

import shutil
from pathlib import Path
from typing import Any

from deployed import LAB, PROJECT

SHOP = "shop.example.com"
SERVER = 'server {{ listen 8000; location / {{ return 200 "{version} $hostname"; }} {more} }}'
# It takes a second to start, as an app does.
PROGRAM = "sleep 1; echo '{server}' >/etc/nginx/conf.d/default.conf; exec nginx -g 'daemon off;'"
# What does not come up.
BROKEN = {
    "crash": "echo no database; exit 3",
    "never": "exec sleep 1000",
    "sick": PROGRAM.format(server=SERVER.format(version="sick", more="location /health { return 503; }")),
}


class Declared:
    """The service in the inventory's own group data; `write` declares a version of it, or none."""

    def __init__(self, folder: Path) -> None:
        shutil.copy(PROJECT / LAB, folder / "lab.py")
        self.inventory = str(folder / "lab.py")
        (folder / "group_data").mkdir()
        self._file = folder / "group_data" / "backends.py"

    def write(self, version: str = "", first: str = "", **more: Any) -> None:
        """Declare the service: v1, v2, … serve their name, the others are broken as they are called.

        `first` is what the program runs before all else.
        """
        server = SERVER.format(version=version, more="")
        service = {
            "name": "shop",
            "image": "nginx:1.30",
            "ports": [8000],
            "routes": [{"host": SHOP}],
            "health": {"path": "/health", "interval": "1s"},
            "command": ["sh", "-c", first + (BROKEN.get(version) or PROGRAM.format(server=server))],
            **more,
            "release": {"timeout": 20, "drain_timeout": 10, **more.get("release", {})},
        }
        self._file.write_text(f"services = {[service] if version else []!r}\n")
