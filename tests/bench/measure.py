#!/usr/bin/python3
"""What `dnsd measure` costs on a node with many viewers: `make bench-measure`.

Holds connections on loopback, each of which sends something from report to report, with
viewers in many networks, and runs the agent beside them, reporting to a stand-in of a
name server. Both ends of a connection are of this machine, so the kernel tells the agent
of twice as many as on a node.

    measure.py [--connections N] [--networks N] [--every S] [--reports N] [--agent COMMAND]

Prints the processor time of the agent from report to report as a share of one core, and
its memory.
"""

import argparse
import http.server
import multiprocessing
import pathlib
import queue
import re
import resource
import selectors
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from harness import DNSD, free_port  # noqa: E402

PIECE = bytes(1000)
MORE_S = 2      # between pieces


def read_for_ever(connections, networks, port):
    readers = selectors.DefaultSelector()
    for i in range(connections):
        net = i % networks
        viewer = socket.create_connection(
            ("127.0.0.1", port),
            source_address=(f"127.{1 + net // 256}.{net % 256}.1", 0))
        readers.register(viewer, selectors.EVENT_READ)
    while True:
        for key, _ in readers.select():
            if not key.fileobj.recv(65536):
                return      # the bench is over
        time.sleep(0.1)


class Viewers:
    """Connections to a port of this machine; a process of their own reads what it
    sends, so that each has descriptors enough."""

    def __init__(self, connections, networks):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.port = free_port()
        with socket.create_server(("127.0.0.1", self.port)) as server:
            multiprocessing.Process(
                target=read_for_ever, args=(connections, networks, self.port),
                daemon=True).start()
            self.senders = [server.accept()[0] for _ in range(connections)]
        threading.Thread(target=self.send, daemon=True).start()

    def send(self):
        while True:
            for sender in self.senders:
                sender.sendall(PIECE)
            time.sleep(MORE_S)


class Reports(http.server.BaseHTTPRequestHandler):
    """The number of networks of each part, and whether it is a report's last."""
    come = queue.Queue()
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.come.put((body.count(b'"net"'),
                       self.headers.get("Connection") == "close"))

    def log_message(self, *_):
        pass

    @classmethod
    def wait(cls):
        """Networks of the next report."""
        n = 0
        while True:
            networks, last = cls.come.get()
            n += networks
            if last:
                return n


def cpu_s(pid):
    with open(f"/proc/{pid}/schedstat") as text:
        return int(text.read().split()[0]) / 1e9


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as text:
        found = dict(re.findall(r"(\w+):\s+(\d+) kB", text.read()))
    return {key: int(found[key]) for key in ("VmHWM", "RssAnon")}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--networks", type=int, default=4000)
    parser.add_argument("--every", type=int, default=60)
    parser.add_argument("--reports", type=int, default=2)
    parser.add_argument("--agent", default=DNSD + " measure")
    args = parser.parse_args()
    viewers = Viewers(args.connections, args.networks)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Reports)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    agent = subprocess.Popen(
        [*args.agent.split(), "--node", "bench",
         "--ports", str(viewers.port), "--every", str(args.every),
         "--to", f"http://127.0.0.1:{server.server_port}"])
    try:
        Reports.wait()
        for _ in range(args.reports):
            began, before = time.monotonic(), cpu_s(agent.pid)
            networks = Reports.wait()
            used, took = cpu_s(agent.pid) - before, time.monotonic() - began
            memory = memory_kib(agent.pid)
            print(f"{pathlib.Path(args.agent).name}: {args.connections} connections, {networks} networks, "
                  f"{took:.1f} s: {used * 1000:.0f} ms, {used / took:.3%} of a core;"
                  f" memory at most {memory['VmHWM'] / 1024:.1f} MiB, its own"
                  f" {memory['RssAnon'] / 1024:.1f} MiB", flush=True)
    finally:
        agent.terminate()
        agent.wait()


if __name__ == "__main__":
    main()
