#!/usr/bin/python3
"""xdp.py [--geoip FILE] [--times N] [--seconds N] - answers by AF_XDP beside those by
sockets, in turns, over a pair of Ethernet interfaces without cards (veth): the server on
one core, the generator on another one. Beside dnsd, Knot's AF_XDP for the static name, if
knotd is installed, and a reflector, which sends questions back (reflector.c): the least
that such a server costs, in either mode. Names are asked for by kxdpgun (of
knot-dnsutils), which sends by AF_XDP itself; a steered name with random subnets of clients
(ECS) by qgen, which sends by sockets and may be slower than the server. --geoip: a
database of cities for those subnets. For each: answers a second, and processor time of
the server for one, with what the kernel does for it; medians, and of ratios within a turn.
For root, with two cores.

    DNSD=$PWD/build/dnsd BENCH=$PWD/build/bench python3 tests/bench/xdp.py
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import peers
from bench import BENCH, CITIES
from harness import NETS, Daemon, free_port
from wire import CLIENT, SERVER, Wire, refused

TRIES = 5
REST_S = 1      # the kernel takes programs and sockets away later than their process ends
HERE, FROM = "10.99.0.1", "10.99.0.2"
ZONE = f"""$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A {HERE}
www A 192.0.2.80
"""
CONF = """zones: {example.com: {file: zone}}
nets: nets.txt
nodes:
""" + "".join(f"  n{i}: {{address: [192.0.2.{i}], at: [{lat}, {lon}], api: off, rtmp: off}}\n"
              for i, (lat, lon) in enumerate(CITIES, 1)) + """\
steer: {live.example.com: {pool: [edge]}}
"""
STATIC, STEERED, SUBNET = "a static name", "a steered name", "a steered name, ECS"
NAMES = {STATIC: "ns1.example.com A", STEERED: "live.example.com A"}    # for kxdpgun


class Server(Daemon):
    tail = "\nsandbox: on\n"
    wire = None

    def limit(self):
        self.wire.enter("server")
        os.sched_setaffinity(0, {0})


class Reflector:
    def __init__(self, wire, mode):
        def enter():
            wire.enter("server")
            os.sched_setaffinity(0, {0})
        self.port = free_port()
        self.process = subprocess.Popen(
            [f"{BENCH}/reflector", SERVER, f"{HERE}:{self.port}", mode],
            stdout=subprocess.PIPE, text=True, preexec_fn=enter, start_new_session=True)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("the reflector does not start")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Knot(peers.Knot):
    address, interface = HERE, SERVER
    wire = None

    def close(self):
        """Its program stays on the interface when it has ended."""
        super().close()
        self.wire.ip("server", f"link set {SERVER} xdp off")


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


class Bench:
    def __init__(self, args):
        self.seconds = args.seconds
        self.geoip = f"geoip: {json.dumps([os.path.abspath(args.geoip)])}\n" if args.geoip else ""
        self.wire = Wire()
        macs = {p: self.wire.mac(p).hex(":") for p in ("server", "client")}
        for place, name, here, there, other in (
                ("server", SERVER, HERE, FROM, "client"),
                ("client", CLIENT, FROM, HERE, "server")):
            self.wire.ip(place, f"addr add {here}/24 dev {name}")
            self.wire.ip(place, f"neigh replace {there} lladdr {macs[other]} "
                         f"dev {name} nud permanent")
        self.wire.write_checksums()

    def dnsd(self, mode):
        xdp = f"xdp: {{interfaces: [{SERVER}], mode: {mode}}}\n" if mode else ""
        conf = xdp + self.geoip + CONF
        d = Server(conf, files={"nets.txt": NETS, "zone": ZONE}, http=False, start=False)
        d.wire = self.wire
        d.head = d.head.replace("127.0.0.1:", HERE + ":").replace("workers: 2", "workers: 1")
        d.write_conf(conf)
        d.start()
        if mode and f"by AF_XDP, mode {mode}" not in d.log_text():
            raise SystemExit(d.log_text())
        return d

    def knot(self, _mode):
        knot = Knot(ZONE, [], free_port())
        knot.wire = self.wire
        with self.wire.inside("server"):
            knot.start()
        return knot

    def reflector(self, mode):
        return Reflector(self.wire, mode)

    def kxdpgun(self, d, what):
        """How many answers came."""
        with tempfile.NamedTemporaryFile("w") as queries:
            queries.write(NAMES[what] + "\n")
            queries.flush()
            text = self.run("kxdpgun", "-t", str(self.seconds), "-Q", "2000000", "-b", "32",
                            "-F", "1", "-p", str(d.port), "-i", queries.name, "-I", CLIENT, HERE)
        n = re.search(r"received (\d+)", text)
        return int(n[1]) if n else 0

    def qgen(self, d, _what):
        echo = ["-e"] if isinstance(d, Reflector) else []
        text = self.run(f"{BENCH}/qgen", "-t", str(self.seconds), "-w", "512", *echo,
                        f"{HERE}:{d.port}", "ecs")
        found = json.loads(text) if text.startswith("{") else {"bad": text}
        if found["bad"]:
            raise SystemExit(f"qgen: {found}")
        return found["answered"]

    def run(self, *words):
        """What a program of the client writes."""
        def enter():
            self.wire.enter("client")
            os.sched_setaffinity(0, {1})
        done = subprocess.run(words, capture_output=True, text=True, preexec_fn=enter,
                              start_new_session=True)
        return done.stdout + done.stderr

    def measure(self, d, what):
        """(answers a second, us for one)."""
        generate = self.kxdpgun if what in NAMES else self.qgen
        for _ in range(TRIES):
            before = ticks(d.process.pid)
            n = generate(d, what)
            used = (ticks(d.process.pid) - before) / os.sysconf("SC_CLK_TCK")
            if n:
                return n / self.seconds, used * 1e6 / n
            time.sleep(REST_S)
        raise SystemExit(f"no answers to {what}: {d}")


# How it is called, the server's maker, its mode, what it is asked for. Those whose costs are
# compared are one after the other.
ALL = (STATIC, STEERED, SUBNET)
KINDS = [("sockets", Bench.dnsd, "", ALL),
         ("AF_XDP, copy", Bench.dnsd, "copy", ALL),
         ("reflector, copy", Bench.reflector, "copy", ALL),
         ("reflector, native", Bench.reflector, "native", ALL),
         ("AF_XDP, native", Bench.dnsd, "native", ALL),
         ("Knot's AF_XDP, native", Bench.knot, "native", (STATIC,))]


def of(costs, others):
    """The median of the ratios of each turn."""
    return f"{statistics.median(a / b for a, b in zip(costs, others)):.2f}"


def table(found, kinds):
    """A reflector is that of the same mode."""
    print("| asked for | by | answers/s | us each | of sockets' | of the reflector's |\n"
          "|---|---|---|---|---|---|")
    for what in ALL:
        for name, _, mode, asked in kinds:
            if what not in asked:
                continue
            rates, costs = found[what, name]
            least = of(costs, found[what, f"reflector, {mode}"][1]) if mode else ""
            print(f"| {what} | {name} | {statistics.median(rates):,.0f} | "
                  f"{statistics.median(costs):.2f} | {of(costs, found[what, 'sockets'][1])} | "
                  f"{least} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--geoip")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    args = parser.parse_args()
    if refused():
        raise SystemExit(refused())
    kinds = [k for k in KINDS if k[1] is not Bench.knot or Knot.installed()]
    bench = Bench(args)
    found = {}      # answers a second and costs, of each turn
    for _ in range(args.times):
        for name, make, mode, asked in kinds:
            d = make(bench, mode)
            for what in asked:
                for all_, one in zip(found.setdefault((what, name), ([], [])),
                                     bench.measure(d, what)):
                    all_.append(one)
            d.close()
            time.sleep(REST_S)
    table(found, kinds)
    bench.wire.close()


main()
