"""Several name servers, of which a part fails: what was acknowledged is neither lost nor
does it come back, no node is taken out by a minority, and answers never stop."""

import contextlib
import json
import os
import random
import threading
import time

from servers_world import KEYS, PLACES, PREFIX, ServersTest, words_of

ROUNDS = int(os.environ.get("DNSD_ROUNDS", "10"))


class Quorum(ServersTest):
    """Members of etcd fail while questions are asked."""

    def tearDown(self):
        for i in range(3):
            if self.etcd.members[i].runs:
                self.etcd.thaw(i)
        self.etcd.start()

    def test_leader_killed(self):
        """With a drain going on every moment: all are in force in the end, in the
        order in which they were given."""
        self.ask_all()
        server = self.servers[0]
        self.etcd.kill(self.etcd.leader())
        for i in range(8):
            word = "undrain" if i % 2 else "drain"
            self.drain(server, "srs1", word, "everywhere|here; pending: ")
            self.assertEqual(server.is_drained("srs1"), word == "drain")
        self.drain(server, "srs2", "drain", "everywhere|here; pending: ")
        self.everywhere(lambda s: s.in_force)
        self.everywhere(lambda s: s.is_drained("srs2")
                        and not s.is_drained("srs1"))
        self.drain(server, "srs2", "undrain")

    def loses_quorum(self, fail, mend):
        self.ask_all()
        first, second, third = self.servers
        for i in (0, 1):
            fail(i)
        self.drain(first, "srs1", says="here; pending: ")
        self.assertTrue(first.is_drained("srs1"))
        self.assertEqual(first.edges(), ["srs2", "srs2", "srs3"])
        self.assertIn("drains/srs1", first.lines("pending"))
        self.assertRegex(first.ctl("status"), "(?m)^pending drains/srs1  +.")
        self.assertRegex(second.ctl("approve", "br1", *words_of(KEYS)),
                         "^here; pending: ")
        self.assertEqual(second.addresses("br1.example.com"), ["192.0.2.9"])
        status, said = first.http("/api/v1/nodes/srs3/undrain", "POST",
                                  token="sesame")
        self.assertEqual((status, said["scope"]), (200, "this name server"))
        self.assertRegex(said["note"], "^here; pending: .")
        self.eventually(lambda: not third.etcd_status()["connected"])
        self.assertRegex(third.etcd_status()["why"], ".")
        self.assertEqual(third.edges(), ["srs1", "srs2", "srs3"])
        mend()
        self.everywhere(lambda s: s.is_drained("srs1"), "the drain")
        self.everywhere(lambda s: "br1" in s.states(), "the node")
        self.everywhere(lambda s: s.in_force)
        # Another leader may be elected yet.
        self.drain(third, "srs1", "undrain", "everywhere|here; pending: ")
        third.ctl("remove", "br1")

    def test_two_frozen(self):
        def mend():
            for i in (0, 1):
                self.etcd.thaw(i)
        self.loses_quorum(self.etcd.freeze, mend)

    def test_two_killed(self):
        self.loses_quorum(self.etcd.kill, self.etcd.start)

    def test_no_member_hears_another(self):
        """Each answers, as a minority."""
        self.loses_quorum(lambda i: self.etcd.peers.freeze(), self.etcd.peers.mend)


class Alone(ServersTest):
    """One is cut off."""

    def tearDown(self):
        for server in self.servers:
            server.to_nodes.mend()
            server.to_etcd.mend()

    def cut_off_from_nodes(self):
        first, second, third = self.servers
        nodes = [n.name for n in self.fleet]
        right = {n.host for n in self.fleet}
        self.ask_all(lambda host: "" if host in right else host)
        before = second.log_text().count("-> down")
        second.to_nodes.freeze()
        # Its own polls fail, and it says so.
        self.eventually(second.reached_by_others)
        self.assertEqual(second.states(), dict.fromkeys(nodes, "up"))
        self.assertEqual(second.log_text().count("-> down"), before)
        usual = nodes[:3] if len(nodes) > 2 else None
        if usual:
            self.assertEqual(second.edges(), usual)
        # Others know what it sees, and believe their own polls.
        self.eventually(lambda: first.peer("ns2")["down"] == len(nodes))
        self.assertEqual(first.states(), dict.fromkeys(nodes, "up"))
        self.assertIn("ns2: down", first.run("try", "live.example.com", "11.1.0.1"))
        # One dies for good.
        dead = self.fleet[0]
        dead.die()
        self.addCleanup(dead.revive)
        self.everywhere(lambda s: s.states()[dead.name] == "down", "its death")
        right.discard(dead.host)
        self.everywhere(lambda s: dead.name not in s.edges())
        self.assertEqual({n: s for n, s in second.states().items()
                          if n != dead.name},
                         dict.fromkeys(nodes[1:], "up"))
        dead.revive()
        right.add(dead.host)
        self.eventually(lambda: first.states()[dead.name] == "up")
        second.to_nodes.mend()
        self.together()
        self.everywhere(lambda s: set(s.whys().values()) == {""})

    def test_from_nodes(self):
        self.cut_off_from_nodes()

    def test_from_etcd(self):
        """It goes on by its own polls; views of others are not counted."""
        first, second, third = self.servers
        self.ask_all()
        second.to_etcd.freeze()
        self.eventually(lambda: not second.hears("ns1") and not second.hears("ns3"))
        self.assertRegex(second.ctl("status"), "(?m)^peer ns1  +not counted")
        self.eventually(lambda: not first.hears("ns2"))
        self.eventually(lambda: not second.etcd_status()["connected"])
        self.assertRegex(second.ctl("status"), "(?m)^etcd  +not connected as ns2 .*: .+;")
        self.fleet[1].die()
        self.addCleanup(self.fleet[1].revive)
        self.everywhere(lambda s: s.states()["srs2"] == "down")
        self.fleet[1].revive()
        self.everywhere(lambda s: s.states()["srs2"] == "up")
        self.drain(first, "srs3")
        # What happened meanwhile is there, though its history is gone.
        self.etcd.compact()
        second.to_etcd.mend()
        self.eventually(lambda: second.is_drained("srs3"))
        self.together()
        self.drain(second, "srs3", "undrain")

    def test_of_both(self):
        """As one name server alone: its polls count."""
        first, second, third = self.servers
        second.to_etcd.freeze()
        self.eventually(lambda: not second.hears("ns1"))
        second.to_nodes.freeze()
        self.eventually(lambda: "up" not in second.states().values())
        self.assertEqual(first.states(), dict.fromkeys(second.states(), "up"))
        self.assertEqual(len(second.edges()), 3)
        second.to_etcd.mend()
        self.eventually(lambda: set(second.states().values()) == {"up"},
                        "what others reach")
        second.to_nodes.mend()
        self.together()


class AloneOfTwo(Alone):
    """Of a fleet of two nodes on one site, that is never too many to be down."""

    places = PLACES[:1] * 2
    test_from_etcd = test_of_both = None


class Wiped(ServersTest):
    """All data of etcd are gone."""

    def prepare(self):
        first, second, third = self.servers
        self.drain(first, "srs1")
        self.assertRegex(second.ctl("approve", "br1", *words_of(KEYS)),
                         "^everywhere")
        self.everywhere(lambda s: s.is_drained("srs1") and "br1" in s.states())

    def is_unchanged(self, server):
        self.assertTrue(server.is_drained("srs1"), server.states())
        self.assertEqual(server.addresses("br1.example.com"), ["192.0.2.9"])
        self.assertNotIn("srs1", server.edges())
        return True

    def put_back(self):
        self.drain(self.servers[2], "srs1", "undrain")
        self.servers[0].ctl("remove", "br1")
        self.everywhere(lambda s: not s.is_drained("srs1")
                        and "br1" not in s.states())

    def test_wiped(self):
        self.prepare()
        self.ask_all()
        first, second, third = self.servers
        third.kill()
        self.etcd.wipe()
        third.start()
        for server in self.servers:
            self.eventually(lambda: server.etcd_status()["registry"]
                            .startswith("wiped"))
            self.assertFalse(server.etcd_status()["in_force"])
            self.eventually(lambda: "registry is wiped" in server.ctl("status"))
            self.assertRegex(server.log_text(), "the registry is wiped.*seed")
            self.is_unchanged(server)
        self.drain(first, "srs3", says="here; pending: the registry in etcd is "
                                       "wiped")
        self.assertTrue(first.is_drained("srs3"))
        self.assertNotEqual(second.states()["srs3"], "drained")
        self.assertEqual(self.etcd.all(PREFIX + "/1/drains/"), {})
        first.ctl("registry", "seed")
        self.everywhere(lambda s: s.in_force)
        self.everywhere(lambda s: s.is_drained("srs3"))
        for server in self.servers:
            self.assertTrue(server.is_drained("srs1"))
            self.assertEqual(server.addresses("br1.example.com"), ["192.0.2.9"])
        self.assertLessEqual(
            {PREFIX + "/1/drains/srs1", PREFIX + "/1/drains/srs3"},
            set(self.etcd.all(PREFIX + "/1/drains/")))
        self.drain(second, "srs3", "undrain")
        self.put_back()

    def test_wiped_without_a_stop(self):
        """By etcdctl: all keys are deleted."""
        self.prepare()
        self.etcd.ctl("del", "--prefix", PREFIX)
        self.everywhere(lambda s: s.etcd_status()["registry"].startswith("wiped"))
        self.everywhere(self.is_unchanged)
        self.servers[1].ctl("registry", "seed")
        self.everywhere(lambda s: s.in_force)
        self.everywhere(self.is_unchanged)
        self.put_back()

    def begin_by_another(self, name):
        """A name server with an empty store was first there: the others find another
        registry."""
        self.prepare()
        for server in self.servers:
            server.to_etcd.freeze()
        self.etcd.wipe()
        fourth = self.server(name).start()
        self.eventually(lambda: fourth.in_force)
        self.drain(fourth, "srs2")
        for server in self.servers:
            server.to_etcd.mend()
        for server in self.servers:
            self.eventually(lambda: server.etcd_status()["registry"]
                            == "another registry")
        return fourth

    def test_begun_by_another(self):
        """They hold what they have, and one of them makes it the registry of all."""
        fourth = self.begin_by_another("ns4")
        for server in self.servers:
            self.is_unchanged(server)
        self.servers[1].ctl("registry", "seed")
        together = [*self.servers, fourth]
        self.everywhere(lambda s: s.in_force, servers=together)
        self.everywhere(self.is_unchanged, "what was seeded", servers=together)
        fourth.stop()
        self.put_back()

    def test_adopted(self):
        """The operator takes the other registry instead."""
        fourth = self.begin_by_another("ns5")
        for server in self.servers:
            server.ctl("registry", "adopt")
        self.everywhere(lambda s: s.in_force and s.is_drained("srs2")
                        and not s.is_drained("srs1") and "br1" not in s.states())
        fourth.stop()
        self.drain(self.servers[0], "srs2", "undrain")


class WithoutEtcd(ServersTest):
    """A name server starts while etcd is away."""

    def test_restarted(self):
        first, second, third = self.servers
        self.drain(first, "srs1")
        second.ctl("approve", "br1", *words_of(KEYS))
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
        _, entry = third.http(
            "/api/v1/expect", "POST", token="sesame",
            body=(f"{{\"name\": \"maths.example.com\", \"at\": \"{at}\", "
                  f"\"viewers\": 900}}").encode())
        self.everywhere(lambda s: s.is_drained("srs1") and "br1" in s.states()
                        and entry["id"] in s.schedule())
        self.etcd.stop()
        self.drain(first, "srs2", says="here; pending: ")
        third.ctl("approve", "br2", *words_of({**KEYS, "address": ["192.0.2.8"]}))
        for server in self.servers:
            server.restart()
        for server in self.servers:
            self.assertTrue(server.is_drained("srs1"))
            self.assertEqual(server.addresses("br1.example.com"), ["192.0.2.9"])
            self.assertEqual(server.schedule()[entry["id"]]["viewers"], 900)
            self.assertFalse(server.etcd_status()["connected"])
        self.assertTrue(first.is_drained("srs2"))
        self.assertIn("drains/srs2", first.lines("pending"))
        self.assertEqual(third.addresses("br2.example.com"), ["192.0.2.8"])
        self.assertNotIn("br2", first.states())
        # It is not forgotten with the one that it was before, either.
        self.drain(second, "srs1", "undrain", "here; pending: ")
        second.restart()
        self.assertFalse(second.is_drained("srs1"))
        self.etcd.start()
        self.everywhere(lambda s: s.is_drained("srs2") and "br2" in s.states()
                        and not s.is_drained("srs1"), "what waited")
        self.together()


class Killed(ServersTest):
    """Everything that can fail does, one after the other, while operators go on."""

    places = [*PLACES, PLACES[0]]
    NODES = ["srs1", "srs2", "srs3"]

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("DNSD_SEED", random.randrange(1 << 30)))
        self.random = random.Random(self.seed)
        print(f"DNSD_SEED={self.seed} DNSD_ROUNDS={ROUNDS}", flush=True)
        self.told = {}          # node -> what may be in force: (word, acknowledged)
        self.lock = threading.Lock()
        self.over = threading.Event()

    def operate(self, number):
        """What an operator does at one name server, to nodes of his own, so that it
        is known which word is the last one."""
        server, chance = self.servers[number], random.Random(self.seed + number)
        drained, approved = self.NODES[number], f"br{number}"
        keys = {**KEYS, "address": [f"192.0.2.{20 + number}"]}
        while not self.over.is_set():
            words = chance.choice([["drain", drained], ["undrain", drained],
                                   ["approve", approved, *words_of(keys)],
                                   ["remove", approved]])
            done = server.run("ctl", *words, check=False)
            said = done.stdout.startswith(("everywhere", "here; pending"))
            if not said and words[0] == "remove" and "no approved" in done.stderr:
                continue
            if not said and "conflict" in done.stderr:
                self.faults.append(f"{server.name} {words}: {done.stderr}")
            with self.lock:
                self.acknowledged += said
                # Without an answer it may be in force or not.
                before = () if said else self.told.get(words[1], (None,))
                self.told[words[1]] = (*before, words[0])
            self.over.wait(0.05)

    def travel(self):
        """What one operator does to one node, at a name server and then at another. A
        word that waits there counts, or one that was everywhere before or after."""
        chance = random.Random(self.seed + 3)
        while not self.over.is_set():
            word = chance.choice(["drain", "undrain"])
            done = chance.choice(self.servers).run("ctl", word, "srs4", check=False)
            with self.lock:
                before = () if done.stdout.startswith("everywhere") else \
                    self.told.get("srs4", ("undrain",))
                if "conflict" not in done.stderr:
                    self.told["srs4"] = (*before, word)
            self.over.wait(0.05)

    def is_in_force(self, server):
        """What all operators were told last."""
        states = server.states()
        for name, words in self.told.items():
            now = {"drain": states.get(name) == "drained",
                   "undrain": name in states and states[name] != "drained",
                   "approve": name in states, "remove": name not in states,
                   None: True}
            self.assertTrue(any(now[word] for word in words),
                            f"{server.name}: {name}, {words}, {states.get(name)}")
        return True

    def agrees_with_etcd(self, server):
        states = server.states()
        for key, value in self.etcd.all(PREFIX + "/1/").items():
            kind, _, name = key[len(PREFIX + "/1/"):].partition("/")
            value = json.loads(value)
            if kind == "drains" and name in states:
                self.assertEqual(states[name] == "drained", value["drained"], key)
            elif kind == "nodes":
                self.assertEqual(name in states, not value.get("removed"), key)
        return True

    def fail_once(self):
        """One part, for a moment in which something is acknowledged."""
        kind = self.random.choice(["etcd killed", "etcd stopped", "server killed",
                                   "server stopped", "cut off", "leader killed"])
        i = self.random.randrange(3)
        server = self.servers[i]
        before = self.acknowledged
        with contextlib.ExitStack() as mended:
            if kind == "etcd stopped":
                self.etcd.freeze(i)
                mended.callback(self.etcd.thaw, i)
            elif kind == "server killed":
                server.kill()
                mended.callback(server.start)
            elif kind == "server stopped":
                server.freeze()
                mended.callback(server.thaw)
            elif kind == "cut off":
                server.to_etcd.freeze()
                mended.callback(server.to_etcd.mend)
            else:
                leader = self.etcd.leader() if kind == "leader killed" else i
                self.etcd.kill(i if leader is None else leader)
                mended.callback(self.etcd.start)
            self.eventually(lambda: self.acknowledged >= before + 6, kind)

    def test_in_a_loop(self):
        self.acknowledged, self.faults = 0, []
        self.ask_all()
        operators = [threading.Thread(target=self.operate, args=(i,))
                     for i in range(3)]
        operators.append(threading.Thread(target=self.travel))
        for operator in operators:
            operator.start()
        try:
            for _ in range(ROUNDS):
                self.fail_once()
        finally:
            self.over.set()
            for operator in operators:
                operator.join()
        self.assertEqual(self.faults, [])
        self.everywhere(lambda s: s.in_force)
        self.everywhere(self.agrees_with_etcd)
        self.everywhere(self.is_in_force)
        print(f"{self.acknowledged} acknowledged", flush=True)
