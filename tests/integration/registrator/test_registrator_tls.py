"""The registrator over TLS, to a real Consul agent and to the engine behind a TLS proxy."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from free_ports import free_port
from registrator_world import ENGINE_SOCKET, Agent, Run, Start, running
from tls_files import TlsFiles
from waiting import until

INVALID = "its certificate is invalid: "


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    return TlsFiles(tmp_path / "tls")


class TlsAgent(Agent):
    """A Consul agent with HTTPS, whose certificate can be replaced."""

    def __init__(self, binary: Path, folder: Path, pair: tuple[Path, Path], ca: Path, *, verify: bool) -> None:
        self.tls_port = free_port()
        files = {"cert_file": str(pair[0]), "key_file": str(pair[1]), "ca_file": str(ca), "verify_incoming": verify}
        super().__init__(binary, folder, tls={"https": files})
        self.configuration["ports"]["https"] = self.tls_port  # type: ignore[index]

    @property
    def uri(self) -> str:
        return f"consul-tls://localhost:{self.tls_port}"

    def replace_certificate(self, pair: tuple[Path, Path]) -> None:
        self.configuration["tls"]["https"] |= {"cert_file": str(pair[0]), "key_file": str(pair[1])}  # type: ignore[index]
        self.kill()
        self.start()


def test_an_agent_whose_certificate_becomes_valid_gets_the_services(
    start: Start, run: Run, consul_binary: Path, tmp_path: Path, files: TlsFiles, name: str
) -> None:
    foreign = TlsFiles(tmp_path / "foreign", "foreign")
    wrong_ca = foreign.issue("localhost")
    run()
    with running(TlsAgent(consul_binary, tmp_path / "consul", wrong_ca, files.ca, verify=False)) as agent:
        registrator = start("-internal", uri=agent.uri, CONSUL_CACERT=str(files.ca))
        registrator.says(f"{INVALID}unable to get local issuer certificate")
        agent.replace_certificate(files.issue("localhost"))
        until(lambda: agent.catalog(name), "registered by itself")
        assert registrator.text.count("does not respond") == 1, registrator.text
        assert "Traceback" not in registrator.text


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("name", "Hostname mismatch, certificate is not valid for 'localhost'"),
        ("end", "certificate has expired"),
    ],
)
def test_an_agent_with_a_wrong_certificate_is_one_sentence(
    start: Start, consul_binary: Path, tmp_path: Path, files: TlsFiles, wrong: str, reason: str
) -> None:
    pair = files.issue("elsewhere") if wrong == "name" else files.issue_expired("localhost")
    with running(TlsAgent(consul_binary, tmp_path / "consul", pair, files.ca, verify=False)) as agent:
        registrator = start("-internal", uri=agent.uri, CONSUL_CACERT=str(files.ca))
        registrator.says(f"Consul's agent at {agent.uri} does not respond ({INVALID}{reason}); retrying")
        assert registrator.process.poll() is None, "it keeps trying"


def test_an_agent_that_requires_a_client_certificate(
    start: Start, run: Run, consul_binary: Path, tmp_path: Path, files: TlsFiles, name: str
) -> None:
    pair = files.issue("localhost")
    foreign = TlsFiles(tmp_path / "foreign", "foreign")
    stranger = foreign.issue("localhost")
    environment = {"CONSUL_CACERT": str(files.ca)}
    with running(TlsAgent(consul_binary, tmp_path / "consul", pair, files.ca, verify=True)) as agent:
        run()
        for own in (None, stranger):
            shown = {"CONSUL_CLIENT_CERT": str(own[0]), "CONSUL_CLIENT_KEY": str(own[1])} if own else {}
            refused = start("-internal", uri=agent.uri, **environment, **shown)
            refused.says("does not respond")
            refused.stop()
        assert not agent.catalog(name)
        shown = {"CONSUL_CLIENT_CERT": str(pair[0]), "CONSUL_CLIENT_KEY": str(pair[1])}
        start("-internal", uri=agent.uri, **environment, **shown)
        until(lambda: agent.catalog(name), name)


class TlsEngine:
    """The engine's socket behind TLS, as `dockerd --tlsverify` has it: clients need a certificate of the authority."""

    def __init__(self, files: TlsFiles, pair: tuple[Path, Path]) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(files.ca)
        self.context.load_cert_chain(*pair)
        self.port = free_port()
        self.uri = f"tcp://localhost:{self.port}"

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", self.port, ssl=self.context)
        async with server:
            await server.serve_forever()

    async def _connect(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        engine_in, engine_out = await asyncio.open_unix_connection(ENGINE_SOCKET)
        await asyncio.gather(pump(client_in, engine_out), pump(engine_in, client_out))


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@contextlib.contextmanager
def tls_engine(files: TlsFiles, pair: tuple[Path, Path]) -> Iterator[TlsEngine]:
    engine = TlsEngine(files, pair)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    serving = loop.create_task(engine.serve())

    def work() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield engine
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(5)


def test_an_engine_over_tls(start: Start, run: Run, agent: Agent, files: TlsFiles, name: str) -> None:
    pair = files.issue("localhost")
    with tls_engine(files, pair) as engine:
        variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(files.folder)}
        start("-internal", docker_host=engine.uri, **variables)
        container = run()
        until(lambda: agent.catalog(name), name)
        container.kill()
        until(lambda: not agent.catalog(name), "out again")


def test_an_engine_with_a_wrong_certificate_is_one_sentence_until_it_is_right(
    start: Start, run: Run, agent: Agent, files: TlsFiles, name: str
) -> None:
    pair = files.issue("localhost")
    variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(files.folder)}
    run()
    with tls_engine(files, files.issue_expired("localhost")) as engine:
        registrator = start("-internal", docker_host=engine.uri, wait=False, **variables)
        registrator.says(f"Docker does not respond ({INVALID}certificate has expired); retrying")
        engine.context.load_cert_chain(*pair)
        until(lambda: agent.catalog(name), name)
        assert registrator.text.count("Docker does not respond") == 1
    with tls_engine(files, files.issue("elsewhere", file="elsewhere")) as engine:
        misnamed = start("-internal", docker_host=engine.uri, wait=False, **variables)
        misnamed.says("Hostname mismatch, certificate is not valid for 'localhost'")
    foreign = TlsFiles(files.folder / "foreign", "foreign")
    foreign.issue("localhost")
    with tls_engine(files, pair) as engine:
        stranger = start(
            "-internal", docker_host=engine.uri, wait=False, **variables | {"DOCKER_CERT_PATH": str(foreign.folder)}
        )
        stranger.says(f"{INVALID}self-signed certificate in certificate chain")
