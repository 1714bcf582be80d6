"""What a server does by itself, without the kernel's part: for `bench.py`.

Two measures. Time: turns.c is preloaded, and sees how long it takes from the call that
brought packets to the one that sends the replies, and until the next; the median turn is
not one that was interrupted. Instructions: callgrind counts those of user mode, which are
the same whatever else the machine does, of the thread that has most: the worker.
"""

import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess

# They receive and send by recvmmsg and sendmmsg (NSD of Debian does not).
NAMES = ("floor", "gdnsd", "knot")
# As in turns.c.
TURN_STEPS, TURN_STEP_NS = 4096, 2


def environment(folder, bench):
    return {"TURNS": str(folder), "LD_PRELOAD": f"{bench}/turns.so"}


def packets(folder, pids):
    """So many until now, by the time that one took in its turn."""
    sums = [0] * TURN_STEPS
    for pid in pids:
        file = pathlib.Path(folder, str(pid))
        if file.exists():
            counts = struct.unpack(f"{TURN_STEPS}Q", file.read_bytes())
            sums = [a + b for a, b in zip(sums, counts)]
    return sums


def median_ns(before, after):
    steps = [b - a for a, b in zip(before, after)]
    half = sum(steps) / 2
    for step, n in enumerate(steps):
        half -= n
        if half <= 0:
            return (step + 0.5) * TURN_STEP_NS


def valgrind(folder):
    return ("valgrind", "--tool=callgrind", "--instr-atstart=no",
            "--separate-threads=yes", "--trace-children=yes",
            f"--callgrind-out-file={folder}/%p")


def counts():
    return bool(shutil.which("valgrind"))


class Counted:
    """Instructions of processes that run under valgrind(), in a `with`."""

    def __init__(self, folder, pids):
        self.folder, self.pids = pathlib.Path(folder), pids

    def control(self, *words):
        for pid in self.pids:
            subprocess.run(["callgrind_control", *words, str(pid)],
                           capture_output=True)

    def threads(self):
        """Totals by process and thread."""
        found = {}
        for file in self.folder.iterdir():
            name = re.fullmatch(r"(\d+)\.\d+-(\d+)", file.name)
            total = name and re.search(r"(?m)^totals: (\d+)", file.read_text())
            if total:
                found[name.groups()] = found.get(name.groups(), 0) + int(total[1])
        return found

    def __enter__(self):
        self.before = self.threads()
        self.control("-i", "on")
        return self

    def __exit__(self, *_):
        self.control("-i", "off")
        self.control("-d")
        self.after = self.threads()

    def most(self):
        return max(n - self.before.get(key, 0) for key, n in self.after.items())


def table(windows, counted):
    """Head and rows. windows: {(mix, server): [(nanoseconds between calls, ticks)]}."""
    rows = []
    for (mix, server), all_ in sorted(windows.items()):
        ns, ticks = zip(*all_)
        ratios = [a / b for a, (b, _) in zip(ns, windows.get((mix, "gdnsd"), []))]
        instructions = counted.get((mix, server))
        rows.append((
            mix, server, f"{statistics.median(ns):,.0f}",
            f"{min(ns):,.0f}-{max(ns):,.0f}", f"{statistics.median(ticks):,.0f}",
            f"{instructions:,.0f}" if instructions else "",
            f"{statistics.median(ratios):.2f}" if ratios else "",
            f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else ""))
    return ("mix", "server", "own ns", "least-most", "ticks, user ns", "instructions",
            "of gdnsd", "least-most"), rows
