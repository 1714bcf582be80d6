"""Running it: reload, control, store, HTTP, GeoIP swaps, start and stop."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import dns.rcode

from harness import DNSD, NETS, PATIENCE_S, ROOT, WAIT_S, Test, free_port

STATIC = """zones:
  example.com: {file: zone}
nodes:
  a: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off}
  b: {address: [192.0.2.2], at: [51.5, -0.1], api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge], lines: 2, ttl: [1, 5]}
"""
ZONE = """$TTL 300
@ SOA ns1 hostmaster %d 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
www A %s
"""


def zone(serial=1, www="192.0.2.80"):
    return ZONE % (serial, www)


class Reload(Test):
    def setUp(self):
        self.d = self.daemon("nets: nets.txt\n" + STATIC,
                             files={"zone": zone(), "nets.txt": NETS})

    def www(self):
        return self.d.address("www.example.com")

    def test_new_zone(self):
        self.d.write("zone", zone(2, "192.0.2.81"))
        self.d.run("ctl", "reload")
        self.assertEqual(self.www(), "192.0.2.81")
        self.assertEqual(self.d.http("/api/v1/status")[1]["zones"][0]["serial"], 2)

    def test_hangup(self):
        self.d.write("zone", zone(2, "192.0.2.82"))
        self.d.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: self.www() == "192.0.2.82")

    def test_what_takes_a_restart(self):
        self.d.write_conf("nets: nets.txt\nclient_nets: 1024\n" + STATIC)
        said = self.d.run("ctl", "reload")
        self.assertIn("a change of 'client_nets' takes a restart", said)
        self.assertNotIn("workers", said)
        self.d.stop()
        self.d.start()
        self.d.address("live.example.com", "10.3.0.0/24")
        self.assertNotIn("takes a restart", self.d.run("ctl", "reload"))

    def test_broken_zone_keeps_the_old(self):
        self.d.write("zone", zone(2, "192.0.2.999"))
        done = self.d.run("ctl", "reload", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("zone:5:", done.stderr)
        self.assertEqual(self.www(), "192.0.2.80")
        status = self.d.http("/api/v1/status")[1]
        self.assertIn("zone:5:", status["last_reload"]["error"])
        self.d.write("zone", zone(3, "192.0.2.83"))
        self.d.run("ctl", "reload")
        self.assertEqual(self.www(), "192.0.2.83")
        self.assertIsNone(
            self.d.http("/api/v1/status")[1]["last_reload"]["error"])

    def test_broken_configuration_keeps_the_old(self):
        self.d.write_conf(STATIC + "nonsense: 1\n")
        done = self.d.run("ctl", "reload", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.www(), "192.0.2.80")

    def test_nodes_come_and_go(self):
        self.assertEqual(self.d.address("live.example.com", "10.3.0.0/24"),
                         "192.0.2.2")
        self.d.write_conf("nets: nets.txt\n" + STATIC.replace(
            "  b: {address: [192.0.2.2]", "  c: {address: [192.0.2.3]"))
        self.d.run("ctl", "reload")
        self.eventually(lambda: self.d.address(
            "live.example.com", "10.3.0.0/24") == "192.0.2.3")
        self.assertEqual({n["name"] for n in self.d.http("/api/v1/nodes")[1]},
                         {"a", "c"})
        self.assertEqual(self.d.ask("b.example.com").rcode(),
                         dns.rcode.NXDOMAIN)

    def test_says_what_takes_a_restart(self):
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace("workers: 2", "workers: 3"))
        self.assertIn("workers", self.d.run("ctl", "reload"))

    def test_control_while_the_file_is_broken(self):
        """That is when it is needed."""
        self.d.write_conf(STATIC + "nonsense: 1\n")
        self.assertIn("zone example.com", self.d.run("ctl", "status"))
        self.assertIn("pick a", self.d.run("try", "live.example.com", "10.1.0.1"))

    def test_says_that_tcp_takes_a_restart(self):
        self.d.write_conf("tcp: {max: 7}\nnets: nets.txt\n" + STATIC)
        self.assertIn("'tcp'", self.d.run("ctl", "reload"))

    def test_answers_go_on(self):
        """No question is lost while zones are built again and again, and none
        waits for the end of it: many are answered during a build."""
        big = zone() + "".join(f"h{i} A 192.0.2.{i % 250}\n"
                               for i in range(30000))
        self.d.write("zone", big)
        reloads, answered = 10, 0
        for done in range(1, reloads + 1):
            self.d.process.send_signal(signal.SIGHUP)
            while self.d.log_text().count("reload: done") < done:
                self.assertEqual(self.www(), "192.0.2.80")
                answered += 1
        self.assertGreater(answered, 5 * reloads)


class Geo(Test):
    def setUp(self):
        self.data = ROOT / "tests" / "data" / "geo"

    def test_swap_and_refusal(self):
        good = next(self.data.glob("*city*.mmdb"))
        d = self.daemon(STATIC.replace("zones:", "geoip: [geo.mmdb]\nzones:", 1),
                        files={"zone": zone(), "geo.mmdb": good.read_bytes()})
        loads = d.log_text().count("geoip: loaded")
        # A truncated one is refused with a message; the old data go on.
        d.write("geo.mmdb.new", good.read_bytes()[:1000])
        os.replace(d.folder / "geo.mmdb.new", d.folder / "geo.mmdb")
        self.eventually(lambda: "the old data go on" in d.log_text())
        self.assertIn(str(d.folder / "geo.mmdb"), d.log_text())
        self.assertEqual(d.log_text().count("geoip: loaded"), loads)
        # A good one again is taken.
        d.write("geo.mmdb.new", good.read_bytes())
        os.replace(d.folder / "geo.mmdb.new", d.folder / "geo.mmdb")
        self.eventually(
            lambda: d.log_text().count("geoip: loaded") == loads + 1)

    def test_nets_are_watched(self):
        d = self.daemon("nets: nets.txt\n" + STATIC,
                        files={"zone": zone(), "nets.txt": NETS})
        self.eventually(lambda: d.address(
            "live.example.com", "10.3.0.0/24") == "192.0.2.2")
        d.write("nets.txt", "10.3.0.0/16 22.3,114.2 HK\n")
        self.eventually(lambda: d.address(
            "live.example.com", "10.3.0.0/24") == "192.0.2.1")

    def test_broken_at_start(self):
        d = self.daemon(STATIC.replace("zones:", "geoip: [geo.mmdb]\nzones:", 1),
                        files={"zone": zone(), "geo.mmdb": b"no database"},
                        start=False)
        done = d.run("check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("geo.mmdb", done.stderr)


class GeoKept(Test):
    """The table that is kept beside the store."""
    # In China, near a, by city.mmdb; in Australia, near b, by whole.mmdb.
    CLIENT = "192.0.2.0/24"
    CONF = STATIC.replace("zones:", "geoip: [geo.mmdb]\nzones:").replace(
        "[51.5, -0.1]", "[-33.9, 151.2]")

    def setUp(self):
        data = ROOT / "tests" / "data" / "geo"
        self.city = (data / "city.mmdb").read_bytes()
        self.whole = (data / "whole.mmdb").read_bytes()
        self.d = self.daemon(self.CONF, start=False, files={
            "zone": zone(), "geo.mmdb": self.city})
        self.kept = self.d.folder / "dnsd.geo"

    def begin(self, address="192.0.2.1"):
        """Starts and waits for geography. What this start logs."""
        before = len(self.d.log_text()) if self.d.process else 0
        self.d.start()
        self.eventually(lambda: "geoip: loaded" in self.d.log_text()[before:])
        self.eventually(lambda: self.d.address(
            "live.example.com", self.CLIENT) == address)
        return lambda: self.d.log_text()[before:]

    def begin_anew(self, *also, address="192.0.2.1"):
        """A start that makes the table from the database, and keeps it."""
        log = self.begin(address)
        self.eventually(lambda: "geoip: kept in" in log())
        self.assertNotIn("as kept", log())
        for line in also:
            self.assertIn(line, log())
        self.d.stop()

    def begin_kept(self):
        log = self.begin()
        self.assertIn("geoip: loaded as kept", log())
        self.d.run("ctl", "reload")
        self.d.stop()
        self.assertNotIn("geoip: kept in", log())

    def first_answer(self):
        self.d.start()
        address = self.eventually(lambda: self.d.addresses(
            "live.example.com", self.CLIENT))[0]
        self.d.stop()
        return address

    def test_second_start(self):
        self.d.run("check")
        self.assertFalse(self.kept.exists())
        self.begin_anew()
        self.assertEqual(self.kept.stat().st_mode & 0o7777, 0o600)
        self.begin_kept()
        # The first answer is right already (nobody knows where: b).
        self.assertIn("192.0.2.1", [self.first_answer() for _ in range(3)])
        # It may be deleted at any time.
        self.kept.unlink()
        self.begin_anew()
        self.begin_kept()

    def test_another_database(self):
        self.begin_anew()
        self.d.write("geo.mmdb", self.whole)
        self.begin_anew("made anew", "from other files", address="192.0.2.2")
        self.d.write("geo.mmdb", self.city)
        self.begin_anew()
        # And while it runs.
        log = self.begin()
        self.d.write("geo.mmdb.new", self.whole)
        os.replace(self.d.folder / "geo.mmdb.new", self.d.folder / "geo.mmdb")
        self.eventually(lambda: "geoip: kept in" in log())
        self.eventually(lambda: self.d.address(
            "live.example.com", self.CLIENT) == "192.0.2.2")

    def test_damage(self):
        self.begin_anew()
        good = self.kept.read_bytes()
        middle = len(good) // 2
        for bad in (good[:middle], good + b"x", b"", b"x" * 5000, good[:4096],
                    good[:middle] + bytes([good[middle] ^ 1])
                    + good[middle + 1:]):
            self.kept.write_bytes(bad)
            self.begin_anew("warning: geoip: made anew: ")
            self.assertEqual(self.kept.read_bytes()[:64], good[:64])
        self.begin_kept()

    def test_no_place_for_it(self):
        self.kept.mkdir()
        log = self.begin()
        self.eventually(lambda: "geoip: not kept" in log())
        self.d.run("ctl", "reload")     # comes after a second try, if there is one
        self.assertEqual(log().count("geoip: not kept"), 1)
        self.assertEqual(sorted(p.name for p in self.d.folder.glob("*.geo*")),
                         ["dnsd.geo"])
        self.d.stop()
        self.kept.rmdir()
        self.d.head = self.d.head.replace(
            f"{self.d.folder}/dnsd.db", "/proc/nowhere/dnsd.db")
        self.d.write_conf(self.CONF)
        log = self.begin()
        self.eventually(lambda: "geoip: not kept" in log())


class Store(Test):
    def test_drain_survives_kill(self):
        d = self.daemon(STATIC, files={"zone": zone()})
        for round_ in range(5):
            node = "ab"[round_ % 2]
            d.run("ctl", "drain", node)
            d.stop(signal.SIGKILL)
            d.start()
            self.assertEqual(d.node(node)["state"], "drained")
            d.run("ctl", "undrain", node)
            d.stop(signal.SIGKILL)
            d.start()
            self.assertEqual(d.node(node)["state"], "up")

    def test_without_a_store(self):
        """The server says so and serves."""
        d = self.daemon(STATIC, files={"zone": zone()}, start=False)
        d.head = d.head.replace(f"{d.folder}/dnsd.db", "/proc/nowhere/dnsd.db")
        d.write_conf(STATIC)
        d.start()
        self.assertIn("drains will not survive", d.log_text())
        self.assertIn("not kept", d.run("ctl", "drain", "a"))
        self.assertEqual(d.node("a")["state"], "drained")


class Schedule(Test):
    """Crowds that are expected: of the configuration and of the API."""

    PATH = "/api/v1/expect"
    LATER = "2099-01-01T09:00Z"

    def setUp(self):
        self.d = self.daemon(STATIC, files={"zone": zone()})

    def post(self, token="sesame", **fields):
        return self.d.http(self.PATH, "POST", token=token,
                           body=json.dumps(fields).encode())

    def add(self, **fields):
        status, entry = self.post(**{"at": self.LATER, "viewers": 80,
                                     "name": "live.example.com", **fields})
        self.assertEqual(status, 200, entry)
        return entry

    def list(self):
        status, entries = self.d.http(self.PATH)
        self.assertEqual(status, 200)
        return entries

    def kept(self):
        return sum(n["reserved"] for n in self.d.http("/api/v1/nodes")[1])

    def soon(self, seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                             time.gmtime(time.time() + seconds))

    def test_add_list_remove(self):
        self.assertEqual(self.list(), [])
        b = self.add(at="2099-01-01T10:00+08:00", name="LIVE.example.com.",
                     over=60, **{"from": [22.3, 114.2]})
        a = self.add(at="2098-01-01T09:00:07Z")
        self.assertEqual(b["note"], "kept over a restart")
        self.assertIn("this name server", b["scope"])
        self.assertNotEqual(a["id"], b["id"])
        self.assertEqual(self.list(), [
            {"id": a["id"], "at": "2098-01-01T09:00:07Z", "viewers": 80,
             "name": "live.example.com", "over": 120, "from": None},
            {"id": b["id"], "at": "2099-01-01T02:00:00Z", "viewers": 80,
             "name": "live.example.com", "over": 60, "from": [22.3, 114.2]}])
        path = f"{self.PATH}/{a['id']}"
        self.assertEqual(self.d.http(path, "DELETE", token="sesame")[0], 200)
        self.assertEqual([e["id"] for e in self.list()], [b["id"]])
        self.assertEqual(self.d.http(path, "DELETE", token="sesame")[0], 404)

    def test_restart(self):
        a, b, c = (self.add(viewers=n) for n in (1, 2, 3))
        self.d.http(f"{self.PATH}/{b['id']}", "DELETE", token="sesame")
        for end in (signal.SIGKILL, signal.SIGTERM):
            self.d.stop(end)
            self.d.start()
            self.eventually(lambda: [e["id"] for e in self.list()] ==
                            [a["id"], c["id"]])
        self.assertNotIn(self.add()["id"], [a["id"], b["id"], c["id"]])

    def test_token(self):
        self.assertEqual(self.post(token=None)[0], 401)
        self.assertEqual(self.post(token="wrong", viewers=1)[0], 401)
        entry = self.add()
        path = f"{self.PATH}/{entry['id']}"
        self.assertEqual(self.d.http(path, "DELETE")[0], 401)
        self.assertEqual(len(self.list()), 1)

    def test_bad_bodies(self):
        good = {"at": self.LATER, "name": "live.example.com", "viewers": 8}
        for change, error in (
                ({"at": None}, "at: not a time such as 2026"),
                ({"at": "tomorrow"}, "at: not a time such as 2026"),
                ({"at": "2001-01-01T09:00Z"}, "at: that is over already"),
                ({"name": "other.example.com"}, "name: not a steered name"),
                ({"name": "line2.live.example.com"}, "name: not a steered"),
                ({"name": "x" * 400}, "name: not a steered name"),
                ({"name": ["live.example.com"]}, "name: not a string"),
                ({"viewers": 0}, "viewers: not a whole number from 1 to"),
                ({"viewers": "8"}, "viewers: not a whole number"),
                ({"viewers": 8.5}, "viewers: not a whole number"),
                ({"viewers": 10000001}, "from 1 to 10000000"),
                ({"over": 86401}, "over: not a whole number from 1 to 86400"),
                ({"from": [91, 0]}, "from: not [latitude, longitude]"),
                ({"from": [1]}, "from: not [latitude, longitude]"),
                ({"from": [1, 2, 3]}, "from: not [latitude, longitude]"),
                ({"from": {}}, "from: not [latitude, longitude]"),
                ({"until": 7}, "unknown key 'until'")):
            status, body = self.post(**{**good, **change})
            self.assertEqual(status, 400, change)
            self.assertIn(error, body["error"])
        for key in good:
            status, body = self.post(
                **{k: v for k, v in good.items() if k != key})
            self.assertEqual((status, body["error"]), (400, f"{key}: missing"))
        for body in (b"", b"{", b"[]", b"7", b'{"at":1,"at":2}', b"\xff\0{"):
            status, answer = self.d.http(self.PATH, "POST", token="sesame",
                                         body=body)
            self.assertEqual(status, 400, body)
            self.assertIn("JSON", answer["error"])
        self.assertEqual(self.list(), [])

    def test_bad_paths(self):
        for path, method, status in (
                ("", "DELETE", 405), ("", "PUT", 405), ("/1", "GET", 405),
                ("/", "DELETE", 404), ("/x", "DELETE", 404),
                ("/-1", "DELETE", 404), ("/1/2", "DELETE", 404),
                ("/" + "9" * 40, "DELETE", 404)):
            answer = self.d.http(self.PATH + path, method, token="sesame")
            self.assertEqual(answer[0], status, (path, method))
            self.assertIn("error", answer[1])

    def test_room_is_kept(self):
        """From the API and from the file, over a reload, until removed."""
        self.assertEqual(self.kept(), 0)
        entry = self.add(at=self.soon(-10), over=3600, viewers=300)
        self.eventually(lambda: 250 < self.kept() <= 300)
        self.d.write_conf(
            STATIC + "expect: [{at: \"%s\", name: live.example.com, "
            "viewers: 200, over: 3600}]\n" % self.soon(-10))
        self.d.run("ctl", "reload")
        self.eventually(lambda: 450 < self.kept() <= 500)
        self.assertEqual(sorted(str(e["id"]) for e in self.list()),
                         sorted(["None", str(entry["id"])]))
        self.d.http(f"{self.PATH}/{entry['id']}", "DELETE", token="sesame")
        self.eventually(lambda: 150 < self.kept() <= 200)

    def test_past_is_dropped(self):
        self.add(at=self.soon(-60), over=62)
        later = self.add()
        self.eventually(
            lambda: [e["id"] for e in self.list()] == [later["id"]])
        self.eventually(lambda: self.rows() == 1)

    def rows(self):
        db = sqlite3.connect(self.d.folder / "dnsd.db")
        try:
            return db.execute("SELECT count(*) FROM expect").fetchone()[0]
        finally:
            db.close()

    def test_name_goes_and_comes(self):
        """An entry of a name that a reload removes waits for it."""
        entry = self.add(at=self.soon(-10), over=3600, viewers=300)
        self.d.write_conf(STATIC.replace("live.", "other."))
        self.d.run("ctl", "reload")
        self.eventually(lambda: self.kept() == 0)
        self.assertEqual(self.list()[0]["id"], entry["id"])
        self.d.write_conf(STATIC)
        self.d.run("ctl", "reload")
        self.eventually(lambda: self.kept() > 250)


class Control(Test):
    def setUp(self):
        self.d = self.daemon(STATIC, files={"zone": zone()})

    def test_socket_mode(self):
        mode = os.stat(self.d.folder / "dnsd.sock").st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_status_and_nodes(self):
        self.assertRegex(self.d.run("ctl", "status"),
                         r"(?m)^zone example\.com +serial 1, \d+ records$")
        self.assertRegex(self.d.run("ctl", "nodes"), r"(?m)^a +edge +up ")

    def test_tables(self):
        """Cells stand below their heads, with units."""
        head, *rows = self.d.run("ctl", "nodes").splitlines()
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertRegex(row, r"^[ab]  +edge +up +0 % +0 of 1000 +"
                             r"0 kbit/s +0 % +none yet +\d+")
            for word in ("role", "state", "why"):
                self.assertEqual(row[head.index(word) - 2:head.index(word)], "  ")
        status = self.d.run("ctl", "status").splitlines()
        texts = {line.split("  ")[0]: line[line.rindex("  ") + 2:] for line in status}
        self.assertEqual(len({line.index(texts[line.split("  ")[0]], 8)
                              for line in status}), 1)
        self.assertRegex(texts["running"], r"^for \d+ s$")
        for line in (head, *rows, *status):
            self.assertEqual(line, line.rstrip())

    def test_json(self):
        """What the API says, by the control socket too."""
        nodes = json.loads(self.d.run("ctl", "nodes", "--json"))
        self.assertEqual(nodes, self.d.http("/api/v1/nodes")[1])
        self.assertEqual([n["name"] for n in nodes], ["a", "b"])
        status = json.loads(self.d.run("ctl", "--json", "status"))
        http = self.d.http("/api/v1/status")[1]
        self.assertEqual(set(status), set(http))
        for key in ("version", "zones", "steered", "last_reload", "workers"):
            self.assertEqual(status[key], http[key])
        where = ("live.example.com", "10.1.0.0/24")
        told = json.loads(self.d.run("try", "--json", *where))
        self.assertEqual(
            told, self.d.http("/api/v1/explain?name=%s&client=%s" % where)[1])
        done = self.d.run("ctl", "reload", "--json", check=False)
        self.assertEqual(done.returncode, 2)
        self.d.stop()
        done = self.d.run("try", "--json", *where, check=False)
        self.assertEqual(json.loads(done.stdout)["pick"], told["pick"])
        self.assertIn("files alone", done.stderr)

    def test_older_server(self):
        """One that knows no JSON gives a table; that is said, and not taken for it."""
        self.d.stop()
        path = self.d.folder / "dnsd.sock"
        with socket.socket(socket.AF_UNIX) as older:
            older.bind(str(path))
            older.listen(4)
            for words, told, status in (
                    (("ctl", "nodes"), "ok\nname state\n", 0),
                    (("ctl", "nodes", "--json"), "ok\nname state\n", 1),
                    (("try", "--json", "x", "10.1.0.1"),
                     "error\ntry NAME ADDRESS[/LENGTH]\n", 1)):
                command = subprocess.Popen(
                    [DNSD, words[0], "-c", self.d.conf, *words[1:]], text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                peer, _ = older.accept()
                with peer, peer.makefile("rb") as lines:
                    lines.readline()
                    peer.sendall(told.encode())
                out, err = command.communicate(timeout=6 * PATIENCE_S)
                self.assertEqual(command.returncode, status)
                self.assertEqual(out, "" if status else "name state\n")
                self.assertTrue(err if status else not err)
            self.assertIn("try NAME", err)

    def test_server_that_ends(self):
        """Before it has read the question: said, and no signal."""
        self.d.stop()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(self.d.folder / "dnsd.sock"))
            server.listen(4)
            command = subprocess.Popen(
                [DNSD, "ctl", "-c", self.d.conf, "status"], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            peer, _ = server.accept()
            peer.recv(1)
            peer.close()
            out, err = command.communicate(timeout=6 * PATIENCE_S)
        self.assertEqual((command.returncode, out), (1, ""))
        self.assertIn("ended without an answer", err)

    def test_unknown(self):
        self.assertEqual(
            self.d.run("ctl", "drain", "nobody", check=False).returncode, 1)
        self.assertEqual(
            self.d.run("ctl", "dance", check=False).returncode, 1)

    def test_stop(self):
        self.d.run("ctl", "stop")
        self.d.process.wait(PATIENCE_S)
        self.assertEqual(self.d.process.returncode, 0)
        self.assertFalse((self.d.folder / "dnsd.sock").exists())

    def test_second_instance(self):
        """It neither takes queries away nor the socket."""
        done = subprocess.run([DNSD, "run", "-c", self.d.conf], text=True,
                              capture_output=True, timeout=6 * PATIENCE_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot listen", done.stderr)
        self.assertIn("example.com", self.d.run("ctl", "status"))


class JsonLog(Test):
    """`log: json`."""

    def objects(self, d, after=0):
        text = d.log_text(after)
        self.assertTrue(text.endswith("\n"))
        return [json.loads(line) for line in text.splitlines()]

    def test_all_lines(self):
        d = self.daemon("log: json\nquery_log: 1\n" + STATIC,
                        files={"zone": zone()})
        d.ask("www.example.com")
        d.run("ctl", "drain", "a")
        d.run("ctl", "reload")
        self.eventually(lambda: "reload: done" in d.log_text())
        seen = self.objects(d)
        for line in seen:
            self.assertEqual(set(line) - {"node", "module", "fields"},
                             {"time", "level", "message"})
            self.assertIn(line["level"], ("error", "warning", "info"))
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$")
        query = next(line for line in seen if line.get("module") == "query")
        self.assertEqual(query["fields"]["name"].rstrip("."), "www.example.com")
        self.assertEqual(query["fields"]["rcode"], "0")
        self.assertTrue([line for line in seen if line.get("node") == "a"
                         and "drained" in line["message"]])
        self.assertTrue([line for line in seen if line.get("module") == "reload"])

    def test_reload_changes_it(self):
        d = self.daemon(STATIC, files={"zone": zone()})
        self.assertIn("info: listening on", d.log_text())
        d.write_conf("log: json\n" + STATIC)
        length = len(d.log_text().encode())
        d.run("ctl", "reload")
        self.eventually(lambda: "reload: done" in d.log_text(length))
        self.assertIn("reload: done", [line["message"] for line in
                                       self.objects(d, length)])
        d.write_conf("log: text\n" + STATIC)
        d.run("ctl", "reload")
        self.eventually(lambda: "\ninfo: reload: done\n" in d.log_text())


class Start(Test):
    def test_errors_end_it(self):
        d = self.daemon("listn: 1\n" + STATIC, files={"zone": zone()},
                        start=False)
        done = d.run("run", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown key 'listn'", done.stderr)

    def test_steered_names_wait_for_polls(self):
        """A node that never answers is no reason to wait for long: unknown
        nodes are answered with, and static names at once."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(64)
            port = silent.getsockname()[1]
            conf = STATIC.replace("api: off, rtmp: off",
                                  f"api: \"http://127.0.0.1:{port}\", rtmp: off")
            d = self.daemon(conf, files={"zone": zone()}, start=False)
            d.start()
            self.assertEqual(d.address("www.example.com"), "192.0.2.80")
            self.assertIn(d.address("live.example.com"),
                          ("192.0.2.1", "192.0.2.2"))

    def test_waiting_questions_count_once(self):
        with socket.socket() as silent, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            silent.bind(("127.0.0.1", 0))
            silent.listen(64)
            api = f"api: \"http://127.0.0.1:{silent.getsockname()[1]}\""
            conf = STATIC.replace("api: off", api)
            d = self.daemon(conf, files={"zone": zone()})
            for _ in range(100):
                client.sendto(d.query("live.example.com").to_wire(),
                              ("127.0.0.1", d.port))
            client.settimeout(PATIENCE_S)
            for _ in range(100):
                client.recv(4096)
            self.eventually(lambda: re.search(
                r'^dnsd_responses_total{rcode="NOERROR"} 100$',
                d.http("/metrics")[1], re.M))
            self.assertIn('dnsd_query_types_total{type="A"} 100\n',
                          d.http("/metrics")[1])

    def test_smallest_file(self):
        """Works without a single optional key but ports."""
        d = self.daemon(
            "zones: {example.com: {ns: [\"ns1.example.com 203.0.113.5\"]}}\n"
            "nodes:\n  cn: {role: edge, address: [192.0.2.11], at: [43.9, 125.3]}\n"
            "  gb: {role: edge, address: [192.0.2.12], at: [51.5, -0.1]}\n"
            "steer:\n  live.example.com: {pool: [edge], lines: 2}\n")
        self.assertIn(d.address("live.example.com"),
                      ("192.0.2.11", "192.0.2.12"))
        self.assertEqual(d.address("ns1.example.com"), "203.0.113.5")

    def test_drops_privileges(self):
        if os.geteuid() != 0:
            self.skipTest("not root")
        d = self.daemon("user: nobody\n" + STATIC, files={"zone": zone()},
                        start=False)
        os.chmod(d.folder, 0o777)
        d.start()
        status = open(f"/proc/{d.process.pid}/status").read()
        uid = next(l for l in status.splitlines() if l.startswith("Uid:"))
        self.assertNotIn("\t0", uid)
        self.assertTrue((d.folder / "dnsd.db").exists())
        self.assertEqual(d.address("www.example.com"), "192.0.2.80")
        for line in ("NoNewPrivs:\t1", "CapEff:\t0000000000000000",
                     "CapPrm:\t0000000000000000",
                     "CapBnd:\t0000000000000000"):
            self.assertIn(line, status)
        # not dumpable: its own user has no access to its memory
        self.assertEqual(os.stat(f"/proc/{d.process.pid}/mem").st_uid, 0)

    def sandboxed(self, d):
        """Names of threads that have a filter of system calls."""
        found = set()
        for task in os.scandir(f"/proc/{d.process.pid}/task"):
            status = pathlib.Path(task.path, "status").read_text()
            if "Seccomp:\t2" in status:
                found.add(re.match(r"Name:\t(\S+)", status)[1])
        return found

    def test_sandbox(self):
        """What answers strangers has one, and nothing else; that tests run with
        `strict`, in which a call too many ends dnsd, shows that it is enough."""
        binary = pathlib.Path(DNSD).read_bytes()
        if b"__asan_init" in binary or b"__tsan_init" in binary:
            self.skipTest("not with sanitizers")
        d = self.daemon(STATIC, files={"zone": zone()})
        self.eventually(lambda: self.sandboxed(d) == {
            "dnsd-udp0", "dnsd-udp1", "dnsd-tcp", "dnsd-http"})
        d.tail = "\nsandbox: off\n"
        d.write_conf(STATIC)
        d.stop()
        d.start()
        self.assertEqual(d.address("www.example.com"), "192.0.2.80")
        self.assertEqual(self.sandboxed(d), set())

    def test_what_a_reload_could_not_read(self):
        """Is said at the start, all of it, as the user who will read it."""
        if os.geteuid() != 0:
            self.skipTest("not root")
        secret = "0123456789abcdef" * 2
        d = self.daemon("user: nobody\ncookie_secret: cookie\nnets: nets.txt\n"
                        "include: [more.yaml]\n" + STATIC, start=False,
                        files={"zone": zone(), "cookie": secret,
                               "nets.txt": NETS, "more.yaml": "version: x\n"})
        os.chmod(d.folder, 0o777)
        for name in ("zone", "cookie", "nets.txt", "more.yaml"):
            os.chmod(d.folder / name, 0o600)
        done = d.run("run", check=False)
        self.assertEqual(done.returncode, 1)
        for text in (f"example.com: user 'nobody' cannot read {d.folder}/zone",
                     f"cookie_secret: user 'nobody' cannot read {d.folder}/co",
                     f"nets: user 'nobody' cannot read {d.folder}/nets.txt",
                     f"{d.folder}/more.yaml:1: configuration: user 'nobody'"):
            self.assertRegex(done.stderr, r"(?m)^\S+:\d+: "
                             + re.escape(text) if text[0] != "/"
                             else "(?m)^" + re.escape(text))
        for name in ("zone", "cookie", "nets.txt", "more.yaml"):
            os.chmod(d.folder / name, 0o644)
        d.start()
        self.assertIn("cookie secret in a file that everybody may read",
                      d.log_text())

    def test_no_file_is_taken_for_a_socket(self):
        d = self.daemon(STATIC, files={"zone": zone(), "dnsd.sock": "mine"})
        self.assertIn("dnsd.sock: is there, and is no socket", d.log_text())
        d.stop()
        self.assertEqual((d.folder / "dnsd.sock").read_text(), "mine")

    def test_notify(self):
        d = self.daemon(STATIC, files={"zone": zone()}, start=False)
        path = str(d.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(PATIENCE_S)
            os.environ["NOTIFY_SOCKET"] = path
            try:
                d.start(wait=False)
            finally:
                del os.environ["NOTIFY_SOCKET"]
            self.assertIn(b"READY=1", s.recv(200))
            self.assertEqual(s.recv(200),
                             b"STATUS=serving: 2 of 2 nodes up, 0 connections")
            d.stop()
            self.assertIn(b"STOPPING=1", s.recv(200))


class Http(Test):
    def setUp(self):
        self.public = free_port()
        self.d = self.daemon(
            f"public: {{listen: [\"127.0.0.1:{self.public}\"]}}\n"
            "nets: nets.txt\n" + STATIC,
            files={"zone": zone(), "nets.txt": NETS})

    def test_nodes(self):
        status, nodes = self.d.http("/api/v1/nodes")
        self.assertEqual(status, 200)
        self.assertEqual([n["name"] for n in nodes], ["a", "b"])
        for key in ("role", "state", "connections", "bandwidth_kbps",
                    "cpu_percent", "utilisation", "capacity", "sample_age_ms",
                    "answers"):
            self.assertIn(key, nodes[0])

    def test_answers_are_counted(self):
        self.d.address("live.example.com", "10.3.0.0/24")
        self.eventually(lambda: self.d.node("b")["answers"] == 1)

    def test_drain_takes_the_token(self):
        path = "/api/v1/nodes/a/drain"
        self.assertEqual(self.d.http(path, "POST")[0], 401)
        self.assertEqual(self.d.http(path, "POST", token="wrong")[0], 401)
        self.assertEqual(self.d.http(path, "GET", token="sesame")[0], 405)
        self.assertEqual(self.d.http("/api/v1/nodes/x/drain", "POST", headers={
            "Authorization": "bearer sesame"})[0], 404)
        self.assertEqual(self.d.node("a")["state"], "up")
        status, body = self.d.http(path, "POST", token="sesame")
        self.assertEqual(status, 200)
        self.assertIn("this name server", body["scope"])
        self.assertEqual(self.d.node("a")["state"], "drained")
        self.assertEqual(self.d.http("/api/v1/nodes/a/undrain", "POST",
                                     token="sesame")[0], 200)
        self.assertEqual(self.d.node("a")["state"], "up")
        self.assertEqual(self.d.http("/api/v1/nodes/x/drain", "POST",
                                     token="sesame")[0], 404)

    def test_drain_while_a_reload_takes_the_node(self):
        """It was there when it was asked for."""
        for turn in range(20):
            name, other = ("b", "c") if turn % 2 == 0 else ("c", "b")
            self.d.write_conf("nets: nets.txt\n" + STATIC.replace(
                "  b:", f"  {other}:"))
            self.d.process.send_signal(signal.SIGHUP)
            status = 200
            while status == 200:
                status, body = self.d.http(f"/api/v1/nodes/{name}/drain",
                                           "POST", token="sesame")
            self.assertEqual((status, body["error"]),
                             (404, f"there is no node '{name}'"))

    def test_errors(self):
        for path, code in (("/nothing", 404), ("/api/v1/lines", 400),
                           ("/api/v1/lines?name=x.example.org", 404),
                           ("/resolve?name=live.example.com&ip=1.2.3", 400)):
            status, body = self.d.http(path)
            self.assertEqual(status, code, path)
            self.assertIn("error", body)

    def test_lines_and_resolve(self):
        status, body = self.d.http(
            "/api/v1/lines?name=live.example.com&client=10.3.0.7&stream=live/x")
        self.assertEqual(status, 200)
        self.assertEqual([l["node"] for l in body["lines"]], ["b", "a"])
        self.assertEqual(body["lines"][1]["host"], "line2.live.example.com")
        self.assertEqual(body["lines"][0]["urls"]["rtmp"],
                         "rtmp://live.example.com/live/x")
        status, body = self.d.http("/resolve?name=live.example.com&ip=10.3.0.7")
        self.assertEqual(body["addresses"], ["192.0.2.2"])
        self.assertEqual(body["ip"], "10.3.0.7")

    def lines(self, **headers):
        """(status, headers, body) of the lines of one class."""
        c = http.client.HTTPConnection("127.0.0.1", self.d.http_port, timeout=WAIT_S)
        with contextlib.closing(c):
            c.request("GET", "/api/v1/lines?name=live.example.com"
                      "&client=10.3.0.7&stream=live/x", headers=headers)
            answer = c.getresponse()
            return answer.status, answer.headers, answer.read()

    def test_lines_again(self):
        """The same lines are not sent twice."""
        status, headers, body = self.lines()
        tag, ttl = headers["ETag"], json.loads(body)["ttl"]
        self.assertTrue(tag.startswith("W/\""))
        self.assertEqual(headers["Cache-Control"], f"private, max-age={ttl}")
        for has in (tag, tag[2:], f'"x", {tag}', "*"):
            status, headers, body = self.lines(**{"If-None-Match": has})
            self.assertEqual((status, body), (304, b""), has)
            self.assertEqual(headers["ETag"], tag)
            self.assertRegex(headers["Cache-Control"],
                             r"^private, max-age=[1-5]$")
        for has in ('W/"0123456789abcdef"', tag[:-2] + '"', tag.strip('W/"')):
            self.assertEqual(self.lines(**{"If-None-Match": has})[0], 200, has)
        # other lines have another tag
        self.d.run("ctl", "drain", "b")
        self.eventually(lambda: self.lines(**{"If-None-Match": tag})[0] == 200)
        self.assertNotEqual(self.lines()[1]["ETag"], tag)

    def test_lines_again_is_a_viewer(self):
        self.eventually(lambda: "geoip: loaded" in self.d.log_text())
        tag = self.lines()[1]["ETag"]
        for _ in range(6):
            self.assertEqual(self.lines(**{"If-None-Match": tag})[0], 304)
        self.eventually(lambda: self.d.node("b")["answers"] == 7)

    def test_rate(self):
        """A website may ask as fast as it can, others may not. One connection
        asks more than a bucket holds."""
        def statuses(trusted):
            self.d.write_conf((self.d.folder / "dnsd.yaml").read_text()
                              .removeprefix(self.d.head).split("trusted:")[0]
                              + f"trusted: [{trusted}]\n")
            self.d.run("ctl", "reload")
            c = http.client.HTTPConnection("127.0.0.1", self.d.http_port,
                                           timeout=WAIT_S)
            found = set()
            with contextlib.closing(c):
                for _ in range(1500):
                    c.request("GET", "/api/v1/lines?name=live.example.com")
                    answer = c.getresponse()
                    answer.read()
                    found.add(answer.status)
            return found
        self.assertEqual(statuses("127.0.0.0/8"), {200})
        self.assertEqual(statuses("192.0.2.0/24"), {200, 429})

    def test_lines_command(self):
        told = self.d.run("lines", "--stream", "live/x", "live.example.com",
                          "10.3.0.7")
        self.assertEqual(json.loads(told), self.d.http(
            "/api/v1/lines?name=live.example.com&client=10.3.0.7&stream=live/x")[1])
        module = {}
        exec(self.d.run("lines", "--stream", "live/x", "--format", "site_settings",
                        "live.example.com", "10.3.0.7"), module)
        self.assertEqual(module["DNSD_NAME"], "live.example.com")
        first = module["DNSD_LINES"][0]
        self.assertEqual((first["line"], first["node"], first["addresses"]),
                         (1, "b", ["192.0.2.2"]))
        self.assertEqual(first["rtmp"], "rtmp://live.example.com/live/x")
        self.assertIsNone(first["flv"])
        for words, error in (
                (("nothing.example.com", "10.3.0.7"), "not a steered name"),
                (("live.example.com", "10.3.0"), "is not ADDRESS"),
                (("live.example.com", "10.3.0.7", "--stream", "x"), "app/stream"),
                (("live.example.com", "10.3.0.7", "--format", "x"), "format")):
            done = self.d.run("lines", *words, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(error, done.stderr)

    def test_feedback(self):
        def report(**what):
            return self.d.http("/api/v1/feedback", "POST",
                               body=json.dumps(what).encode())
        name = "live.example.com"
        self.assertEqual(report(name=name, node="b", switched=False),
                         (200, {"counted": False}))
        self.assertEqual(report(name=name, node="b", switched=True, line=1,
                                client="10.3.0.7", startup_ms=900),
                         (200, {"counted": True}))
        self.assertEqual(report(name=name, node="b", stalls=3, client="10.3.0.9"),
                         (200, {"counted": False}))  # the same net, at once
        for code, what in ((400, {"name": name}), (400, {"node": "b"}),
                           (400, {"name": name, "node": "b", "x": 1}),
                           (400, {"name": name, "node": "b", "stalls": "3"}),
                           (400, {"name": name, "node": "b", "switched": 1}),
                           (404, {"name": name, "node": "x", "switched": True}),
                           (404, {"name": "x.example.com", "node": "b"})):
            status, body = report(**what)
            self.assertEqual(status, code, what)
            self.assertIn("error", body)
        self.assertEqual(self.d.http("/api/v1/feedback", "POST", body=b"{")[0], 400)
        self.assertEqual(self.d.http("/api/v1/feedback")[0], 405)

    def test_preflight(self):
        """A page of another site may post feedback to the public listener, and
        nothing else."""
        def ask(path, port):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{path}", method="OPTIONS", headers={
                    "Origin": "http://class.example.com",
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "content-type"})
            try:
                with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                    return answer.status, answer.headers
            except urllib.error.HTTPError as error:
                return error.code, error.headers
        status, headers = ask("/api/v1/feedback", self.public)
        self.assertEqual(status, 204)
        self.assertEqual(headers["Access-Control-Allow-Origin"], "*")
        self.assertEqual(headers["Access-Control-Allow-Methods"], "POST")
        self.assertEqual(headers["Access-Control-Allow-Headers"],
                         "Content-Type")
        status, headers = ask("/api/v1/servers", self.public)
        self.assertEqual(status, 405)
        self.assertIsNone(headers["Access-Control-Allow-Origin"])
        for path in ("/api/v1/feedback", "/api/v1/servers",
                     "/api/v1/nodes/a/drain"):
            status, headers = ask(path, self.d.http_port)
            self.assertEqual(status, 403, path)
            self.assertIsNone(headers["Access-Control-Allow-Origin"], path)

    def test_browsers_led_here(self):
        """By a name of somebody else that leads here, or by a page of another
        site."""
        def status(path, method="GET", body=None, **headers):
            return self.d.http(path, method, body=body, headers={
                k.replace("_", "-"): v for k, v in headers.items()})[0]
        own = f"http://127.0.0.1:{self.d.http_port}"
        for host, code in (("evil.example.net", 403), ("localhost", 200),
                           ("dns.example.com:8053", 403), ("[::1]", 200)):
            self.assertEqual(status("/api/v1/nodes", Host=host), code, host)
            self.assertEqual(status("/", Host=host), code, host)
        head = self.d.head.replace("token: sesame",
                                   "token: sesame, names: [dns.example.com]")
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace(self.d.head, head))
        self.d.run("ctl", "reload")
        self.assertEqual(
            status("/api/v1/nodes", Host="dns.example.com:8053"), 200)
        self.assertEqual(status("/api/v1/nodes", Host="example.com"), 403)
        left = json.dumps({"name": "live.example.com", "node": "b",
                           "client": "10.3.0.7", "switched": True}).encode()
        for foreign in ({"Origin": "http://evil.example.net"},
                        {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            self.assertEqual(status("/api/v1/feedback", "POST", left,
                                    Content_Type="text/plain", **foreign), 403)
            self.assertEqual(status("/api/v1/lines?name=live.example.com"
                                    "&client=10.3.0.7", **foreign), 403)
            self.assertEqual(status("/", **foreign), 200)
        self.assertEqual(self.d.node("b")["answers"], 0)
        self.assertEqual(status("/api/v1/feedback", "POST", left, Origin=own),
                         200)

    def test_public_does_not_trust_loopback(self):
        """A proxy there would make everybody trusted; the log says so, and then
        its clients are who they are."""
        def lines(client=None, **headers):
            path = "/api/v1/lines?name=live.example.com"
            status, body = self.d.http(
                path + (f"&client={client}" if client else ""),
                headers={k.replace("_", "-"): v for k, v in headers.items()})
            return status, body.get("client")
        operators, self.d.http_port = self.d.http_port, self.public
        self.assertEqual(lines("10.3.0.7")[0], 403)
        self.assertEqual(lines("10.3.0.7", X_Forwarded_For="10.3.0.7")[0], 403)
        self.assertEqual(lines("10.3.0.7", Authorization="Bearer sesame")[0],
                         200)
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace(
            "public: {", "trusted: [127.0.0.0/8, 10.2.0.0/16]\n"
            "public: {proxied_by: [127.0.0.1], "))
        self.d.run("ctl", "reload")
        self.assertEqual(lines(X_Forwarded_For="10.1.0.1, 10.3.0.7"),
                         (200, "10.3.0.0/20"))
        self.assertEqual(
            lines("10.3.0.7", X_Forwarded_For="10.2.0.1, 10.1.0.7")[0], 403)
        self.assertEqual(lines("10.3.0.7", X_Forwarded_For="10.2.0.1"),
                         (200, "10.3.0.0/20"))
        self.assertEqual(lines("10.3.0.7", X_Forwarded_For="127.0.0.1")[0], 403)
        self.assertEqual(lines(X_Forwarded_For="nobody")[0], 400)
        self.d.http_port = operators

    def test_explain(self):
        status, body = self.d.http(
            "/api/v1/explain?name=live.example.com&client=10.3.0.0/24")
        self.assertEqual(body["pick"], "b")
        self.assertEqual(body["place"]["country"], "GB")
        self.assertEqual({c["node"] for c in body["candidates"]}, {"a", "b"})
        for key in ("state", "path_ms", "utilisation", "reserved", "cost"):
            self.assertIn(key, body["candidates"][0])

    def test_metrics(self):
        self.d.ask("www.example.com")
        self.d.ask("www.example.com", tcp=True)
        self.d.ask("nothing.example.com")
        self.d.address("live.example.com", "10.3.0.0/24")

        def complete():
            text = self.d.http("/metrics")[1]
            return all(line in text for line in (
                'dnsd_queries_total{transport="tcp",family="ipv4"} 1',
                'dnsd_responses_total{rcode="NXDOMAIN"} 1',
                'dnsd_node_answers_total{node="b"} 1',
                'dnsd_node_up{node="a"} 1', "# EOF"))
        self.eventually(complete)

    def test_page(self):
        status, text = self.d.http("/")
        self.assertEqual(status, 200)
        self.assertIn("<title>dnsd</title>", text)

    def test_public_shows_little(self):
        operators, self.d.http_port = self.d.http_port, self.public
        for path in ("/", "/api/v1/nodes", "/api/v1/status", "/metrics",
                     "/api/v1/explain?name=live.example.com"):
            self.assertEqual(self.d.http(path)[0], 404, path)
        self.assertEqual(self.d.http("/api/v1/nodes/a/drain", "POST",
                                     token="sesame")[0], 404)
        self.assertEqual(
            self.d.http("/api/v1/lines?name=live.example.com")[0], 200)
        self.d.http_port = operators

    def test_httpdns(self):
        """The shapes of two services, on the public listener alone and if it is so
        configured."""
        both = ("/d?dn=live.example.com", "/1000/d?host=live.example.com")
        operators, self.d.http_port = self.d.http_port, self.public
        for path in both:
            self.assertEqual(self.d.http(path)[0], 404)
        conf = (self.d.folder / "dnsd.yaml").read_text()
        self.d.write("dnsd.yaml", conf.replace(
            "public: {", "public: {httpdns: true, "))
        self.d.run("ctl", "reload")
        _, want = self.d.http("/resolve?name=live.example.com")
        four = ";".join(a for a in want["addresses"] if ":" not in a)
        self.assertEqual(self.d.http(both[0]), (200, four))
        status, text = self.d.http(both[0] + "&ttl=1")
        self.assertRegex(text, rf"^{re.escape(four)},\d+$")
        status, got = self.d.http(both[1] + "&query=4,6")
        self.assertEqual((got["host"], ";".join(got["ips"])),
                         ("live.example.com", four))
        self.assertEqual(got["client_ip"], "127.0.0.1")
        self.assertEqual(got["ipsv6"],
                         [a for a in want["addresses"] if ":" in a])
        self.assertNotIn("ipsv6", self.d.http(both[1])[1])
        for path, status in (("/d", 400), ("/1000/d", 400), ("/a/b/d?host=x", 404),
                             ("/d?dn=www.example.com", 404),
                             (both[0] + "&ip=10.3.0.7", 403)):
            self.assertEqual(self.d.http(path)[0], status, path)
        self.d.http_port = operators
        self.assertEqual(self.d.http(both[0])[0], 404)

    def test_flood_of_connections(self):
        """More connections than are taken: DNS goes on, and so does HTTP when
        they have gone."""
        idle = []
        for _ in range(700):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.d.http_port))
            idle.append(s)
        self.assertEqual(self.d.address("www.example.com"), "192.0.2.80")
        for s in idle:
            s.close()
        self.eventually(lambda: self.d.http("/api/v1/status")[0] == 200)

    def test_other_methods(self):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            status, body = self.d.http("/api/v1/nodes", method)
            self.assertEqual(status, 405, method)
            self.assertIn("error", body)

    def test_large_body(self):
        """Larger on the operator's listener than on the public one: there are
        reports of 5,000 networks."""
        def refused(port, octets):
            self.d.http_port = port
            try:
                status, _ = self.d.http("/api/v1/servers", "POST",
                                        body=b"x" * octets)
                return status == 413
            except (ConnectionError, OSError):
                return True
        operators = self.d.http_port
        for port, most in ((operators, 524288), (self.public, 65536)):
            self.assertFalse(refused(port, most), most)
            self.assertTrue(refused(port, most + 70000), most)
        self.d.http_port = operators
        self.assertEqual(self.d.http("/api/v1/status")[0], 200)


class Tls(Test):
    """HTTPS on the public listener; the key is read before root is left."""

    def certificate(self, folder, name):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             f"/CN={name}", "-keyout", folder / "site.key", "-out",
             folder / "site.crt"], check=True, capture_output=True)

    def subject(self, port):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as s:
            with context.wrap_socket(s) as tls:
                tls.sendall(b"GET /api/v1/lines?name=live.example.com "
                            b"HTTP/1.0\r\n\r\n")
                self.assertIn(b" 200 ", tls.recv(100))
                return tls.getpeercert(True)

    def test_https_and_renewal(self):
        port = free_port()
        conf = (f"public: {{listen: [\"127.0.0.1:{port}\"], cert: site.crt, "
                "key: site.key}\n" + STATIC)
        d = self.daemon(conf, files={"zone": zone()}, start=False)
        self.certificate(d.folder, "one")
        d.start()
        first = self.subject(port)
        self.certificate(d.folder, "two")
        d.run("ctl", "reload")
        self.eventually(lambda: self.subject(port) != first)
        # One that can't be read: a warning, and the old goes on.
        second = self.subject(port)
        d.write("site.key", "nonsense")
        self.assertIn("site.key", d.run("ctl", "reload"))
        self.assertEqual(self.subject(port), second)
        # Without one it would be another kind of listener.
        d.write_conf(conf.replace(", cert: site.crt, key: site.key", ""))
        self.assertIn("'public cert' takes a restart", d.run("ctl", "reload"))
        self.assertEqual(self.subject(port), second)

    def test_broken_at_start(self):
        conf = ("public: {listen: [\"127.0.0.1:1\"], cert: site.crt, "
                "key: site.key}\n" + STATIC)
        d = self.daemon(conf, files={"zone": zone(), "site.crt": "x",
                                     "site.key": "y"}, start=False)
        done = d.run("run", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("site.crt", done.stderr)
        self.assertNotIn("null", done.stderr)


class Replay(Test):
    def replay(self, text, *options):
        return subprocess.run([DNSD, "replay", *options], input=text, text=True,
                              capture_output=True, timeout=6 * PATIENCE_S)

    NODES = ("node 0 a 31 121 cap_kbps=100000 cap_conns=100 domain=x "
             "ip=203.0.113.1 idx=0\n"
             "node 0 b 35 139 cap_kbps=100000 cap_conns=100 domain=y "
             "ip=203.0.113.2 idx=1 unknown=1\nnonsense 1 2\n")
    QUERY = "query %d %d live.example.com 20.0.%d.0/24 8.8.8.8 31.1 121.2\n"

    def test_answers(self):
        text = ("hello any ns=0/1 seed=5 poll_ms=5000\n" + self.NODES +
                "load 100 a 90 1 100 5 streams=0\nload 100 b 90 1 100 5\n" +
                self.QUERY % (200, 1, 1) +
                "query 300 2 line2.live.example.com - 8.8.8.8 31.1 121.2\n"
                "query 300 3 example.org - 8.8.8.8 31.1 121.2\n"
                "sync 4\nend 400\n")
        lines = self.replay(text).stdout.splitlines()
        self.assertEqual(lines[0], "answer 1 a ttl=30 scope=24")
        self.assertRegex(lines[1], r"^answer 2 b ttl=\d+ scope=0$")
        self.assertEqual(lines[2], "answer 3 - ttl=0 scope=0")
        self.assertEqual(lines[3], "synced 4")
        self.assertEqual(self.replay(text).stdout.splitlines(), lines)

    def test_without_hello(self):
        done = self.replay(self.NODES + self.QUERY % (200, 1, 1))
        self.assertEqual(done.returncode, 0)
        self.assertIn("answer 1 ", done.stdout)

    def test_odd_worlds(self):
        """No node yet, none left, nodes of any name and nonsense numbers."""
        done = self.replay(self.QUERY % (1, 1, 1) + "sync 1\n")
        self.assertEqual(done.stdout,
                         "answer 1 - ttl=0 scope=0\nsynced 1\n")
        text = self.NODES + "".join(
            f"state 10 {n} removed\n" for n in "ab") + self.QUERY % (20, 1, 1)
        done = self.replay(text + "state 30 a up\n" + self.QUERY % (40, 2, 1))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("answer 1 - ttl=0 scope=0\nanswer 2 a ", done.stdout)
        done = self.replay("node 0 E\"1.x - 999 cap_conns=0 ip=zz domain={\n"
                           "node 0 b 1 1 ip=2001:db8::1\n" +
                           self.QUERY % (20, 1, 1))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r'^answer 1 (E"1.x|b) ')

    def test_absurd(self):
        """What nobody can count with is refused, with its line."""
        node = "node 0 a 1 1 ip=192.0.2.1\n"
        query = self.QUERY % (20, 1, 1)
        for line, word in (
                ("time nan", "nan"), ("time -5", "-5"), ("time 1e9", "1e9"),
                ("time 99999999999999999999", "99999999999999999999"),
                ("time 2678400021", "2678400021"), ("time 19", "19"),
                ("load 19 a 10 1 1 1", "19"),
                ("load 30 a inf 1 1 1", "inf"),
                ("load 30 a 25 nan 1 1", "nan"),
                ("load 30 a 25 1 1e999 1", "1e999"),
                ("load 30 a -1e300 1 1 1", "-1e300"),
                ("node 30 b nan 1 ip=192.0.2.2", "nan"),
                ("node 30 b 1 1 cap_conns=inf ip=192.0.2.2", "inf"),
                ("expect 30 live.example.com nan 1 1", "nan"),
                ("query 30 2 live.example.com 20.0.1.0/24 8.8.8.8 nan 1",
                 "nan")):
            done = self.replay(node + query + line + "\n" + query)
            self.assertEqual(done.returncode, 1, line)
            self.assertIn("line 3: " + line.split()[0], done.stderr)
            self.assertTrue(done.stderr.endswith(f": {word}\n"), done.stderr)
            self.assertTrue(done.stdout.startswith("answer 1 a "), line)
        self.assertEqual(
            self.replay(node + query + "time 86400000\nnan nan\n").returncode,
            0)
        # T may begin anywhere
        late = self.replay(node.replace("node 0", "node 1700000000000") +
                           self.QUERY % (1700000000020, 1, 1))
        self.assertTrue(late.stdout.startswith("answer 1 a "), late.stderr)

    def test_expect(self):
        """A crowd's room is left by others, from a minute before to its end;
        lines that mean nothing are ignored."""
        def picks(*expect):
            text, q = self.NODES + "".join(expect), 0
            for at in (1000, 30000, 60000, 95000, 121000):
                text += "".join(f"load {at} {n} {at - 500} 50 1 5\n"
                                for n in "ab")
                for net in range(20):
                    q += 1
                    text += (f"query {at + 100} {q} live.example.com "
                             f"20.0.{q}.0/24 8.8.8.8 33 129\n")
            lines = self.replay(text + "end 200000\n").stdout.splitlines()
            picked = [line.split()[2] for line in lines]
            return [picked[i:i + 20].count("a") for i in range(0, 100, 20)]
        without = picks()
        self.assertGreater(min(without), 10)
        for lines in ("expect 0 live.example.com 90000 45 30 31 121\n",
                      "expect 0 line2.live.example.com 1000 9 9\n"
                      "expect 0 live.example.com 90000 45 30 31 121 more=1\n"
                      "expect 0 other.example.com 60000 45 30 31 121\n"
                      "expect 0 live.example.com 60000\n"):
            got = picks(lines)
            self.assertEqual(got[:2], without[:2])
            self.assertLess(got[3], 5)
            self.assertEqual(got[4], without[4])

    def test_order_of_nodes(self):
        nodes = self.NODES.splitlines(True)[:2]
        ask = "".join(self.QUERY % (200 + i, i, i) for i in range(100))
        self.assertEqual(self.replay("".join(nodes) + ask).stdout,
                         self.replay("".join(nodes[::-1]) + ask).stdout)

    def test_manual(self):
        """Its example is what the command reads and prints."""
        text = (ROOT / "docs" / "replay.md").read_text()
        text = text[text.index("## A small one"):]
        blocks = [b.replace("\n    ", "\n") for b in re.findall(
            r"^    ((?:.*\n    )*.*\n)", text, re.M)]
        done = self.replay(blocks[0], "--stats")
        self.assertEqual([done.stdout, done.stderr], blocks[1:3])

    def test_unknown_places_and_probes(self):
        """A node whose probes fail is left, a place need not be known."""
        text = ("hello any poll_ms=3000 fall=2 rise=2\n"
                "node 0 a - - probed=1\nnode 0 b 35 139 provider=x asn=1,2\n"
                "load 10 a 5 1 1 1\nload 10 b 5 900 1 1\n"
                "load 40 a 35 1 1 1\nload 40 b 35 900 1 1\n"
                "query 50 1 live.example.com 20.0.1.0/24 8.8.8.8 - - type=AAAA\n"
                "probe 60 a rtmp failed\nprobe 70 a rtmp failed\n"
                "query 200 2 live.example.com 20.0.1.0/24 8.8.8.8 - -\n"
                "query 201 3 live.example.com 20.0.2.0/24 8.8.8.8 1 1 asn=1\n")
        lines = self.replay(text).stdout.splitlines()
        self.assertEqual([l.split()[2] for l in lines], ["a", "b", "b"])

    def test_pools(self):
        """Nodes serve the names that they say, or all."""
        text = ("node 0 a 1 1 for=push.example.com\n"
                "node 0 b 1 1 for=live.example.com,push.example.com\n" +
                "".join(self.QUERY % (200 + i, i, i) for i in range(50)))
        answers = self.replay(text).stdout
        self.assertEqual(answers.count(" b ttl="), 50)

    def test_compares_with_what_was_recorded(self):
        """Answers in the input get a column of their own."""
        text = self.NODES + "".join(
            self.QUERY % (200 + 40000 * i, i, 1) +
            f"answer {i} {'ab'[i % 2]} ttl=30 scope=24\n"
            for i in range(4)) + "answer 77 a ttl=5\n" + (
            "query 200000 9 line2.live.example.com 20.0.1.0/24 8.8.8.8 "
            "31.1 121.2\nanswer 9 b,a ttl=30\n")
        summary = self.replay(text, "--stats").stderr
        self.assertRegex(summary, r"5 queries, 4 for line 1, 1 for other lines")
        self.assertRegex(summary, r"(?m)^ +replayed +recorded$")
        self.assertRegex(summary, r"after its TTL: same +100.00 % +0.00 %")
        self.assertRegex(summary, r"on the node of line 1 +0.00 % +100.00 %")
        self.assertRegex(summary, r"on the site of line 1 +0.00 % +100.00 %")
        self.assertRegex(summary, r"node b +20.00 % +60.00 %")

    def test_answers_over_bad_paths(self):
        """By the paths that were believed at that time, on both sides."""
        text = ("hello any poll_ms=3000\nnode 0 a 22.3 114.2 cap_conns=100\n"
                "node 0 b 35.7 139.7 cap_conns=100\n"
                "load 10 a 5 1 1 1\nload 10 b 5 1 1 1\n")
        number = 0

        def ask(at, recorded, net="20.0.1"):
            nonlocal text, number
            number += 1
            text += (f"query {at} {number} live.example.com {net}.0/24 8.8.8.8 "
                     f"22.3 114.2\nanswer {number} {recorded} ttl=5\n")

        def measure(at, node, rtt_ms, loss=0.0):
            nonlocal text
            for i in range(6):
                text += (f"path {at} 20.0.{i}.0/24 {node} rtt={rtt_ms} "
                         f"loss={loss} n=4 by=edge lat=22.3 lon=114.2\n")
        ask(100, "a")                       # nothing is measured yet
        measure(200, "a", 150)
        measure(200, "b", 60)
        ask(10000, "a")                     # bad, b was better
        ask(10001, "b")
        measure(11000, "b", 60, loss=0.1)
        ask(20000, "b")                     # a is better, and bad too
        measure(21000, "a", 10)
        for ms in range(23000, 30000, 3000):
            text += f"load {ms} a {ms - 5} 100 1 1\nload {ms} b {ms - 5} 1 1 1\n"
        ask(30000, "b")                     # a is good, but full
        ask(30001, "a")
        text += "load 32000 a 31995 1 1 1\nload 32000 b 31995 1 1 1\n"
        ask(33000, "b")                     # now it is free
        summary = self.replay(text, "--stats").stderr

        def recorded(row):
            return re.search(rf"(?m)^{row} +\S+(?: %)? +(\S+)(?: %)?$",
                             summary).group(1)
        self.assertEqual(recorded("answers over measured paths"), "85.71", summary)
        self.assertEqual(recorded("answers over bad paths, number"), "4", summary)
        self.assertEqual(recorded("answers over bad paths"), "57.14", summary)
        self.assertEqual(recorded("of these: a better one was free"), "50.00",
                         summary)

    def test_a_path_whose_loss_is_not_known(self):
        """It is no path without loss."""
        text = ("hello any poll_ms=3000\nnode 0 a 22.3 114.2 cap_conns=100\n"
                "load 10 a 5 1 1 1\n")
        for i in range(6):
            text += (f"path 200 20.0.{i}.0/24 a rtt=10 loss=0.1 n=1 by=edge "
                     "lat=22.3 lon=114.2\n")
            text += (f"path 200 20.1.{i}.0/24 a rtt=10 n=9 by=edge "
                     "lat=22.3 lon=114.2\n")
        text += "query 9000 1 live.example.com 20.0.1.0/24 8.8.8.8 22.3 114.2\n"
        paths = []
        for lines in (text, text.replace("rtt=10 n=9", "rtt=10 loss=0 n=9"),
                      re.sub("path .* n=9 .*\n", "", text)):
            summary = self.replay(lines, "--stats").stderr
            paths.append(float(re.search(r"mean path +(\S+) ms", summary)[1]))
        self.assertAlmostEqual(paths[0], paths[2], delta=2)
        self.assertLess(paths[1], paths[0] - 100)

    def test_file_or_pipe(self):
        """Places are looked for in advance only where that is possible."""
        text = self.NODES + "".join(
            f"query {200 + 90 * i} {i} live.example.com 20.{i % 5}.0.0/24 "
            f"8.8.8.8 {i % 37} {i * 7 % 90} asn={i % 3}\n" for i in range(200))
        with tempfile.TemporaryFile("w+") as file:
            file.write(text)
            file.seek(0)
            done = subprocess.run([DNSD, "replay"], stdin=file, text=True,
                                  capture_output=True, timeout=6 * PATIENCE_S)
        self.assertEqual(done.stdout.count("answer "), 200)
        self.assertEqual(done.stdout, self.replay(text).stdout)

    def test_workers(self):
        text = ("hello any ns=0/1 seed=5 poll_ms=5000\n" + self.NODES +
                "".join(self.QUERY % (200 + i, i, i) for i in range(200)) +
                "sync 1\n")
        for deal in ("resolver", "id"):
            done = self.replay(text, "--workers", "4", "--deal", deal)
            self.assertEqual(done.stdout.count("answer "), 200)
        self.assertEqual(self.replay("", "--deal", "foo").returncode, 2)


class Heartbeat(Test):
    CONF = STATIC + "heartbeat_from: [127.0.0.0/8]\n"

    def test_raises_never_heals(self):
        body = (ROOT / "tests/data/srs").glob("*heartbeat*")
        text = next(body).read_text()
        start = text.index("{")
        d = self.daemon(self.CONF, files={"zone": zone()})
        beat = text[start:].strip().replace('"relay"', '"a"')
        conns = json.loads(beat[:beat.rindex("}") + 1])[
            "summaries"]["data"]["system"]["conn_srs"]
        status, answer = d.http("/api/v1/servers", "POST", body=beat.encode())
        self.assertEqual((status, answer["code"]), (200, 0))
        self.eventually(lambda: d.node("a")["connections"] == conns)

    def test_only_from_where_it_may(self):
        d = self.daemon(STATIC, files={"zone": zone()})
        status, _ = d.http("/api/v1/servers", "POST", body=b"{}")
        self.assertEqual(status, 403)


class QueryLog(Test):
    def test_sampled(self):
        d = self.daemon("query_log: 1\n" + STATIC, files={"zone": zone()})
        d.ask("WWW.example.com", "A", "10.3.0.0/24")
        d.ask("nothing.example.com", "AAAA", tcp=True)
        log = d.log_text()
        self.assertIn("query from=127.0.0.1 transport=udp ecs=10.3.0.0/24 "
                      "name=www.example.com type=A rcode=0", log)
        self.assertIn("transport=tcp ecs=- name=nothing.example.com type=AAAA "
                      "rcode=3", log)

    def test_off(self):
        d = self.daemon(STATIC, files={"zone": zone()})
        d.ask("www.example.com")
        self.assertNotIn("query from", d.log_text())


class Check(Test):
    def check(self, conf, **files):
        d = self.daemon(conf, files={"zone": zone(), **files}, start=False)
        done = d.run("check", check=False)
        return done.returncode, done.stderr.replace(str(d.folder) + "/", "")

    def test_names_and_zones_agree(self):
        """Errors that only zone and configuration together show, with the line
        of whoever is wrong."""
        for more, what in (
                ("live A 192.0.2.9\n", "zone:6:"),
                ("line2.live CNAME www\n", "zone:6:"),
                ("live HTTPS 1 . alpn=h2\n", "zone:6:"),
                ("live NS ns.example.net.\n", "dnsd.yaml:"),
                ("sub NS ns.example.net.\n", None),
                ("live TXT fine\n", None)):
            status, text = self.check(STATIC, zone=zone() + more)
            self.assertEqual(status, 1 if what else 0, more + text)
            self.assertIn(what or "", text, more)
        status, text = self.check(STATIC.replace("  live.", "  live.sub."),
                                  zone=zone() + "sub NS ns.example.net.\n")
        self.assertEqual(status, 1)
        self.assertIn("dnsd.yaml:", text)

    def test_all_errors_in_one_go(self):
        status, text = self.check(
            STATIC.replace("lines: 2", "lines: 99"),
            zone=zone() + "www A 1.2.3\n@ SOA a b 1 1 1 1 1\nx A 192.0.2.1 y\n")
        self.assertEqual(status, 1)
        self.assertIn("lines: 99 is out of range", text)

    def test_files_in_the_same_go(self):
        """Errors of the configuration hide none of the files it names."""
        status, text = self.check(
            "geoip: [no.mmdb]\n" + STATIC.replace("lines: 2", "lines: 99"),
            zone=zone() + "www A 1.2.3\nlive A 192.0.2.9\n")
        self.assertEqual(status, 1)
        for what in ("dnsd.yaml:13: lines: 99 is out of range", "zone:6:",
                     "zone:7: live.example.com: A at a steered name",
                     "dnsd.yaml:6: geoip:"):
            self.assertIn(what, text)

    def test_lines_of_what_is_missing(self):
        """File and line of the key that names what is not there."""
        for more, what in (
                ("cookie_secret: nofile\n", "dnsd.yaml:6: cookie_secret:"),
                ("nets: nofile\n", "dnsd.yaml:6: nets:"),
                ("geoip: [nofile]\n", "dnsd.yaml:6: geoip:"),
                ("user: nosuchuser\n", "dnsd.yaml:6: user:"),
                ("node_names: example.org\n", "dnsd.yaml:6: node_names:"),
                ("public: {cert: x, key: y}\n", "dnsd.yaml:6: public:")):
            if more.startswith("user") and os.geteuid() != 0:
                continue
            status, text = self.check(more + STATIC)
            self.assertEqual(status, 1, more)
            self.assertIn(what, text)
        status, text = self.check(STATIC.replace("{file: zone}", "{file: no}"))
        self.assertEqual(text.count("\n"), 2, text)  # and the token's warning
        self.assertIn("dnsd.yaml:7: file:", text)

    def test_zone_errors_in_one_go(self):
        status, text = self.check(
            STATIC, zone=zone() + "www A 1.2.3\n@ SOA a b 1 1 1 1 1\n")
        self.assertIn("zone:6:", text)
        self.assertIn("zone:7:", text)

    def test_warnings(self):
        status, text = self.check(STATIC, zone=zone() + "@ NS ns2\na A 1.2.3.4\n")
        self.assertEqual(status, 0)
        self.assertIn("ns2", text)
        self.assertIn("a.example.com has data of its own", text)

    def test_table(self):
        d = self.daemon(STATIC, files={"zone": zone()}, start=False)
        text = d.run("check")
        head, first, *_ = text.splitlines()
        self.assertRegex(
            first, r"^live\.example\.com  nearby  a +\S+  a 5\.0 ms, b \d+\.\d ms$")
        for word in ("policy", "from", "at", "nodes"):     # each above its column
            self.assertEqual(first[head.index(word) - 1], " ")
            self.assertNotEqual(first[head.index(word)], " ")
        text = d.run("check", "--from", "51,0")
        self.assertRegex(text, r"(?m)^live\.example\.com  nearby  there  51.00,0.00  b 5\.")
        told = json.loads(d.run("check", "--from", "51,0", "--json"))
        self.assertTrue(told["ok"])
        self.assertEqual((told["errors"], told["file"]), ([], d.conf))
        row = next(r for r in told["table"] if r["name"] == "live.example.com")
        self.assertEqual((row["policy"], row["from"], row["at"]),
                         ("nearby", "there", [51, 0]))
        self.assertEqual([n["node"] for n in row["nodes"]], ["b", "a"])
        self.assertLess(row["nodes"][0]["path_ms"], 10)
        d.write_conf(STATIC.replace("at: [22", "rule: [22"))
        done = d.run("check", "--json", check=False)
        told = json.loads(done.stdout)
        self.assertEqual((done.returncode, told["ok"], told["table"]), (1, False, []))
        self.assertTrue([e for e in told["errors"] if e.startswith(d.conf + ":")
                         and "unknown key 'rule'" in e])

    def test_large_table(self):
        """1,000 rows of 100 nodes: what is left out is counted."""
        conf = "zones: {example.com: {file: zone}}\nnodes:\n" + "".join(
            f"  n{i}: {{address: [192.0.{2 + i // 250}.{i % 250}], at: [50, {i % 90}],"
            " api: off}\n" for i in range(300)) + "steer:\n" + "".join(
            f"  c{i}.example.com: {{pool: [edge]}}\n" for i in range(4))
        d = self.daemon(conf, files={"zone": "@ SOA a b 1 1 1 1 1\n@ NS a\n"},
                        start=False)
        text = d.run("check")
        self.assertIn("\n200 rows more: ", text)
        self.assertEqual(text.count(", and 200 others\n"), 1000)
        told = json.loads(d.run("check", "--json"))
        self.assertEqual((len(told["table"]), told["left_out"]), (1000, 200))
        self.assertEqual(len(told["table"][0]["nodes"]), 100)

    def test_help(self):
        for word in ("run", "check", "init", "try", "lines", "srs", "ctl", "replay"):
            done = subprocess.run([DNSD, word, "--help"], text=True,
                                  capture_output=True, timeout=6 * PATIENCE_S)
            self.assertEqual(done.returncode, 0)
            self.assertIn("usage: dnsd " + word, done.stdout)
        self.assertTrue(shutil.which(DNSD))

    def test_option_of_another_command(self):
        for words in (("run", "--json"), ("check", "--move", "1"),
                      ("try", "--schema"), ("lines", "--json"),
                      ("ctl", "--from", "1,2"), ("keys", "--stream", "a/b"),
                      ("check", "--nothing"), ("check", "--from")):
            done = subprocess.run([DNSD, *words], text=True, capture_output=True,
                                  timeout=6 * PATIENCE_S)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn("usage: dnsd " + words[0], done.stderr)
