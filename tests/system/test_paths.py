"""Paths as nodes and players measure them: reported, believed, followed, shown."""

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import time

from harness import DNSD, DNSD_MEASURE, NETS, Test, free_port
from srs_standin import Fleet

CONF = """nets: nets.txt
http: {listen: ["127.0.0.1:%d"], token: sesame, measure_token: gauge}
public: {listen: ["127.0.0.1:%d"]}
zones: {example.com: {ns: [ns1.example.com 127.0.0.1]}}
nodes:
  near: {address: [127.0.0.21], at: [22.3, 114.2], api: off, rtmp: off}
  far: {address: [127.0.0.22], at: [35.7, 139.7], api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge], lines: 2, ttl: [1, 1]}
  map.example.com: {pool: [edge], ttl: [1, 1], paths: {measured: false}}
"""
HONG_KONG = "10.1.0.0/24"    # of NETS


def path(net, rtt_ms, loss=0.0, connections=4):
    return {"net": net, "rtt_ms": rtt_ms, "loss": loss,
            "connections": connections}


class Paths(Test):
    def setUp(self):
        self.port, self.public = free_port(), free_port()
        self.d = self.daemon(CONF % (self.port, self.public), http=False,
                             files={"nets.txt": NETS})
        self.d.http_port = self.port

    def report(self, node, *paths, token="gauge", **more):
        return self.d.http("/api/v1/paths", "POST", token=token, body=json.dumps(
            {"node": node, "paths": list(paths), **more}).encode())

    def nets(self, n):
        return [f"10.1.{i}.0/24" for i in range(n)]

    def paths(self, query=""):
        return self.d.http("/api/v1/paths" + query)[1]

    def measure(self, near_ms, far_ms, loss=0.0):
        """What both nodes say of viewers in Hong Kong."""
        for node, ms in (("near", near_ms), ("far", far_ms)):
            lost = loss if node == "near" else 0
            self.assertEqual(
                self.report(node, *(path(n, ms, lost) for n in self.nets(6))),
                (200, {"taken": 6}))

    def goes_to(self, address, name="live.example.com"):
        self.eventually(
            lambda: self.d.address(name, HONG_KONG) == address, name)

    def test_answers_follow_what_is_measured(self):
        self.goes_to("127.0.0.21")
        self.measure(90, 30)
        self.goes_to("127.0.0.22")
        self.assertEqual(self.d.address("map.example.com", HONG_KONG),
                         "127.0.0.21")
        self.measure(20, 70)
        self.goes_to("127.0.0.21")

    def test_loss_is_a_reason(self):
        self.measure(20, 60, loss=0.05)
        self.goes_to("127.0.0.22")

    def test_what_is_believed_is_shown(self):
        self.assertEqual(self.paths(), [])
        self.measure(90, 30)
        self.eventually(lambda: len(self.paths()) == 2, "paths")
        near, = self.paths("?node=near")
        self.assertEqual(near["node"], "near")
        self.assertEqual(near["networks"], 6)
        self.assertAlmostEqual(near["path_ms"], 90, delta=5)
        self.assertAlmostEqual(near["distance_ms"], 5, delta=1)
        self.assertEqual(near["area"]["country"], "HK")
        self.assertLess(near["age_s"], 60)
        self.assertEqual(len(self.paths("?client=" + HONG_KONG)), 2)
        self.assertEqual(self.paths("?client=10.3.0.0/24"), [])
        self.assertEqual(len(self.paths("?name=live.example.com")), 2)
        for query, status in (("?node=x", 404), ("?name=x.example.com", 404),
                              ("?client=x", 400)):
            self.assertEqual(self.d.http("/api/v1/paths" + query)[0], status)
        _, explained = self.d.http(
            "/api/v1/explain?name=live.example.com&client=10.1.0.7")
        by = {c["node"]: c for c in explained["candidates"]}
        self.assertEqual(by["near"]["path_by"], "measured")
        self.assertEqual(by["near"]["networks"], 6)
        self.assertGreater(by["near"]["path_ms"], 80)
        _, other = self.d.http(
            "/api/v1/explain?name=map.example.com&client=10.1.0.7")
        self.assertEqual({c["path_by"] for c in other["candidates"]}, {"distance"})
        why = self.d.ask("_why.live.example.com", "TXT", HONG_KONG).to_text()
        self.assertIn("(6 networks ", why)

    def test_try_and_lines_are_of_measured_paths(self):
        """Of the running server; the files know distances alone."""
        self.measure(90, 30)
        self.goes_to("127.0.0.22")
        text = self.d.run("try", "live.example.com", HONG_KONG)
        self.assertRegex(text, r"(?m)^near  +up .* ms, measured \(6 networks, \d+ s ago, ")
        self.assertIn("answer 127.0.0.22\n", text)
        self.assertIn("ms, by distance", self.d.run("try", "map.example.com", HONG_KONG))
        def first():
            text = self.d.run("lines", "live.example.com", HONG_KONG)
            return json.loads(text)["lines"][0]["node"]
        self.assertEqual(first(), "far")
        self.d.stop()
        text = self.d.run("try", "live.example.com", HONG_KONG)
        self.assertIn("files alone", text.splitlines()[0])
        self.assertIn("paths by distance", text.splitlines()[0])
        self.assertIn("answer 127.0.0.21\n", text)
        self.assertEqual(first(), "near")

    def test_metrics(self):
        self.measure(90, 30)
        def metrics():
            return self.d.http("/metrics")[1]
        self.eventually(lambda: "dnsd_paths 2\n" in metrics(), "metrics")
        self.assertIn("dnsd_path_reports_total 12\n", metrics())
        self.assertIn("dnsd_path_reports_taken_total 12\n", metrics())

    def test_bad_paths(self):
        """One word: of the API, the status, the metric."""
        def bad():
            return (self.d.http("/api/v1/status")[1]["paths_bad"],
                    [p["node"] for p in self.paths("?bad=1")],
                    {p["node"]: p["bad"] for p in self.paths()})
        self.assertEqual(bad(), (0, [], {}))
        self.measure(90, 60)
        self.eventually(lambda: bad() == (1, ["near"], {
            "near": True, "far": False}), "a long round trip")
        self.assertIn("dnsd_paths_bad 1\n", self.d.http("/metrics")[1])
        self.measure(20, 60, loss=0.05)
        self.eventually(lambda: self.paths("?node=near")[0]["path_ms"] < 30, "it")
        self.assertEqual(bad(), (1, ["near"], {"near": True, "far": False}))
        self.measure(20, 60)
        self.eventually(lambda: bad() == (0, [], {
            "near": False, "far": False}), "the end of it")
        self.assertIn("dnsd_paths_bad 0\n", self.d.http("/metrics")[1])

    def test_the_first_of_bad_paths(self):
        """Of most networks, then the worst."""
        self.report("near", *(path(n, 90) for n in self.nets(6)))
        self.report("far", *(path(n, 200) for n in self.nets(6)),
                    path("10.3.0.0/24", 900), path("10.3.1.0/24", 900))
        self.eventually(lambda: len(self.paths("?bad=1")) == 3, "bad paths")
        self.assertEqual(
            [(p["node"], p["networks"]) for p in self.paths("?bad=1&most=3")],
            [("far", 6), ("near", 6), ("far", 2)])
        self.assertEqual([p["node"] for p in self.paths("?most=1")], ["far"])
        for query in ("?bad=0", "?bad=", "?most=0", "?most=", "?most=1x",
                      "?most=100001", "?most=-1"):
            self.assertEqual(self.d.http("/api/v1/paths" + query)[0], 400)

    def test_a_reload_keeps_what_is_known(self):
        self.measure(90, 30)
        self.goes_to("127.0.0.22")
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace("nodes:\n", """nodes:
  first: {address: [127.0.0.20], at: [-33.9, 151.2], api: off, rtmp: off}
"""))
        self.d.run("ctl", "reload")
        self.assertEqual(self.d.node("first")["name"], "first")
        self.assertEqual(self.d.address("live.example.com", HONG_KONG),
                         "127.0.0.22")
        self.assertEqual(len(self.paths()), 2)

    def test_a_restart_keeps_what_is_known(self):
        self.measure(90, 30)
        self.goes_to("127.0.0.22")
        self.d.stop()
        self.d.start()
        self.assertEqual(self.d.address("live.example.com", HONG_KONG),
                         "127.0.0.22")
        self.assertEqual({p["node"] for p in self.paths()}, {"near", "far"})
        self.d.stop()
        with contextlib.closing(sqlite3.connect(self.d.folder / "dnsd.db")) as db:
            db.execute("UPDATE path SET body = x'0102' WHERE node = 'near'")
            db.execute("INSERT INTO path VALUES ('gone', 1, x'01')")
            db.execute("INSERT INTO path VALUES ('odd', 'x', 5)")
            db.commit()
        self.d.start()
        self.assertEqual({p["node"] for p in self.paths()}, {"far"})
        self.assertIn("the paths to near are not readable", self.d.log_text())
        self.assertIn("store: the paths of", self.d.log_text())

    def test_a_restart_keeps_paths_of_a_node_without_coordinates(self):
        """It has its place from the databases, which are read after the store."""
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace(
            "near: {address: [127.0.0.21], at: [22.3, 114.2]",
            "near: {address: [127.0.0.21]"))
        self.d.write("nets.txt", NETS + "127.0.0.21/32 22.3,114.2 HK\n")
        self.d.stop()
        self.d.start()
        # Its place is known when reports of it are believed.
        def known():
            self.measure(90, 30)
            return len(self.paths()) == 2
        self.eventually(known, "paths")
        for _ in range(2):
            self.d.stop()
            self.d.start()
            self.eventually(lambda: {p["node"] for p in self.paths()} ==
                            {"near", "far"}, "what was kept")
            self.goes_to("127.0.0.22")

    def history(self, query):
        return self.d.http("/api/v1/paths/history" + query)

    def test_history(self):
        """The step at work is written at the stop; a restart goes on with it."""
        query = f"?node=near&client={HONG_KONG}"
        self.measure(90, 30, loss=0.04)
        self.eventually(lambda: len(self.paths()) == 2, "paths")
        status, answer = self.history(query)
        self.assertEqual((status, answer["node"], answer["step_s"]),
                         (200, "near", 300))
        begun = int(time.time()) // 300 * 300
        self.d.stop()
        self.d.start()
        (at, rtt_ms, loss), = self.history(query)[1]["points"][-1:]
        self.assertEqual(at % 300, 0)
        self.assertGreaterEqual(at, begun - 300)
        self.assertAlmostEqual(rtt_ms, 90, delta=5)
        self.assertAlmostEqual(loss, 0.04, delta=0.01)
        area = self.paths("?node=near")[0]["area"]["id"]
        self.assertEqual(self.history(f"?node=near&area={area}")[1]["points"][-1],
                         [at, rtt_ms, loss])
        far = self.history(f"?node=far&area={area}&hours=1")[1]["points"]
        self.assertAlmostEqual(far[-1][1], 30, delta=5)
        self.assertEqual(self.history("?node=far&area=1")[1]["points"], [])

    def test_history_that_is_refused(self):
        for query, status in (
                ("?node=near", 400), ("?area=1", 400), ("", 400),
                ("?node=near&area=1&client=10.1.0.7", 400),
                ("?node=near&area=0x1", 400), ("?node=near&area=", 400),
                ("?node=near&area=-1", 400), ("?node=near&client=x", 400),
                ("?node=near&area=1&hours=25", 400),
                ("?node=near&area=1&hours=0", 400), ("?node=x&area=1", 404),
                ("?node=near&client=192.0.2.1", 404)):
            found, answer = self.history(query)
            self.assertEqual(found, status, query)
            self.assertTrue(answer["error"])
        self.d.http_port = self.public
        self.assertEqual(self.history("?node=near&area=1")[0], 404)

    def test_reports_that_are_refused(self):
        good = path("10.1.0.0/24", 30)
        for status, token, node, paths in (
                (403, None, "near", [good]), (403, "sesame", "near", [good]),
                (404, "gauge", "x", [good]), (200, "gauge", "near", [])):
            self.assertEqual(self.report(node, *paths, token=token)[0], status)
        for key, value in (("net", "x"), ("net", 5), ("rtt_ms", 0),
                           ("rtt_ms", -1), ("rtt_ms", "30"), ("rtt_ms", 10001),
                           ("loss", 1.5), ("loss", None), ("connections", 0),
                           ("more", 1)):
            status, body = self.report("near", good, {**good, key: value})
            self.assertEqual(status, 400, (key, value))
            self.assertIn("paths[1]", body["error"])
        for body in (b"", b"[]", b"{}", b'{"node":"near"}',
                     b'{"node":"near","paths":{}}',
                     b'{"node":"near","paths":[],"x":1}',
                     b'{"node":"near","paths":[{"net":"10.1.0.0/24"}]}'):
            self.assertEqual(self.d.http("/api/v1/paths", "POST", token="gauge",
                                         body=body)[0], 400, body)
        many = [path(f"10.{i // 256}.{i % 256}.0/24", 30) for i in range(5001)]
        self.assertEqual(self.report("near", *many)[0], 400)
        self.assertEqual(self.report("near", *many[1:]), (200, {"taken": 5000}))

    def test_public_takes_reports_and_gives_none(self):
        self.d.http_port = self.public
        self.assertEqual(self.report("near", path("10.1.0.0/24", 30))[0], 200)
        self.assertEqual(self.d.http("/api/v1/paths")[0], 405)

    def test_a_player_measures_its_lines(self):
        """Of nodes that are no line of the viewer's it knows nothing."""
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace("nodes:\n", """nodes:
  away: {address: [127.0.0.23], at: [-33.9, 151.2], api: off, rtmp: off}
"""))
        self.d.run("ctl", "reload")
        def feedback(client, paths):
            return self.d.http("/api/v1/feedback", "POST", body=json.dumps(
                {"name": "live.example.com", "node": "near", "client": client,
                 "paths": paths}).encode())
        lines = [{"node": "near", "rtt_ms": 90}, {"node": "far", "rtt_ms": 60}]
        self.assertEqual(
            feedback("10.1.0.7", [*lines, {"node": "away", "rtt_ms": 150},
                                  {"node": "x", "rtt_ms": 5}]),
            (200, {"counted": False}))
        self.eventually(lambda: len(self.paths()) == 2, "paths")
        self.assertEqual({p["node"] for p in self.paths()}, {"near", "far"})
        self.assertEqual({p["networks"] for p in self.paths()}, {1})
        for paths in ({}, [1], [{"node": "near"}], [{"node": 1, "rtt_ms": 2}],
                      [{"node": "near", "rtt_ms": 0}],
                      [{"node": "near", "rtt_ms": 5, "x": 1}], lines * 9):
            self.assertEqual(feedback("10.1.0.7", paths)[0], 400, paths)

    def viewers(self, n):
        """A server's port on this machine with n connections that carried data; not
        one that the kernel gives to others' connections to servers."""
        server = socket.create_server(("127.0.0.1", free_port()))
        self.addCleanup(server.close)
        for _ in range(n):
            viewer = socket.create_connection(server.getsockname())
            self.addCleanup(viewer.close)
            served, _ = server.accept()
            self.addCleanup(served.close)
            served.sendall(bytes(30000))
            left = 30000
            while left:
                left -= len(viewer.recv(left))
        return server.getsockname()[1]

    def agent(self, *words):
        return [DNSD, "measure", "--node", "near", "--ports",
                str(self.viewers(3)), *words]

    def test_the_agent_prints(self):
        done = subprocess.run(self.agent("--print"), capture_output=True,
                              text=True, check=True)
        path, = json.loads(done.stdout)["paths"]
        self.assertEqual((path["net"], path["connections"]),
                         ("127.0.0.0/24", 3))
        self.assertGreater(path["rtt_ms"], 0)
        # A busy machine sends some of it twice.
        self.assertTrue(0 <= path["loss"] < 1, path)

    def test_the_agent_alone(self):
        """A file that needs no other does the same."""
        of_dnsd = self.agent("--print")
        alone = [DNSD_MEASURE, *of_dnsd[2:]]
        def seen(words):
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            report = json.loads(done.stdout)
            return report["node"], [(p["net"], p["connections"], set(p))
                                    for p in report["paths"]]
        self.assertEqual(seen(alone), seen(of_dnsd))
        headers = subprocess.run(["readelf", "-ld", DNSD_MEASURE], check=True,
                                 capture_output=True, text=True).stdout
        self.assertNotRegex(headers, "INTERP|NEEDED")
        def said(words):
            return subprocess.run(words, capture_output=True, text=True)
        helps = [said([*words, "--help"]).stdout
                 for words in ([DNSD_MEASURE], [DNSD, "measure"])]
        self.assertEqual(helps[0].replace("dnsd-measure", "dnsd measure"),
                         helps[1])
        self.assertRegex(said([DNSD_MEASURE, "--version"]).stdout, r"^dnsd-measure \d")
        done = said([DNSD_MEASURE, "--ports", "0"])
        self.assertEqual((done.returncode, done.stderr.split(" ")[1]),
                         (2, "dnsd-measure"))

    def test_the_agent_reports(self):
        token = self.d.folder / "token"
        token.write_text("gauge\n")
        agent = subprocess.Popen(
            self.agent("--to", f"http://127.0.0.1:{self.port}", "--every", "6",
                       "--token-file", str(token)),
            stderr=subprocess.PIPE, text=True)
        try:
            self.assertIn("reports to", agent.stderr.readline())
            self.eventually(
                lambda: "dnsd_path_reports_total 1\n" in
                self.d.http("/metrics")[1], "a report")
        finally:
            agent.send_signal(signal.SIGTERM)
            self.assertEqual(agent.wait(), 0)
            self.assertEqual(agent.stderr.read(), "")
            agent.stderr.close()


BITS_CONF = """nets: nets.txt
health: {interval: 0.2%s}
zones: {example.com: {ns: [ns1.example.com 127.0.0.1]}}
nodes:
  near: {address: [127.0.0.21], at: [22.3, 114.2], api: "%s", rtmp: off}
  far: {address: [127.0.0.22], at: [35.7, 139.7], api: "%s", rtmp: off}
steer:
  live.example.com: {pool: [edge], ttl: [1, 1]}
"""
LONDON = "10.3.0.0/24"


def viewers(area, kbps, nets=6, of_each=2):
    """Of an area of NETS."""
    return [(f"10.{area}.{net}.{i + 1}", kbps)
            for net in range(nets) for i in range(of_each)]


class Bits(Test):
    """No report comes: what viewers get is seen in SRS's lists of clients."""

    def setUp(self):
        self.fleet = Fleet(2, scale=0.1)
        self.addCleanup(self.fleet.close)
        self.near, self.far = self.fleet

    def begin(self, health=", clients: 1"):
        self.d = self.daemon(
            BITS_CONF % (health, self.near.api_url, self.far.api_url),
            files={"nets.txt": NETS})
        for node in ("near", "far"):
            self.eventually(lambda: self.d.node(node)["state"] == "up", node)

    def goes_to(self, address, client=HONG_KONG):
        self.eventually(lambda: self.d.address("live.example.com", client) ==
                        address, f"{client} to {address}")

    def looks(self, n):
        """Until both were looked at so many times from now on."""
        want = [node.seen["clients"] + n for node in self.fleet]
        self.eventually(lambda: all(
            node.seen["clients"] >= w for node, w in zip(self.fleet, want)),
            "looks")

    def losses(self):
        return {(p["node"], p["area"]["country"]): p["loss"]
                for p in self.d.http("/api/v1/paths")[1]}

    def test_an_area_that_gets_fewer_bits(self):
        well = viewers(2, 1000) + viewers(3, 1000)
        self.near.set_viewers(well + viewers(1, 600))
        self.far.set_viewers(well + viewers(1, 1000))
        self.begin()
        self.goes_to("127.0.0.22")
        losses = self.losses()
        self.assertGreater(losses["near", "HK"], 0.05)
        self.assertEqual(losses["near", "GB"], 0)
        self.assertEqual(losses["far", "HK"], 0)
        self.assertEqual(self.d.address("live.example.com", LONDON), "127.0.0.21")
        self.near.set_viewers(well + viewers(1, 1000))
        self.goes_to("127.0.0.21")

    def test_everybody_is_short(self):
        """The node is; and what comes after it is believed."""
        self.near.set_viewers(viewers(1, 600) + viewers(2, 590) + viewers(3, 610),
                              publisher_kbps=1000)
        self.far.set_viewers(viewers(1, 1000) + viewers(2, 1000))
        self.begin()
        self.looks(4)
        self.eventually(lambda: ("far", "HK") in self.losses(), "far")
        self.assertEqual({node for node, _ in self.losses()}, {"far"})
        self.assertEqual(self.d.address("live.example.com", HONG_KONG),
                         "127.0.0.21")
        self.near.set_viewers(viewers(1, 600) + viewers(2, 1000) +
                              viewers(3, 1000), publisher_kbps=1000)
        self.goes_to("127.0.0.22")

    def test_garbage(self):
        """Said once; polls go on, and so does what is known."""
        well = viewers(2, 1000) + viewers(3, 1000)
        self.near.set_viewers(well + viewers(1, 600))
        self.far.set_viewers(well)
        self.begin()
        self.goes_to("127.0.0.22")
        for body in ("<html>", "[" * 100000, '{"code":0,"urls":{}}',
                     " " * 2000000):
            self.near.clients_garbage(body)
            self.looks(2)
        self.assertEqual(self.d.log_text().count(
            "node near: asking for clients failed: API: not JSON"), 1)
        self.assertEqual(self.d.node("near")["state"], "up")
        self.assertEqual(self.d.node("near")["failures"], 0)
        self.assertEqual(self.d.address("live.example.com", HONG_KONG),
                         "127.0.0.22")
        self.near.clients_garbage(None)
        self.near.set_viewers(well + viewers(1, 1000))
        self.goes_to("127.0.0.21")

    def test_off_until_it_is_asked_for(self):
        self.near.set_viewers(viewers(1, 600) + viewers(2, 1000, 12))
        self.begin(health="")
        polls = self.near.seen["polls"]
        self.eventually(lambda: self.near.seen["polls"] >= polls + 10, "polls")
        self.assertEqual(self.near.seen["clients"], 0)
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace("interval: 0.2",
                                               "interval: 0.2, clients: 1"))
        self.d.run("ctl", "reload")
        self.goes_to("127.0.0.22")
