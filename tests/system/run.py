#!/usr/bin/python3
"""run.py [-j N] [--skip NAME]... [NAME]... - runs the system tests: every test_*.py
beside this, or those named (test_x, test_x.Class, test_x.Class.test).

Each class runs in a process of its own, N at a time (one more than there are cores:
tests wait more than they compute); what it prints is shown whole when it ends. --skip
takes names as above.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# What takes longest begins first, so that nothing long is left for the end.
LONGEST = ("test_class.Class", "test_page.Page", "test_build", "test_events.History",
           "test_steer.Steering", "test_road.Lossy", "test_differential",
           "test_servers_failures", "test_road.Slow", "test_servers", "test_events",
           "test_paths", "test_storm",
           "test_attack.Slow", "test_cluster", "test_ops.GeoKept",
           "test_ops.Replay", "test_ops.Http")
# What loads or measures the whole machine runs after all others, one at a time.
# A browser takes all cores: players and nodes would time out beside others.
ALONE = ("test_class.Class", "test_page.Page", "test_storm")
SUMMARY = re.compile(r"(\d+) passed, (\d+) failed\n\Z")


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def is_of(test_id, names):
    return any((test_id + ".").startswith(name + ".") for name in names)


def classes(names, skipped):
    """The ids of the tests that are to run, by class."""
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names) if names else \
        loader.discover(str(HERE))
    found = collections.defaultdict(list)
    for test in cases(suite):
        if not is_of(test.id(), skipped):
            # A file that cannot be loaded is a test that fails, of this name.
            broken = isinstance(test, unittest.loader._FailedTest)
            key = test.id().rpartition(".")[2 if broken else 0]
            found[key].append(key if broken else test.id())
    return found


def place(key):
    names = [name for name in LONGEST if is_of(key, [name])]
    return LONGEST.index(names[0]) if names else len(LONGEST)


def run_here(names):
    """What the process of a class does."""
    suite = unittest.TestLoader().loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed", flush=True)
    return 1 if bad or not result.testsRun else 0


class Runs:
    def __init__(self):
        self.passed = self.failed = 0
        self.printing = threading.Lock()

    def run(self, key, names):
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--here", *names], cwd=HERE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        summary = SUMMARY.search(done.stdout)
        passed, failed = map(int, summary.groups()) if summary else (0, 0)
        if done.returncode and not failed:
            failed = 1      # it ended before it could say
        with self.printing:
            print(f"-- {key}, {time.monotonic() - start:.1f} s\n"
                  f"{SUMMARY.sub('', done.stdout)}", flush=True)
            self.passed += passed
            self.failed += failed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-j", type=int,
                        default=len(os.sched_getaffinity(0)) + 1)
    parser.add_argument("--skip", action="append", default=[])
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.here:
        return run_here(options.names)
    found = classes(options.names, options.skip)
    runs = Runs()
    for jobs, alone in ((options.j, False), (1, True)):
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for key in sorted(found, key=place):
                if is_of(key, ALONE) == alone:
                    pool.submit(runs.run, key, found[key])
    print(f"{runs.passed} passed, {runs.failed} failed")
    return 1 if runs.failed or not runs.passed else 0


if __name__ == "__main__":
    sys.exit(main())
