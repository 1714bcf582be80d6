#!/usr/bin/python3
"""What polls, builds and reloads cost, and what queries notice of them:
`make bench-control`.

A fleet of 10,000 nodes (--nodes) that are all polled, two more that a prober
watches, a city database (--geoip) and a zone of a million names (--names).
For load and refused dnsd, its control and builder threads included, and the
fleet share the first core with the worker: the hardest case; for load then also
with those threads on the last core. For latency the worker has the first core,
dnsd's other threads those of --rest in turn, and generator and fleet the last one.

    control.py [--geoip FILE] [--nodes N] [--names N] [--seconds S] [--reps N]
               [--only load,refused,latency] [--rest CORE,...]

load: processor time of polls and builds, and how long a poll takes to be in the
answers. refused: the same nodes, none of whom answers. latency: 20,000 queries
a second while nobody is polled, while all are, while the zone is reloaded and
while the database is replaced.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import dns.message

import bench
from harness import DNSD, Daemon, free_port

SUMMARY = ('{"code":0,"server":"vid-1","service":"s1","pid":"17","data":{'
           '"ok":true,"now_ms":%d,"self":{"version":"6.0.157","pid":17,'
           '"cpu_percent":0.2,"srs_uptime":9000},"system":{'
           '"cpu_percent":0.1,"net_sample_time":%d,"srs_sample_time":%d,'
           '"srs_recv_bytes":1,"srs_send_bytes":%d,"conn_srs":%d}}}')


class Watched(threading.Thread):
    """A node that remembers when it was polled last."""

    def __init__(self):
        super().__init__(daemon=True)
        self.broken, self.told = False, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            peer, _ = self.socket.accept()
            with peer:
                if not peer.recv(4096):
                    continue
                now = int(time.time() * 1000)
                body = SUMMARY % (now, now, now, now, 100)
                peer.sendall((f"HTTP/1.1 {500 if self.broken else 200} X\r\n"
                              f"Content-Length: {len(body)}\r\n\r\n{body}"
                              ).encode())
                self.told = time.monotonic()


def configuration(args, geoip, port, watched=()):
    """port: of the API of all nodes, each with an address of its own; None: they
    are not polled."""
    rng = random.Random(3)
    conf = "zones: {example.com: {file: zone}}\n"
    if geoip:
        conf += f"geoip: [{geoip}]\n"
    conf += "nodes:\n"
    for i in range(args.nodes):
        lat, lon = bench.CITIES[i % len(bench.CITIES)]
        api = f"http://127.{10 + (i >> 8)}.{i & 255}.1:{port}" if port else "off"
        conf += (f"  n{i}: {{address: [198.18.{i >> 8}.{i & 255}], site: "
                 f"s{i // 20}, at: [{lat + rng.uniform(-2, 2):.2f}, "
                 f"{lon + rng.uniform(-2, 2):.2f}], capacity: 5000, "
                 f"api: \"{api}\", rtmp: off, flv: off}}\n")
    for name, node, lon in zip("xy", watched, (8, 120)):
        conf += (f"  {name}: {{role: relay, address: [198.19.0.{node.port % 250}],"
                 f" at: [50, {lon}], capacity: 5000, "
                 f"api: \"http://127.0.0.1:{node.port}\", rtmp: off, "
                 "flv: off}\n")
    conf += "steer:\n  live.example.com: {pool: [edge], lines: 3}\n"
    if watched:
        conf += "  watched.example.com: {pool: [relay]}\n"
    return conf


def zone(names):
    return ("$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n"
            "ns1 A 127.0.0.1\nwww A 192.0.2.80\n" + "".join(
                f"h{i} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"
                for i in range(names)))


class Server:
    """dnsd with one worker, all of it on the first core."""

    def __init__(self, conf, files, geoip=False):
        self.daemon = d = Daemon(conf, files=files, start=False)
        d.head = d.head.replace("workers: 2", "workers: 1")
        d.write_conf(conf)
        d.start()
        self.pid, self.port = d.process.pid, d.port
        while geoip and "geoip: loaded" not in d.log_text():
            time.sleep(0.1)
        self.pin(0)

    def pin(self, rest):
        """The worker to the first core, the others to that of rest."""
        self.rest = rest
        for task in os.listdir(f"/proc/{self.pid}/task"):
            name = pathlib.Path(f"/proc/{self.pid}/task/{task}/comm")
            worker = name.read_text().startswith("dnsd-udp")
            os.sched_setaffinity(int(task), {0 if worker else rest})

    def metric(self, name):
        return next(float(line.split()[1])
                    for line in self.daemon.http("/metrics")[1].splitlines()
                    if line.startswith(name + " "))

    def control_cpu(self):
        """Seconds of the main thread, which is control."""
        stat = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/stat")
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / bench.TICK

    def close(self):
        self.daemon.close()


class Fleet:
    def __init__(self, core=0):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), f"{bench.BENCH}/fleet",
             str(self.port)], start_new_session=True)

    def close(self):
        self.process.kill()
        self.process.wait()


def cost(server, seconds):
    """(share of a core that control takes, CPU ms of a build)"""
    before, cpu = time.monotonic(), server.control_cpu()
    builds = server.metric("dnsd_snapshot_builds_total")
    built = server.metric("dnsd_snapshot_builds_cpu_seconds_total")
    time.sleep(seconds)
    share = (server.control_cpu() - cpu) / (time.monotonic() - before)
    n = server.metric("dnsd_snapshot_builds_total") - builds
    built = server.metric("dnsd_snapshot_builds_cpu_seconds_total") - built
    return share, built / n * 1000


# -- from a poll to the answers -----------------------------------------------

class Prober:
    def __init__(self, server):
        self.server, self.rng = server, random.Random(5)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.settimeout(1)

    def answer(self):
        """The node that a European client net would be sent to. Asked without
        being counted: answers are promises that fill nodes themselves."""
        net = (f"81.{128 + self.rng.randrange(8)}.{self.rng.randrange(256)}"
               ".0/24")
        query = self.server.daemon.query("_why.watched.example.com", "TXT",
                                         subnet=net)
        self.socket.send(query.to_wire())
        reply = dns.message.from_wire(self.socket.recv(4096))
        texts = [s.decode() for rrset in reply.answer for record in rrset
                 for s in record.strings]
        return next(t.split()[1] for t in texts if t.startswith("pick "))

    def wait_for(self, node):
        while self.answer() != node:
            time.sleep(0.001)


def reaction(server, near, reps):
    """Milliseconds from the poll that made it so until clients of a node that
    broke are sent elsewhere, and those of one that is well again are back."""
    took, prober = [], Prober(server)
    for i in range(reps):
        prober.wait_for("x")
        near.broken = True
        prober.wait_for("y")
        took.append((time.monotonic() - near.told) * 1000)
        near.broken = False
        prober.wait_for("x")
        took.append((time.monotonic() - near.told) * 1000)
    return took


def ask_load(args):
    fleet, x, y = Fleet(), Watched(), Watched()
    server = Server(configuration(args, args.geoip, fleet.port, (x, y)),
                    {"zone": zone(10)}, args.geoip)
    rows = []
    try:
        time.sleep(12)
        for rest in dict.fromkeys((0, os.cpu_count() - 1)):
            server.pin(rest)
            share, build = cost(server, args.seconds)
            took = sorted(reaction(server, x, args.reps * 2))
            rows.append((f"{args.nodes:,}", str(rest), f"{share:.1%}",
                         f"{build:.2f} ms", f"{statistics.median(took):.0f} ms",
                         f"{took[-1]:.0f} ms"))
        bench.print_table(
            ("nodes polled", "control's core", "control, of a core",
             "CPU of a build", "poll to answers, median", "most"), rows)
    finally:
        server.close()
        fleet.close()


def ask_refused(args):
    rows = []
    for what, port in (("refused", free_port()), ("none", None)):
        server = Server(configuration(args, None, port), {"zone": zone(10)})
        try:
            time.sleep(15)
            share, build = cost(server, args.seconds)
            rows.append((what, f"{args.nodes:,}", f"{share:.1%}",
                         f"{build:.2f} ms"))
        finally:
            server.close()
    bench.print_table(("polls", "nodes", "control, of a core",
                       "CPU of a build"), rows)


# -- what queries notice ------------------------------------------------------

def generator(server, seconds):
    """20,000 questions a second from the last core, ahead of what else is
    there."""
    out = subprocess.run(
        ["nice", "-n", "-10", "taskset", "-c", str(os.cpu_count() - 1),
         f"{bench.BENCH}/qgen", "-t", str(seconds), "-r", "20000", "-a", "-n",
         "4", f"127.0.0.1:{server.port}", "ecs"],
        capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"qgen: {out.stderr or out.stdout}")
    return json.loads(out.stdout)


class Nothing:
    """Nothing happens. Others are what may happen meanwhile."""

    def __init__(self, server, args):
        self.server, self.args = server, args
        self.prepare()
        self.thread = threading.Timer(0.5, self.run)
        self.thread.start()

    def prepare(self):
        pass

    def run(self):
        pass

    def finish(self):
        self.thread.join()


class Reload(Nothing):
    def run(self):
        self.server.daemon.run("ctl", "reload")


class Swap(Nothing):
    """The other of two copies takes the place of the database."""

    def prepare(self):
        self.fresh = pathlib.Path(f"{self.server.geoip}.new")
        self.seen = self.server.daemon.log_text().count("geoip: loaded")
        shutil.copy(self.args.geoip, self.fresh)
        os.sync()

    def run(self):
        os.rename(self.fresh, self.server.geoip)
        while self.server.daemon.log_text().count(
                "geoip: loaded") == self.seen:
            time.sleep(0.2)


class Unrelated(Nothing):
    """Another process reads and builds what a reload and a swap would, at the
    priority of dnsd's builder, on the core of dnsd's other threads: what it
    does to the answers is not dnsd's."""

    def run(self):
        subprocess.run(
            ["nice", "-n", "5", "taskset", "-c", str(self.server.rest), DNSD,
             "check", "-c", self.server.daemon.conf], stdout=subprocess.DEVNULL,
            check=True)


CASES = (  # what it says, server, what happens, for seconds
    ("idle", "idle", Nothing, 6),
    ("unrelated process builds the same", "idle", Unrelated, 12),
    ("zone reloaded", "idle", Reload, 6),
    ("database replaced", "idle", Swap, 12),
    ("all polled", "polled", Nothing, 6),
    ("all polled, zone reloaded", "polled", Reload, 8),
    ("all polled, database replaced", "polled", Swap, 14))


def latency_servers(args, fleet):
    big = zone(args.names)
    servers = {}
    for kind, port in (("idle", None), ("polled", fleet.port)):
        folder = pathlib.Path(args.folder) / kind
        folder.mkdir(parents=True, exist_ok=True)
        geoip = folder / "city.mmdb"
        shutil.copy(args.geoip, geoip)
        server = servers[kind] = Server(configuration(args, geoip, port),
                                        {"zone": big}, True)
        server.geoip = geoip
    time.sleep(15)
    return servers


@contextlib.contextmanager
def alone(servers, kind):
    """One server, while the others stand still. What it missed meanwhile is made up for
    before anything is measured."""
    others = [s for k, s in servers.items() if k != kind]
    for other in others:
        os.kill(other.pid, signal.SIGSTOP)
    time.sleep(4)
    try:
        yield servers[kind]
    finally:
        for other in others:
            os.kill(other.pid, signal.SIGCONT)


def latency_rows(args, servers, rest):
    for server in servers.values():
        server.pin(rest)
    runs = {}
    for n in range(args.reps):
        for name, kind, happens, seconds in CASES:
            if args.case and name not in args.case.split("+"):
                continue
            with alone(servers, kind) as server:
                happening = happens(server, args)
                result = generator(server, seconds)
                happening.finish()
            runs.setdefault(name, []).append(result)
            print(f"run {n + 1}, {name}: p50 {result['p50_us']:,.0f}, "
                  f"p99 {result['p99_us']:,.0f}, max {result['max_us']:,.0f} us",
                  file=sys.stderr, flush=True)
    for name, results in runs.items():
        def middle(key):
            return f"{statistics.median(r[key] for r in results):,.0f}"
        missed = sum(r["missed"] for r in results) / sum(
            r["missed"] + r["sent"] for r in results)
        lost = sum(r["sent"] - r["answered"] for r in results)
        yield (name, middle("p50_us"), middle("p99_us"), " ".join(
            f"{r['p99_us']:,.0f}" for r in results), middle("max_us"),
            str(lost), f"{missed:.1%}")


def ask_latency(args):
    last = os.cpu_count() - 1
    os.sched_setaffinity(0, {last})
    fleet = Fleet(last)
    servers = {}
    try:
        servers = latency_servers(args, fleet)
        for rest in [int(core) for core in args.rest.split(",")]:
            print(f"\n20,000 questions a second; the worker on core 0, dnsd's "
                  f"other threads on core {rest}, the nodes' stand-in and the "
                  f"generator on core {last}:\n")
            bench.print_table(
                ("meanwhile", "p50 us", "p99 us", "of each run", "max us",
                 "lost", "generator did not run"),
                list(latency_rows(args, servers, rest)))
    finally:
        for server in servers.values():
            server.close()
        fleet.close()
        os.sched_setaffinity(0, range(os.cpu_count()))


SECTIONS = {"load": ask_load, "refused": ask_refused, "latency": ask_latency}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--geoip", default="")
    p.add_argument("--nodes", type=int, default=10000)
    p.add_argument("--names", type=int, default=1000000)
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--reps", type=int, default=3)
    p.add_argument("--only", default=",".join(SECTIONS))
    p.add_argument("--case", default="", help="only these rows of latency: 'idle+all polled'")
    p.add_argument("--rest", default=f"{os.cpu_count() - 1},0",
                   help="cores of dnsd's other threads, for latency")
    p.add_argument("--folder", default="/tmp/dnsd-bench-control")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # ends what it started
    for name in args.only.split(","):
        if name == "latency" and not args.geoip:
            print("latency: only with --geoip, left out")
            continue
        print()
        SECTIONS[name](args)


if __name__ == "__main__":
    main()
