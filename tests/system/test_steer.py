"""Steering end to end: dnsd against stand-ins for SRS, asked by DNS."""

import contextlib
import os
import re
import pathlib
import random
import sqlite3
import ssl
import subprocess
import tempfile
import unittest.mock

import dns.edns
import dns.rcode

from harness import NETS, PATIENCE_S, Test, scope_of
from srs_standin import Fleet, StandIn

PLACES = [(22.3, 114.2, "hk-a"), (22.3, 114.2, "hk-b"), (35.7, 139.7, "tyo"),
          (51.5, -0.1, "lon")]
HK, JP, GB = "10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"


NO_FLV = "it serves no FLV: an HTTP error for a stream that is live"


def conf_of(fleet, steer=None, more="", capacity=1000, more_nodes=""):
    text = "nets: nets.txt\nhealth: {interval: 0.2, timeout: 2}\n" + more
    text += "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\nnodes:\n"
    for n, (lat, lon, site) in zip(fleet, PLACES):
        text += (f"  {n.name}: {{address: [{n.host}], at: [{lat}, {lon}], "
                 f"site: {site}, capacity: {capacity}, api: \"{n.api_url}\", "
                 f"rtmp: \"{n.address('rtmp')}\", flv: \"{n.address('flv')}\"}}\n")
    return text + more_nodes + (steer or "steer:\n  live.example.com: {pool: [edge], "
                            "lines: 3, ttl: [1, 5]}\n")


class Steering(Test):
    def setUp(self):
        self.fleet = Fleet(4, scale=0.1)
        self.addCleanup(self.fleet.close)
        for node in self.fleet:
            node.set_load(conns=100)
        self.d = self.daemon(conf_of(self.fleet), files={"nets.txt": NETS})
        self.hosts = {n.host: n.name for n in self.fleet}
        for node in self.fleet:
            self.eventually(lambda: self.state(node.name) == "up")

    def state(self, name):
        return self.d.node(name)["state"]

    def pick(self, subnet, name="live.example.com"):
        return self.hosts[self.d.address(name, subnet)]

    def picks(self, net, name="live.example.com"):
        """The picks of all 16 client nets of a /16."""
        return {self.pick(net.replace(".0.0/24", f".{i * 16}.0/24"), name)
                for i in range(16)}

    def test_near(self):
        self.assertLessEqual(self.picks(HK), {"srs1", "srs2"})
        self.assertEqual(self.picks(JP), {"srs3"})
        self.assertEqual(self.picks(GB), {"srs4"})

    def database(self):
        return contextlib.closing(sqlite3.connect(self.d.folder / "dnsd.db"))

    def kept(self, column):
        """Of the capacities in the store, by node."""
        with self.database() as db:
            return dict(db.execute(f"SELECT node, {column} FROM capacity"))

    def test_learned_capacity_over_a_restart(self):
        """Of the same SRS; of one that restarted meanwhile it is forgotten."""
        self.d.write_conf(conf_of(self.fleet, capacity=400))
        for node in self.fleet:
            node.set_load(mbps=100)
        self.restart()
        self.eventually(lambda: len(self.kept("identity")) == 4)
        self.d.stop()
        self.fleet["srs4"].restart(conns=100)
        self.fleet["srs4"].set_load(mbps=100)
        with self.database() as db, db:
            db.execute("UPDATE capacity SET more_viewers = 600, by_cpu = 600,"
                       " off = 0 WHERE node IN ('srs3', 'srs4')")
        self.d.start()
        for name, capacity in ("srs3", 600), ("srs4", 400):
            self.eventually(lambda: self.d.node(name)["bandwidth_kbps"] > 0)
            self.assertEqual(self.d.node(name)["capacity"], capacity)

    def test_flv_refused(self):
        """It is well in all else, and answers 404 to players of what it lists."""
        jp = self.fleet["srs3"]
        jp.set_streams("live/class")
        jp.break_flv()
        self.restart()
        self.eventually(lambda: self.state("srs3") == "down")
        self.assertEqual(self.d.node("srs3")["why"], NO_FLV)
        self.eventually(lambda: "srs3" not in self.picks(JP))
        self.assertIn("HTTP 404 for a stream that it lists, /live/class",
                      self.d.log_text())
        jp.break_flv(False)
        self.eventually(lambda: self.state("srs3") == "up")
        self.eventually(lambda: self.picks(JP) == {"srs3"})

    def test_flv_refused_by_edge(self):
        """A broken edge has no players, so it lists nothing: it is asked for what
        the origin has, until that ends."""
        origin = StandIn("origin", "127.0.0.9", scale=0.1).start()
        self.addCleanup(origin.close)
        origin.set_streams("live/class")
        for node in self.fleet:
            node.pulls = [origin]
        self.fleet["srs3"].break_flv()
        self.d.write_conf(conf_of(self.fleet, more_nodes=(
            "  origin: {role: origin, address: [127.0.0.9], at: [1, 1], "
            f"api: \"{origin.api_url}\", rtmp: \"{origin.address('rtmp')}\"}}\n")))
        self.restart()
        self.eventually(lambda: self.d.node("srs3")["why"] == NO_FLV)
        self.eventually(lambda: "srs3" not in self.picks(JP))
        self.eventually(lambda: all(n.seen["flv_probes"] for n in self.fleet))
        self.assertEqual([self.state(f"srs{i}") for i in (1, 2, 4)], ["up"] * 3)
        origin.set_streams()
        self.eventually(lambda: self.state("srs3") == "up")

    def restart(self):
        self.d.stop()
        self.d.start()

    def test_follows_load(self):
        self.fleet["srs3"].set_load(conns=1100)
        self.eventually(lambda: "srs3" not in self.picks(JP))
        self.fleet["srs3"].set_load(conns=100)
        self.eventually(lambda: self.picks(JP) == {"srs3"})

    def test_cpu_counts(self):
        self.fleet["srs3"].set_load(conns=100, cpu=1.0)
        self.eventually(lambda: "srs3" not in self.picks(JP))

    def test_dead(self):
        self.fleet["srs3"].die()
        self.eventually(lambda: self.state("srs3") == "down")
        self.eventually(lambda: "srs3" not in self.picks(JP))
        self.fleet["srs3"].revive()
        self.eventually(lambda: self.state("srs3") == "up")

    def test_hang(self):
        self.fleet["srs3"].hang()
        self.eventually(lambda: self.state("srs3") == "down")
        self.fleet["srs3"].resume()
        self.eventually(lambda: self.state("srs3") == "up")

    def test_black_hole(self):
        """Beyond max_connections an SRS tells of no load and serves nobody."""
        self.fleet["srs3"].fill()
        self.eventually(lambda: self.state("srs3") in ("down", "unknown"))
        self.eventually(lambda: "srs3" not in self.picks(JP))

    def test_rtmp_port_alone(self):
        """The API is well, but nobody can play."""
        self.fleet["srs3"].close_port("rtmp")
        self.eventually(lambda: self.state("srs3") == "down")

    def test_drained_srs(self):
        self.fleet["srs3"].drain()
        self.eventually(lambda: self.state("srs3") == "down")

    def test_garbage(self):
        for kind in ("json", "html", "types", "missing", "code", "500", "huge",
                     "truncated", "negative"):
            with self.subTest(kind):
                self.fleet["srs3"].garbage(kind)
                self.eventually(lambda: self.state("srs3") == "unknown")
                self.eventually(lambda: "srs3" not in self.picks(JP))
                self.fleet["srs3"].garbage(None)
                self.eventually(lambda: self.state("srs3") == "up")

    def test_frozen(self):
        self.fleet["srs3"].freeze()
        self.eventually(lambda: self.state("srs3") == "unknown",
                        patience=PATIENCE_S + 15)
        self.eventually(lambda: "srs3" not in self.picks(JP))

    def test_statistics_off(self):
        self.fleet["srs3"].stats(False)
        self.eventually(lambda: self.state("srs3") == "unknown")

    def test_never_empty(self):
        for node in self.fleet:
            node.die()
        for node in self.fleet:
            self.eventually(lambda: self.state(node.name) == "down")
        self.assertIn(self.pick(JP), self.hosts.values())

    def test_lines(self):
        """Another node, another site."""
        site = dict(zip(self.hosts.values(), [p[2] for p in PLACES]))
        for i in range(16):
            net = f"10.1.{i * 16}.0/24"
            lines = [self.pick(net, name) for name in
                     ("live.example.com", "line2.live.example.com",
                      "line3.live.example.com")]
            self.assertEqual(len({site[n] for n in lines}), 3, lines)

    def test_one_alive(self):
        for node in ("srs1", "srs2", "srs4"):
            self.fleet[node].die()
        for node in ("srs1", "srs2", "srs4"):
            self.eventually(lambda: self.state(node) == "down")
        for name in ("live", "line2.live", "line3.live"):
            self.eventually(lambda: self.pick(HK, name + ".example.com") == "srs3")

    def test_names(self):
        for name in ("line4.live", "line0.live", "line02.live", "x.live"):
            answer = self.d.ask(name + ".example.com")
            self.assertEqual(answer.rcode(), dns.rcode.NXDOMAIN, name)
        self.assertEqual(self.pick(JP, "LINE1.Live.example.com"), "srs3")
        self.assertEqual(self.d.address("srs3.example.com"), self.fleet[2].host)

    def test_no_ipv6(self):
        """NOERROR without data, the decision's scope, a TTL not above its."""
        a = self.d.ask("live.example.com", "A", JP)
        aaaa = self.d.ask("live.example.com", "AAAA", JP)
        self.assertEqual(aaaa.rcode(), dns.rcode.NOERROR)
        self.assertEqual(aaaa.answer, [])
        self.assertEqual(scope_of(a), scope_of(aaaa))
        self.assertLessEqual(aaaa.authority[0].ttl, a.answer[0].ttl)

    def test_why(self):
        why = self.d.ask("_why.live.example.com", "TXT", JP)
        text = "\n".join(r.to_text() for r in why.answer[0])
        self.assertIn("pick srs3", text)
        self.assertIn("35.70,139.70", text)
        self.assertEqual(why.answer[0].ttl, 0)

    def test_drain(self):
        self.assertEqual(self.picks(JP), {"srs3"})
        self.d.run("ctl", "drain", "srs3")
        self.eventually(lambda: "srs3" not in self.picks(JP))
        self.assertEqual(self.state("srs3"), "drained")
        self.d.run("ctl", "undrain", "srs3")
        self.eventually(lambda: self.picks(JP) == {"srs3"})

    def test_try(self):
        text = self.d.run("try", "live.example.com", "10.2.3.4")
        self.assertIn("pick srs3", text)
        self.assertNotIn("from the files alone", text)
        self.assertRegex(text, r"(?m)^srs1 +up +\d+\.\d ms +\d+ % ")
        # a node that is well has nothing behind its answers
        self.assertRegex(self.d.run("ctl", "nodes"),
                         r"(?m)^srs1 +edge +up +\d+ % .* s ago +\d+$")
        before = self.d.node("srs3")["answers"]
        self.d.run("try", "live.example.com", "10.2.3.4")
        self.assertEqual(self.d.node("srs3")["answers"], before)


class OneDecision(Test):
    def test_whichever_thread_is_asked(self):
        """Workers, TCP and HTTP tell a client net the same while its TTL runs,
        though the load moves; lines stay apart."""
        fleet = Fleet(4, scale=0.1)
        self.addCleanup(fleet.close)
        conf = conf_of(fleet, "steer:\n  live.example.com: {pool: [edge], "
                              "lines: 3, ttl: [20, 60]}\n")
        for lat, lon, _ in PLACES:      # all at one place: near ties
            conf = conf.replace(f"at: [{lat}, {lon}]", "at: [22.3, 114.2]")
        d = self.daemon(conf, files={"nets.txt": "".join(
            f"10.{i}.0.0/16 22.3,114.2\n" for i in range(40))})
        for node in fleet:
            self.eventually(lambda: d.node(node.name)["state"] == "up")
        random.seed(5)
        told = {}
        for step in range(12):
            for node in fleet:
                node.set_load(conns=random.randrange(300, 950))
            for _ in range(15):
                net = f"10.{random.randrange(40)}.0.0/24"
                one = d.address("live.example.com", net)
                self.assertEqual(told.setdefault(net, one), one)
                self.assertEqual(
                    d.address("line1.live.example.com", net, tcp=True), one)
                _, body = d.http("/resolve?name=live.example.com&ip=" +
                                 net.split("/")[0])
                self.assertEqual(body["addresses"], [one])
                lines = {one} | {d.address(f"line{n}.live.example.com", net)
                                 for n in (2, 3)}
                self.assertEqual(len(lines), 3)


class Authentication(Test):
    def test_basic(self):
        fleet = Fleet(1, scale=0.1, auth="watch:pa55word")
        self.addCleanup(fleet.close)
        d = self.daemon(conf_of(fleet), files={"nets.txt": NETS})
        self.eventually(lambda: d.node("srs1")["state"] == "up")
        wrong = conf_of(fleet).replace("pa55word", "pa55w0rd")
        d.write_conf(wrong)
        d.run("ctl", "reload")
        self.eventually(lambda: d.node("srs1")["state"] == "unknown")
        for output in (d.log_text(), str(d.http("/api/v1/nodes")),
                       str(d.http("/api/v1/status")), d.run("ctl", "nodes")):
            self.assertNotIn("pa55w", output)


    def test_bearer(self):
        """api_token, of SRS 8. The right one after a wrong one without a restart."""
        fleet = Fleet(1, scale=0.1, token="s3cr3t-bearer")
        self.addCleanup(fleet.close)
        conf = conf_of(fleet).replace("api:", "api_token: s3cr3t-wrong, api:")
        d = self.daemon(conf, files={"nets.txt": NETS})
        self.eventually(lambda: d.node("srs1")["state"] == "unknown" and
                        "denies access" in d.node("srs1")["why"])
        right = conf.replace("s3cr3t-wrong", "s3cr3t-bearer")
        d.write_conf(right)
        d.run("ctl", "reload")
        self.eventually(lambda: d.node("srs1")["state"] == "up")
        fleet[0].set_streams("live/class")
        fleet[0].set_load(conns=123)
        self.eventually(lambda: d.node("srs1")["connections"] == 123)
        for output in (d.log_text(), str(d.http("/api/v1/nodes")),
                       str(d.http("/api/v1/status")), d.run("ctl", "nodes"),
                       d.run("ctl", "status"), d.run("check"),
                       str(d.http("/metrics"))):
            self.assertNotIn("s3cr3t", output)


class Probes(Test):
    """SRT and WHEP, as RTMP and FLV: who does not answer gets nobody."""

    def setUp(self):
        self.fleet = Fleet(1, scale=0.1, srt=0)
        self.addCleanup(self.fleet.close)
        self.node = self.fleet[0]
        self.conf = conf_of(self.fleet).replace("timeout: 2", "timeout: 0.5").replace(
            "flv:", f'srt: "{self.node.address("srt")}", '
            f'whep: "{self.node.api_url}", flv:')
        self.d = self.daemon(self.conf, files={"nets.txt": NETS})
        self.up()

    def up(self):
        self.eventually(lambda: self.d.node("srs1")["state"] == "up")

    def down(self, why, logged):
        def is_down():
            node = self.d.node("srs1")
            return (node["state"], node["why"]) == ("down", why)
        self.eventually(is_down)
        self.eventually(lambda: logged in self.d.log_text())

    def test_srt(self):
        why = "it does not answer SRT handshakes"
        self.eventually(lambda: self.node.seen["srt"])
        self.node.srt_manner = "garbage"
        self.down(why, "the SRT probe failed: SRT probe of "
                  f"{self.node.address('srt')}: the answer is no SRT")
        self.d.write_conf(re.sub('srt: "[^"]*", ', "", self.conf))
        self.d.run("ctl", "reload")     # and it is held no more by what it was
        self.up()

    def test_srt_silent(self):
        self.node.srt_manner = "silent"
        self.down("it does not answer SRT handshakes", "no answer in time")

    def test_srt_refused(self):
        self.node.srt(False)
        self.down("it does not answer SRT handshakes",
                  f"SRT probe of {self.node.address('srt')}: Connection refused")

    def test_whep(self):
        self.eventually(lambda: self.node.seen["whep"])
        self.node.whep = False
        self.down("it does not answer where it serves WHEP",
                  "the WHEP probe failed: WHEP: HTTP 404")


class Https(Test):
    """Polls by HTTPS: whose certificate is whose."""

    more = ""       # nodes

    def certificate(self, folder, address):
        """(certificate, context of a server) for an address."""
        files = [folder / f"{address}.crt", folder / f"{address}.key"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=srs", "-addext", f"subjectAltName=IP:{address}", "-out",
             files[0], "-keyout", files[1]], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        return files[0], context

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dnsd-tls-")
        self.addCleanup(folder.cleanup)
        self.trusted, context = self.certificate(
            pathlib.Path(folder.name), "127.0.0.10")
        self.fleet = Fleet(2, scale=0.1, tls=context)
        self.addCleanup(self.fleet.close)

    def daemon_that_trusts(self, path):
        with unittest.mock.patch.dict(os.environ, SSL_CERT_FILE=str(path)):
            return self.start()

    def start(self):
        """Handshakes take long under a sanitizer: they have the time."""
        conf = conf_of(self.fleet, more_nodes=self.more).replace(
            "timeout: 2", "timeout: 10")
        return self.daemon(conf, files={"nets.txt": NETS})

    def test_trusted(self):
        """srs2 shows the certificate of srs1's address."""
        d = self.daemon_that_trusts(self.trusted)
        self.eventually(lambda: d.node("srs1")["state"] == "up")
        self.fleet[0].set_load(conns=123)
        self.eventually(lambda: d.node("srs1")["connections"] == 123)
        self.is_untrusted(d, "srs2")

    def test_trusted_where_viewers_are_moved(self):
        """By the same authorities as polls."""
        self.more = ("  b: {address: [192.0.2.9], at: [22.3, 114.2], site: z, "
                     "api: off, rtmp: off, flv: off}\n")
        d = self.daemon_that_trusts(self.trusted)
        self.fleet[0].set_load(conns=30)
        self.eventually(lambda: d.node("srs1")["connections"] == 30)
        d.run("ctl", "drain", "srs1", "--move", "50")
        self.assertEqual(len(self.fleet[0].closed), 30)

    def is_untrusted(self, d, name):
        self.eventually(lambda: d.node(name)["state"] == "unknown" and
                        d.node(name)["why"] == "its certificate is not trusted")
        self.assertEqual(self.fleet[name].seen["polls"], 0)
        self.eventually(lambda: " cert" in d.log_text())

    def test_untrusted(self):
        d = self.start()
        self.is_untrusted(d, "srs1")
        self.is_untrusted(d, "srs2")

    def test_no_authorities(self):
        d = self.daemon_that_trusts("/nonexistent")
        self.is_untrusted(d, "srs1")


class Versions(Test):
    def test_srs4(self):
        """Without service and pid a restart shows by pid and uptime."""
        fleet = Fleet(1, scale=0.1, version="4.0.271")
        self.addCleanup(fleet.close)
        d = self.daemon(conf_of(fleet), files={"nets.txt": NETS})
        self.eventually(lambda: d.node("srs1")["state"] == "up")
        fleet[0].set_load(conns=321)
        self.eventually(lambda: d.node("srs1")["connections"] == 321)


class Trust(Test):
    def test_why_is_refused_to_strangers(self):
        fleet = Fleet(1, scale=0.1)
        self.addCleanup(fleet.close)
        d = self.daemon(conf_of(fleet, more="trusted: [127.0.0.2/32]\n"),
                        files={"nets.txt": NETS})
        answer = d.ask("_why.live.example.com", "TXT", JP)
        self.assertEqual(answer.rcode(), dns.rcode.REFUSED)
        self.assertEqual(answer.answer, [])
        self.assertEqual([(o.code, o.text) for o in answer.options if
                          isinstance(o, dns.edns.EDEOption)], [(18, None)])
