#!/usr/bin/python3
"""tls.py [--asks N] - processor time of the thread of DNS over TCP for an answer: over TCP and
over TLS, on connections that stay, one question at a time and 100 at once, and on a new
connection for each, with a whole handshake and with one that is resumed. And memory of the
process for a connection that is open.

    DNSD=$PWD/build/dnsd python3 tests/bench/tls.py
"""
import argparse
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import dns.message
from harness import Daemon
from ports import free_port

AT_ONCE = 100
OPEN = 400       # with 100 before them fewer than tcp.max
KEYS = {"ECDSA P-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "RSA 2048": ["rsa:2048"]}
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
CONF = "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
WIRE = dns.message.make_query("ns1.example.com", "A", use_edns=0).to_wire()
FRAME = struct.pack("!H", len(WIRE)) + WIRE


class Thread:
    """What the kernel has counted of the thread of this name."""

    def __init__(self, pid, name):
        tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
        self.path = next(t for t in tasks if (t / "comm").read_text() == name + "\n")

    def ns(self):
        return int((self.path / "schedstat").read_text().split()[0])


def certificate(folder, key):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *KEYS[key], "-nodes", "-days", "2",
         "-subj", "/CN=ns1.example.com", "-keyout", folder / "key", "-out",
         folder / "crt"], check=True, capture_output=True)


class Client:
    def __init__(self, port, version=None):
        self.port, self.context, self.session = port, None, None
        if version:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE
            self.context.minimum_version = self.context.maximum_version = version
            self.context.set_alpn_protocols(["dot"])

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(s, session=self.session) if self.context else s

    @staticmethod
    def ask(s, n=1):
        """n questions at once, and their answers, all of which are as long."""
        s.sendall(FRAME * n)
        got = s.recv(65536)
        while len(got) < n * (2 + struct.unpack("!H", got[:2])[0]):
            got += s.recv(65536)

    def stays(self, asks, at_once):
        with self.connect() as s:
            for _ in range(asks // at_once):
                self.ask(s, at_once)

    def anew(self, asks):
        for _ in range(asks):
            with self.connect() as s:
                self.ask(s)

    def resumes(self, asks):
        with self.connect() as s:
            self.ask(s)
            self.session = s.session
        for _ in range(asks):
            with self.connect() as s:
                assert s.session_reused
                self.ask(s)
                self.session = s.session
        self.session = None


def memory(pid, client):
    """KiB for one more connection that was asked something."""
    def resident():
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    opened = []
    for n in (100, OPEN):
        before = resident()
        for _ in range(n):
            opened.append(client.connect())
            client.ask(opened[-1])
        more = (resident() - before) / n
    for s in opened:
        s.close()
    return more


def measure(thread, what, asks, run, *words):
    run(asks // 10, *words)
    before = thread.ns()
    run(asks, *words)
    print(f"| {what} | {(thread.ns() - before) / asks / 1000:.2f} |", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--asks", type=int, default=2000)
    asks = p.parse_args().asks
    for key in KEYS:
        with tempfile.TemporaryDirectory() as folder:
            folder, port = pathlib.Path(folder), free_port()
            certificate(folder, key)
            d = Daemon(f"tls: {{listen: [\"127.0.0.1:{port}\"], cert: {folder}/crt, "
                       f"key: {folder}/key}}\n" + CONF)
            thread = Thread(d.process.pid, "dnsd-tcp")
            print(f"\n| {key} | us of the thread for an answer |\n|---|---|")
            clients = {"TCP": Client(d.port)} | {
                f"TLS {text}": Client(port, version)
                for text, version in VERSIONS.items()}
            # First: what one has given back the next one takes.
            kib = memory(d.process.pid, clients["TLS 1.3"])
            for name, client in clients.items():
                measure(thread, f"{name}, stays, 1 at a time", asks * 10,
                        client.stays, 1)
                measure(thread, f"{name}, stays, {AT_ONCE} at once", asks * 50,
                        client.stays, AT_ONCE)
                measure(thread, f"{name}, new connection", asks, client.anew)
                if client.context:
                    measure(thread, f"{name}, new connection, resumed", asks,
                            client.resumes)
            print(f"| TLS 1.3, KiB of an open connection | {kib:.1f} |")
            d.close()


if __name__ == "__main__":
    main()
