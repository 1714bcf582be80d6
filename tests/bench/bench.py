#!/usr/bin/python3
"""The project's own benchmark, on loopback: `make bench`.

dnsd with one worker on the first core, polling twelve stand-ins whose load
moves; the generator on the last core. CPU time per query is read from /proc
over the measured window. Prints tables of medians; takes about two minutes.

    bench.py [--geoip FILE ...] [--reps N] [--seconds S] [--names N]
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

from harness import Daemon  # noqa: E402
from srs_standin import Fleet  # noqa: E402

BENCH = os.environ.get("BENCH", str(HERE.parent.parent / "build" / "bench"))
TICK = os.sysconf("SC_CLK_TCK")
CITIES = [(22.3, 114.2), (35.7, 139.7), (37.6, 127), (1.3, 103.8), (51.5, -.1),
          (50.1, 8.7), (48.9, 2.3), (40.7, -74), (37.4, -122.1), (-23.5, -46.6),
          (-33.9, 151.2), (31.2, 121.5)]


def cpu_ns(pid):
    """(user, system) nanoseconds of a process."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return tuple(int(fields[i]) * 1_000_000_000 // TICK for i in (11, 12))


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


def load(d, mix, seconds, rate=0):
    before, start = cpu_ns(d.process.pid), time.monotonic()
    out = subprocess.run(
        ["taskset", "-c", str(os.cpu_count() - 1), f"{BENCH}/qgen",
         "-t", str(seconds), "-r", str(rate), f"127.0.0.1:{d.port}", mix],
        capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"qgen {mix}: {out.stderr or out.stdout}")
    result = json.loads(out.stdout)
    after = cpu_ns(d.process.pid)
    result["seconds"] = time.monotonic() - start
    for key, a, b in zip(("user", "system"), before, after):
        result[key] = (b - a) / result["answered"]
    return result


def table(rows):
    print(f"{'mix':10} {'per s':>9} {'user ns':>8} {'sys ns':>8} "
          f"{'p50 us':>8} {'p99 us':>8} {'bad':>4} {'lost':>5}")
    for mix, runs in rows:
        def median(key):
            return statistics.median(r[key] for r in runs)
        print(f"{mix:10} {median('per_s'):9.0f} {median('user'):8.0f} "
              f"{median('system'):8.0f} {median('p50_us'):8.1f} "
              f"{median('p99_us'):8.1f} {sum(r['bad'] for r in runs):4} "
              f"{sum(r['lost'] for r in runs):5}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--geoip", nargs="*", default=[])
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
        d = Daemon(conf, files=files, start=False)
        d.head = d.head.replace("workers: 2", "workers: 1")
        d.write_conf(conf)
        d.start()
        os.sched_setaffinity(d.process.pid, {0})
        for task in os.listdir(f"/proc/{d.process.pid}/task"):
            os.sched_setaffinity(int(task), {0})
        while args.geoip and "geoip: loaded" not in d.log_text():
            time.sleep(0.1)
        time.sleep(1)
        print(f"memory: {memory_mib(d.process.pid):.0f} MiB")
        mixes = ["static", "steered", "ecs", "nxdomain", "mix"]
        if args.names >= 1000000:
            mixes.append("names")
        else:
            mixes.remove("mix")
        runs = {m: [] for m in mixes}
        for _ in range(args.reps):
            for mix in mixes:
                runs[mix].append(load(d, mix, args.seconds))
        print("\nclosed loop, 128 questions under way")
        table(runs.items())
        print("\n20,000 questions a second")
        table([(m, [load(d, m, args.seconds, 20000)]) for m in mixes])
        print(f"\nmemory after: {memory_mib(d.process.pid):.0f} MiB")
        d.close()


main()
