#!/usr/bin/python3
"""The project's own benchmark, on loopback: `make bench`.

dnsd with one worker on the first core, polling twelve stand-ins whose load
moves; the generator on the last core. Beside it gdnsd, Knot, NSD and PowerDNS,
as far as they are installed (apt-get install gdnsd knot nsd pdns-server
pdns-backend-geoip) and named by --peers; all take turns. CPU time per query
is read from /proc over the measured window, of all threads. Prints tables of
medians; takes two minutes for dnsd, and one more for each of the others.

    bench.py [--geoip FILE ...] [--peers gdnsd,nsd|all] [--reps N] [--seconds S]
             [--names N]
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from harness import Daemon, free_port  # noqa: E402
from srs_standin import Fleet  # noqa: E402
import peers  # noqa: E402

BENCH = os.environ.get("BENCH", str(HERE.parent.parent / "build" / "bench"))
TICK = os.sysconf("SC_CLK_TCK")
CITIES = [(22.3, 114.2), (35.7, 139.7), (37.6, 127), (1.3, 103.8), (51.5, -.1),
          (50.1, 8.7), (48.9, 2.3), (40.7, -74), (37.4, -122.1), (-23.5, -46.6),
          (-33.9, 151.2), (31.2, 121.5)]


def cpu_ns(pids):
    """(user, system) nanoseconds of processes."""
    both = [0, 0]
    for pid in pids:
        stat = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        for i in (0, 1):
            both[i] += int(stat[11 + i]) * 1_000_000_000 // TICK
    return both


def memory_mib(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def configuration(fleet, geoip, names):
    zone = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n" \
           "ns1 A 127.0.0.1\nwww A 192.0.2.80\n"
    zone += "".join(f"h{i} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"
                    for i in range(names))
    conf = ""
    if geoip:
        conf += f"geoip: {json.dumps([os.path.abspath(g) for g in geoip])}\n"
    conf += "zones: {example.com: {file: zone}}\nnodes:\n"
    for node, (lat, lon) in zip(fleet, CITIES):
        conf += (f"  {node.name}: {{address: [{node.host}], at: [{lat}, {lon}],"
                 f" capacity: 5000, api: \"{node.api_url}\", "
                 f"rtmp: \"{node.address('rtmp')}\"}}\n")
    return conf + "steer: {live.example.com: {pool: [edge], lines: 3}}\n", zone


def first_answer(conf, files, name):
    """Milliseconds from exec to the first answer for a name."""
    d = Daemon(conf, files=files, start=False)
    query = d.query(name).to_wire()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.002)
        start = time.monotonic()
        d.start(wait=False)
        while True:
            try:
                s.sendto(query, ("127.0.0.1", d.port))
                s.recv(2000)
                break
            except OSError:
                if time.monotonic() - start > 30:
                    raise
    took = (time.monotonic() - start) * 1000
    d.close()
    return took


def load(server, mix, args, rate=0):
    """One run of the generator against a server (name, port, pids)."""
    pids = server.pids()
    before, start = cpu_ns(pids), time.monotonic()
    out = subprocess.run(
        ["taskset", "-c", str(os.cpu_count() - 1), f"{BENCH}/qgen",
         "-t", str(args.seconds), "-r", str(rate), "-m", str(args.names),
         f"127.0.0.1:{server.port}", mix],
        capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{server.name}: qgen {mix}: {out.stderr or out.stdout}")
    result = json.loads(out.stdout)
    after = cpu_ns(pids)
    result["seconds"] = time.monotonic() - start
    for key, a, b in zip(("user", "system"), before, after):
        result[key] = (b - a) / result["answered"]
    result["total"] = result["user"] + result["system"]
    return result


class Dnsd:
    """The daemon with one worker, on the first core."""

    name = "dnsd"
    steers = True

    def __init__(self, conf, files, geoip):
        self.daemon = d = Daemon(conf, files=files, start=False)
        d.head = d.head.replace("workers: 2", "workers: 1")
        d.write_conf(conf)
        d.start()
        self.port = d.port
        for task in os.listdir(f"/proc/{d.process.pid}/task"):
            os.sched_setaffinity(int(task), {0})
        while geoip and "geoip: loaded" not in d.log_text():
            time.sleep(0.1)

    def pids(self):
        return [self.daemon.process.pid]

    def close(self):
        self.daemon.close()


def start_peers(wanted, zone, geoip):
    """Those that are asked for and can be had."""
    servers = []
    for kind in peers.ALL:
        if wanted != "all" and kind.name not in wanted.split(","):
            continue
        if not kind.installed():
            print(f"{kind.name}: not installed, left out")
        elif kind is peers.PowerDns and not geoip:
            print(f"{kind.name}: only with --geoip, left out")
        else:
            server = kind(zone, geoip, free_port())
            server.start()
            servers.append(server)
    return servers


def measure(servers, mixes, args, rate=0):
    """{(server, mix): runs}; the servers take turns."""
    runs = {}
    for _ in range(args.reps):
        for mix in mixes:
            for server in servers:
                if mix in server.mixes:
                    runs.setdefault((server.name, mix), []).append(
                        load(server, mix, args, rate))
    return runs


def table(runs):
    """Medians, spread of user time, and user time over that of gdnsd."""
    print(f"{'mix':9} {'server':7} {'per s':>8} {'user ns':>8} "
          f"{'least-most':>11} {'total ns':>8} {'p50 us':>7} {'p99 us':>8} "
          f"{'lost':>5} {'user/gdnsd':>10}")
    medians = {key: {k: statistics.median(r[k] for r in rs) for k in rs[0]
                     if k != "mix"} for key, rs in runs.items()}
    for (server, mix), m in sorted(medians.items(), key=lambda i: i[0][::-1]):
        spread = [r["user"] for r in runs[server, mix]]
        gdnsd = medians.get(("gdnsd", mix))
        ratio = f"{m['user'] / gdnsd['user']:10.2f}" \
            if gdnsd and gdnsd["user"] else f"{'':>10}"
        print(f"{mix:9} {server:7} {m['per_s']:8.0f} {m['user']:8.0f} "
              f"{min(spread):5.0f}-{max(spread):<5.0f} {m['total']:8.0f} "
              f"{m['p50_us']:7.1f} {m['p99_us']:8.1f} "
              f"{sum(r['lost'] for r in runs[server, mix]):5} {ratio}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--geoip", nargs="*", default=[])
    p.add_argument("--peers", default="")
    p.add_argument("--reps", type=int, default=3)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--names", type=int, default=1000)
    args = p.parse_args()
    with Fleet(len(CITIES)) as fleet:
        for i, node in enumerate(fleet):
            node.set_load(conns=300 + 150 * i, mbps=400, cpu=.2)
        conf, zone = configuration(fleet, args.geoip, args.names)
        files = {"zone": zone}
        for name in ("www.example.com", "live.example.com"):
            times = [first_answer(conf, files, name) for _ in range(args.reps)]
            print(f"first answer, {name}: {statistics.median(times):.1f} ms")
        servers = [Dnsd(conf, files, args.geoip)]
        try:
            servers += start_peers(args.peers, zone, args.geoip)
            compare(servers, args)
        finally:
            for server in servers:
                server.close()


def compare(servers, args):
    everything = ["static", "steered", "ecs", "nxdomain", "names", "mix"]
    for server in servers:
        steers = server.name == "dnsd" or (server.steers and args.geoip)
        server.mixes = [m for m in everything
                        if steers or m not in ("steered", "ecs", "mix")]
        if server.name == "pdns":  # its zones have no other names
            server.mixes = ["static", "steered", "ecs", "nxdomain"]
    time.sleep(1)
    for server in servers:
        print(f"memory, {server.name}: "
              f"{sum(map(memory_mib, server.pids())):.0f} MiB")
    print("\nclosed loop, 128 questions under way")
    table(measure(servers, everything, args))
    print("\n20,000 questions a second")
    table(measure(servers, everything[:3], args, 20000))
    for server in servers:
        print(f"memory after, {server.name}: "
              f"{sum(map(memory_mib, server.pids())):.0f} MiB")


if __name__ == "__main__":
    main()
