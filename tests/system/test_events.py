"""The operator's live view: server-sent events, where answers went, load
history."""

import json
import socket
import sqlite3
import time

from harness import NETS, PATIENCE_S, WAIT_S, Test, free_port
from srs_standin import Fleet

CONF = """nets: nets.txt
zones:
  example.com: {ns: ["ns1.example.com 127.0.0.1"]}
health: {interval: 0.3, timeout: 2, fall: 2, rise: 1}
nodes:
%s
steer:
  live.example.com: {pool: [edge], lines: 2, ttl: [1, 5]}
"""
STATIC = """
  hk1: {address: [192.0.2.1], at: [22.3, 114.2], site: hk-a, provider: pccw, api: off, rtmp: off}
  gb1: {address: [192.0.2.2, "2001:db8::2"], at: [51.5, -0.1], api: off, rtmp: off}
"""


class Stream:
    """One stream of events. next() is (event, data)."""

    def __init__(self, daemon, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", daemon.http_port))
        self.socket.sendall(b"GET /api/v1/events HTTP/1.0\r\n\r\n")
        self.file = self.socket.makefile("rb")

    def head(self):
        """(status, headers in lower case)"""
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline().strip()):
            key, _, value = line.decode().partition(":")
            headers[key.lower()] = value.strip()
        return status, headers

    def next(self, event=None):
        while True:
            name = data = None
            while (line := self.file.readline()) not in (b"\n", b""):
                key, _, value = line.decode().strip().partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    data = json.loads(value)
            if line == b"":
                return None, None
            if name and event in (None, name):
                return name, data

    def close(self):
        self.file.close()
        self.socket.close()


class Events(Test):
    def stream(self, daemon, **options):
        stream = Stream(daemon, **options)
        self.addCleanup(stream.close)
        return stream

    def start(self, nodes=STATIC, **options):
        return self.daemon(CONF % nodes, files={"nets.txt": NETS}, **options)

    def test_first_all_then_changes(self):
        fleet = Fleet(2, scale=0.1)
        self.addCleanup(fleet.close)
        d = self.start("".join(
            f"  n{i}: {{address: [{n.host}], at: [{20 + i}, 100], "
            f"api: \"{n.api_url}\", rtmp: off}}\n"
            for i, n in enumerate(fleet.nodes)))
        self.eventually(lambda: d.node("n1")["state"] == "up")
        s = self.stream(d)
        status, headers = s.head()
        self.assertEqual(status, 200)
        self.assertEqual(headers["content-type"], "text/event-stream")
        name, data = s.next()
        self.assertEqual(name, "nodes")
        self.assertTrue(data["all"])
        rows = [dict(zip(data["columns"], row)) for row in data["nodes"]]
        self.assertEqual([r["name"] for r in rows], ["n0", "n1"])
        self.assertEqual(rows[1]["at"], [21, 100])
        self.assertEqual(rows[1]["state"], "up")
        self.assertEqual(s.next()[0], "status")
        self.assertEqual(s.next()[0], "flows")

        columns = data["columns"]
        fleet[0].set_load(conns=123)

        def told(wanted):
            _, news = s.next("nodes")
            self.assertFalse(news["all"])
            for row in news["nodes"]:
                if wanted(dict(zip(columns, row))):
                    return True
            return False
        self.eventually(lambda: told(
            lambda r: r["name"] == "n0" and r["connections"] == 123))
        fleet[0].die()
        self.eventually(lambda: told(
            lambda r: r["name"] == "n0" and r["state"] == "down"))

    def test_what_did_not_change_is_not_sent(self):
        d = self.start()
        s = self.stream(d)
        s.head()
        self.assertEqual(len(s.next("nodes")[1]["nodes"]), 2)
        s.next("nodes")     # what start-up left
        for _ in range(2):
            self.assertEqual(s.next("nodes")[1]["nodes"], [])
        d.address("live.example.com", "10.3.0.0/24")
        changed = []
        while not changed:
            changed = s.next("nodes")[1]["nodes"]
        self.assertEqual([row[0] for row in changed], ["gb1"])

    def test_a_reload_sends_all_again(self):
        d = self.start()
        s = self.stream(d)
        s.head()
        s.next("nodes")
        d.write_conf(CONF % STATIC.replace("  gb1:", "  uk1:"))
        d.run("ctl", "reload")

        def all_again():
            _, data = s.next("nodes")
            return data["all"] and [row[0] for row in data["nodes"]]
        self.assertEqual(set(self.eventually(all_again)), {"hk1", "uk1"})

    def test_status_tells_the_error_of_a_reload(self):
        d = self.start()
        s = self.stream(d)
        s.head()
        self.assertIsNone(s.next("status")[1]["last_reload"])
        d.write_conf(CONF % STATIC + "nonsense: 1\n")
        d.run("ctl", "reload", check=False)
        self.eventually(lambda: "nonsense" in str(
            (s.next("status")[1]["last_reload"] or {}).get("error")))

    def test_the_33rd(self):
        d = self.start()
        streams = [self.stream(d) for _ in range(32)]
        for s in streams:
            self.assertEqual(s.head()[0], 200)
        late = self.stream(d)
        self.assertEqual(late.head()[0], 503)
        self.assertIn("32", json.loads(late.file.read())["error"])
        streams[7].close()

        def room():
            s = self.stream(d)
            return s.head()[0] == 200
        self.eventually(room)

    def test_it_outlasts_the_timeout_of_requests(self):
        """Ten seconds, after which a connection that says nothing is closed."""
        d = self.start()
        s = self.stream(d)
        s.head()
        first = s.next("status")[1]["uptime"]
        last = first
        while last is not None and last < first + 13:
            last = (s.next("status")[1] or {}).get("uptime")
        self.assertIsNotNone(last, "the stream was closed")

    def test_who_does_not_read_is_closed(self):
        nodes = "".join(
            f"  n{i}: {{address: [192.0.2.1], at: [10, 10], "
            f"site: {'s' * 60}{i}, api: off, rtmp: off}}\n"
            for i in range(3000))
        d = self.start(nodes)
        slow = self.stream(d, receive_buffer=1)
        good = self.stream(d)
        self.assertEqual(good.head()[0], 200)

        def closed():
            # What fills a stream: all nodes again.
            d.run("ctl", "reload")
            while not good.next("nodes")[1]["all"]:
                pass
            return not self.is_connected(d, slow)
        self.eventually(closed, "the slow reader is closed", patience=3 * PATIENCE_S)
        self.assertIsNotNone(good.next("status")[1])

    def is_connected(self, d, stream):
        """Whether the server still has its end."""
        ends = [f"0100007F:{port:04X}" for port in
                (d.http_port, stream.socket.getsockname()[1])]
        with open("/proc/net/tcp") as f:
            return any(l.split()[1:4] == [*ends, "01"] for l in f)

    def test_stop_with_open_streams(self):
        d = self.start()
        for _ in range(3):
            self.assertEqual(self.stream(d).head()[0], 200)
        self.assertEqual(d.stop(), 0)

    def test_not_on_the_public_listener(self):
        port = free_port()
        d = self.start(more_http=f"public: {{listen: [\"127.0.0.1:{port}\"]}}\n")
        d.http_port = port
        for path in ("/api/v1/events", "/api/v1/history?node=hk1"):
            self.assertEqual(d.http(path)[0], 404)

    def test_flows(self):
        """Two places are sent to the nodes near to them; without its own node
        one is sent far away."""
        d = self.start()
        s = self.stream(d)
        s.head()
        self.eventually(lambda: d.node("gb1")["state"] == "up")
        for i in range(20):
            d.address("live.example.com", f"10.1.{16 * (i % 16)}.0/24")
            d.address("live.example.com", f"10.3.{16 * (i % 16)}.0/24")

        def flows():
            return {(a, b): n for a, _, b, n in s.next("flows")[1]["flows"]
                    if n > 0}
        self.eventually(lambda: set(flows()) == {("hk1", "hk1"),
                                                 ("gb1", "gb1")})
        d.run("ctl", "drain", "hk1")

        def moved():
            # Until the TTL of earlier answers ends, these are no new viewers.
            for i in range(20):
                d.address("live.example.com", f"10.1.{16 * (i % 16)}.0/24")
            return ("hk1", "gb1") in flows()
        self.eventually(moved)

    def test_new_fields_of_nodes(self):
        d = self.start()
        hk, gb = d.node("hk1"), d.node("gb1")
        self.assertEqual(hk["at"], [22.3, 114.2])
        self.assertEqual((hk["site"], hk["provider"]), ("hk-a", "pccw"))
        self.assertEqual((gb["site"], gb["provider"]), (None, None))
        self.assertEqual(gb["addresses"], ["192.0.2.2", "2001:db8::2"])


class History(Test):
    def start(self):
        return self.daemon(CONF % STATIC, files={"nets.txt": NETS})

    def fill(self, d, points):
        """What the store would have written; the unit test holds it to this."""
        with sqlite3.connect(d.folder / "dnsd.db", timeout=WAIT_S) as db:
            db.execute("INSERT OR IGNORE INTO history_node (name) VALUES ('hk1')")
            for at, connections in points:
                db.execute("INSERT INTO history SELECT id, ?, ?, ?, 5e6 FROM "
                           "history_node WHERE name = 'hk1'",
                           (at, connections, connections / 1000))

    def test_points(self):
        d = self.start()
        now = int(time.time()) // 60 * 60
        self.fill(d, [(now - 3600 * 30, 1), (now - 7200, 20), (now - 60, 30)])
        status, answer = d.http("/api/v1/history?node=hk1")
        self.assertEqual(status, 200)
        self.assertEqual(answer["step_s"], 60)
        self.assertEqual([p[:2] for p in answer["points"]],
                         [[now - 7200, 20], [now - 60, 30]])
        self.assertAlmostEqual(answer["points"][0][2], 0.02, 5)
        self.assertAlmostEqual(answer["points"][0][3], 5000, 1)
        for hours, n in ((1, 1), (168, 3)):
            answer = d.http(f"/api/v1/history?node=hk1&hours={hours}")[1]
            self.assertEqual(len(answer["points"]), n)

    def test_errors(self):
        d = self.start()
        for path, code in (("?node=nobody", 404), ("", 400),
                           ("?node=hk1&hours=0", 400),
                           ("?node=hk1&hours=169", 400),
                           ("?node=hk1&hours=1x", 400)):
            status, answer = d.http("/api/v1/history" + path)
            self.assertEqual(status, code, path)
            self.assertTrue(answer["error"])

    def test_a_minute_is_written(self):
        """The daemon's own points: means of the connections that were seen."""
        fleet = Fleet(1, scale=0.1)
        self.addCleanup(fleet.close)
        fleet[0].set_load(conns=77)
        d = self.daemon(CONF % (
            f"  hk1: {{address: [127.0.0.1], at: [22, 114], "
            f"api: \"{fleet[0].api_url}\", rtmp: off}}\n"),
            files={"nets.txt": NETS})

        def points():
            return d.http("/api/v1/history?node=hk1")[1]["points"]
        first = self.eventually(points, patience=60 + PATIENCE_S)[0]
        self.assertEqual(first[0] % 60, 0)
        self.assertLessEqual(first[1], 77)
        self.assertGreater(first[1], 0)
