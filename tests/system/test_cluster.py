"""Origins, relays and recorders: where streams are, and who may join."""

import contextlib
import http.client
import itertools
import http.client
import concurrent.futures
import json
import random
import re
import signal
import socket
import sqlite3
import threading
import time

import dns.rcode

from harness import NETS, WAIT_S, Test
from srs_standin import Fleet, StandIn

ROLES = ["origin", "origin", "recorder", "edge"]


def conf_of(fleet, more=""):
    text = ("health: {interval: 0.2, timeout: 2}\n"
            "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
            "nodes:\n")
    for node, role in zip(fleet, ROLES):
        text += (f"  {node.name}: {{role: {role}, address: [{node.host}], "
                 f"at: [50, 8], api: \"{node.api_url}\", "
                 f"rtmp: \"{node.address('rtmp')}\", flv: off}}\n")
    return text + ("steer:\n  live.example.com: {pool: [edge]}\n"
                   "  origin.example.com: {pool: [origin]}\n") + more


class Clusters(Test):
    def setUp(self):
        self.fleet = Fleet(4, scale=0.1)
        self.addCleanup(self.fleet.close)
        self.d = self.daemon(conf_of(self.fleet))
        for node in self.fleet:
            self.eventually(lambda: self.d.node(node.name)["state"] == "up")

    def origin(self, stream, method="GET", more=""):
        status, body = self.d.http(
            f"/api/v1/clusters?vhost=__defaultVhost__&ip=x&app=live&stream="
            f"{stream}&coworker=y{more}", method)
        self.assertEqual((status, body["code"]), (200, 0))
        return body["data"]["origin"]

    def where(self, node):
        return {"ip": node.host, "port": node.ports["rtmp"]}

    def is_at(self, stream, node):
        origin = self.origin(stream)
        return origin and all(origin[key] == value
                              for key, value in self.where(node).items())

    def test_owner(self):
        first, second = self.fleet["srs1"], self.fleet["srs2"]
        self.assertIsNone(self.origin("maths"))
        first.set_streams("live/maths")
        second.set_streams("live/music", "other/maths")
        self.eventually(lambda: self.is_at("maths", first))
        self.eventually(lambda: self.is_at("music", second))
        self.assertIsNone(self.origin("mat"))
        # SRS itself posts, with the question in the URL
        posted = self.origin("music", method="POST")
        self.assertEqual(posted["ip"], second.host)
        # the teacher comes back, through the other one
        first.set_streams()
        second.set_streams("live/music", "live/maths")
        self.eventually(lambda: self.is_at("maths", second))

    def test_extension(self):
        """SRS's edge asks for class.flv when its viewer plays HTTP-FLV; for SRS
        that is the stream class."""
        self.fleet["srs1"].set_streams("live/maths")
        self.eventually(lambda: self.is_at("maths", self.fleet["srs1"]))
        self.assertTrue(self.is_at("maths.flv", self.fleet["srs1"]))
        self.assertIsNone(self.origin("maths2.flv"))

    def test_begun_since_the_poll(self):
        """The first answer tells it: an edge that gets "nowhere" waits."""
        self.d = d = self.daemon(
            conf_of(self.fleet).replace("interval: 0.2", "interval: 60"))
        for node in self.fleet:
            self.eventually(lambda: d.node(node.name)["state"] == "up")
        for node, stream in ((0, "maths"), (1, "music"), (0, "art")):
            self.fleet[node].set_streams(f"live/{stream}")
            self.assertTrue(self.is_at(stream, self.fleet[node]), stream)

    def test_stop_while_a_question_waits(self):
        threads = [threading.Thread(target=self.ask_and_see) for _ in range(9)]
        for thread in threads:
            thread.start()
        self.eventually(lambda: self.fleet["srs1"].seen["polls"])
        self.d.stop()
        for thread in threads:
            thread.join()

    def test_caller_goes_while_its_question_waits(self):
        for _ in range(20):
            s = socket.create_connection(("127.0.0.1", self.d.http_port))
            s.sendall(b"GET /api/v1/clusters?app=live&stream=nowhere "
                      b"HTTP/1.1\r\n\r\n" * 2)
            s.close()
        self.assertIsNone(self.origin("nowhere"))

    def ask_and_see(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.origin("nowhere")

    def test_not_from_others(self):
        """What edges and recorders have, they have from an origin."""
        self.fleet["srs3"].set_streams("live/maths")
        self.fleet["srs4"].set_streams("live/maths")
        self.eventually(lambda: self.d.node("srs3")["streams"] == 1)
        self.assertIsNone(self.origin("maths"))
        self.assertEqual(self.d.node("srs3")["records"], ["/live/maths"])
        self.assertNotIn("records", self.d.node("srs1"))
        one = self.d.http("/api/v1/nodes?name=srs3")[1]
        self.assertEqual([(n["name"], n["records"]) for n in one],
                         [("srs3", ["/live/maths"])])
        self.assertEqual(self.d.http("/api/v1/nodes?name=nobody"), (200, []))
        listed = self.d.http("/api/v1/streams")[1]
        self.assertEqual([(s["stream"], s["node"], s["role"]) for s in listed],
                         [("/live/maths", "srs3", "recorder")])

    def test_dead_origin(self):
        first, second = self.fleet["srs1"], self.fleet["srs2"]
        first.set_streams("live/maths", clients=9)
        second.set_streams("live/maths")
        self.eventually(lambda: self.is_at("maths", first))
        first.die()
        self.eventually(lambda: self.is_at("maths", second))
        second.die()
        self.eventually(lambda: self.origin("maths") is None)

    def test_vhost(self):
        self.fleet["srs1"].set_streams("live/maths")
        self.eventually(lambda: self.origin("maths"))
        other = self.d.http("/api/v1/clusters?vhost=school.example&app=live"
                            "&stream=maths")[1]
        self.assertIsNone(other["data"]["origin"])

    def test_never_the_caller(self):
        """An origin that is sent to itself would send its client in a circle."""
        first, second = self.fleet["srs1"], self.fleet["srs2"]
        first.set_streams("live/maths")
        second.set_streams("live/music")
        self.eventually(lambda: self.is_at("maths", first))
        self.eventually(lambda: self.is_at("music", second))

        def asked_by_first(stream):
            c = http.client.HTTPConnection(
                "127.0.0.1", self.d.http_port, timeout=WAIT_S,
                source_address=(first.host, 0))
            with contextlib.closing(c):
                c.request("POST",
                          f"/api/v1/clusters?app=live&stream={stream}")
                return json.loads(c.getresponse().read())["data"]["origin"]
        self.assertIsNone(asked_by_first("maths"))
        self.assertEqual(asked_by_first("music")["ip"], second.host)

    def test_bad_questions(self):
        for query in ("", "?app=live", "?app=live&stream=", "?stream=x",
                      "?app=live&stream=" + "x" * 2000):
            self.assertEqual(self.d.http("/api/v1/clusters" + query)[0], 400)
        self.assertEqual(
            self.d.http("/api/v1/clusters?app=%ff&stream=%fe")[0], 400)


def heartbeat(name, conns=5, stamp=None, device=None):
    """The body of SRS 6."""
    stamp = stamp or int(time.time() * 1000)
    return json.dumps({
        "device_id": device or name, "ip": "127.0.0.1", "server": name,
        "service": "s1", "pid": "17", "summaries": {"data": {
            "ok": True, "now_ms": stamp, "self": {
                "version": "6.0.157", "pid": 17, "cpu_percent": 0.01,
                "srs_uptime": 900},
            "system": {"cpu_percent": 0.1, "srs_sample_time": stamp,
                       "srs_recv_bytes": 1, "srs_send_bytes": 2,
                       "conn_srs": conns}}},
        "rtmp": ["1935"], "http": ["8080"], "api": ["127.0.0.1:1985"],
        }).encode()


class Registration(Test):
    def setUp(self):
        self.fleet = Fleet(5, scale=0.1)
        self.addCleanup(self.fleet.close)
        conf = conf_of(self.fleet, "heartbeat_from: [127.0.0.0/8, \"::1/128\"]\n")
        self.d = self.daemon(conf)
        for node in self.fleet.nodes[:4]:
            self.eventually(lambda: self.d.node(node.name)["state"] == "up")

    def beat(self, name, **more):
        status, body = self.d.http("/api/v1/servers", "POST",
                                   body=heartbeat(name, **more))
        self.assertEqual((status, body["code"]), (200, 0))

    def names(self):
        return [n["name"] for n in self.d.http("/api/v1/nodes")[1]]

    def waiting(self):
        return [w["name"] for w in self.d.http("/api/v1/waiting")[1]]

    def approve(self, name, **keys):
        return self.d.http(f"/api/v1/nodes/{name}/approve", "POST",
                           token="sesame", body=json.dumps(keys).encode())

    def test_waits_and_is_not_answered_with(self):
        self.beat("new1")
        self.eventually(lambda: self.waiting() == ["new1"])
        self.assertEqual(
            [w["name"] for w in self.d.http("/api/v1/status")[1]["waiting"]],
            ["new1"])
        self.assertNotIn("new1", self.names())
        self.assertIn("new1 from 127.0.0.1", self.d.run("ctl", "waiting"))
        self.assertEqual(self.d.ask("new1.example.com", "A").rcode(),
                         dns.rcode.NXDOMAIN)
        # what the body says of itself is asked by nobody
        self.assertEqual(self.fleet[4].seen["polls"], 0)

    def test_at_most_four_of_a_net(self):
        for i in range(20):
            self.beat(f"new{i}")
        self.eventually(lambda: len(self.waiting()) == 4)

    def test_device_where_srs_made_the_name(self):
        self.beat("vid-1234567", device="hk9")
        self.eventually(lambda: self.waiting() == ["hk9"])

    def test_approved_by_api(self):
        self.beat("new1")
        self.eventually(lambda: self.waiting() == ["new1"])
        status, body = self.approve("new1", role="edge", at=[50, 8],
                                    address=["192.0.2.9"], capacity=300,
                                    site="学校 🎓", api="off", rtmp="off")
        self.assertEqual((status, body["ok"]), (200, True), body)
        self.assertIn("new1", self.names())
        self.assertEqual(self.d.node("new1")["capacity"], 300)
        self.assertEqual(self.d.address("new1.example.com"), "192.0.2.9")
        self.eventually(lambda: self.waiting() == [])
        self.assertIn("ok", self.d.run("check"))
        # over a restart, and until it is removed
        self.d.stop(signal.SIGKILL)
        self.d.start()
        self.assertEqual(self.d.address("new1.example.com"), "192.0.2.9")
        self.d.http("/api/v1/nodes/new1/drain", "POST", token="sesame")
        self.d.stop()
        self.d.start()
        self.eventually(lambda: self.d.node("new1")["state"] == "drained")
        self.assertEqual(self.d.http("/api/v1/nodes/new1/remove", "POST",
                                     token="sesame")[0], 200)
        self.assertNotIn("new1", self.names())
        self.d.stop()
        self.d.start()
        self.assertNotIn("new1", self.names())

    def test_approved_by_ctl(self):
        said = self.d.run("ctl", "approve", "us7", "--role", "relay", "--at",
                          "47.3,-122.3", "--address", "192.0.2.7,192.0.2.8",
                          "--capacity", "50", "--api", "off", "--rtmp", "off",
                          "--provider", "China Telecom")
        self.assertIn("kept over a restart", said)
        self.assertEqual(self.d.node("us7")["role"], "relay")
        self.assertEqual(self.d.node("us7")["provider"], "China Telecom")
        self.assertEqual(sorted(self.d.addresses("us7.example.com")),
                         ["192.0.2.7", "192.0.2.8"])
        self.assertIn("vhost", self.d.run("srs", "us7"))
        bad = self.d.run("ctl", "approve", "us8", "--role", check=False)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("--KEY VALUE", bad.stderr)
        self.d.run("ctl", "remove", "us7")
        self.assertNotIn("us7", self.names())

    def test_what_is_refused(self):
        good = {"role": "edge", "at": [1, 2], "address": ["192.0.2.9"]}
        for change in (
                {"address": ["127.0.0.1"]}, {"address": ["169.254.1.1"]},
                {"address": ["224.0.0.1"]}, {"address": ["::1"]},
                {"address": ["fe80::1"]}, {"address": ["::ffff:127.0.0.1"]},
                {"address": ["::127.0.0.1"]},
                {"address": "nowhere"}, {"address": []},
                {"api": "http://127.0.0.1:80"}, {"api": "http://localhost:80"},
                {"api": "http://a:b@[::1]:80"}, {"rtmp": "127.0.0.1:1935"},
                {"api": "http://127.0.0.1:2222/@8.8.8.8:1985"},
                {"api": "http://127.0.0.1:2222/?@8.8.8.8:1985"},
                {"api": "http://127.0.0.1:2222#@8.8.8.8:1985"},
                {"api": "http://127.0.0.1:2222\\@8.8.8.8:1985"},
                {"api": "http://a@127.0.0.1:2222@8.8.8.8:1985"},
                {"api": "http://8.8.8.8:1985@127.0.0.1:2222"},
                {"api": "http://2130706433:1985"}, {"api": "http://0x7f.1"},
                {"api": "http://192.0.2.9:1985/api"},
                {"api": "http://[64:ff9b::7f00:1]:1985"},
                {"api": "gopher://192.0.2.9"}, {"api": "192.0.2.9:1985"},
                {"rtmp": "x@192.0.2.9:1935"}, {"flv": "http://192.0.2.9:8080"},
                {"srt": "127.0.0.1:10080"}, {"whep": "http://127.0.0.1:1985"},
                {"whep": "192.0.2.9:1985"}, {"srt": "srt://192.0.2.9:1"},
                {"whep": "http://name.example:1985"},
                {"whep": "http://u:p@192.0.2.9:1985"}, {"api_token": "a b"},
                {"api_token": "x", "api": "off"},
                {"public_url": {"flv": "https://x.example"}},
                {"address": ["2002:7f00:1::1"]},
                {"site": "${HOME}"}, {"site": "a\nb"}, {"site": {"a": 1}},
                {"role": "king"}, {"at": [100, 0]}, {"capacity": -1},
                {"nonsense": 1}, {"address": ["2001:db8::7"]}):
            status, body = self.approve("new1", **{**good, **change})
            self.assertEqual(status, 400, change)
            self.assertTrue(body["error"], change)
        for name in ("srs1", "A", "a.b", "-a", "x" * 63 + "y"):
            self.assertIn(self.approve(name, **good)[0], (400, 404), name)
        self.assertEqual(len(self.names()), 4)
        self.assertEqual(self.d.http("/api/v1/nodes/new1/approve", "POST",
                                     body=b"{}")[0], 401)
        self.assertEqual(self.d.http("/api/v1/nodes/srs1/remove", "POST",
                                     token="sesame")[0], 404)
        # a refusal is no failed reload
        self.assertIsNone(self.d.http("/api/v1/status")[1]["last_reload"])

    def test_file_wins(self):
        self.assertEqual(self.approve("new1", role="edge", at=[1, 2],
                                      address=["192.0.2.9"], api="off",
                                      rtmp="off")[0], 200)
        conf = (self.d.folder / "dnsd.yaml").read_text()
        conf = conf.replace("nodes:\n", "nodes:\n  new1: {address: [192.0.2.1],"
                            " at: [1, 2], api: off, rtmp: off}\n", 1)
        (self.d.folder / "dnsd.yaml").write_text(conf)
        self.assertIn("which counts", self.d.run("ctl", "reload"))
        self.assertEqual(self.d.address("new1.example.com"), "192.0.2.1")

    def test_build_before_it_is_on_disk(self):
        """A build has the nodes that the build before it brought."""
        store = sqlite3.connect(self.d.folder / "dnsd.db", isolation_level=None)
        self.addCleanup(store.close)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            store.execute("BEGIN IMMEDIATE")  # dnsd's own writes wait now
            approved = pool.submit(self.approve, "new1", role="edge",
                                   at=[1, 2], address=["192.0.2.9"], api="off",
                                   rtmp="off")
            self.eventually(lambda: "new1" in self.names())
            reload = pool.submit(self.d.run, "ctl", "reload")
            concurrent.futures.wait([reload], timeout=0.5)
            store.execute("ROLLBACK")
            self.assertEqual(approved.result()[0], 200)
            reload.result()
        self.assertIn("new1", self.names())

    def test_another_store_takes_a_restart(self):
        def approved(name):
            self.assertEqual(self.approve(name, role="edge", at=[1, 2],
                                          address=["192.0.2.9"], api="off",
                                          rtmp="off")[0], 200)
        approved("new1")
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace("dnsd.db", "other.db"))
        for _ in range(2):
            self.assertIn("'store' takes a restart", self.d.run("ctl", "reload"))
            self.assertIn("new1", self.names())
        approved("new2")
        self.d.run("ctl", "remove", "new1")
        self.d.write("dnsd.yaml", conf)
        self.assertNotIn("'store'", self.d.run("ctl", "reload"))
        self.d.stop()
        self.d.start()
        self.assertIn("new2", self.names())
        self.assertNotIn("new1", self.names())

    def test_file_that_does_not_fit_the_approved(self):
        """Says which node is not of the file; one there takes its place."""
        self.assertEqual(self.approve("new1", role="edge", at=[1, 2],
                                      address=["192.0.2.9"], api="off",
                                      rtmp="off")[0], 200)
        conf = (self.d.folder / "dnsd.yaml").read_text()
        at = conf.index("srs4:")
        conf = conf[:at] + re.sub(r"address: \[[0-9.]+\]",
                                  'address: ["2001:db8::4"]', conf[at:], count=1)
        self.d.write("dnsd.yaml", conf)
        self.d.stop()
        done = self.d.run("check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"live.example.com: in the pool, "
                         r"new1 \(approved nodes:1\) has an IPv4 address")
        self.d.write("dnsd.yaml", conf.replace(
            "nodes:\n", 'nodes:\n  new1: {address: ["2001:db8::9"], at: [1, 2],'
            " api: off, rtmp: off}\n", 1))
        self.d.start()
        self.assertEqual(self.d.addresses("new1.example.com", rdtype="AAAA"),
                         ["2001:db8::9"])

    def test_heartbeat_raises_and_never_lowers(self):
        """Between two polls; stamps of the future are no reading."""
        conf = conf_of(self.fleet).replace("interval: 0.2", "interval: 60")
        self.fleet["srs4"].set_load(conns=200)
        self.fleet["srs4"].sample_now()
        self.d = d = self.daemon(
            conf + "heartbeat_from: [127.0.0.0/8]\n")
        self.eventually(lambda: d.node("srs4")["connections"] == 200)

        def load():
            found = d.http("/api/v1/explain?name=live.example.com"
                           "&client=192.0.2.1")[1]["candidates"]
            return found[0]["utilisation"]
        before = load()
        self.beat("srs4", conns=5000,
                  stamp=int(time.time() * 1000) + 3600000)
        self.beat("srs4", conns=1)
        self.beat("srs4", conns=700)
        self.eventually(lambda: load() > 0.69)
        self.beat("srs4", conns=1)
        self.beat("new1")
        self.eventually(lambda: self.waiting() == ["new1"])
        self.assertTrue(before < 0.3 and 0.69 < load() < 1)

    def test_heartbeat_of_another(self):
        """By default a node reports of itself alone."""
        self.d = d = self.daemon(conf_of(self.fleet))
        self.eventually(lambda: d.node("srs4")["state"] == "up")

        def beat(name, by):
            call = http.client.HTTPConnection(
                "127.0.0.1", d.http_port, timeout=WAIT_S,
                source_address=(self.fleet[by].host, 0))
            call.request("POST", "/api/v1/servers", heartbeat(name))
            answer = call.getresponse()
            return answer.status, json.loads(answer.read())
        self.assertEqual(beat("srs4", "srs4")[0], 200)
        status, body = beat("srs4", "srs3")
        self.assertEqual(status, 403)
        self.assertIn("its own addresses", body["error"])

    def test_heartbeat_token(self):
        """Of SRS 8: asked of whoever may report by address, and no way around that."""
        self.d = d = self.daemon(conf_of(self.fleet) + "heartbeat_token: b3at\n")
        self.eventually(lambda: d.node("srs4")["state"] == "up")

        def beat(name, by, **headers):
            call = http.client.HTTPConnection(
                "127.0.0.1", d.http_port, timeout=WAIT_S,
                source_address=(self.fleet[by].host, 0))
            call.request("POST", "/api/v1/srs/register", heartbeat(name),
                         headers)
            answer = call.getresponse()
            return (answer.status, answer.getheader("WWW-Authenticate"),
                    json.loads(answer.read()))
        right = {"Authorization": "Bearer b3at"}
        self.assertEqual(beat("srs4", "srs4", **right)[0], 200)
        for wrong in ({}, {"Authorization": "Bearer b3a"},
                      {"Authorization": "Bearer b3at "},
                      {"Authorization": "Bearer b3atb3at"},
                      {"Authorization": "Basic b3at"},
                      {"Authorization": "Bearer "}):
            status, asks, body = beat("srs4", "srs4", **wrong)
            if wrong.get("Authorization") == "Bearer b3at ":
                self.assertEqual(status, 200)   # a header's value is trimmed
                continue
            self.assertEqual((status, asks), (401, "Bearer"))
            self.assertIn("token", body["error"])
        self.assertEqual(beat("srs4", "srs3", **right)[0], 403)
        self.assertNotIn("b3at", d.log_text() + d.run("ctl", "status"))

    def test_heartbeat_of_srs8(self):
        """What a node sends by itself comes in with the token, else it does not."""
        self.d = d = self.daemon(conf_of(self.fleet) + "heartbeat_token: b3at\n"
                                 "heartbeat_from: [127.0.0.0/8]\n")
        url = f"http://127.0.0.1:{d.http_port}/api/v1/servers"
        nodes = [StandIn(f"eight{i}", "127.0.0.77", scale=0.1, version="8.0.28",
                         heartbeat=url, heartbeat_s=1, heartbeat_token=token)
                 for i, token in enumerate(("wrong", "b3at"))]
        for node in nodes:
            self.addCleanup(node.start().close)
        self.eventually(lambda: all(n.seen["heartbeats"] > 2 for n in nodes))
        self.eventually(lambda: self.waiting() == ["eight1"])

    def test_heartbeat_that_polls_contradict(self):
        """Fills no node, and is not believed again."""
        self.fleet["srs4"].set_load(conns=200)
        self.eventually(lambda: self.d.node("srs4")["connections"] == 200)
        self.beat("srs4", conns=100000)

        def ignored():
            self.beat("srs4", conns=100000)
            node = self.d.node("srs4")
            self.assertLessEqual(node["connections"], 700)
            return node["heartbeats_ignored"]
        self.eventually(ignored)
        self.eventually(lambda: self.d.node("srs4")["connections"] == 200)
        self.beat("srs4", conns=600)
        self.assertIn("heartbeats ignored: one reported 100000 connections",
                      self.d.run("ctl", "nodes"))
        self.assertIn("one reported 100000 connections", self.d.log_text())

    def test_kill_loop(self):
        """Whatever was confirmed is there after kill -9, at any moment: the first
        round ends, and tells how long one takes."""
        kept, took = {}, None
        for turn in range(8):
            name = f"n{turn}"
            threads = [threading.Thread(target=self.confirm, args=(kept, name))]
            start = time.monotonic()
            threads[0].start()
            if took is None:
                threads[0].join()
                took = time.monotonic() - start
            time.sleep(random.random() * 1.5 * took)
            self.d.stop(signal.SIGKILL)
            threads[0].join()
            self.d.start()
            names = self.names()
            for known, drained in kept.items():
                self.assertIn(known, names)
                if drained:
                    self.eventually(lambda: self.d.node(known)["state"] ==
                                    "drained")
        self.assertTrue(kept)

    def confirm(self, kept, name):
        with contextlib.suppress(OSError, http.client.HTTPException):
            status = self.approve(name, role="edge", at=[1, 2],
                                  address=["192.0.2.9"], api="off",
                                  rtmp="off")[0]
            if status == 200:
                kept[name] = False
            status = self.d.http(f"/api/v1/nodes/{name}/drain", "POST",
                                 token="sesame")[0]
            if status == 200:
                kept[name] = True


class Push(Test):
    """Teachers' relays: by how far they could be relied on, then by distance."""

    def setUp(self):
        self.fleet = Fleet(2, scale=0.1)
        self.addCleanup(self.fleet.close)
        self.near, self.far = self.fleet["srs1"], self.fleet["srs2"]
        conf = ("health: {interval: 0.2, timeout: 2}\nnets: nets.txt\n"
                "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
                "nodes:\n")
        for node, at in ((self.near, "22.3, 114.2"), (self.far, "35.7, 139.7")):
            conf += (f"  {node.name}: {{role: relay, address: [{node.host}], "
                     f"at: [{at}], api: \"{node.api_url}\", "
                     f"rtmp: \"{node.address('rtmp')}\"}}\n")
        conf += "steer: {push.example.com: {pool: [relay], policy: stable}}\n"
        self.d = self.daemon(conf, files={"nets.txt": NETS})
        self.all_up()

    def all_up(self):
        for node in self.fleet:
            self.eventually(lambda: self.d.node(node.name)["state"] == "up")

    def pick(self, third):
        """Of a client net in Hong Kong that nobody has asked from."""
        return self.d.address("push.example.com", f"10.1.{third}.0/24")

    def stability(self, node):
        return self.d.node(node.name)["stability"]

    def test_figures(self):
        self.eventually(lambda: self.stability(self.near)["rtt_ms"] > 0)
        said = self.d.run("try", "push.example.com", "10.1.0.0/24")
        line = next(s for s in said.splitlines()
                    if s.startswith("stability srs1"))
        for word in ("lost", "round trip", "jitter", "dropped", "restarts",
                     "down", "grade 0"):
            self.assertIn(word, line)
        self.assertEqual(self.pick(0), self.near.host)

    def test_flap_goes_to_the_back_over_a_restart(self):
        self.assertEqual(self.pick(0), self.near.host)
        self.near.die()
        self.eventually(lambda: self.d.node("srs1")["state"] == "down")
        self.near.revive()
        self.all_up()
        self.assertEqual(self.pick(16), self.far.host)
        self.assertGreater(self.stability(self.near)["back_s"], 30)
        self.assertIn("at the back", self.d.run(
            "try", "push.example.com", "10.1.0.0/24"))

        def kept():
            with contextlib.closing(
                    sqlite3.connect(self.d.folder / "dnsd.db")) as db:
                return list(db.execute("SELECT node FROM steadiness "
                                       "WHERE node = 'srs1' AND downs > 0.9"))
        self.eventually(kept)
        self.d.stop(signal.SIGKILL)
        self.d.start()
        self.all_up()
        self.assertGreater(self.stability(self.near)["down"], 0.9)
        self.assertEqual(self.pick(32), self.far.host)

    def test_dropped_publishers(self):
        self.near.set_streams("live/maths", "live/music")
        self.eventually(lambda: self.d.node("srs1")["streams"] == 2)
        # music has ended; maths comes back at the other relay
        self.near.set_streams()
        self.eventually(lambda: self.d.node("srs1")["streams"] == 0)
        self.assertEqual(self.stability(self.near)["dropped"], 0)
        self.far.set_streams("live/maths")
        self.eventually(
            lambda: .4 < self.stability(self.near)["dropped"] < .6)
        self.assertEqual(self.stability(self.far)["dropped"], 0)

    def test_restarts(self):
        self.near.restart()
        self.eventually(lambda: self.stability(self.near)["restarts"] > 0.9)


class Streams(Test):
    """The viewers of a stream go where it is already, while there is room."""

    def test_edge_that_has_it(self):
        fleet = Fleet(4, scale=0.1)
        self.addCleanup(fleet.close)
        conf = ("health: {interval: 0.2, timeout: 2}\nnets: nets.txt\n"
                "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
                "nodes:\n")
        for node in fleet:
            conf += (f"  {node.name}: {{address: [{node.host}], "
                     f"at: [22.3, 114.2], site: {node.name}, "
                     f"api: \"{node.api_url}\", "
                     f"rtmp: \"{node.address('rtmp')}\", flv: off}}\n")
        conf += "steer: {live.example.com: {pool: [edge], streams: true}}\n"
        d = self.daemon(conf, files={"nets.txt": NETS})
        classes = {f"Class{i}": fleet[i % 4] for i in range(12)}
        for node in fleet:
            node.set_load(conns=100)
            self.eventually(lambda: d.node(node.name)["state"] == "up")
            node.set_streams(*(f"live/{name}" for name, at in classes.items()
                               if at is node))
        for node in fleet:
            self.eventually(lambda: d.node(node.name)["streams"] == 3)

        def pick(name, third=0):
            return d.address(f"{name}.live.example.com", f"10.1.{third}.0/24")
        for name, node in classes.items():
            self.assertEqual(pick(name), node.host)
        fleet[0].set_load(conns=1100)
        nets = itertools.cycle(range(16, 256, 16))
        self.eventually(
            lambda: pick("Class0", next(nets)) != fleet[0].host)
