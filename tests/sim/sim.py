#!/usr/bin/python3
"""Plays evenings against dnsd replay and two simple rules, in virtual time.

    sim.py [--scenario NAME,...] [--policy NAME,...] [--seeds 1-3] [--csv]
    sim.py --doubts --seeds 1-4       # are good nodes doubted?
    sim.py --views --seeds 1-3        # what do name servers gain by views?
    sim.py --presses --seeds 1-3      # with 1 to 6 name servers

DNSD names the binary. docs/simulator.md says what is played and measured.
"""

import argparse
import multiprocessing
import os
import sys
import time

import engine
import policies
import scenarios
import world

COLUMNS = (
    # key, head, format
    ("over", "over %", "{:.2f}"), ("without", "none %", "{:.2f}"),
    ("bad", "bad %", "{:.2f}"), ("lossy", "loss %", "{:.2f}"), ("peak", "peak", "{:.2f}"),
    ("far", "path ms", "{:.1f}"), ("questions", "q/look", "{:.2f}"),
    ("other_node", "node %", "{:.1f}"), ("other_site", "site %", "{:.1f}"),
    ("same", "same %", "{:.0f}"), ("pairs", "pairs", "{:.2f}"),
    ("doubted", "doubts", "{:.0f}"), ("wrongly", "wrong", "{:.0f}"),
    ("wall", "s", "{:.1f}"))
VIEWS = (
    ("over", "over %", "{:.2f}"), ("without", "none %", "{:.2f}"),
    ("peak", "peak", "{:.2f}"), ("far", "path ms", "{:.2f}"),
    ("same", "same %", "{:.1f}"), ("dead", "dead s", "{:.1f}"),
    ("dead_most", "most s", "{:.1f}"))
VIEWS_SCENARIOS = ("node-dies", "cut-off", "third-cut-off", "cut-off-by-turns",
                   "dies-while-cut-off", "two-cut-off")
PRESSES = (
    ("to_line_2", "1 to 2", "{:.2f}"), ("to_line_3", "2 to 3", "{:.2f}"),
    ("to_line_1", "3 to 1", "{:.2f}"), ("other_node", "node %", "{:.2f}"),
    ("other_site", "site %", "{:.2f}"), ("presses", "presses", "{:.0f}"))


def share(part, whole, of=100.0):
    return of * part / whole if whole else None


def play(job):
    """One scenario with one policy: a dict by the keys of the columns."""
    name, policy, servers, seed, scale = job
    began = time.monotonic()
    world.SERVERS = servers
    w = scenarios.ALL[name](seed, scale)
    m = engine.Simulator(w, policies.ALL[policy]).run()
    dead = [ms / 1000 for ms in m.named_dead.values()]
    return {
        "scenario": name, "policy": policy, "servers": w.servers, "seed": seed,
        "over": share(m.over, m.watched), "without": share(m.without, m.watched),
        "bad": share(m.bad, m.watched), "lossy": share(m.lossy, m.watched),
        "peak": m.peak,
        "far": share(m.far, m.served, 1),
        "questions": share(m.questions, m.lookups, 1),
        "other_node": share(m.other_node, m.presses),
        "other_site": share(m.other_site, m.presses),
        "same": share(m.same, m.again), "pairs": share(m.pairs, m.live, 1),
        "presses": m.presses,
        **{f"to_line_{line}": share(*sums) for line, sums in m.to_line.items()},
        "dead": share(sum(dead), len(dead), 1), "dead_most": max(dead, default=None),
        "doubted": len(m.doubts),
        "wrongly": sum(well for _, well in m.doubts),
        "doubted_nodes": len({name for name, well in m.doubts if well}),
        "node_days": len(w.nodes) * w.run_s / 86400,
        "viewers": m.joined, "served": m.served,
        "wall": time.monotonic() - began}


def numbers(text):
    """"1-3,7" to [1, 2, 3, 7]."""
    out = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        out += range(int(first), int(last or first) + 1)
    return out


def mean(rows, columns):
    """One row of those of several seeds."""
    row = dict(rows[0])
    for key, _, _ in columns:
        known = [r[key] for r in rows if r[key] is not None]
        row[key] = sum(known) / len(known) if known else None
    return row


def cells(columns, row):
    return "".join(f"{'-' if row[key] is None else form.format(row[key]):>8}"
                   for key, _, form in columns)


def show_all(columns, seeds, results, csv):
    keys = [key for key, _, _ in columns]
    if csv:
        print(",".join(["scenario", "policy", "servers", "seed"] + keys))
    else:
        print(f"{'scenario':20}{'policy':13}{'servers':>7}"
              + "".join(f"{head:>8}" for _, head, _ in columns))
    rows = []
    for row in results:
        if csv:
            print(",".join(
                [row["scenario"], row["policy"], str(row["servers"]), str(row["seed"])]
                + ["" if row[k] is None else f"{row[k]:.4f}" for k in keys]),
                flush=True)
            continue
        rows.append(row)
        if len(rows) == seeds:
            row = mean(rows, columns)
            print(f"{row['scenario']:20}{row['policy']:13}{row['servers']:7}"
                  + cells(columns, row), flush=True)
            rows = []


def show_doubts(results):
    """How often a good node is doubted, with presses that mean nothing."""
    days = doubts = nodes = 0
    for row in results:
        days += row["node_days"]
        doubts += row["wrongly"]
        nodes += row["doubted_nodes"]
        print(f"seed {row['seed']}: {row['node_days']:.2f} node-days, "
              f"{row['wrongly']} doubts of {row['doubted_nodes']} good nodes",
              flush=True)
    print(f"in all: {days:.2f} node-days, {doubts} doubts of {nodes} good nodes")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--scenario", help="names, by commas; all but tiny ones")
    p.add_argument("--policy", help="names, by commas; all")
    p.add_argument("--seeds", default="1", help="1-3,7")
    p.add_argument("--scale", type=float, default=1.0,
                   help="of the viewers and of all capacities")
    p.add_argument("--minutes", type=float, default=world.RUN_S / 60,
                   help="that an evening lasts")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--csv", action="store_true")
    p.add_argument("--servers", help="name servers, if a scenario does not say: 1-6")
    p.add_argument("--doubts", action="store_true")
    p.add_argument("--views", action="store_true")
    p.add_argument("--presses", action="store_true")
    a = p.parse_args()
    world.RUN_S = round(a.minutes * 60)
    names = [n for n in scenarios.ALL if not n.startswith("tiny")]
    rules, servers, columns = policies.USUAL, str(world.SERVERS), COLUMNS
    if a.doubts:
        names, rules = ["calm", "presses"], ["dnsd"]
    if a.views:
        names, rules, columns = VIEWS_SCENARIOS, ["dnsd", "dnsd-views"], VIEWS
        servers = "3"
    if a.presses:
        names, rules, servers, columns = ["presses"], ["dnsd"], "1-6", PRESSES
    names = a.scenario.split(",") if a.scenario else names
    rules = a.policy.split(",") if a.policy else rules
    seeds = numbers(a.seeds)
    jobs = [(n, r, k, s, a.scale) for n in names for r in rules
            for k in numbers(a.servers or servers) for s in seeds]
    with multiprocessing.Pool(a.jobs) as pool:
        results = pool.imap(play, jobs)
        if a.doubts:
            show_doubts(results)
        else:
            show_all(columns, len(seeds), results, a.csv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
