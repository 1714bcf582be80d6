#!/usr/bin/python3
"""How the cost of a query grows with the work: `make bench-growth`.

In process, nanoseconds of a steered answer beside parsing and the geo lookup,
by number of nodes, steered names and client nets (bench_steer); over sockets,
user nanoseconds of a query for one of so many static names, chosen at random.
Prints a table and writes docs/pictures/growth.svg.
"""

import pathlib
import statistics
import subprocess
import sys
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "sim"),
                str(HERE.parent / "system")]

import bench  # noqa: E402
from pictures import FOLDER, Svg  # noqa: E402

LEFT, TOP, GAP, WIDTH, HEIGHT = 44, 34, 20, 160, 150


def in_process():
    """{what: [(number, ns)]}"""
    out = subprocess.run([f"{bench.BENCH}/bench_steer", "growth"], check=True,
                         capture_output=True, text=True).stdout
    curves = {}
    for line in out.splitlines()[1:]:
        what, number, ns = line[:13].strip(), *line[13:].split()[:2]
        curves.setdefault(what, []).append((int(number), float(ns)))
    return curves


def static_names(number):
    """User ns a query, median of five runs."""
    args = types.SimpleNamespace(seconds=2, names=number)
    with bench.Fleet(1) as fleet:
        conf, zone = bench.configuration(fleet, [], number)
        server = bench.Dnsd(conf, {"zone": zone}, [])
        try:
            return statistics.median(
                bench.load(server, "names", args)["user"] for _ in range(5))
        finally:
            server.close()


def panel(svg, left, what, points):
    most = max(600, max(ns for _, ns in points))
    svg.text(left, TOP - 12, what, "head")
    for ns in range(0, int(most) + 1, 200):
        y = TOP + HEIGHT * (1 - ns / most)
        svg.line(left, y, left + WIDTH, y, "grid")
        svg.text(left - 4, y + 4, ns, anchor="end")
    at = [(left + WIDTH * i / max(1, len(points) - 1),
           TOP + HEIGHT * (1 - ns / most))
          for i, (_, ns) in enumerate(points)]
    svg.path(at, "over")
    for (x, _), (number, _) in zip(at, points):
        svg.text(x, TOP + HEIGHT + 16, f"{number:,}", anchor="middle")


def main():
    curves = in_process()
    curves["static names"] = [(n, static_names(n))
                              for n in (1000, 100000, 1000000)]
    svg = Svg(2 * LEFT + len(curves) * (WIDTH + 2 * GAP), TOP + HEIGHT + 40,
              "Nanoseconds a query by the size of the work")
    for i, (what, points) in enumerate(curves.items()):
        panel(svg, LEFT + i * (WIDTH + 2 * GAP), what, points)
        for number, ns in points:
            print(f"{what:14} {number:9,} {ns:7.0f} ns "
                  f"{ns / points[0][1]:5.2f} of the first")
    svg.write(FOLDER / "growth.svg")


if __name__ == "__main__":
    main()
