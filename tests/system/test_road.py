"""Paths on real connections: DNS follows what the nodes' kernels measure of roads that
get long and lossy. Each case is one of road_world.py."""

import os
import pathlib
import re
import subprocess
import sys

from harness import PATIENCE_S, Test
from road import OWN

HERE = pathlib.Path(__file__).resolve().parent


class Road(Test):
    def setUp(self):
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("there is no /dev/net/tun")
        probe = subprocess.run([*OWN, sys.executable, HERE / "road.py", "probe"],
                               capture_output=True, text=True)
        if re.search("not permitted|Permission denied", probe.stderr):
            self.skipTest("no namespaces or TUN devices here: " +
                          probe.stderr.splitlines()[-1])
        self.assertEqual(probe.returncode, 0, probe.stderr)

    def drive(self, case):
        # The world ends when this pipe closes: also if this test is killed.
        theirs, ours = os.pipe()
        try:
            done = subprocess.run(
                [*OWN, sys.executable, HERE / "road_world.py", case],
                stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=PATIENCE_S * 30)
        finally:
            os.close(theirs)
            os.close(ours)
        self.assertEqual(done.returncode, 0, done.stdout)


class Slow(Road):
    def test_a_road_that_gets_long(self):
        self.drive("slow")


class Lossy(Road):
    def test_a_road_that_loses_packets(self):
        self.drive("lossy")
