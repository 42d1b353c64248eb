"""A name server that gives the same address for every name, except that it knows nothing of Consul's."""

import socket
import struct
import sys

ADDRESS, ANSWER = sys.argv[1:]
NO_SUCH_NAME = 3


def answer(question: bytes) -> bytes:
    end = question.index(b"\0", 12) + 5
    (kind,) = struct.unpack(">H", question[end - 4 : end - 2])
    unknown = b"\x06consul\0" in question[12:end]
    found = kind == 1 and not unknown
    flags = 0x8180 | (NO_SUCH_NAME if unknown else 0)
    header = question[:2] + struct.pack(">HHHHH", flags, 1, found, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(ANSWER)
    return header + question[12:end] + record * found


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind((ADDRESS, 53))
    while True:
        question, asker = server.recvfrom(4096)
        server.sendto(answer(question), asker)
