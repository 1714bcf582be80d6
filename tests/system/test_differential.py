"""A few rounds of the differential test: random zones on dnsd, NSD and Knot.
differential.py run by hand takes any number of rounds."""

import pathlib
import subprocess
import sys

from harness import DNSD, ROOT, Test

SCRIPT = pathlib.Path(__file__).with_name("differential.py")


class Differential(Test):
    def compare(self, *more):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), "--dnsd", f"{DNSD} run -c",
             "--rounds", "5", "--queries", "500", *more],
            cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr)
        self.assertRegex(done.stdout, r"\b0 forbidden")

    def test_random_zones(self):
        self.compare("--seed", "11")

    def test_signed_zones(self):
        self.compare("--seed", "11", "--signed")
