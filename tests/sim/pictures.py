#!/usr/bin/python3
"""Writes docs/pictures/*.svg: what the simulator saw. `make pictures`.

The same seed and the same dnsd give the same files."""

import multiprocessing
import sys

import engine
import policies
import scenarios

FOLDER = policies.ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 764, 250
LEFT, TOP, GAP = 44, 34, 14          # of the panels
PANEL_W, PANEL_H = 224, 176
FROM_S, EVERY_S = 420, 20
MOST = 2.8                           # utilisation at the top

STYLE = """
text { font: 11px system-ui, sans-serif; fill: #57606a }
.head { font-size: 13px; font-weight: 600; fill: #1f2328 }
path, line { fill: none; stroke-linejoin: round }
.grid { stroke: #d0d7de; stroke-width: 1 }
.full { stroke: #57606a; stroke-width: 1; stroke-dasharray: 4 3 }
.well { stroke: #2f81c7; stroke-width: 11; opacity: .6 }
.over { stroke: #cf4a35; stroke-width: 16 }
@media (prefers-color-scheme: dark) {
text { fill: #9ea7b3 } .head { fill: #e6edf3 }
.grid { stroke: #343b44 } .full { stroke: #9ea7b3 }
.well { stroke: #58a6ff } .over { stroke: #ff7b6b }
}
"""


class Svg:
    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} '
            f'{height}" width="{width}" height="{height}" role="img">',
            f"<title>{title}</title>", f"<style>{STYLE}</style>"]

    def text(self, x, y, words, kind="", anchor="start"):
        self.parts.append(f'<text x="{x}" y="{y}" class="{kind}" '
                          f'text-anchor="{anchor}">{words}</text>')

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" '
                          f'class="{kind}"/>')

    def path(self, points, kind):
        """In tenths, each point relative to the one before: short."""
        points = [(round(x * 10), round(y * 10)) for x, y in points]
        steps = [f"M{points[0][0]} {points[0][1]}"]
        for (x0, y0), (x, y) in zip(points, points[1:]):
            steps.append(f"l{x - x0} {y - y0}")
        self.parts.append(f'<path class="{kind}" transform="scale(.1)" '
                          f'd="{"".join(steps)}"/>')

    def write(self, path):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(self.parts + ["</svg>"]) + "\n")
        print(path.relative_to(policies.ROOT), path.stat().st_size, "bytes")


def record(job):
    """(measures, [(s, utilisation of each node)]) of one run."""
    name, policy = job
    sim = engine.Simulator(scenarios.ALL[name](1, 1.0), policies.ALL[policy],
                           show=True)
    measures = sim.run()
    return measures, [row for row in sim.series
                      if row[0] >= FROM_S and row[0] % EVERY_S == 0]


def panel(svg, left, head, measures, series, run_s):
    def x(s):
        return left + (s - FROM_S) / (run_s - FROM_S) * PANEL_W

    def y(use):
        return TOP + (1 - min(use, MOST) / MOST) * PANEL_H

    over = 100 * measures.over / measures.watched
    svg.text(left, TOP - 18, head, "head")
    svg.text(left, TOP - 4, f"over capacity {over:.1f} %, path + "
             f"{measures.far / measures.served:.1f} ms")
    for use in (0, 0.5, 1.5, 2, 2.5):
        svg.line(left, round(y(use), 1), left + PANEL_W, round(y(use), 1),
                 "grid")
    svg.line(left, round(y(1), 1), left + PANEL_W, round(y(1), 1), "full")
    for minute in range(10, run_s // 60 + 1, 10):
        svg.text(round(x(minute * 60), 1), TOP + PANEL_H + 16, f"{minute} min",
                 anchor="middle" if minute * 60 < run_s else "end")
    loads = list(zip(*(row[1] for row in series)))
    for load in sorted(loads, key=max):      # those over capacity on top
        svg.path([(x(row[0]), y(use)) for row, use in zip(series, load)],
                 "over" if max(load) > 1.02 else "well")


def flash():
    heads = {"nearest": "nearest", "least-loaded": "least loaded",
             "dnsd": "dnsd"}
    svg = Svg(WIDTH, HEIGHT,
              "Load of each node over its capacity while two crowds join")
    with multiprocessing.Pool(2) as pool:
        runs = pool.map(record, [("flash", policy) for policy in heads])
    run_s = scenarios.ALL["flash"](1, 1.0).run_s
    for i, (head, run) in enumerate(zip(heads.values(), runs)):
        panel(svg, LEFT + i * (PANEL_W + GAP), head, *run, run_s)
    for use in (0, 1, 2):
        y = TOP + (1 - use / MOST) * PANEL_H
        svg.text(LEFT - 6, round(y + 4, 1), f"{use * 100} %", anchor="end")
    svg.text(LEFT, HEIGHT - 8, "A line is a node: its load over its capacity; "
             "red: it was over it. 1,300 join in Berlin at 11:40 and at 25:00.")
    svg.write(FOLDER / "flash.svg")


def main():
    flash()
    return 0


if __name__ == "__main__":
    sys.exit(main())
