#!/usr/bin/python3
"""Plays evenings against dnsd replay and two simple rules, in virtual time.

    sim.py [--scenario NAME,...] [--policy NAME,...] [--seeds 1-3] [--csv]
    sim.py --doubts --seeds 1-4       # are good nodes doubted?

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
    ("other_node", "node %", "{:.0f}"), ("other_site", "site %", "{:.0f}"),
    ("same", "same %", "{:.0f}"), ("pairs", "pairs", "{:.2f}"),
    ("doubted", "doubts", "{:.0f}"), ("wrongly", "wrong", "{:.0f}"),
    ("wall", "s", "{:.1f}"))


def share(part, whole, of=100.0):
    return of * part / whole if whole else None


def play(job):
    """One scenario with one policy: a dict by the keys of COLUMNS."""
    name, policy, seed, scale = job
    began = time.monotonic()
    w = scenarios.ALL[name](seed, scale)
    m = engine.Simulator(w, policies.ALL[policy]).run()
    return {
        "scenario": name, "policy": policy, "seed": seed,
        "over": share(m.over, m.watched), "without": share(m.without, m.watched),
        "bad": share(m.bad, m.watched), "lossy": share(m.lossy, m.watched),
        "peak": m.peak,
        "far": share(m.far, m.served, 1),
        "questions": share(m.questions, m.lookups, 1),
        "other_node": share(m.other_node, m.presses),
        "other_site": share(m.other_site, m.presses),
        "same": share(m.same, m.again), "pairs": share(m.pairs, m.live, 1),
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


def mean(rows):
    """One row of those of several seeds."""
    row = dict(rows[0])
    for key, _, _ in COLUMNS:
        known = [r[key] for r in rows if r[key] is not None]
        row[key] = sum(known) / len(known) if known else None
    return row


def show(row):
    cells = ["-" if row[key] is None else form.format(row[key])
             for key, _, form in COLUMNS]
    print(f"{row['scenario']:16}{row['policy']:13}"
          + "".join(f"{c:>7}" for c in cells), flush=True)


def show_all(seeds, results, csv):
    keys = [key for key, _, _ in COLUMNS]
    if csv:
        print(",".join(["scenario", "policy", "seed"] + keys))
    else:
        print(f"{'scenario':16}{'policy':13}"
              + "".join(f"{head:>7}" for _, head, _ in COLUMNS))
    rows = []
    for row in results:
        if csv:
            print(",".join(
                [row["scenario"], row["policy"], str(row["seed"])]
                + ["" if row[k] is None else f"{row[k]:.4f}" for k in keys]),
                flush=True)
            continue
        rows.append(row)
        if len(rows) == seeds:
            show(mean(rows))
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
    p.add_argument("--doubts", action="store_true")
    a = p.parse_args()
    world.RUN_S = round(a.minutes * 60)
    names = [n for n in scenarios.ALL if not n.startswith("tiny")]
    rules = list(policies.ALL)
    if a.doubts:
        names, rules = ["calm", "presses"], ["dnsd"]
    names = a.scenario.split(",") if a.scenario else names
    rules = a.policy.split(",") if a.policy else rules
    seeds = numbers(a.seeds)
    jobs = [(n, r, s, a.scale) for n in names for r in rules for s in seeds]
    with multiprocessing.Pool(a.jobs) as pool:
        results = pool.imap(play, jobs)
        if a.doubts:
            show_doubts(results)
        else:
            show_all(len(seeds), results, a.csv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
