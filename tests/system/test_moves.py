"""Viewers of a drained node are moved to others."""

from harness import NETS, Test
from srs_standin import Fleet
from test_steer import conf_of

STEER = "steer:\n  live.example.com: {pool: [edge], lines: 2, ttl: [1, 1]}\n"


class Moves(Test):
    def setUp(self):
        self.fleet = Fleet(3, scale=0.05)
        self.addCleanup(self.fleet.close)
        for node in self.fleet:
            node.set_load(conns=60)
        self.d = self.daemon(conf_of(self.fleet, steer=STEER, capacity=400),
                             files={"nets.txt": NETS})
        for node in self.fleet:
            self.eventually(lambda: self.d.node(node.name)["connections"] == 60)
        self.first, self.second = self.fleet["srs1"], self.fleet["srs2"]
        self.come_to = self.second
        self.first.on_closed = self.come

    def come(self, _):
        """Who was closed comes back."""
        self.come_to.conns += 1

    def move(self, per_s, more="", node="srs1"):
        return self.d.http(f"/api/v1/nodes/{node}/move?per_s={per_s}{more}",
                           "POST", token="sesame")

    def drain(self, node="srs1"):
        self.assertEqual(self.d.http(f"/api/v1/nodes/{node}/drain", "POST",
                                     token="sesame")[0], 200)

    def state(self):
        return self.d.node("srs1").get("move", {}).get("state")

    def test_all_are_moved(self):
        self.drain()
        self.assertEqual(self.move(30), (200, {
            "node": "srs1", "per_s": 30.0, "publishers": False}))
        self.assertIn(self.state(), ("waits", "moves"))
        self.eventually(lambda: self.state() == "done")
        self.assertEqual(len(self.first.closed), 60)
        self.assertEqual(len(set(self.first.closed)), 60)
        self.assertEqual(self.d.node("srs1")["move"]["moved"], 60)
        self.assertEqual(self.second.conns, 120)

    def test_publishers_stay(self):
        self.first.set_viewers([("192.0.2.1", 300)] * 9, publisher_kbps=500)
        self.drain()
        self.move(30)
        self.eventually(lambda: self.state() == "done")
        self.assertEqual(len(self.first.closed), 9)

    def test_publishers_last(self):
        self.first.set_viewers([("192.0.2.1", 300)] * 9, publisher_kbps=500)
        self.drain()
        self.move(30, "&publishers=true")
        self.eventually(lambda: self.state() == "done")
        self.assertEqual(self.first.closed[-1], "c0000009")
        self.assertEqual(len(self.first.closed), 10)

    def test_it_is_held_while_others_are_full(self):
        for node in ("srs2", "srs3"):
            self.fleet[node].set_load(conns=390)
            self.eventually(
                lambda: self.d.node(node)["connections"] >= 390)
        self.drain()
        self.move(20)
        self.eventually(lambda: self.state() == "held")
        self.assertEqual(self.first.closed, [])
        self.assertIn("no room", self.d.node("srs1")["move"]["why"])
        self.fleet["srs3"].set_load(conns=10)
        self.come_to = self.fleet["srs3"]
        self.eventually(lambda: self.state() == "done")
        self.assertEqual(len(self.first.closed), 60)

    def test_command(self):
        said = self.d.run("ctl", "drain", "srs1", "--move", "30").splitlines()
        self.assertEqual(said[0], "on this name server, kept over a restart")
        self.assertEqual(said[1], "30.0 viewers a second are moved")
        self.assertRegex(said[-1], r"^\[#{30}\] 60 moved, 0 left, done$")
        self.assertEqual(len(self.first.closed), 60)

    def test_command_that_cannot(self):
        for words, why in ((("srs9", "--move", "3"), "there is no node 'srs9'"),
                           (("srs1", "--move", "x"), "how many viewers a second"),
                           (("srs1", "--move", "0"), "above 0, at most 1000"),
                           (("srs1", "--publishers"), "usage: dnsd ctl")):
            done = self.d.run("ctl", "drain", *words, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(why, done.stderr)
        self.assertEqual(self.first.closed, [])

    def test_command_when_it_stops(self):
        """Who is closed stays away."""
        self.first.on_closed = None
        done = self.d.run("ctl", "drain", "srs1", "--move", "2", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("stopped: most of those that were moved have not come back",
                      done.stdout)
        self.assertLess(len(self.first.closed), 60)

    def test_undrained_it_stops(self):
        self.drain()
        self.move(1)
        self.eventually(lambda: self.first.closed)
        self.d.run("ctl", "undrain", "srs1")
        self.eventually(lambda: self.state() == "stopped")
        self.assertLess(len(self.first.closed), 60)

    def test_an_api_that_refuses(self):
        self.first.viewers_may_be_closed = False
        self.drain()
        self.move(30)
        self.eventually(lambda: "code 1061" in self.d.node("srs1").get(
            "move", {}).get("why", ""))
        self.first.viewers_may_be_closed = True
        self.eventually(lambda: self.state() == "done")
        self.assertEqual(len(self.first.closed), 60)

    def test_what_cannot_be(self):
        self.assertEqual(self.move(30), (409, {"error": "it is not drained"}))
        self.assertEqual(self.move(30, node="nobody")[0], 404)
        self.drain()
        for per_s in ("0", "-1", "x", "1e9", "nan", ""):
            self.assertEqual(self.move(per_s)[0], 400, per_s)
        self.assertEqual(self.d.http("/api/v1/nodes/srs1/move?per_s=1",
                                     "POST")[0], 401)
        self.assertIsNone(self.state())
