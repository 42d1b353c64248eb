"""A web app: it responds with its VERSION, and echoes what arrives over a WebSocket after it (RFC 6455).

It needs a second to start. On SIGTERM it says goodbye to every WebSocket and exits, unless STUBBORN is set; SICK_AFTER
is the number of seconds after which it responds with a 500.
"""

import asyncio
import base64
import hashlib
import os
import signal
import struct
import sys
import time

VERSION = os.environ.get("VERSION", "v0")
SICK_AFTER = float(os.environ.get("SICK_AFTER", "inf"))
STARTED = time.monotonic()
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, GOING_AWAY = 1, 8, 1001
sockets: set[asyncio.StreamWriter] = set()


def frame(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, len(payload)]) + payload


async def received(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Give the opcode and the payload of a short frame, which clients mask."""
    first, second = await reader.readexactly(2)
    mask = await reader.readexactly(4)
    masked = await reader.readexactly(second & 0x7F)
    return first & 0x0F, bytes(byte ^ mask[position % 4] for position, byte in enumerate(masked))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = (line.partition(": ") for line in head.splitlines()[1:])
        headers = {name.lower(): value for name, _, value in lines}
        await reader.readexactly(int(headers.get("content-length", "0")))
        if key := headers.get("sec-websocket-key"):
            await echo(key, reader, writer)
        else:
            status = "500 Sick" if time.monotonic() - STARTED > SICK_AFTER else "200 OK"
            sys.stdout.write(f"{head.splitlines()[0]}\n")
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(VERSION)}\r\nConnection: close\r\n\r\n"
            writer.write(f"{head}{VERSION}".encode())
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def echo(key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    accept = base64.b64encode(hashlib.sha1(f"{key}{GUID}".encode()).digest()).decode()
    upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{upgrade}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    sockets.add(writer)
    try:
        while True:
            opcode, payload = await received(reader)
            if opcode == CLOSE:
                return
            writer.write(frame(TEXT, f"{VERSION} ".encode() + payload))
            await writer.drain()
    finally:
        sockets.discard(writer)


async def main() -> None:
    ended = asyncio.Event()
    if not os.environ.get("STUBBORN"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    await asyncio.sleep(1)
    async with await asyncio.start_server(serve, "0.0.0.0", 8000):
        await ended.wait()
        for writer in sockets:
            writer.write(frame(CLOSE, struct.pack("!H", GOING_AWAY)))
        await asyncio.gather(*(writer.drain() for writer in sockets), return_exceptions=True)


asyncio.run(main())
