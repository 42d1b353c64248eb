"""Chromium in a container of its own, driven by WebDriver over loopback."""

import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from selenium.webdriver import ChromeOptions, Remote
from selenium.webdriver.chrome.remote_connection import ChromeRemoteConnection
from status_server import Front, serving, sight

from rollcall.lab import catalogue, dockerfile, images
from rollcall.lab import engine as lab_engine

IMAGE = "rollcall-test/chromium"
DOCKERFILE = Path(__file__).parent / "chromium" / "Dockerfile"


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    lab_engine.ensure()
    images.ensure()
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def browser_image(engine: docker.DockerClient) -> str:
    """Made once; Docker knows by the Dockerfile whether it is still the same."""
    with tempfile.TemporaryDirectory() as folder:
        text = dockerfile.localised(DOCKERFILE.read_text(), catalogue.NAMES)
        (Path(folder) / "Dockerfile").write_text(text)
        engine.images.build(path=folder, tag=IMAGE, network_mode="host", rm=True)
    return IMAGE


@pytest.fixture(scope="session")
def driver(engine: docker.DockerClient, browser_image: str) -> Iterator[str]:
    """Where WebDriver answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # On the machine's network the page is at loopback, as a person at the front has it.
    container = engine.containers.run(
        browser_image,
        [f"--port={port}"],
        detach=True,
        network_mode="host",
        shm_size="512m",
        init=True,
        environment={"SERVICE_IGNORE": "true"},
        labels={"rollcall.test": "status-page"},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield url
    finally:
        container.remove(force=True)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/status", timeout=5).close()
        except (OSError, urllib.error.URLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


class Browser(Remote):
    """A window that can pretend to be another screen."""

    def emulates(self, command: str, **parameters: Any) -> None:
        """Send one command of Chromium's own Emulation domain."""
        self.execute("executeCdpCommand", {"cmd": f"Emulation.{command}", "params": parameters})

    def prefers(self, scheme: str) -> None:
        """Have the user prefer "light" or "dark"."""
        self.emulates("setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def is_wide(self, width: int, height: int = 800) -> None:
        """Have a screen of so many CSS pixels, as a phone's."""
        self.emulates("setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=True)

    def errors(self) -> list[str]:
        """What the page did that it must not: errors of scripts, and what its policy forbids."""
        return [entry["message"] for entry in self.get_log("browser")]

    def get_log(self, kind: str) -> list[dict[str, str]]:
        """Read one of Chromium's logs."""
        found: list[dict[str, str]] = self.execute("getLog", {"type": kind})["value"]
        return found


@pytest.fixture
def browser(driver: str) -> Iterator[Browser]:
    options = ChromeOptions()
    # The container is the sandbox; Chromium's own needs rights that it has not.
    for argument in ("--headless=new", "--no-sandbox", "--no-proxy-server", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = Browser(command_executor=ChromeRemoteConnection(driver), options=options)
    try:
        yield opened
    finally:
        opened.quit()


@pytest.fixture
def front() -> Iterator[Front]:
    with serving(sight()) as served:
        yield served


@pytest.fixture
def until() -> Callable[[Callable[[], Any], str], None]:
    """Wait for a condition, with a deadline."""

    def wait(condition: Callable[[], Any], what: str, seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.05)

    return wait
