import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from rollcall.images import registry
from rollcall.images.saved import Blob, Saved

LAYER = b"0123456789"
DIGEST = "sha256:layer"


@pytest.fixture
def image(tmp_path: Path) -> Saved:
    path = tmp_path / "image.tar"
    path.write_bytes(LAYER)
    return Saved(path, b'{"schemaVersion": 2}', {DIGEST: Blob(path, 0, len(LAYER))})


@pytest.fixture
def opened() -> Iterator[registry.Registry]:
    with registry.registry() as one:
        yield one


def get(opened: registry.Registry, path: str, **headers: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{opened.port}{path}", headers=headers, timeout=5)


def test_an_engine_gets_the_manifest_by_tag_and_by_digest_and_each_blob(
    opened: registry.Registry, image: Saved
) -> None:
    with opened.offered(image) as offer:
        assert offer.reference("127.0.0.1:5000") == f"127.0.0.1:5000/{offer.name}/image:sent"
        assert get(opened, "/v2/").status_code == 200
        for reference in ("sent", image.digest):
            found = get(opened, f"/v2/{offer.name}/image/manifests/{reference}")
            assert (found.content, found.headers["Docker-Content-Digest"]) == (image.manifest, image.digest)
        assert get(opened, f"/v2/{offer.name}/image/blobs/{DIGEST}").content == LAYER
        assert offer.sent == len(LAYER)


def test_an_interrupted_download_continues_where_it_stopped(opened: registry.Registry, image: Saved) -> None:
    with opened.offered(image) as offer:
        found = get(opened, f"/v2/{offer.name}/image/blobs/{DIGEST}", Range="bytes=7-")
        assert (found.status_code, found.content, found.headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
        assert offer.sent == 3


def test_what_was_sent_is_known_as_soon_as_the_last_byte_has_come(opened: registry.Registry, image: Saved) -> None:
    with opened.offered(image) as offer:
        url = f"/v2/{offer.name}/image/blobs/{DIGEST}"
        with ThreadPoolExecutor(4) as engines:
            for fetched in range(1, 51):
                assert [found.content for found in engines.map(lambda _: get(opened, url), range(4))] == [LAYER] * 4
                assert offer.sent == 4 * fetched * len(LAYER)


def test_a_head_request_for_a_blob_sends_no_body(opened: registry.Registry, image: Saved) -> None:
    with opened.offered(image) as offer:
        url = f"http://127.0.0.1:{opened.port}/v2/{offer.name}/image/blobs/{DIGEST}"
        assert requests.head(url, timeout=5).headers["Content-Length"] == "10"
        assert offer.sent == 0


def test_an_offer_is_served_only_under_its_name_and_only_while_open(opened: registry.Registry, image: Saved) -> None:
    with opened.offered(image) as offer:
        for path in (
            f"/v2/{'0' * 32}/image/manifests/sent",
            f"/v2/{offer.name}/image/manifests/latest",
            f"/v2/{offer.name}/image/blobs/sha256:other",
            f"/v2/{offer.name}/../image/manifests/sent",
            "/",
        ):
            assert get(opened, path).status_code == 404
    assert get(opened, f"/v2/{offer.name}/image/manifests/sent").status_code == 404


def test_an_engine_that_tries_tls_first_gets_an_http_response(opened: registry.Registry) -> None:
    with socket.create_connection(("127.0.0.1", opened.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
