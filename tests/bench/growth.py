#!/usr/bin/python3
"""How the cost of a query grows with the work: `make bench-growth`.

In process, nanoseconds of a steered answer beside parsing and the geo lookup,
by number of nodes, steered names and client nets (bench_steer). Over sockets,
user nanoseconds of a query with a random client subnet, by what is known of
places: nothing, prefixes of countries, a city database (if there is one); and
of a query for one of so many static names, chosen at random, with gdnsd beside
if it is installed. All take turns; medians of windows that are long, because
the kernel counts CPU time by its ticks. Prints a table, writes
docs/pictures/growth.svg.

Then by number of nodes, steered names and static names: memory, start, reload,
what control takes of a core while all nodes are polled every 3 s, and the CPU of a
publishing (growth-memory.svg, growth-build.svg, growth-polls.svg). And for how
many client nets in a day their lines are remembered (bench_steer day).

    growth.py [--geoip FILE] [--reps N] [--seconds S] [--only cost,sizes,day]
"""

import math
import pathlib
import random
import statistics
import subprocess
import sys
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "sim"),
                str(HERE.parent / "system")]

import bench  # noqa: E402
import control  # noqa: E402
import peers  # noqa: E402
from pictures import FOLDER, Svg  # noqa: E402

LEFT, TOP, WIDTH, HEIGHT = 44, 36, 200, 130
ACROSS, DOWN, IN_A_ROW = WIDTH + 54, HEIGHT + 66, 3
IN_PROCESS, COUNTRIES, PREFIXES = 3, 200, 100_000


class Point:
    """ns of dnsd and, where it is measured, of gdnsd."""

    def __init__(self, label, ns, gdnsd=None):
        self.label, self.ns, self.gdnsd = label, ns, gdnsd


def in_process():
    """{what: points}, medians of some runs."""
    found = {}
    for _ in range(IN_PROCESS):
        out = subprocess.run([f"{bench.BENCH}/bench_steer", "growth"],
                             check=True, capture_output=True, text=True).stdout
        for line in out.splitlines()[1:]:
            what, number, ns = line[:13].strip(), *line[13:].split()[:2]
            found.setdefault((what, int(number)), []).append(float(ns))
    curves = {}
    for (what, number), ns in found.items():
        curves.setdefault(what, []).append(
            Point(f"{number:,}", statistics.median(ns)))
    return curves


def country_nets():
    """Prefixes of /16 to /24 all over IPv4, in few places."""
    rng = random.Random(7)
    places = [f"{rng.uniform(-40, 60):.2f},{rng.uniform(-150, 150):.2f}"
              for _ in range(COUNTRIES)]
    lines = []
    for net in rng.sample(range(1 << 8, 223 << 16), PREFIXES):
        bits = rng.randint(0, 8)
        net = net >> bits << bits
        lines.append(f"{net >> 16}.{net >> 8 & 255}.{net & 255}.0/{24 - bits}"
                     f" {rng.choice(places)}")
    unique = {line.split()[0]: line for line in lines}
    return "\n".join(unique.values()) + "\n"


def over_sockets(servers, mix, args):
    """User ns a query of each server, by its name."""
    runs = {server.name: [] for server in servers}
    for _ in range(args.reps):
        for server in servers:
            one = types.SimpleNamespace(seconds=args.seconds,
                                        names=server.names)
            runs[server.name].append(bench.load(server, mix, one))
    return {name: bench.medians(rs)["user"] for name, rs in runs.items()}


def place_tables(fleet, args):
    """By what is known of places."""
    conf, zone = bench.configuration(fleet, [], 1000)
    cases = [("empty", conf, [], {}),
             ("countries", "nets: nets\n" + conf, ["nets"],
              {"nets": country_nets()})]
    if args.geoip:
        cases.append(("cities", bench.configuration(fleet, args.geoip, 1000)[0],
                      args.geoip, {}))
    servers = []
    try:
        for name, conf, geoip, files in cases:
            server = bench.Dnsd(conf, {"zone": zone, **files}, geoip, name=name)
            server.names = 1000
            servers.append(server)
        ns = over_sockets(servers, "ecs", args)
    finally:
        for server in servers:
            server.close()
    return [Point(name, ns[name]) for name, *_ in cases]


def static_names(fleet, args):
    """By number of names, beside gdnsd."""
    servers, sizes = [], (1000, 100_000, 1_000_000)
    try:
        for size in sizes:
            conf, zone = bench.configuration(fleet, [], size)
            pair = [bench.Dnsd(conf, {"zone": zone}, [], name=f"dnsd {size}")]
            servers += pair
            if peers.Gdnsd.installed():
                pair.append(peers.Gdnsd(zone, [], bench.free_port()))
                servers.append(pair[1])
                pair[1].name = f"gdnsd {size}"
                pair[1].start()
            for server in pair:
                server.names = size
        ns = over_sockets(servers, "names", args)
    finally:
        for server in servers:
            server.close()
    return [Point(f"{size:,}", ns[f"dnsd {size}"], ns.get(f"gdnsd {size}"))
            for size in sizes]


# -- memory, start, reload, polls -----------------------------------------------

NODES, NAMES, STEERED = 100, 1000, 10       # where another one grows
SIZES = ([("nodes", n) for n in (100, 1000, 10_000)] +
         [("steered names", n) for n in (10, 1000, 100_000)] +
         [("static names", n) for n in (1000, 100_000, 1_000_000)])
SETTLE_S, COST_S = 8, 6


class Size:
    """What dnsd takes with so many of one kind."""

    def __init__(self, what, number, port):
        self.what, self.number = what, number
        one = types.SimpleNamespace(
            nodes=number if what == "nodes" else NODES)
        steered = number if what == "steered names" else STEERED
        conf = control.configuration(one, None, port) + "".join(
            f"  c{i}.example.com: {{pool: [edge], lines: 2}}\n"
            for i in range(steered))
        zone = control.zone(number if what == "static names" else NAMES)
        start = time.monotonic()
        server = control.Server(conf, {"zone": zone})
        try:
            self.start = time.monotonic() - start
            self.measure(server)
        finally:
            server.close()

    def measure(self, server):
        time.sleep(SETTLE_S)
        self.control, self.build = control.cost(server, COST_S)
        self.memory, _ = bench.memory_mib([server.pid])
        start = time.monotonic()
        server.daemon.run("ctl", "reload")
        self.reload = time.monotonic() - start
        _, self.most = bench.memory_mib([server.pid])


def sizes():
    fleet = control.Fleet()
    try:
        found = [Size(what, n, fleet.port) for what, n in SIZES]
    finally:
        fleet.close()
    bench.print_table(
        ("", "MiB", "at most, with a reload", "start s", "reload s",
         "control, of a core", "CPU of a publishing"),
        [(f"{one.what}: {one.number:,}", f"{one.memory:,.0f}",
          f"{one.most:,.0f}", f"{one.start:.2f}", f"{one.reload:.2f}",
          f"{one.control:.1%}", f"{one.build:.2f} ms") for one in found])
    for name, key, unit, factor in (
            ("memory", "most", "MiB at most, with a reload", 1),
            ("build", "reload", "milliseconds of a reload", 1000),
            ("polls", "control", "thousandths of a core that control takes",
             1000)):
        curves = {}
        for one in found:
            curves.setdefault(one.what, []).append(
                Point(f"{one.number:,}", getattr(one, key) * factor))
        picture(curves, f"growth-{name}.svg", f"{unit[0].upper()}{unit[1:]} "
                "by the size of the work", (f"{unit[0].upper()}{unit[1:]}.",))


def day():
    sys.stdout.flush()
    subprocess.run([f"{bench.BENCH}/bench_steer", "day"], check=True)


# -- pictures -------------------------------------------------------------------

def curve(svg, at, values, kind, floor=None):
    """Its values stand above it, or below if there is room to the floor."""
    svg.path(at, kind)
    for (x, y), value in zip(at, values):
        down = 16 if floor and y + 20 < floor else -8
        svg.text(round(x, 1), round(y + down, 1), f"{value:,.0f}",
                 anchor="middle")


def panel(svg, left, top, what, points, least):
    most = max(p.ns for p in points) * 1.15
    most = max(most, *((p.gdnsd or 0) * 1.15 for p in points), least)
    step = WIDTH / max(1, len(points) - 1) * 0.84   # labels need their room

    def place(i, ns):
        return (left + WIDTH * 0.08 + i * step,
                top + HEIGHT * (1 - ns / most))

    svg.text(left, top - 14, what, "head")
    grid = 200 if least else max(1, 10 ** int(math.log10(most)) // 2)
    for ns in range(0, int(most) + 1, grid):
        y = round(top + HEIGHT * (1 - ns / most), 1)
        svg.line(left, y, left + WIDTH, y, "grid")
        svg.text(left - 6, round(y + 4, 1), ns, anchor="end")
    for i, p in enumerate(points):
        svg.text(round(place(i, 0)[0], 1), top + HEIGHT + 16, p.label,
                 anchor="middle")
    if all(p.gdnsd for p in points):
        curve(svg, [place(i, p.gdnsd) for i, p in enumerate(points)],
              [p.gdnsd for p in points], "well")
    curve(svg, [place(i, p.ns) for i, p in enumerate(points)],
          [p.ns for p in points], "over", points[0].gdnsd and top + HEIGHT)


def picture(curves, file, title, words, least=0):
    """least: what the axis of each panel has at least."""
    rows = (len(curves) + IN_A_ROW - 1) // IN_A_ROW
    svg = Svg(LEFT + IN_A_ROW * ACROSS, TOP + rows * DOWN, title)
    for i, (what, points) in enumerate(curves.items()):
        panel(svg, LEFT + i % IN_A_ROW * ACROSS, TOP + i // IN_A_ROW * DOWN,
              what, points, least)
    for i, line in enumerate(words):
        svg.text(LEFT, TOP + rows * DOWN - 22 + 16 * i, line)
    svg.write(FOLDER / file)


def table(curves):
    rows = []
    for what, points in curves.items():
        for p in points:
            rows.append((f"{what}: {p.label}", f"{p.ns:,.0f}",
                         f"{p.ns / points[0].ns:.2f}",
                         f"{p.gdnsd:,.0f}" if p.gdnsd else "",
                         f"{p.ns / p.gdnsd:.2f}" if p.gdnsd else ""))
    bench.print_table(("", "ns", "of the first", "gdnsd", "of gdnsd"), rows)


def cost(args):
    curves = in_process()
    with bench.loaded_fleet() as fleet:
        curves["places, client subnets"] = place_tables(fleet, args)
        curves["static names"] = static_names(fleet, args)
    table(curves)
    picture(curves, "growth.svg", "Nanoseconds a query by the size of the work",
            ("Nanoseconds a query; red: dnsd, blue: gdnsd. Above: to decide and "
             "account, in process.", "Below: user time over sockets."), 600)


def main():
    p = bench.arguments(__doc__)
    p.set_defaults(reps=5, seconds=4)
    p.add_argument("--only", default="cost,sizes,day")
    args = p.parse_args()
    for name, section in (("cost", lambda: cost(args)), ("sizes", sizes),
                          ("day", day)):
        if name in args.only.split(","):
            section()


if __name__ == "__main__":
    main()
