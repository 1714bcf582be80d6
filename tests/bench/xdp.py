#!/usr/bin/python3
"""xdp.py [--times N] [--seconds N] - answers by AF_XDP beside those by sockets, in turns, over
a pair of Ethernet interfaces without cards (veth): the server on one core, kxdpgun (of
knot-dnsutils) on another one. For each: answers a second, and processor time of the server
for one, with what the kernel does for it. For root, with two cores.

    DNSD=$PWD/build/dnsd python3 tests/bench/xdp.py
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
from harness import NETS, Daemon
from wire import CLIENT, SERVER, Wire, refused

TRIES = 5
HERE, FROM = "10.99.0.1", "10.99.0.2"
NAMES = {"a static name": "ns1.example.com A", "a steered name": "live.example.com A"}
CONF = """zones: {example.com: {ns: ["ns1.example.com 10.99.0.1"]}}
nets: nets.txt
nodes:
  hk: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off}
  gb: {address: [192.0.2.2], at: [51.5, -0.1], api: off, rtmp: off}
steer: {live.example.com: {pool: [edge]}}
"""
KINDS = {"sockets": "", "AF_XDP, copy": "copy", "AF_XDP, native": "native"}


class Server(Daemon):
    tail = "\nsandbox: on\n"
    wire = None

    def limit(self):
        self.wire.enter("server")
        os.sched_setaffinity(0, {0})


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


class Bench:
    def __init__(self, seconds):
        self.seconds = seconds
        self.wire = Wire()
        macs = {p: self.wire.mac(p).hex(":") for p in ("server", "client")}
        for place, name, here, there, other in (
                ("server", SERVER, HERE, FROM, "client"),
                ("client", CLIENT, FROM, HERE, "server")):
            self.wire.ip(place, f"addr add {here}/24 dev {name}")
            self.wire.ip(place, f"neigh replace {there} lladdr {macs[other]} "
                         f"dev {name} nud permanent")
        self.wire.write_checksums()

    def serve(self, mode):
        xdp = f"xdp: {{interfaces: [{SERVER}], mode: {mode}}}\n" if mode else ""
        d = Server(xdp + CONF, files={"nets.txt": NETS}, http=False, start=False)
        d.wire = self.wire
        d.head = d.head.replace("127.0.0.1:", HERE + ":").replace("workers: 2", "workers: 1")
        d.write_conf(xdp + CONF)
        return d.start()

    def measure(self, d, name):
        """(answers a second, us for one)."""
        with tempfile.NamedTemporaryFile("w") as queries:
            queries.write(NAMES[name] + "\n")
            queries.flush()
            for _ in range(TRIES):
                before = ticks(d.process.pid)
                done = subprocess.run(
                    ["kxdpgun", "-t", str(self.seconds), "-Q", "2000000", "-b", "32",
                     "-F", "1", "-p", str(d.port), "-i", queries.name, "-I", CLIENT, HERE],
                    capture_output=True, text=True, preexec_fn=self.of_client)
                used = (ticks(d.process.pid) - before) / os.sysconf("SC_CLK_TCK")
                n = re.search(r"received (\d+)", done.stdout + done.stderr)
                if n and int(n[1]):
                    return int(n[1]) / self.seconds, used * 1e6 / int(n[1])
                time.sleep(1)   # the kernel takes the socket of the last time away
        raise SystemExit(f"no answers: {done.stdout}{done.stderr}{d.log_text()}")

    def of_client(self):
        self.wire.enter("client")
        os.sched_setaffinity(0, {1})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    args = parser.parse_args()
    if refused():
        raise SystemExit(refused())
    bench = Bench(args.seconds)
    found = {}
    for _ in range(args.times):
        for kind, mode in KINDS.items():
            d = bench.serve(mode)
            for name in NAMES:
                found.setdefault((name, kind), []).append(bench.measure(d, name))
            d.close()
    print("| asked for | by | answers/s | us each | of sockets' |\n|---|---|---|---|---|")
    for name in NAMES:
        ways = {k: [statistics.median(x) for x in zip(*found[name, k])] for k in KINDS}
        for kind, (rate, cost) in ways.items():
            print(f"| {name} | {kind} | {rate:,.0f} | {cost:.2f} | "
                  f"{cost / ways['sockets'][1]:.2f} |")
    bench.wire.close()


main()
