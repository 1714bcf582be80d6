#!/usr/bin/python3
"""The project's own benchmark, on loopback: `make bench`.

dnsd with one worker on the first core, polling twelve stand-ins whose load
moves; the generator on the last core. Beside it gdnsd, Knot, NSD and PowerDNS,
as far as they are installed (apt-get install gdnsd knot nsd pdns-server
pdns-backend-geoip) and named by --peers; all take turns. CPU time per query
is read from /proc over the measured window, of all threads. Runs in which other
programs took a fourth of a core are left out, if three remain. Prints tables of
medians, as docs/performance.md has them; takes a minute or two for each
server.

    bench.py [--geoip FILE ...] [--peers gdnsd,nsd|all] [--reps N] [--seconds S]
             [--names N] [--only SECTION,...]

own, which is what it does unless --only says otherwise: what servers do between system
calls, measured from one to the other (own.py), beside the ticks of /proc, and the
instructions of the busiest thread, by callgrind if valgrind is installed. closed: 128
questions always under way; seldom: 20,000 a second; tcp: over
connections that stay, and with one for every question; lines: GET /api/v1/lines,
each question for another client; cores: one worker and
two; signed: as closed, but all ask for DNSSEC records: dnsd with a signed zone, NSD and
Knot with what it signed, as far as they are named; gdnsd, which does not sign; start:
from exec to the first answer, on all cores.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import dns.message
import dns.query

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from harness import Daemon, free_port  # noqa: E402
from srs_standin import Fleet  # noqa: E402
import own  # noqa: E402
import peers  # noqa: E402

BENCH = os.environ.get("BENCH", str(HERE.parent.parent / "build" / "bench"))
peers.Floor.folder = BENCH
Daemon.own_session = True   # as the others have
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


def busy_ns():
    """CPU time of everybody on this machine."""
    user, nice, system, _, _, irq, softirq = map(
        int, open("/proc/stat").readline().split()[1:8])
    return (user + nice + system + irq + softirq) * 1_000_000_000 // TICK


def memory_mib(pids):
    """(now, at most): of what processes share each has its part; the most is
    that of the largest."""
    now = most = 0
    for pid in pids:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Pss:"):
                now += int(line.split()[1]) / 1024
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmHWM"):
                most = max(most, int(line.split()[1]) / 1024)
    return now, most


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


def load(server, mix, args, more=()):
    """One run of the generator against a server (name, port, pids); more: of
    its options."""
    return generate(server, "qgen", "-t", str(args.seconds), "-m",
                    str(args.names), *more, f"127.0.0.1:{server.port}", mix)


def generate(server, *words):
    """What a generator tells, and the server's CPU time meanwhile."""
    pids = server.pids()
    before, busy, start = cpu_ns(pids), busy_ns(), time.monotonic()
    children = sum(os.times()[2:4])
    out = subprocess.run(
        ["taskset", "-c", str(os.cpu_count() - 1), f"{BENCH}/{words[0]}",
         *words[1:]], capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{server.name}: {' '.join(words)}: {out.stderr or out.stdout}")
    result = json.loads(out.stdout)
    after, busy = cpu_ns(pids), busy_ns() - busy
    result["seconds"] = time.monotonic() - start
    ours = sum(after) - sum(before) + (sum(os.times()[2:4]) - children) * 1e9
    result["others"] = (busy - ours) / 1e9 / result["seconds"]
    for key, a, b in zip(("user", "system"), before, after):
        result[key] = (b - a) / result["answered"]
    result["total"] = result["user"] + result["system"]
    return result


class Dnsd:
    """The daemon with a worker on each of these cores, all else on the
    first."""

    name = "dnsd"
    steers = True

    def __init__(self, conf, files, geoip, cores=(0,), name="dnsd", more=None):
        self.name = name
        self.daemon = d = Daemon(conf, files=files, start=False)
        vars(d).update(more or {})
        d.head = d.head.replace("workers: 2", f"workers: {len(cores)}")
        d.write_conf(conf)
        d.start()
        self.port = d.port
        while geoip and "geoip: loaded" not in d.log_text():
            time.sleep(0.1)
        for task in pathlib.Path(f"/proc/{d.process.pid}/task").iterdir():
            kind = (task / "comm").read_text().strip()
            worker = int(kind[8:]) if kind.startswith("dnsd-udp") else 0
            os.sched_setaffinity(int(task.name), {cores[worker]})

    def pids(self):
        return [self.daemon.process.pid]

    def close(self):
        self.daemon.close()


def make_peers(wanted, zone, geoip):
    """Those that are asked for and can be had; not started."""
    servers = []
    for kind in peers.ALL:
        if wanted != "all" and kind.name not in wanted.split(",") \
                and not (wanted and kind is peers.Floor):
            continue
        if not kind.installed():
            print(f"{kind.name}: not installed, left out")
        elif kind is peers.PowerDns and not geoip:
            print(f"{kind.name}: only with --geoip, left out")
        else:
            servers.append(kind(zone, geoip, free_port()))
    return servers


def start_peers(wanted, zone, geoip):
    servers = make_peers(wanted, zone, geoip)
    for server in servers:
        server.start()
    return servers


def measure(servers, mixes, args, more=()):
    """{(server, mix): runs}; the servers take turns."""
    runs = {}
    for _ in range(args.reps):
        for mix in mixes:
            for server in servers:
                if mix in server.mixes:
                    runs.setdefault((server.name, mix), []).append(
                        load(server, mix, args, more))
    return runs


def quiet(runs):
    """Those in which others did not use a fourth of a core, if they are three;
    else all."""
    calm = [r for r in runs if r["others"] < 0.25]
    return calm if len(calm) >= 3 else runs


def medians(runs):
    return {key: statistics.median(r[key] for r in quiet(runs))
            for key in runs[0] if key != "mix"}


def print_table(head, rows):
    """As in docs/performance.md."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def table(runs, by="user"):
    """Medians, the spread of `by` (user or total), and `by` over gdnsd's."""
    middle = {key: medians(rs) for key, rs in runs.items()}
    rows = []
    for (server, mix), m in sorted(middle.items(), key=lambda i: i[0][::-1]):
        all_, good = runs[server, mix], quiet(runs[server, mix])
        spread = [r[by] for r in good]
        gdnsd = middle.get(("gdnsd", mix))
        rows.append((
            mix, server, f"{m['per_s']:,.0f}", f"{m['user']:,.0f}",
            f"{m['total']:,.0f}", f"{min(spread):.0f}-{max(spread):.0f}",
            f"{m['p50_us']:.0f}", f"{m['p99_us']:.0f}",
            f"{max(r['max_us'] for r in good):,.0f}",
            str(sum(r["lost"] for r in all_)), f"{len(good)}/{len(all_)}",
            f"{m[by] / gdnsd[by]:.2f}" if gdnsd and gdnsd[by] else ""))
    print_table(("mix", "server", "answers/s", "user ns", "total ns",
                 f"{by}, least-most", "p50 us", "p99 us", "max us", "lost",
                 "runs", f"{by} / gdnsd"), rows)


def arguments(doc):
    """Those that every benchmark over sockets knows."""
    p = argparse.ArgumentParser(description=doc.split("\n")[0])
    p.add_argument("--geoip", nargs="*", default=[])
    p.add_argument("--peers", default="")
    p.add_argument("--reps", type=int, default=3)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--names", type=int, default=1000)
    return p


def loaded_fleet():
    fleet = Fleet(len(CITIES))
    for i, node in enumerate(fleet):
        node.set_load(conns=300 + 150 * i, mbps=400, cpu=.2)
    return fleet


# -- what is measured ---------------------------------------------------------

MIXES = ["static", "steered", "ecs", "again", "nxdomain", "names", "mix"]
LINES = ("/api/v1/lines?name=live.example.com&client=10.1.@.@"
         "&stream=live/class")


def ask_closed(servers, args):
    print("\nclosed loop, 128 questions under way\n")
    table(measure(servers, MIXES, args))


def ask_seldom(servers, args):
    """Few sockets: to look at each takes the generator a while."""
    print("\n20,000 questions a second\n")
    table(measure(servers, MIXES[:3], args, ("-r", "20000", "-n", "4")))


def ask_tcp(servers, args):
    print("\nTCP, 16 connections that stay, 256 questions under way\n")
    servers = [s for s in servers if s.name != "floor"]
    table(measure(servers, MIXES[:1], args, ("-T", "-w", "256")), "total")
    print("\nTCP, a connection for every question, 16 of them at once\n")
    table(measure(servers, MIXES[:1], args, ("-1",)), "total")


def ask_lines(servers, args):
    """Of dnsd alone; one thread of it answers HTTP."""
    print("\nGET /api/v1/lines, 16 connections that stay\n")
    dnsd = servers[0]
    words = ("hgen", "-t", str(args.seconds),
             f"127.0.0.1:{dnsd.daemon.http_port}", LINES)
    runs = [generate(dnsd, *words) for _ in range(args.reps)]
    m = medians(runs)
    rates = [r["per_s"] for r in runs]
    print_table(("answers/s", "least-most", "user ns", "total ns",
                 "a core's/s", "p50 us", "p99 us", "no 200"),
                [(f"{m['per_s']:,.0f}",
                  f"{min(rates):,.0f}-{max(rates):,.0f}",
                  f"{m['user']:,.0f}", f"{m['total']:,.0f}",
                  f"{1e9 / m['total']:,.0f}", f"{m['p50_us']:.0f}",
                  f"{m['p99_us']:.0f}", str(sum(r["wrong"] for r in runs)))])


def own_servers(args, conf, zone, environment=(), before=()):
    """dnsd and the peers that receive and send many packets in a call; not started."""
    dnsd = {"environment": dict(environment), "before": tuple(before)}
    yield lambda: Dnsd(conf, {"zone": zone}, args.geoip, more=dnsd)
    for peer in make_peers(args.peers, zone, args.geoip):
        if peer.name in own.NAMES:
            peer.environment = dict(environment)
            peer.before = (*peer.before, *before)
            yield lambda peer=peer: peer.start() or peer


def ask_own(args, conf, zone):
    """The servers take turns; the first round warms up."""
    print("\nbetween system calls: 128 questions under way\n")
    servers, windows, counted = [], {}, {}
    with tempfile.TemporaryDirectory(prefix="bench-own-") as folder:
        try:
            for start in own_servers(args, conf, zone,
                                     own.environment(folder, BENCH)):
                servers.append(start())
            set_mixes(servers, args)
            for _ in range(args.reps + 1):
                for mix in MIXES:
                    for server in (s for s in servers if mix in s.mixes):
                        before = own.packets(folder, server.pids())
                        result = load(server, mix, args)
                        ns = own.median_ns(before, own.packets(folder, server.pids()))
                        windows.setdefault((mix, server.name), []).append(
                            (ns, result["user"]))
        finally:
            for server in servers:
                server.close()
    if own.counts():
        counted = ask_instructions(args, conf, zone)
    print_table(*own.table({key: w[1:] for key, w in windows.items()}, counted))


def ask_instructions(args, conf, zone):
    """{(mix, server): instructions of a question}; one server after the other."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="bench-own-") as folder:
        for start in own_servers(args, conf, zone, before=own.valgrind(folder)):
            server = start()
            try:
                set_mixes([server], args)
                for mix in server.mixes:
                    load(server, mix, args, ("-n", "4", "-w", "16"))    # known then
                    with own.Counted(folder, server.pids()) as counted:
                        result = load(server, mix, args, ("-n", "4", "-w", "16"))
                    found[mix, server.name] = counted.most() / result["answered"]
            finally:
                server.close()
    return found


def signed_zone(conf, zone):
    """(configuration, files) of dnsd that signs, and the zone as it sends it to others:
    the steered name with all its addresses."""
    d = Daemon(conf.replace("{file: zone}", "{file: zone, dnssec: {keys: keys}, "
                            "transfer: {to: [127.0.0.1]}}"),
               files={"zone": zone}, start=False)
    try:
        (d.folder / "keys").mkdir()
        d.run("keys", "generate", "example.com")
        keys = {f"keys/{f.name}": f.read_text() for f in (d.folder / "keys").iterdir()}
        d.start()
        sets = [rrset for message in dns.query.xfr(
            "127.0.0.1", "example.com", port=d.port, relativize=False)
            for rrset in message.answer]
        text = "".join(s.to_text() + "\n" for s in sets[:-1])  # the SOA ends it too
        return d.conf_text()[len(d.head):], {"zone": zone, **keys}, text
    finally:
        d.close()


def signed_peers(wanted, text, zone, geoip):
    """NSD and Knot serve what is signed, and do not steer; gdnsd does not sign."""
    for kind in (peers.Nsd, peers.Knot, peers.Gdnsd):
        if kind.name not in wanted.split(",") or not kind.installed():
            continue
        if kind is peers.Gdnsd:
            yield kind(zone, geoip, free_port())
            continue
        peer = kind("", [], free_port())
        peer.static_zone = lambda peer=peer: peer.write("example.com.zone", text)
        peer.name += ", signed"
        yield peer


def ask_signed(args, conf, zone):
    print("\nsigned, all ask for DNSSEC records\n")
    signed_conf, files, text = signed_zone(conf, zone)
    servers = [Dnsd(conf, {"zone": zone}, args.geoip)]
    try:
        servers.append(Dnsd(signed_conf, files, args.geoip, name="dnsd, signed"))
        for peer in signed_peers(args.peers, text, zone, args.geoip):
            servers.append(peer)
            peer.start()
        for server in servers:
            server.mixes = MIXES
        table(measure(servers, MIXES, args, ("-D",)))
    finally:
        for server in servers:
            server.close()


def ask_cores(args, conf, zone):
    """The generator is on the last core, whose cache it shares with the worker
    there; hence one worker is measured on either core."""
    last = os.cpu_count() - 1
    print("\none worker, and two that share what they share; the generator on "
          f"core {last}, twice as long\n")
    servers = []
    more = ("-n", "64")
    args = argparse.Namespace(**{**vars(args), "seconds": 2 * args.seconds})
    try:
        for name, cores in (("core 0", (0,)), (f"core {last}", (last,)),
                            ("both", (0, last))):
            servers.append(Dnsd(conf, {"zone": zone}, args.geoip, cores, name))
        for server in servers:
            server.mixes = ["static", "ecs"]
        runs = measure(servers, servers[0].mixes, args, more)
    finally:
        for server in servers:
            server.close()
    rows = []
    for mix in ("static", "ecs"):
        user = [sum(r["user"] * r["answered"] for r in runs[s.name, mix])
                / sum(r["answered"] for r in runs[s.name, mix])
                for s in servers]
        rate = [statistics.median(r["per_s"] for r in runs[s.name, mix])
                for s in servers]
        rows.append((mix, *(f"{u:,.0f}" for u in user),
                     *(f"{r:,.0f}" for r in rate),
                     f"{user[2] / statistics.mean(user[:2]):.2f}"))
    print_table(("mix", "user ns, core 0", f"core {last}", "both",
                 "answers/s, core 0", f"core {last}", "both",
                 "user, both / mean of one"), rows)


class Starting:
    """The daemon, to be started again and again; with a database, the compiled
    table lies beside its store from the second time on."""

    name = "dnsd"
    steers = True

    def __init__(self, conf, zone, geoip):
        self.daemon = d = Daemon(conf, files={"zone": zone}, start=False)
        self.conf = conf
        while geoip and not (d.folder / "dnsd.geo").exists():
            if not d.process:
                d.start()
            time.sleep(0.1)
        d.stop()

    def launch(self):
        d, http_port = self.daemon, free_port()
        d.head = d.head.replace(f':{d.port}"', f':{self.port}"')
        d.head = d.head.replace(f':{d.http_port}"', f':{http_port}"')
        d.port, d.http_port = self.port, http_port
        d.write_conf(self.conf)
        d.start(wait=False)

    def pids(self):
        return [self.daemon.process.pid]

    def stop(self):
        self.daemon.stop()
        self.daemon.log.close()

    def close(self):
        self.daemon.close()


def first_answer(server, name):
    """Milliseconds from exec to the first answer with an address for a name,
    which is asked for every millisecond."""
    query = dns.message.make_query(name, "A").to_wire()
    server.port = free_port()   # meanwhile others may have taken the last one
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.001)
        start = time.monotonic()
        server.launch()
        while time.monotonic() < start + 60:
            try:
                s.sendto(query, ("127.0.0.1", server.port))
                reply = s.recv(2000)
            except OSError:
                continue
            if reply[3] & 15 == 0 and reply[7]:
                return (time.monotonic() - start) * 1000
    sys.exit(f"{server.name} does not answer for {name}")


def start_row(case, server, runs):
    ms, now, most = zip(*runs)
    return (case, server.name, f"{statistics.median(ms):,.0f}",
            f"{min(ms):,.0f}-{max(ms):,.0f}", f"{statistics.median(now):,.0f}",
            f"{statistics.median(most):,.0f}")


def start_case(case, fleet, name, geoip, names, args):
    """Rows of a table; the servers take turns."""
    conf, zone = configuration(fleet, geoip, names)
    servers = [Starting(conf, zone, geoip)]
    servers += [p for p in make_peers(args.peers, zone, geoip)
                if p.name not in ("floor", "pdns")
                and (p.steers or not name.startswith("live"))]
    runs = {server: [] for server in servers}
    try:
        for _ in range(args.reps):
            for server in servers:
                ms = first_answer(server, name)
                time.sleep(0.5)
                runs[server].append((ms, *memory_mib(server.pids())))
                server.stop()
    finally:
        for server in servers:
            server.close()
    return [start_row(case, server, runs[server]) for server in servers]


def ask_start(args, fleet):
    print("\nfrom exec to the first answer, all cores for everybody\n")
    few, many = args.names, 1_000_000
    rows = start_case("static name", fleet, "www.example.com", [], few, args)
    rows += start_case("steered name", fleet, "live.example.com", [], few,
                       argparse.Namespace(**{**vars(args), "peers": ""}))
    if args.geoip:
        rows += start_case("steered name, database", fleet, "live.example.com",
                           args.geoip, few, args)
    rows += start_case(f"{many:,} names", fleet, f"h{many - 1}.example.com",
                       [], many, args)
    print_table(("start", "server", "ms", "least-most", "MiB then",
                 "MiB at most"), rows)


SECTIONS = {"closed": ask_closed, "seldom": ask_seldom, "tcp": ask_tcp,
            "lines": ask_lines}


def set_mixes(servers, args):
    for server in servers:
        steers = server.name == "dnsd" or (server.steers and args.geoip)
        server.mixes = [m for m in MIXES
                        if steers or m not in ("steered", "ecs", "again", "mix")]
        if server.name == "floor":
            server.mixes = ["static"]
        if server.name == "pdns":  # its zones have no other names
            server.mixes = ["static", "steered", "ecs", "again", "nxdomain"]


def compare(servers, args):
    set_mixes(servers, args)
    time.sleep(1)
    for name, section in SECTIONS.items():
        if name in args.only.split(","):
            section(servers, args)


def main():
    p = arguments(__doc__)
    p.add_argument("--only", default="own")
    args = p.parse_args()
    with loaded_fleet() as fleet:
        conf, zone = configuration(fleet, args.geoip, args.names)
        if "own" in args.only.split(","):
            ask_own(args, conf, zone)
        if "cores" in args.only.split(","):
            ask_cores(args, conf, zone)
        if "signed" in args.only.split(","):
            ask_signed(args, conf, zone)
        if "start" in args.only.split(","):
            ask_start(args, fleet)
        if not set(SECTIONS) & set(args.only.split(",")):
            return
        servers = [Dnsd(conf, {"zone": zone}, args.geoip)]
        try:
            servers += start_peers(args.peers, zone, args.geoip)
            compare(servers, args)
        finally:
            for server in servers:
                server.close()


if __name__ == "__main__":
    main()
