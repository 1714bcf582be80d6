"""The class page in a real browser: plays, switches lines, recovers. Each case is
one of tests/browser/class.mjs, in the world of class_world.py."""

import os
import pathlib
import subprocess
import sys
import tempfile

import media
from harness import PATIENCE_S, ROOT, Test

HERE = pathlib.Path(__file__).resolve().parent


class Class(Test):
    def play(self, case):
        own = ["unshare", "--net", "--mount"]
        if os.geteuid() != 0:
            own += ["--user", "--map-root-user"]
        with tempfile.TemporaryDirectory(prefix="dnsd-class-") as folder:
            done = subprocess.run(
                [*own, sys.executable, HERE / "class_world.py", case],
                env={**os.environ, "CLASS_WORLD": folder}, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=PATIENCE_S * 15)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_flv(self):
        """A picture moves, and who plays is said."""
        self.play("flv")

    def test_hls(self):
        self.play("hls")

    def test_press(self):
        """线路2 is another node on another site, and dnsd gets a report."""
        self.play("press")

    def test_dead(self):
        """The node that plays is killed."""
        self.play("dead")

    def test_hang(self):
        """The node that plays hangs: no error, no picture."""
        self.play("hang")

    def test_all_dead(self):
        """All nodes are dead for a while."""
        self.play("all_dead")

    def test_hosts(self):
        """A site that knows names only."""
        self.play("hosts")

    def test_quiet(self):
        """A browser that allows no sound: the picture comes all the same."""
        self.play("quiet")

    def test_whep(self):
        """Where lines offer it, WHEP; a line that breaks is left for the next."""
        self.play("whep")

    def test_no_whep(self):
        """Where UDP is blocked, HTTP-FLV of the same line."""
        self.play("no_whep")

    def test_address(self):
        """URLs by address: what the API answered is who plays."""
        self.play("address")


class Parts(Test):
    """What of the player needs no browser."""

    def test_parts(self):
        done = subprocess.run(
            ["node", "--test", ROOT / "tests" / "browser" / "player.test.mjs"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=PATIENCE_S * 3)
        self.assertEqual(done.returncode, 0, done.stdout)


class Media(Test):
    """The stream of the world: a player that comes at any moment gets a picture."""

    def test_start(self):
        for now_ms in range(10 * media.LOOP_MS, 11 * media.LOOP_MS):
            start_ms = media.flv_start(now_ms)
            self.assertLess(now_ms - start_ms, 1100)
            first = next(f for loop in (-1, 0) for f in media.clip().frames
                         if 10 * media.LOOP_MS + loop * media.LOOP_MS + f[0] > start_ms)
            self.assertTrue(first[3], f"no key frame first at {now_ms}")
