"""Broken messages on the wire: the server closes that connection with a reason and serves all others on."""

import random
import socket
import struct

import bson
import pytest

OP_MSG = 2013
OP_QUERY = 2004


def message(body, opcode=OP_MSG, length=None):
    length = 16 + len(body) if length is None else length
    return struct.pack("<iiii", length, 1, 0, opcode) + body


def command(document):
    return message(struct.pack("<I", 0) + b"\0" + bson.encode(document))


def send(server, data, then_close=False):
    """Sends bytes and returns what comes back until the server closes or falls silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(data)
        if then_close:
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(2)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def alive(server):
    with server.client() as client:
        return client.admin.command("ping")["ok"] == 1


PING = bson.encode({"ping": 1, "$db": "admin"})
HOSTILE = {
    "negative length": message(b"", length=-1),
    "zero length": message(b"", length=0),
    "length below a head": message(b"", length=15),
    "length over the limit": message(b"", length=0x7FFFFFFF),
    "unknown opcode": message(b"\0" * 20, opcode=9999),
    "empty body": message(b""),
    "only flags": message(b"\0\0\0\0"),
    "required flag unknown": message(struct.pack("<I", 1 << 5) + b"\0" + PING),
    "unknown section": message(struct.pack("<I", 0) + b"\x07" + PING),
    "document longer than the message": message(struct.pack("<I", 0) + b"\0" + struct.pack("<i", 1 << 24) + PING[4:]),
    "document of negative length": message(struct.pack("<I", 0) + b"\0" + struct.pack("<i", -5) + PING[4:]),
    "sequence longer than the message": message(
        struct.pack("<I", 0) + b"\0" + PING + b"\x01" + struct.pack("<i", 1 << 20) + b"documents\0"
    ),
    "two bodies": message(struct.pack("<I", 0) + b"\0" + PING + b"\0" + PING),
    "query without its end": message(struct.pack("<i", 0) + b"admin.$cmd", opcode=OP_QUERY),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_broken_message_harms_nobody_else(server, name):
    send(server, HOSTILE[name], then_close=True)
    assert alive(server)


def test_a_message_cut_anywhere_harms_nobody(server):
    whole = command({"insert": "a", "documents": [{"x": 1}], "$db": "cut"})
    for cut in range(0, len(whole), 3):
        send(server, whole[:cut], then_close=True)
    assert alive(server)


def test_flipped_bits_harm_nobody(server):
    seeded = random.Random(7)
    whole = command({"find": "a", "filter": {"x": {"$gt": [1, "two", {"three": 3.0}]}}, "$db": "flips"})
    for _ in range(150):
        hostile = bytearray(whole)
        for _ in range(seeded.randint(1, 4)):
            position = seeded.randrange(4, len(hostile))
            hostile[position] ^= 1 << seeded.randrange(8)
        send(server, bytes(hostile), then_close=True)
    assert alive(server)


def test_deep_nesting_is_an_error(server):
    document = {"x": 1}
    for _ in range(400):
        document = {"a": document}
    with server.client() as client:
        with pytest.raises(Exception):
            client.deep.a.insert_one(document)
        clause = {"x": 1}
        for _ in range(400):
            clause = {"$and": [clause]}
        with pytest.raises(Exception):
            list(client.deep.a.find(clause))
    assert alive(server)


def test_noise_harms_nobody(server):
    seeded = random.Random(8)
    for _ in range(20):
        send(server, seeded.randbytes(200), then_close=True)
    assert alive(server)
