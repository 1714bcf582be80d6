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

    def test_a_path_breaks(self):
        """From the first reports on nobody is sent over it; it is taken again when
        it is mended. (Seconds of the scenario, a report of a node each minute.)"""
        m = engine.Simulator(scenarios.ALL["path-breaks"](2, 1.0),
                             policies.ALL["dnsd"]).run()

        def over(from_s, to_s):
            names = [name for ms, name in m.looked_at
                     if from_s * 1000 <= ms < to_s * 1000]
            self.assertGreater(len(names), 20)
            return sum(n in ("fra1", "fra2") for n in names) / len(names)
        self.assertGreater(over(420, 900), 0.5)
        self.assertLess(over(960, 1800), 0.05)
        self.assertGreater(over(2400, 3000), 0.5)

    def test_views(self):
        """A node dies while one of three name servers reaches none: alone it names it
        to the end, with what the others tell it no longer than they do. And it
        goes on to answer with nodes that it alone does not reach."""
        late, same = {}, {}
        for policy in ("dnsd", "dnsd-views"):
            m = engine.Simulator(scenarios.ALL["dies-while-cut-off"](2, 0.3),
                                 policies.ALL[policy]).run()
            self.assertEqual(len(m.named_dead), 3)
            late[policy] = max(m.named_dead.values())
            m = engine.Simulator(scenarios.ALL["third-cut-off"](2, 0.3),
                                 policies.ALL[policy]).run()
            same[policy] = m.same / m.again
        self.assertGreater(late["dnsd"], 60000)
        self.assertLess(late["dnsd-views"], 6000)
        self.assertGreater(same["dnsd-views"], same["dnsd"])

    def test_it_repeats(self):
        """The same seed gives the same evening."""
        for policy in ("dnsd", "dnsd-views"):
            first, second = self.play(policy), self.play(policy)
            self.assertEqual(vars(first), vars(second))
