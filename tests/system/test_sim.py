"""A short evening in the simulator: dnsd serves, and better than the nearest."""

import sys

from harness import ROOT, Test

sys.path.insert(0, str(ROOT / "tests" / "sim"))

import engine  # noqa: E402
import policies  # noqa: E402
import scenarios  # noqa: E402


def share(part, measures):
    return part / measures.watched


class Evening(Test):
    def play(self, policy):
        world = scenarios.ALL["tiny"](2, 1.0)
        return engine.Simulator(world, policies.ALL[policy]).run()

    def test_a_small_crowd(self):
        """Everybody is served; less over capacity than with the nearest."""
        dnsd, nearest = self.play("dnsd"), self.play("nearest")
        self.assertGreater(dnsd.joined, 400)
        self.assertLess(share(dnsd.without, dnsd), 0.001)
        self.assertGreater(share(nearest.over, nearest), 0.05)
        self.assertLess(share(dnsd.over, dnsd), share(nearest.over, nearest) / 2)
        self.assertEqual(dnsd.doubts, [])

    def test_configured_too_low(self):
        """Nodes that can do more than is configured do it, where they may."""
        over = {}
        for overcommit in (1.0, 2.0):
            world = scenarios.ALL["tiny-lowconf"](1, 1.0)
            world.overcommit = overcommit
            m = engine.Simulator(world, policies.ALL["dnsd"]).run()
            over[overcommit] = share(m.over, m)
        self.assertGreater(over[1.0], 0.03)
        self.assertLess(over[2.0], 0.01)

    def test_it_repeats(self):
        """The same seed gives the same evening."""
        first, second = self.play("dnsd"), self.play("dnsd")
        self.assertEqual(vars(first), vars(second))
