"""Odd input, end to end: it is read rightly, or refused by name."""

import contextlib
import os
import pathlib
import re
import sqlite3
import subprocess
import unittest

from harness import NETS, ROOT, Test, scope_of
from srs_standin import StandIn

CONF = """nets: nets.txt
zones: {example.com: {ns: ["ns1.example.com 127.0.0.1"]}}
health: {interval: 3600, fall: 10}
nodes:
  hk1: {address: ["::ffff:192.0.2.11"], at: [22.3, 114.2], api: off, rtmp: off, flv: "127.0.0.1:8080"}
  jp1: {address: [192.0.2.12], at: [35.7, 139.7], api: off, rtmp: off, flv: "127.0.0.1:8080"}
  gb1: {address: [192.0.2.13], at: [51.5, -0.1], api: off, rtmp: off, flv: "127.0.0.1:8080"}
steer: {live.example.com: {pool: [edge]}}
"""
HK, JP, GB = "192.0.2.11", "192.0.2.12", "192.0.2.13"
NAME = "live.example.com"


class Inside(Test):
    """IPv4 addresses in IPv6 ones."""

    def setUp(self):
        self.d = self.daemon(CONF, files={"nets.txt": NETS})

    def test_mapped_subnet(self):
        """The scope counts from the first bit of the IPv6 address."""
        for net, node in (("10.2.3.4", JP), ("10.3.3.4", GB)):
            plain = self.d.ask(NAME, subnet=f"{net}/32")
            mapped = self.d.ask(NAME, subnet=f"::ffff:{net}/128")
            self.assertEqual(plain.answer[0][0].address, node)
            self.assertEqual(mapped.answer[0][0].address, node)
            self.assertEqual(scope_of(mapped), scope_of(plain) + 96)
        why = str(self.d.ask("_why." + NAME, "TXT", "::ffff:10.2.0.0/112"))
        self.assertIn("10.2.0.0/16", why)

    def test_translated_subnet(self):
        for text, node in (("2002:0a02:0304::/48", JP),
                           ("2002:0a03:0304:1::/64", GB),
                           ("64:ff9b::10.2.3.4/128", JP)):
            answer = self.d.ask(NAME, subnet=text)
            self.assertEqual(answer.answer[0][0].address, node)
        self.assertEqual(scope_of(answer), 116)

    def test_api(self):
        for client, node, shown in (
                ("::ffff:10.2.3.4", "jp1", "10.2.0.0/20"),
                ("::ffff:10.3.0.0/112", "gb1", "10.3.0.0/16"),
                ("64:ff9b::10.3.1.1", "gb1", "64:ff9b::a03:0/116")):
            _, got = self.d.http(
                f"/api/v1/lines?name={NAME}&client={client}")
            self.assertEqual(got["lines"][0]["node"], node)
            self.assertEqual(got["client"], shown)
        self.assertEqual(
            self.d.http(f"/resolve?name={NAME}&ip=::ffff:10.2.3.4")[1]
            ["addresses"], [JP])
        self.assertIn("jp1", self.d.run("try", NAME, "::ffff:10.2.3.4"))

    def test_configuration(self):
        """A node's address and nets."""
        self.assertEqual(self.d.address("hk1.example.com"), HK)
        self.d.write("nets.txt", "::ffff:10.2.0.0/112 22.3,114.2\n")
        self.d.run("ctl", "reload")
        self.eventually(
            lambda: self.d.address(NAME, "10.2.3.4/32") == HK)


class Urls(Test):
    """Streams whose URLs are asked for."""

    def setUp(self):
        self.d = self.daemon(CONF, files={"nets.txt": NETS})

    def flv(self, stream):
        """The URL of a stream as a query string has it; None: refused."""
        status, got = self.d.http(f"/api/v1/lines?name={NAME}&stream={stream}")
        return got["lines"][0]["urls"]["flv"] if status == 200 else None

    def test_streams(self):
        """As SRS prints them, and as people write them."""
        port = "http://live.example.com:8080/"
        for stream, path in (
                ("live/class", "live/class"), ("/live/class", "live/class"),
                ("%2Flive%2Fclass", "live/class"),
                ("live/%E6%B8%AF", "live/%E6%B8%AF"),
                ("/live/%25e6%25b8%25af", "live/%E6%B8%AF"),
                ("live/%41", "live/A"), ("live/a.b_c-d~e", "live/a.b_c-d~e")):
            self.assertEqual(self.flv(stream), port + path + ".flv", stream)
        for stream in ("live", "/live", "live/", "//live/a", "live/../a",
                       "live/%252e%252e/a", "live/%2500", "live/%FF",
                       "live/%25FF", "live/%25C0%25AF", "live/a%0Ab",
                       "live/%C2%9B", "live/a%20b", "live/a%22b", "live/%25",
                       "live/%25zz", "live/" + "x" * 130):
            self.assertIsNone(self.flv(stream), stream)
        self.assertIn(
            port + "live/%E6%B8%AF.flv",
            self.d.run("lines", "--stream", "/live/\u6e2f", NAME, "10.2.3.4"))


class Streams(Test):
    """What publishers call themselves."""

    def setUp(self):
        self.origin = StandIn("o1", scale=0.1).start()
        self.addCleanup(self.origin.close)
        self.d = self.daemon(
            "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
            "health: {interval: 0.2, timeout: 0.5}\n"
            "nodes: {o1: {role: origin, address: [127.0.0.1], at: [0, 0], "
            f"api: \"{self.origin.api_url}\", rtmp: off}}}}\n"
            "steer: {live.example.com: {pool: [o1]}}\n")

    def origin_of(self, stream):
        return self.d.http(f"/api/v1/clusters?app=live&stream={stream}"
                           )[1]["data"]["origin"]

    def test_odd_names(self):
        self.origin.set_streams("live/tab\there", "live/\udcff", "live/class",
                                "live/" + "x" * 600)
        self.eventually(lambda: self.origin_of("class"))
        self.assertEqual(self.d.node("o1")["streams_left_out"], 3)
        self.assertIn("3 unreadable streams left out",
                      self.d.run("ctl", "nodes"))
        told = "node o1: 3 streams cannot be read and are left out"
        self.assertEqual(self.d.log_text().count(told), 1)
        self.origin.set_streams("live/other")
        self.eventually(lambda: self.origin_of("other"))
        self.assertEqual(self.d.node("o1")["streams_left_out"], 0)
        self.assertNotIn("unreadable", self.d.run("ctl", "nodes"))


class Vendor(Test):
    """A database with texts for numbers and fields of other names."""

    def test_report(self):
        path = ROOT / "tests/data/geo/vendor.mmdb"
        d = self.daemon(CONF.replace("nets: nets.txt", f"geoip: [{path}]"))
        found = (f"{path}: 7 records: coordinates in 4, country in 5, AS number "
                 "in 4; coordinates not readable in 2, as 'north'")
        self.assertIn(found, d.run("check"))
        self.eventually(lambda: "geoip: " + found in d.log_text())
        self.eventually(lambda: d.address(NAME, "203.0.113.1/32") == GB)


class Store(Test):
    """What the store holds, whoever wrote it, and a store that cannot write."""

    def setUp(self):
        self.d = self.daemon(CONF, files={"nets.txt": NETS})

    def database(self):
        return contextlib.closing(
            sqlite3.connect(self.d.folder / "dnsd.db", isolation_level=None))

    def drain(self, word, node):
        return self.d.run("ctl", word, node, check=False)

    def drained(self, node):
        """As soon as the control socket is there."""
        self.eventually(lambda: self.drain("drain", node).returncode == 0)

    def test_not_kept(self):
        """As with a full disk: an error that says what will be after a restart."""
        self.drained("hk1")
        with self.database() as db:
            db.execute("BEGIN IMMEDIATE")
            done = self.drain("undrain", "hk1")
            self.assertEqual(done.returncode, 1)
            self.assertIn("after a restart it is drained again", done.stderr)
            self.assertNotEqual(self.d.node("hk1")["state"], "drained")
            done = self.drain("drain", "jp1")
            self.assertEqual(done.returncode, 1)
            self.assertIn("after a restart it is not drained", done.stderr)
            status, got = self.d.http("/api/v1/nodes/gb1/drain", "POST",
                                      token="sesame")
            self.assertEqual(status, 500)
            self.assertIn("not kept", got["error"])
            self.assertEqual(self.d.node("gb1")["state"], "drained")
        self.d.stop(9)
        self.d.start()
        self.assertEqual(self.d.node("hk1")["state"], "drained")
        self.assertNotEqual(self.d.node("jp1")["state"], "drained")

    def test_hostile(self):
        """Rows that are none are left out and named; the others count."""
        self.drained("jp1")
        self.d.stop()
        good = '{"role":"edge","address":["192.0.2.21"],"at":[0,0],"api":"off","rtmp":"off"}'
        with self.database() as db:
            for row in (("gb1", "x"), ("\x1b[2J", 1), ("hk1", 256), ("", 1)):
                db.execute("INSERT OR REPLACE INTO override VALUES (?, ?)", row)
            for row in (("jp1", 256, 5), ("gb1", 0, float("inf")),
                        ("hk1", 0, "many")):
                db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", row)
            for i, row in enumerate((
                    (2**63 - 1, NAME, 5, 5, None, None),
                    (0, NAME, 2**40, 5, None, None),
                    (0, NAME, 5, 5, float("inf"), 0),
                    (0, b"\xff\x00", 5, 5, None, None))):
                db.execute("INSERT INTO expect VALUES (?, ?, ?, ?, ?, ?, ?)",
                           (i + 1, *row))
            db.execute("INSERT INTO steadiness VALUES ('hk1', -5, 1, 1, 1, 1,"
                       " 1, 1, 1, 1, 1, 1)")
            db.execute("INSERT INTO capacity VALUES ('hk1', 5, 1, 'all' "
                       + 13 * ", 1" + ")")
            for row in (("ok1", good), ("broken", '{"role":'),
                        ("other", '{"listen":["0.0.0.0:53"]}'),
                        ("a\": {}}\nlisten: [x]\n#", "{}"),
                        ("lines", '{"role":"edge"}\nuser: nobody'),
                        ("far", good.replace("[0,0]", "[91,0]")),
                        ("v6", good.replace("192.0.2.21", "2001:db8::1"))):
                db.execute("INSERT INTO node VALUES (?, ?)", row)
        self.d.start()
        self.assertEqual(self.d.node("jp1")["state"], "drained")
        self.assertNotEqual(self.d.node("hk1")["state"], "drained")
        self.assertEqual({n["name"] for n in self.d.http("/api/v1/nodes")[1]},
                         {"hk1", "jp1", "gb1", "ok1"})
        log = self.d.log_text()
        for text in ("the drain of 'gb1' left out", "the drain of 'hk1' left out",
                     "the state of 'jp1' left out", "the state of 'gb1' left out",
                     "what is known of '' left out",
                     "entry of the schedule of '1' left out",
                     "entry of the schedule of '4' left out",
                     "the stability of 'hk1' left out",
                     "the capacity of 'hk1' left out",
                     "approved node 'broken' is left out",
                     "approved node 'other' is left out: unknown key 'listen'",
                     "approved node 'lines' is left out",
                     "approved node 'far' is left out",
                     "approved node 'v6' is left out"):
            self.assertIn(text, log)
        self.assertNotIn("\x1b", log)
        # check tells what does not fit the files, for these may be wrong
        done = self.d.run("check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("v6 (approved nodes:", done.stderr)
        self.assertIn("'far' is left out", done.stderr)
        # a change is judged by itself, and the rest goes on
        self.assertIn("the configuration has a node", self.d.run(
            "ctl", "approve", "hk1", "--role", "edge", check=False).stderr)
        self.d.run("ctl", "reload")
        self.assertEqual(len(self.d.http("/api/v1/nodes")[1]), 4)

    def test_corrupt(self):
        self.drained("jp1")
        self.d.stop()
        for name in ("dnsd.db-wal", "dnsd.db-shm"):
            (self.d.folder / name).unlink(missing_ok=True)
        self.d.write("dnsd.db", b"no database" * 1000)
        self.d.start()
        self.assertRegex(self.d.log_text(),
                         "no store.*not a database.*earlier drains")
        self.assertNotEqual(self.d.node("jp1")["state"], "drained")


class Absent(Test):
    """An address that the machine has not, or not yet."""

    def test_listen(self):
        d = self.daemon(CONF, files={"nets.txt": NETS}, start=False)
        d.head = d.head.replace(
            f'["127.0.0.1:{d.port}"]',
            f'["127.0.0.1:{d.port}", "192.0.2.77:{d.port}", '
            f'"[2001:db8::77]:{d.port}"]').replace(
            f'["127.0.0.1:{d.http_port}"]',
            f'["127.0.0.1:{d.http_port}", "192.0.2.78:{d.http_port}"]')
        d.write_conf(CONF)
        d.start()
        self.assertEqual(d.address("hk1.example.com"), HK)
        checked = d.run("check", check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        for line, address in ((1, f"192.0.2.77:{d.port}"),
                              (1, f"[2001:db8::77]:{d.port}"),
                              (5, f"192.0.2.78:{d.http_port}")):
            text = (f"{d.conf}:{line}: {address} is no address of this machine "
                    "(yet): it is served as soon as it is one")
            self.eventually(lambda: "warning: " + text in d.log_text())
            self.assertIn(text, checked.stderr)
        self.assertNotIn("127.0.0.1", checked.stderr)
        # they are bound: the kernel has them
        for address in (f"4D0200C0:{d.port:04X}", f"4E0200C0:{d.http_port:04X}"):
            self.eventually(lambda: address in
                            pathlib.Path("/proc/net/udp").read_text() +
                            pathlib.Path("/proc/net/tcp").read_text())


class Lines(Test):
    """Errors stand at the line of the value."""

    def checked(self, conf):
        d = self.daemon(conf, start=False, http=False)
        done = d.run("check", check=False)
        self.assertEqual(done.returncode, 1)
        first = d.head.count("\n")
        return [line.removeprefix(d.conf + ":")
                for line in done.stderr.strip().splitlines()
                if line.startswith(d.conf)], first

    def test_name_server(self):
        found, first = self.checked(
            "zones:\n  example.com:\n    ns:\n"
            "      - ns1.example.com 127.0.0.1\n"
            "      - ns2.example.com 127.0.0.256\n"
            "      - a..b\n")
        self.assertEqual(found, [
            f"{first + 5}: not an address: \"127.0.0.256\"",
            f"{first + 6}: not a name server: \"a..b\""])

    def test_certificate(self):
        zones = "zones: {example.com: {ns: [\"ns1.example.net\"]}}\n"
        found, first = self.checked(
            zones + "public:\n  listen: [\"127.0.0.1:1\"]\n"
            "  key: none.key\n  cert: none.crt\n")
        self.assertTrue(found[-1].startswith(f"{first + 5}: public: "), found)
        self.assertIn("none.crt: No such file", found[-1])


class Demonstration(unittest.TestCase):
    """`make run` and `make run-cluster` on a machine where only git and make are."""

    PACKAGES = {"dig": "bind9-dnsutils", "curl": "curl"}

    def test_it_installs_what_it_prints(self):
        self.installs("run", "demo.py", {"export"}, "fonts-wqy-microhei")

    def test_so_does_that_of_a_cluster(self):
        self.installs("run-cluster", "demo_cluster.py", {"export", "for", "kill"})

    def installs(self, target, demo, of_the_shell, *more):
        text = (ROOT / "tests/system" / demo).read_text()
        printed = re.split(r'TEXT = f?"""', text)[1].split('"""')[0]
        commands = set(re.findall(r"^  (\w+) ", printed, re.M)) - of_the_shell
        self.assertEqual(commands, set(self.PACKAGES))
        run = subprocess.run(
            ["make", "-n", target], cwd=ROOT, capture_output=True, text=True,
            env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"})
        installed = re.search(r"tests/install.sh (.*)", run.stdout)[1].split()
        for package in (*self.PACKAGES.values(), *more):
            self.assertIn(package, installed)
