"""What reads dnstap in tests: frame streams, and the protocol buffers in them."""

import collections
import os
import pathlib
import socket
import struct
import threading

from patience import until

CONTENT = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5

Frame = collections.namedtuple("Frame", "identity version kind family transport "
                               "address port query_s query query_ns response_s "
                               "response_ns response")


def fields(octets):
    """{number: value} of a protocol buffer without repeated fields."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            octet = octets[at]
            at += 1
            value |= (octet & 127) << shift
            shift += 7
            if octet < 128:
                return value
    while at < len(octets):
        key = varint()
        if key & 7 == 0:
            found[key >> 3] = varint()
            continue
        length = {1: 8, 5: 4}.get(key & 7) or varint()
        value = octets[at:at + length]
        assert len(value) == length, "cut off"
        at += length
        found[key >> 3] = value if key & 7 == 2 else \
            int.from_bytes(value, "little")
    return found


def decode(octets):
    """As dnstap numbers them."""
    outer = fields(octets)
    assert outer[15] == 1, outer
    m = fields(outer[14])
    family = {1: socket.AF_INET, 2: socket.AF_INET6}[m[2]]
    return Frame(outer.get(1, b"").decode(), outer[2].decode(), m[1], family,
                 {1: "udp", 2: "tcp", 3: "dot"}[m[3]], socket.inet_ntop(family, m[4]), m[6],
                 m[8], m.get(10), m[9], m.get(12), m.get(13), m.get(14))


def frames_of(octets):
    """Payloads of a file that fstrm_capture wrote; control frames are left out."""
    at = 0
    while at < len(octets):
        length, = struct.unpack_from("!I", octets, at)
        at += 4
        if not length:
            length, = struct.unpack_from("!I", octets, at)
            at += 4 + length
            continue
        yield octets[at:at + length]
        at += length


class Reader:
    """Listens, and keeps the frames that come. It reads only while it is not held."""

    def __init__(self, path, content=CONTENT):
        self.content = content
        self.frames = []
        self.connections = self.ended = 0
        self.reads = threading.Event()
        self.reads.set()
        self.open = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.path = str(path)
        self.listener.bind(self.path)
        os.chmod(path, 0o666)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")

        def octets(n):
            got = stream.read(n)
            if len(got) < n:
                raise OSError("it has gone")
            return got

        def number():
            return int.from_bytes(octets(4), "big")

        def take():
            self.reads.wait()
            length = number()
            if length:
                return None, octets(length)
            length = number()
            return number(), octets(length - 4)

        def say(kind, rest=b""):
            connection.sendall(struct.pack("!III", 0, 4 + len(rest), kind) + rest)
        try:
            field = struct.pack("!II", 1, len(self.content)) + self.content
            kind, what = take()
            assert kind == READY and CONTENT in what, (kind, what)
            say(ACCEPT, field)
            kind, what = take()
            assert kind == START and what == field, (kind, what)
            self.connections += 1
            while True:
                kind, what = take()
                if kind == STOP:
                    self.ended += 1
                    say(FINISH)
                elif kind is None:
                    self.frames.append(decode(what))
        except OSError:
            pass

    def wait(self, n):
        until(lambda: len(self.frames) >= n, f"{n} frames")
        return self.frames[:n]

    def close(self):
        """As if it was killed."""
        self.listener.close()
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.reads.set()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
