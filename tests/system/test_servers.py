"""Several name servers: what is decided on one is in force on all."""

import calendar
import collections
import json
import re
import shlex
import threading
import time

import demo_cluster
from etcd_world import Certificates, Closes
from harness import Test
from servers_world import KEYS, PREFIX, ServersTest, clock_ahead, words_of

NODES = PREFIX + "/1/nodes/"
USUAL = ["srs1", "srs2", "srs3"]


class Shared(ServersTest):
    """What is given on one."""

    def tearDown(self):
        for key in ("drains/", "nodes/"):
            self.etcd.ctl("del", "--prefix", PREFIX + "/1/" + key)

    def test_drain(self):
        first, second, third = self.servers
        self.drain(first, "srs1")
        self.everywhere(lambda s: s.is_drained("srs1"), "the drain")
        self.everywhere(lambda s: s.edges() == ["srs2", "srs2", "srs3"], "its answer")
        self.drain(second, "srs1", "undrain")
        self.everywhere(lambda s: s.edges() == USUAL, "the answers of before")
        self.assertEqual(
            third.http("/api/v1/nodes/srs2/drain", "POST", token="sesame")[1],
            {"node": "srs2", "drained": True, "scope": "everywhere",
             "note": "everywhere"})
        self.everywhere(lambda s: s.is_drained("srs2"), "the drain")
        self.everywhere(lambda s: s.in_force)

    def test_approved(self):
        first, second, third = self.servers
        self.assertRegex(first.ctl("approve", "br1", *words_of(KEYS)), "^everywhere")
        self.everywhere(lambda s: s.addresses("br1.example.com") == ["192.0.2.9"])
        self.everywhere(lambda s: "br1" in s.states() and "br1" in s.ctl("nodes"))
        self.drain(third, "br1")
        self.everywhere(lambda s: s.is_drained("br1"))
        # It comes back as it was.
        second.restart()
        self.eventually(lambda: second.is_drained("br1") and second.in_force)
        again = {**KEYS, "address": ["192.0.2.10"]}
        self.assertRegex(second.ctl("approve", "br1", *words_of(again)),
                         "^everywhere")
        self.everywhere(lambda s: s.addresses("br1.example.com") == ["192.0.2.10"])
        self.assertRegex(third.ctl("remove", "br1"), "^everywhere")
        self.everywhere(lambda s: "br1" not in s.states())
        first.restart()
        self.eventually(lambda: first.in_force)
        self.assertNotIn("br1", first.states())

    def test_schedule(self):
        first, second, third = self.servers
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
        status, entry = first.http(
            "/api/v1/expect", "POST", token="sesame", body=json.dumps(
                {"name": "maths.example.com", "at": at, "viewers": 900}).encode())
        self.assertEqual((status, entry["scope"]), (200, "everywhere"))
        self.everywhere(lambda s: s.schedule().get(entry["id"], {})
                        .get("viewers") == 900, "the entry")
        path = f"/api/v1/expect/{entry['id']}"
        status, gone = second.http(path, "DELETE", token="sesame")
        self.assertEqual((status, gone["scope"]), (200, "everywhere"))
        self.everywhere(lambda s: entry["id"] not in s.schedule(), "none")
        self.assertEqual(third.http(path, "DELETE", token="sesame")[0], 404)

    def test_by_another_program(self):
        """Registers nodes by etcdctl: good ones get in, others are refused by name."""
        def put(name, value):
            self.etcd.ctl("put", NODES + name,
                          value if isinstance(value, str) else json.dumps(value))
        bad = {"bad-json": "{\"role\": ",
               "bad-key": {**KEYS, "colour": "red"},
               "bad-local": {**KEYS, "address": ["127.0.0.10"]},
               "bad-role": {**KEYS, "role": "editor"},
               "bad-long": {**KEYS, "site": "x" * 9000},
               "bad\nname": KEYS}
        put("good1", {**KEYS, "address": ["192.0.2.11"]})
        for name, value in bad.items():
            put(name, value)
        put("srs1", {**KEYS, "address": ["192.0.2.41"]})     # that of the files counts
        put("good2", {**KEYS, "address": ["192.0.2.12"]})
        for server in self.servers:
            self.eventually(lambda: server.addresses("good1.example.com")
                            == ["192.0.2.11"])
            self.eventually(lambda: server.addresses("good2.example.com")
                            == ["192.0.2.12"])
            self.eventually(lambda: self.assertEqual(
                set(server.lines("refused")),
                {"nodes/" + name.replace("\n", ";") for name in [*bad, "srs1"]})
                is None)
            said = server.lines("refused")
            for name, words in (("bad-json", "not a JSON object"),
                                ("bad-key", "unknown key 'colour'"),
                                ("bad-local", "only in the configuration file"),
                                ("bad-role", "role"),
                                ("bad-long", "longer than 8192"),
                                ("srs1", "has a node of that name"),
                                ("bad;name", "DNS label")):
                self.assertIn(words, said["nodes/" + name])
                self.assertRegex(server.ctl("status"),
                                 f"(?m)^refused nodes/{name}  +.*{words}")
                self.assertRegex(server.log_text(),
                                 "(nodes/|node )" + name.replace(";", ".x0a"))
                self.assertNotIn("\n", said["nodes/" + name])
            self.assertIn("node srs1 was approved and is in the configuration too",
                          server.log_text())
            self.eventually(lambda: server.edges() == USUAL)
        # Mended or taken away, nothing is refused; no other is taken with it.
        put("bad-key", {**KEYS, "address": ["192.0.2.13"]})
        for name in [*bad, "good2", "srs1"]:
            if name != "bad-key":
                self.etcd.ctl("del", NODES + name)
        for server in self.servers:
            self.eventually(lambda: server.lines("refused") == {})
            self.eventually(lambda: set(server.states())
                            == {*USUAL, "good1", "bad-key"})
            self.assertEqual(server.edges(), USUAL)

    def test_what_the_demonstration_prints(self):
        """Its lines for etcdctl show what there is, and register a node."""
        self.drain(self.servers[0], "srs1")
        values = collections.defaultdict(str, prefix=PREFIX, etcdctl="etcdctl")
        text = demo_cluster.TEXT.format_map(values).replace("\\\n", " ")
        said = [self.etcd.ctl(*shlex.split(line)[1:])
                for line in re.findall(r"(?m)^  (etcdctl .*)$", text)]
        self.assertEqual(len(said), 4)
        self.assertIn(PREFIX + "/1/drains/srs1\n", said[1])
        self.assertIn(PREFIX + "/1/views/ns1\n", said[1])
        self.assertIn('{"drained":true,"by":"ns1"}', said[2])
        self.everywhere(lambda s: s.addresses("sg1.example.com") == ["192.0.2.10"])

    def test_joins(self):
        """A name server more, with an empty store, gets all that is in force."""
        self.drain(self.servers[0], "srs1")
        self.servers[1].ctl("approve", "br1", *words_of(KEYS))
        fourth = self.server("ns4").start()
        self.eventually(lambda: fourth.is_drained("srs1"))
        self.eventually(lambda: "br1" in fourth.states())
        self.together([*self.servers, fourth])
        self.drain(fourth, "srs1", "undrain")
        self.everywhere(lambda s: s.edges() == USUAL,
                        servers=[*self.servers, fourth])
        fourth.stop()


class Operators(ServersTest):
    """Two change one node."""

    def tearDown(self):
        for server in self.servers:
            server.to_etcd.mend()

    def test_one_is_cut_off(self):
        first, second, third = self.servers
        self.etcd.delete(PREFIX + "/1/drains/srs1")
        self.together()
        second.to_etcd.freeze()
        self.drain(second, "srs1", says="here; pending: ")
        other = {**KEYS, "address": ["192.0.2.10"]}
        self.assertRegex(second.ctl("approve", "br1", *words_of(other)),
                         "^here; pending: ")
        self.assertTrue(second.is_drained("srs1"))
        self.drain(first, "srs1", "undrain")
        self.assertRegex(third.ctl("approve", "br1", *words_of(KEYS)),
                         "^everywhere")
        self.assertTrue(second.is_drained("srs1"))
        self.assertEqual(second.addresses("br1.example.com"), ["192.0.2.10"])
        second.to_etcd.mend()
        self.eventually(lambda: {"drains/srs1", "nodes/br1"}
                        <= set(second.lines("conflicts")))
        for key, by in (("drains/srs1", "ns1"), ("nodes/br1", "ns3")):
            self.assertIn(by, second.lines("conflicts")[key])
            self.assertRegex(second.ctl("status"), f"conflict {key}  +.* {by} ")
            self.assertRegex(second.log_text(), f"{key}: .*{by} changed it")
        self.everywhere(lambda s: not s.is_drained("srs1") and s.in_force)
        self.everywhere(lambda s: s.addresses("br1.example.com") == ["192.0.2.9"])
        for server in (first, third):
            self.assertNotIn("drains/srs1", server.lines("conflicts"))
            self.assertNotIn("nodes/br1", server.lines("conflicts"))
        first.ctl("remove", "br1")

    def test_both_say_the_same(self):
        """While one is cut off: no conflict."""
        first, second, third = self.servers
        second.to_etcd.freeze()
        self.drain(second, "srs2", says="here; pending: ")
        self.drain(first, "srs2")
        before = second.etcd_status()["conflicts"]
        second.to_etcd.mend()
        self.everywhere(lambda s: s.is_drained("srs2") and s.in_force)
        self.assertEqual(len(second.etcd_status()["conflicts"]), len(before))
        self.drain(third, "srs2", "undrain")

    def test_what_is_so_already(self):
        """Is asked of etcd all the same: it may be otherwise, and who is cut off has
        not heard of it."""
        first, second, third = self.servers
        self.drain(first, "srs1")
        self.everywhere(lambda s: s.is_drained("srs1"))
        second.to_etcd.freeze()
        self.drain(first, "srs1", "undrain")
        self.drain(second, "srs1", says="here; pending: ")
        self.drain(third, "srs2", "undrain")
        second.to_etcd.mend()
        self.everywhere(lambda s: not s.is_drained("srs1") and s.in_force)
        self.assertIn("drains/srs1", second.lines("conflicts"))

    def test_at_once(self):
        first, second, third = self.servers
        for word in ("drain", "undrain") * 3:
            said = {}
            threads = [threading.Thread(
                target=lambda s=s: said.__setitem__(s.name, s.ctl(word, "srs3")))
                for s in (first, second)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for answer in said.values():
                self.assertRegex(answer, "^everywhere")
            self.everywhere(lambda s: s.is_drained("srs3") == (word == "drain"))
        self.assertEqual(len(said), 2)

    def test_at_once_otherwise(self):
        """One of two words is in force everywhere; who got it is told so, and who
        did not is told that there was another."""
        first, second, third = self.servers
        for i in range(6):
            said = {}

            def say(server, word):
                said[word] = server.http(f"/api/v1/nodes/srs3/{word}", "POST",
                                         token="sesame")
            threads = [threading.Thread(target=say, args=args) for args in
                       ((first, "drain"), (second, "undrain"))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertLessEqual({status for status, _ in said.values()},
                                 {200, 409})
            good = [word for word, (status, _) in said.items() if status == 200]
            self.assertTrue(good)
            self.everywhere(lambda s: s.in_force)
            kept = self.etcd.get(PREFIX + "/1/drains/srs3")
            drained = "\"drained\":true" in kept.replace(" ", "")
            self.everywhere(lambda s: s.is_drained("srs3") == drained)
            if len(good) == 1:
                self.assertEqual(drained, good == ["drain"])


class Clock(ServersTest):
    """The clock of one is an hour ahead, that of another an hour late."""

    def setUp(self):
        self.ahead = self.server("ns4")
        self.ahead.environment = clock_ahead(3600)
        self.late = self.server("ns5")
        self.late.environment = clock_ahead(-3600)
        super().setUp()

    def test_hours_apart(self):
        both = [self.ahead.start(), self.late.start()]
        all_five = [*self.servers, *both]
        self.together(all_five)
        # They have these clocks.
        at = {}
        for server in all_five:
            server.ctl("reload")
            told = re.search(r"(?m)^last reload +(\S+), .* ago: ok$", server.ctl("status"))
            at[server.name] = calendar.timegm(
                time.strptime(told[1], "%Y-%m-%dT%H:%M:%SZ"))
        self.assertGreater(at["ns4"] - at["ns1"], 3000)
        self.assertLess(at["ns5"] - at["ns1"], -3000)
        for giver, node in zip((*both, self.servers[0]), ("srs1", "srs2", "srs3")):
            self.drain(giver, node)
            self.everywhere(lambda s: s.is_drained(node), servers=all_five)
            self.drain(giver, node, "undrain")
        # The age of what others found is right, and counts.
        for server in all_five:
            for views in self.eventually(lambda: self.views_of(server, 4)):
                for view in views:
                    self.assertLess(view["since_s"], 3000)
                    self.assertLess(view["sample_age_ms"], 3000000)
        for server in both:
            server.to_nodes.freeze()
            self.eventually(server.reached_by_others)
            server.to_nodes.mend()
            self.eventually(lambda: self.assertEqual(
                set(server.whys().values()), {""}) is None)


    @staticmethod
    def views_of(server, others):
        """Of each node, as soon as there is one of each other name server."""
        views = [n["views"] for n in server.http("/api/v1/nodes")[1]]
        return all(len(each) == others for each in views) and views


class Tls(ServersTest):
    """etcd by mutual TLS; what is set up wrongly is said."""

    tls = True

    def test_shared(self):
        self.drain(self.servers[0], "srs1")
        self.everywhere(lambda s: s.is_drained("srs1"))
        self.etcd.kill(0)
        self.drain(self.servers[1], "srs1", "undrain", "everywhere|here; pending: ")
        self.everywhere(lambda s: not s.is_drained("srs1") and s.in_force)
        self.etcd.start()

    def test_no_certificate(self):
        stranger = Certificates(self.etcd.folder, "other")
        cert, key = stranger.sign("stranger", "clientAuth")
        for i, (keys, why) in enumerate((
                (f"ca: {self.etcd.ca}", "certificate"),
                (f"ca: {stranger.ca}, cert: {self.etcd.cert}, "
                 f"key: {self.etcd.key}", "certificate"),
                (f"ca: {self.etcd.ca}, cert: {cert}, key: {key}",
                 "certificate|unknown ca"))):
            server = self.server(f"bad{i}", tls=keys).start()
            self.eventually(lambda: self.assertRegex(
                server.etcd_status()["why"], why) is None)
            self.assertFalse(server.etcd_status()["connected"])
            self.assertRegex(server.ctl("status"), f"not connected as bad{i} .*"
                                                   f"({why})")
            self.assertRegex(server.log_text(), f"not connected: .*({why})")
            self.drain(server, "srs2", says="here; pending: ")
            server.stop()
        self.assertNotIn("drained", self.servers[0].states().values())

    def test_reset_after_the_handshake(self):
        """So a refused certificate looks where the alert is lost."""
        closes = Closes(*self.etcd.server)
        self.addCleanup(closes.close)
        server = self.server("reset", endpoints=[closes.url]).start()
        self.eventually(lambda: self.assertIn(
            "closed after the TLS handshake: does etcd accept the certificate of "
            "'cert'?", server.etcd_status()["why"]) is None)
        server.stop()

    def test_twin(self):
        """Two have the same name."""
        twin = self.server("twin", also="ns1").start()
        said = "another name server is 'ns1' too"
        self.eventually(lambda: said in twin.log_text()
                        or said in self.servers[0].log_text())
        self.eventually(lambda: twin.in_force)
        self.drain(twin, "srs3")
        self.everywhere(lambda s: s.is_drained("srs3"))
        self.drain(self.servers[0], "srs3", "undrain")
        self.eventually(lambda: not twin.is_drained("srs3"))
        twin.stop()


class OfOne(Test):
    """A name server without etcd."""

    def test_says_nothing_of_others(self):
        d = self.daemon("zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
                        "nodes: {n1: {address: [127.0.0.10], at: [0, 0], api: off, "
                        "rtmp: off}}\nsteer: {live.example.com: {pool: [edge]}}\n")
        self.assertNotIn("etcd", d.http("/api/v1/status")[1])
        self.assertNotIn("views", d.node("n1"))
        self.assertNotIn("etcd", d.run("ctl", "status"))
        self.assertEqual(d.run("ctl", "drain", "n1").strip(),
                         "on this name server, kept over a restart")
        done = d.run("ctl", "registry", "seed", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("etcd", done.stderr)
