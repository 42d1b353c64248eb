import os
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


BIG = b"a line of a file that is not random\n" * 10_000
NOISE = os.urandom(200_000)


@pytest.fixture
def big(tmp_path: Path) -> Saved:
    path = tmp_path / "big.tar"
    path.write_bytes(b"before" + BIG + NOISE + b"after")
    text, noise = Blob(path, 6, len(BIG)), Blob(path, 6 + len(BIG), len(NOISE))
    return Saved(path, b"{}", {"sha256:text": text, "sha256:noise": noise})


def test_a_layer_is_compressed_once_for_all_engines_that_take_gzip(opened: registry.Registry, big: Saved) -> None:
    with opened.offered(big) as one, opened.offered(big) as other:
        with ThreadPoolExecutor(4) as engines:
            urls = [f"/v2/{offer.name}/image/blobs/sha256:text" for offer in (one, other)] * 2
            found = list(engines.map(lambda url: get(opened, url), urls))
        # requests undoes the encoding, as engines do.
        assert {(one.content, one.headers["Content-Encoding"]) for one in found} == {(BIG, "gzip")}
        assert one.sent == other.sent == 2 * len(BIG)
        assert 0 < one.on_the_wire < len(BIG) / 10
        assert len(list(big.archive.parent.glob("*.gz"))) == 1


@pytest.mark.parametrize(
    ("blob", "headers"),
    [("text", {"Accept-Encoding": "identity"}), ("text", {"Range": "bytes=5-"}), ("noise", {})],
    ids=["takes none", "a part", "does not become smaller"],
)
def test_what_is_not_compressed_goes_as_it_is(
    opened: registry.Registry, big: Saved, blob: str, headers: dict[str, str]
) -> None:
    whole = {"text": BIG, "noise": NOISE}[blob]
    content = whole[5:] if "Range" in headers else whole
    with opened.offered(big) as offer:
        found = get(opened, f"/v2/{offer.name}/image/blobs/sha256:{blob}", **headers)
        assert "Content-Encoding" not in found.headers
        assert found.content == content
        assert offer.sent == offer.on_the_wire == len(content)
    assert list(big.archive.parent.glob("*.gz")) == []


def test_an_engine_that_has_fetched_all_unpacks(opened: registry.Registry, big: Saved) -> None:
    with opened.offered(big) as offer:
        assert not offer.unpacks
        sent = offer.image.blobs["sha256:noise"]
        during: list[bool] = []
        offer.send(sent, None, lambda _: during.append(offer.unpacks))
        assert during == [False]
        assert offer.unpacks
