"""Chromium in a container of its own, driven by WebDriver over loopback."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from free_ports import free_port
from image_for_tests import made
from removal import remove
from selenium.webdriver import ChromeOptions, Remote
from selenium.webdriver.chrome.remote_connection import ChromeRemoteConnection
from status_server import Front, serving, sight
from waiting import until


@pytest.fixture(scope="session")
def browser_image(engine: docker.DockerClient) -> str:
    return made(engine, Path(__file__).parent / "chromium")


@pytest.fixture(scope="session")
def driver(engine: docker.DockerClient, browser_image: str) -> Iterator[str]:
    """Where WebDriver answers."""
    port = free_port()
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
        until(lambda: _answers(url), "an answer of WebDriver", 60)
        yield url
    finally:
        remove(container)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/status", timeout=5).close()
    except OSError:
        return False
    return True


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


@pytest.fixture(scope="session")
def window(driver: str) -> Iterator[Browser]:
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
def browser(window: Browser) -> Browser:
    """One window for all tests, since its start takes seconds, as new for each."""
    window.get("about:blank")
    window.emulates("clearDeviceMetricsOverride")
    window.emulates("setEmulatedMedia", features=[])
    window.errors()
    return window


@pytest.fixture
def front() -> Iterator[Front]:
    with serving(sight()) as served:
        yield served
