"""Signed zones: what validators say of every answer, several servers, keys that come and
go, clocks that go on."""

import json
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone

from harness import DNSD, NETS, PATIENCE_S, WAIT_S, Daemon, Test, scope_of
from ports import free_port

ZONE = """$TTL 300
@ SOA Ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
@ MX 10 Mail
ns1 A 127.0.0.1
www A 192.0.2.80
www TXT "hello"
*.wild A 192.0.2.81
a.ent.deep TXT "x"
alias CNAME www
chain CNAME alias
wc CNAME q.wild
tolive CNAME live
sub NS ns.sub
ns.sub A 192.0.2.99
sec NS ns.sub
sec DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
d DNAME www
_sip._tcp SRV 0 0 5060 Www
"""
CONF = """zones: {example.com: {file: zone, dnssec: {keys: keys%s}}}
nodes:
  hk1: {address: [192.0.2.1, "2001:db8::1"], api: off, rtmp: off, at: [22.3, 114.2]}
  hk2: {address: [192.0.2.2, "2001:db8::2"], api: off, rtmp: off, at: [22.3, 114.2]}
  gb1: {address: [192.0.2.3, "2001:db8::3"], api: off, rtmp: off, at: [51.5, -0.1]}
steer:
  live.example.com: {pool: [edge], ttl: [5, 30], lines: 2, streams: true}
  push.example.com: {pool: [edge], ttl: 5, https: h2}
"""
LATER = str(pathlib.Path(DNSD).with_name("later.so").resolve())

# Names, and the types that exist there; what is not listed is not.
THERE = {
    "": "SOA NS MX DNSKEY CDS CDNSKEY", "ns1": "A", "www": "A TXT", "x.wild": "A",
    "y.z.wild": "A", "a.ent.deep": "TXT", "_sip._tcp": "SRV", "live": "A AAAA",
    "line2.live": "A AAAA", "push": "A AAAA HTTPS", "s1.live": "A AAAA",
    "s2.line2.live": "A AAAA", "a.b.live": "A AAAA", "line9.live": "A AAAA",
    "hk1": "A AAAA", "gb1": "A AAAA", "alias": "A TXT", "chain": "A TXT", "wc": "A",
    "tolive": "A AAAA",
}
EMPTY = ["ent.deep", "deep", "wild", "_tcp"]
NOWHERE = ["nope", "x.www", "line9.push", "b.a.ent.deep", "zzz.deep", "hk3", "0"]
TYPES = ["A", "AAAA", "TXT", "MX", "HTTPS", "SRV"]


def keys_of(folder):
    """(flags, protocol, algorithm, base64) of each key, by tag."""
    keys = {}
    for path in sorted(folder.glob("*.key")):
        line = next(l for l in path.read_text().splitlines() if not l.startswith(";"))
        rdata = line.split(" DNSKEY ")[1].split(None, 3)
        keys[int(path.stem.rsplit("+", 1)[1])] = rdata
    return keys


class Clock:
    """Seconds ahead, for all programs that are started with its environment."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.set(0)

    def set(self, ahead_s):
        if self.path.exists():
            with open(self.path, "r+b") as f:
                f.write(struct.pack("q", ahead_s))
        else:
            self.path.write_bytes(struct.pack("q", ahead_s))

    @property
    def environment(self):
        return {"LD_PRELOAD": LATER, "DNSD_LATER_FILE": str(self.path)}


class Dnssec(Test):
    def sign(self, algorithm="13", more="", zone=ZONE, clock=False, conf=CONF,
             keys=None):
        """A server whose zone is signed by a key made for it, or by those given."""
        d = Daemon(conf % more, files={"zone": zone, "nets.txt": NETS}, start=False)
        self.addCleanup(d.close)
        (d.folder / "keys").mkdir()
        if clock:
            self.clock = Clock(d.folder)
            d.environment = self.clock.environment
        if keys:
            for path in keys.glob("K*"):
                shutil.copy(path, d.folder / "keys")
        else:
            d.run("keys", "--algorithm", algorithm, "generate", "example.com")
        d.start()
        return d

    def anchor(self, d, tags=None):
        path = d.folder / "anchor"
        path.write_text("trust-anchors {\n" + "".join(
            f'example.com. static-key {f} {p} {a} "{k}";\n'
            for tag, (f, p, a, k) in keys_of(d.folder / "keys").items()
            if not tags or tag in tags) + "};\n")
        return path

    def delv(self, d, name, rdtype, anchor, environment=None):
        """What delv says of an answer: "fully validated" or what is wrong."""
        done = subprocess.run(
            ["delv", "@127.0.0.1", "-p", str(d.port), "-a", str(anchor),
             "+root=example.com", name, rdtype], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, timeout=PATIENCE_S * 3)
        return done.stdout

    def validated(self, d, name, rdtype, anchor, environment=None):
        said = self.delv(d, name, rdtype, anchor, environment)
        self.assertIn("fully validated", said, f"{name} {rdtype}")
        return said

    def owner(self, name):
        return f"{name}.example.com." if name else "example.com."

    # -- every answer -----------------------------------------------------------

    def check_all(self, d):
        anchor = self.anchor(d)
        for name, types in THERE.items():
            for rdtype in types.split():
                said = self.validated(d, self.owner(name), rdtype, anchor)
                self.assertNotIn("negative response", said, f"{name} {rdtype}")
            absent = random.choice([t for t in TYPES if t not in types.split()])
            said = self.validated(d, self.owner(name), absent, anchor)
            self.assertIn("ncache nxrrset", said, f"{name} {absent}")
        for name in EMPTY:
            said = self.validated(d, self.owner(name), "A", anchor)
            self.assertIn("ncache nxrrset", said, name)
        for name in NOWHERE:
            said = self.validated(d, self.owner(name), "A", anchor)
            self.assertIn("ncache nxdomain", said, name)
        said = self.validated(d, "sec.example.com.", "DS", anchor)
        self.assertNotIn("negative", said)
        said = self.validated(d, "sub.example.com.", "DS", anchor)
        self.assertIn("negative response", said)

    def test_ecdsa(self):
        self.check_all(self.sign())

    def test_ed25519(self):
        self.check_all(self.sign("15"))

    def test_keys_of_bind(self):
        """A key signing key and a zone signing key, as dnssec-keygen makes them."""
        with tempfile.TemporaryDirectory() as folder:
            keys = pathlib.Path(folder)
            for more in (["-f", "KSK"], []):
                subprocess.run(
                    ["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-K", folder,
                     *more, "example.com"], check=True, stdout=subprocess.DEVNULL)
            d = self.sign(keys=keys)
        flags = {tag: key[0] for tag, key in keys_of(d.folder / "keys").items()}
        ksk = [tag for tag, f in flags.items() if f == "257"]
        zsk = [tag for tag, f in flags.items() if f == "256"]
        anchor = self.anchor(d, ksk)
        for name, rdtype in (("www", "A"), ("nope", "A"), ("live", "A"), ("", "DNSKEY")):
            self.validated(d, self.owner(name), rdtype, anchor)
        self.assertEqual(self.tags(d, "www", "A"), set(zsk))
        self.assertEqual(self.tags(d, "", "DNSKEY"), set(ksk))
        self.assertIn(f"key {zsk[0]} signs the zone alone",
                      d.run("keys", "roll", "example.com", check=False).stderr)
        self.assertEqual(len(keys_of(d.folder / "keys")), 2)

    def tags(self, d, name, rdtype):
        """Of the keys that signed a set."""
        answer = self.signed(d, name, rdtype)
        return {r.key_tag for rrset in answer.answer for r in rrset
                if rrset.rdtype == dns.rdatatype.RRSIG}

    def signed(self, d, name, rdtype, tcp=True, **more):
        def ask():
            answer = d.ask(self.owner(name), rdtype, want_dnssec=True, tcp=tcp, **more)
            return answer if answer.rcode() != dns.rcode.SERVFAIL else None
        return self.eventually(ask, f"{name} {rdtype}")

    # -- without DO, over UDP ------------------------------------------------------

    def test_not_asked_for(self):
        """A question without DO gets what it would get of a zone without keys."""
        d = self.sign()
        plain = self.daemon(
            re.sub(r", dnssec: \{[^}]*\}", "", CONF % ""), files={"zone": ZONE})
        for name in [*THERE, *EMPTY, *NOWHERE]:
            if name in ("a.b.live", "line9.live", "") or "live" in name or name == "push":
                continue        # steered, or different in a signed zone
            for rdtype in TYPES:
                ours, theirs = (x.ask(self.owner(name), rdtype) for x in (d, plain))
                ours.id = theirs.id = 0
                self.assertEqual(ours.to_wire(), theirs.to_wire(), f"{name} {rdtype}")

    def test_scope(self):
        """Signed, an answer is for as large a net as without: what is decided for a
        client, or by a chain, has a scope, other answers are for all clients."""
        d = self.sign(conf="nets: nets.txt\n" + CONF)
        for subnet, decided in (("10.1.2.0/24", 20), ("2001:db8:1::/48", 48)):
            for name, rdtype, steered in (
                    ("live", "A", True), ("s1.live", "A", True),
                    ("line2.live", "AAAA", True), ("push", "HTTPS", True),
                    ("tolive", "A", True), ("live", "TXT", False),
                    ("www", "A", False), ("nope", "A", False)):
                for wants in (True, False):
                    answer = d.ask(self.owner(name), rdtype, subnet, tcp=True,
                                   want_dnssec=wants)
                    self.assertEqual(scope_of(answer), decided if steered else 0,
                                     (name, rdtype, subnet, wants))

    def test_udp(self):
        """The first question for a set comes before its signature is there."""
        d = self.sign()
        for i in range(40):
            answer = self.signed(d, f"s{i}.live", "A", tcp=False)
            self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
            self.assertIn(dns.rdatatype.RRSIG, [s.rdtype for s in answer.answer])
            self.assertIn(dns.rdatatype.NSEC, [s.rdtype for s in answer.authority])

    # -- a resolver that validates and makes answers itself ---------------------------

    def unbound(self, d):
        port, folder = free_port(), d.folder
        (folder / "anchors").write_text("".join(
            f"example.com. DNSKEY {' '.join(key)}\n"
            for key in keys_of(folder / "keys").values()))
        (folder / "unbound.conf").write_text(f"""server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor-file: "{folder}/anchors"
  aggressive-nsec: yes
  harden-below-nxdomain: yes
  qname-minimisation: no
stub-zone:
  name: "example.com"
  stub-addr: 127.0.0.1@{d.port}
""")
        process = subprocess.Popen(
            ["unbound", "-d", "-c", str(folder / "unbound.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def ask(name, rdtype):
            query = dns.message.make_query(self.owner(name), rdtype, want_dnssec=True)
            query.flags |= dns.flags.AD
            return dns.query.udp(query, "127.0.0.1", WAIT_S, port, ignore_trailing=True)

        self.eventually(lambda: ask("ns1", "A").rcode() == dns.rcode.NOERROR, "unbound")
        return ask

    @staticmethod
    def steered_answers(d):
        text = d.http("/metrics")[1]
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("dnsd_node_answers_total"))

    def test_unbound(self):
        """With a cache that denies by NSEC: no name that is there is ever denied."""
        d = self.sign()
        ask = self.unbound(d)
        questions = [(name, t, t in types.split()) for name, types in THERE.items()
                     for t in TYPES + types.split()]
        questions += [(name, t, None) for name in NOWHERE for t in TYPES]
        questions += [(name, t, False) for name in EMPTY for t in TYPES]
        random.Random(3).shuffle(questions)
        for name, rdtype, there in questions * 2:
            answer = ask(name, rdtype)
            self.assertTrue(answer.flags & dns.flags.AD, f"{name} {rdtype}: {answer}")
            self.assertEqual(answer.rcode() == dns.rcode.NXDOMAIN, there is None,
                             f"{name} {rdtype}")
            found = any(s.rdtype == dns.rdatatype.from_text(rdtype)
                        for s in answer.answer)
            self.assertEqual(found, bool(there), f"{name} {rdtype}: {answer}")

    def test_streams_through_unbound(self):
        """Each stream is asked for here, though its wildcard is in the cache."""
        d = self.sign()
        ask = self.unbound(d)
        before = self.steered_answers(d)
        for i in range(20):
            answer = ask(f"class{i}.live", "A")
            self.assertTrue(answer.flags & dns.flags.AD, answer)
        self.eventually(lambda: self.steered_answers(d) - before >= 20, "20 answers")
        self.assertEqual(self.steered_answers(d) - before, 20)

    # -- several servers -------------------------------------------------------------

    def test_two_servers(self):
        """Equal octets for equal questions, whichever was asked first for what."""
        one = self.sign()
        two = self.sign(keys=one.folder / "keys")
        names = [n for n in [*THERE, *EMPTY, *NOWHERE] if "live" not in n
                 and n not in ("push", "line9.push")]
        for name in names:
            for rdtype in ("A", "TXT", "DNSKEY"):
                a, b = (self.signed(d, name, rdtype) for d in (one, two))
                a.id = b.id = 0
                self.assertEqual(a.to_wire(), b.to_wire(), f"{name} {rdtype}")
        for name in ("live", "s1.live", "push"):
            seen = []
            for d in (one, two):
                answer = self.signed(d, name, "A")
                seen.append({rrset.to_text() for rrset in answer.answer
                             if rrset.rdtype == dns.rdatatype.RRSIG})
            if len(seen[0] | seen[1]) == 1:     # both chose the same node
                self.assertEqual(seen[0], seen[1])

    # -- transfers ---------------------------------------------------------------------

    def test_transfer(self):
        """Signed as a whole: what other programs check of a zone holds."""
        d = self.sign(more="}, transfer: {to: [127.0.0.1]")
        zone = dns.zone.from_xfr(dns.query.xfr(
            "127.0.0.1", "example.com.", port=d.port, lifetime=WAIT_S,
            relativize=False), relativize=False)
        path = d.folder / "transferred"
        zone.to_file(str(path), relativize=False)
        (d.folder / "anchor.key").write_text(
            "".join(f"example.com. IN DNSKEY {' '.join(key)}\n"
                    for key in keys_of(d.folder / "keys").values()))
        for words in (["ldns-verify-zone", "-V", "1", "-k", "anchor.key", path],
                      ["dnssec-verify", "-z", "-q", "-o", "example.com", path],
                      ["named-checkzone", "-q", "-i", "local", "example.com", path]):
            done = subprocess.run(words, text=True, cwd=d.folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, 0, f"{words[0]}: {done.stdout}")
        types = {r.rdtype for r in zone.find_node("live.example.com.").rdatasets}
        self.assertLessEqual({dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.NSEC},
                             types)

    # -- clocks and keys ----------------------------------------------------------------

    def test_renewal(self):
        """Hour after hour every answer is valid; a server that stops signing would not
        be after one validity."""
        d = self.sign(more=", validity: 4h", clock=True)
        anchor = self.anchor(d)
        inceptions = set()
        for hours in range(0, 12, 1):
            self.clock.set(hours * 3600)
            self.eventually(lambda: "fully validated" in self.delv(
                d, "www.example.com.", "A", anchor, self.clock.environment),
                f"hour {hours}")
            for name in ("live", "nope", "s1.live"):
                self.validated(d, self.owner(name), "A", anchor, self.clock.environment)
            inceptions |= {r.inception for s in self.signed(d, "www", "A").answer
                           for r in s if s.rdtype == dns.rdatatype.RRSIG}
        # Those of the epoch before do until the new ones are made.
        self.assertGreaterEqual(len(inceptions), 3)
        self.eventually(lambda: "dnsd_signatures_late 0" in d.http("/metrics")[1])

    def test_roll(self):
        """Both keys sign while resolvers may know one of them only."""
        d = self.sign(more=", validity: 4h", clock=True)
        environment = self.clock.environment

        def keys(*words, status=0):
            done = subprocess.run(
                [DNSD, "keys", "-c", d.conf, *words, "example.com"], text=True,
                capture_output=True, env={**os.environ, **environment})
            self.assertEqual(done.returncode, status, done.stderr)
            return done.stdout + done.stderr

        old = list(keys_of(d.folder / "keys"))
        self.clock.set(10)
        self.assertIn(" IN DS ", keys("roll"))
        new = [tag for tag in keys_of(d.folder / "keys") if tag not in old]
        d.run("ctl", "reload")
        self.assertEqual(self.tags(d, "www", "A"), set(old + new))
        self.assertEqual(self.tags(d, "", "DNSKEY"), set(old + new))
        for tags in (old, new):
            anchor = self.anchor(d, tags)
            for name in ("www", "nope", "live", "s1.live"):
                self.validated(d, self.owner(name), "A", anchor, environment)
        self.assertIn("may not know key", keys("roll", "--ds-at-parent", status=1))
        self.clock.set(3700)
        self.assertIn("both sign", keys("roll", status=1))
        self.assertIn(f"Key {old[0]} signs until", keys("roll", "--ds-at-parent"))
        d.run("ctl", "reload")
        self.assertEqual(self.tags(d, "www", "A"), set(old + new))
        # The server takes it out by itself, when its time has come.
        self.clock.set(3700 + 2 * 86400 + 10)
        self.eventually(lambda: self.tags(d, "www", "A") == set(new), "the old key went")
        self.assertEqual(self.tags(d, "", "DNSKEY"), set(new))
        anchor = self.anchor(d, new)
        for name in ("www", "nope", "live", "s1.live"):
            self.validated(d, self.owner(name), "A", anchor, environment)
        self.assertIn("removed", keys("list"))

    # -- what an operator sees ---------------------------------------------------------------

    def standing(self, d, zone="example.com"):
        status = d.http("/api/v1/status")[1]
        return next(z["signed"] for z in status["zones"] if z["name"] == zone)

    def heard(self, notifications, text):
        """Whether systemd is told, sooner or later."""
        def hear():
            try:
                return text in notifications.recv(400).decode()
            except TimeoutError:
                return False
        self.eventually(hear, text)

    def start_watched(self, conf=CONF % ", validity: 4h", zones=("example.com",)):
        """Its signer's clock does not go on with the others'. With the socket of what
        systemd hears."""
        d = Daemon(conf, files={"zone": ZONE}, start=False)
        self.addCleanup(d.close)
        (d.folder / "keys").mkdir()
        for zone in zones:
            d.run("keys", "generate", zone)
        self.clock = Clock(d.folder)
        path = str(d.folder / "notify")
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notifications.close)
        notifications.bind(path)
        notifications.settimeout(0.05)
        d.environment = {**self.clock.environment, "DNSD_LATER_NOT": "dnsd-sign",
                         "NOTIFY_SOCKET": path}
        d.start(wait=False)
        self.heard(notifications, "READY=1")
        self.eventually(lambda: self.standing(d)["waiting"] == 0
                        and self.standing(d)["expires"])
        return d, notifications

    def test_late_is_said(self):
        d, notifications = self.start_watched()
        left = self.standing(d)["expires"]
        self.assertTrue(7200 <= left <= 14400, left)
        self.assertFalse(self.standing(d)["late"])
        self.assertEqual(d.http("/api/v1/status")[1]["signing_bad"], [])
        self.assertRegex(d.run("ctl", "status"),
                         r"signing of example.com +signatures expire in \d")
        self.clock.set(left - 900)
        bad = self.eventually(lambda: d.http("/api/v1/status")[1]["signing_bad"], "late")
        self.assertEqual((len(bad), bad[0]["zone"], bad[0]["late"], bad[0]["keys_error"]),
                         (1, "example.com", True, None))
        self.assertTrue(0 < bad[0]["expires"] <= 900, bad)
        self.assertRegex(d.run("ctl", "status"), r"signatures are LATE: they expire in 1\d min")
        self.heard(notifications, "; signatures of example.com expire in 1")
        self.assertIn("dnsd_signatures_late 1", d.http("/metrics")[1])
        self.assertRegex(d.log_text(), "signatures are not renewed: the first one of "
                         "example.com ends in 1")
        self.clock.set(left + 900)
        self.eventually(lambda: self.standing(d)["expires"] < 0)
        self.assertIn("signatures have EXPIRED", d.run("ctl", "status"))
        self.heard(notifications, "; signatures of example.com have expired")
        self.clock.set(0)
        self.eventually(lambda: d.http("/api/v1/status")[1]["signing_bad"] == [])
        self.eventually(lambda: "signatures are renewed again" in d.log_text())

    def test_late_by_zone(self):
        """Each zone's signatures are late by its own validity."""
        d, _ = self.start_watched((CONF % ", validity: 4h").replace(
            "zones: {", "zones: {example.net: {ns: [ns1.example.com], dnssec: "
            "{keys: keys, validity: 30d}}, "), ("example.com", "example.net"))
        self.eventually(lambda: self.standing(d, "example.net")["expires"])
        self.assertGreater(self.standing(d, "example.net")["expires"], 14 * 86400)
        self.assertLessEqual(self.standing(d)["expires"], 14400)
        self.assertIn("dnsd_signatures_late 0", d.http("/metrics")[1])
        self.assertNotIn("not renewed", d.log_text())
        self.clock.set(12600)
        bad = self.eventually(lambda: d.http("/api/v1/status")[1]["signing_bad"], "late")
        self.assertEqual([z["zone"] for z in bad], ["example.com"])

    def test_keys_lost_is_said(self):
        """What is in service signs on; that the next start would fail is seen before."""
        d, notifications = self.start_watched()
        key = next((d.folder / "keys").glob("*.private"))
        key.rename(key.with_suffix(".gone"))
        self.clock.set(100)
        error = self.eventually(lambda: self.standing(d)["keys_error"], "keys are lost")
        self.assertIn(".private: No such file or directory", error)
        self.assertEqual(d.http("/api/v1/status")[1]["signing_bad"][0]["zone"],
                         "example.com")
        self.assertRegex(d.run("ctl", "status"), r"keys of example.com +cannot be read: \S*/K")
        self.heard(notifications, "; keys of example.com cannot be read")
        self.assertIn("keys that the next start or reload needs", d.log_text())
        self.validated(d, "www.example.com.", "A", self.anchor(d))
        key.with_suffix(".gone").rename(key)
        self.clock.set(200)
        self.eventually(lambda: self.standing(d)["keys_error"] is None)
        self.eventually(lambda: "can be read again" in d.log_text())

    # -- what is refused -------------------------------------------------------------------

    def refused(self, d, said):
        done = d.run("ctl", "reload", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(said, done.stderr)
        self.assertIn(said, d.run("check", check=False).stderr)
        self.validated(d, "www.example.com.", "A", self.old_anchor)

    def test_broken(self):
        """At a reload: the old state serves on."""
        d = self.sign()
        self.old_anchor = shutil.copy(self.anchor(d), d.folder / "old-anchor")
        private = next((d.folder / "keys").glob("*.private"))
        text = private.read_text()
        private.write_text(text.replace("PrivateKey: ", "PrivateKey: x"))
        self.refused(d, "no private key of algorithm 13")
        private.unlink()
        self.refused(d, "No such file or directory")
        private.write_text(text)
        for path in (d.folder / "keys").glob("*.key"):
            path.rename(path.with_suffix(".gone"))
        self.refused(d, "no key of example.com")
        for path in (d.folder / "keys").glob("*.gone"):
            path.rename(path.with_suffix(".key"))
        d.write_conf((CONF % "").replace(', "2001:db8::3"', ""))
        self.refused(d, "all nodes of the pool need IPv6 addresses or none")
        d.write_conf(CONF % ", validity: 1h")
        self.refused(d, "three eighths of it are less than the TTL of example.com, 3600 s")
        d.write_conf(CONF % "")
        d.write("zone", ZONE + "www NSEC ns1 A\n")
        self.refused(d, "dnsd makes those of a zone that it signs")
        d.write("zone", ZONE)
        d.run("ctl", "reload")
        self.validated(d, "www.example.com.", "A", self.old_anchor)

    def figure(self, d, name):
        return float(re.search(rf"(?m)^{name} (\S+)$", d.http("/metrics")[1])[1])

    def all_signatures(self, d):
        """How many are made before any is asked for: a transfer has those of all but what
        is answered with one node, and those of the plain sets."""
        rrsigs = sum(len(rrset) for message in dns.query.xfr(
            "127.0.0.1", "example.com.", port=d.port, lifetime=WAIT_S)
            for rrset in message.answer if rrset.rdtype == dns.rdatatype.RRSIG)
        nodes, families, live, push = 3, 2, 6, 2    # its lines, with streams below them
        plain = live * families + push * (families + 1) + 2     # HTTPS; _why of both
        return rrsigs - plain + (live + push) * nodes * families

    def test_nodes_are_signed_before_they_are_asked_for(self):
        d = self.sign(more="}, transfer: {to: [127.0.0.1]")
        wanted = self.all_signatures(d)
        self.eventually(lambda: self.figure(d, "dnsd_signatures_total") == wanted)

    def test_reload_keeps_signatures(self):
        """What is signed is not signed again."""
        d = self.sign(more="}, transfer: {to: [127.0.0.1]")

        def figure(name):
            return self.figure(d, name)

        before = self.all_signatures(d)
        self.eventually(lambda: figure("dnsd_signatures_total") == before)
        d.write("zone", ZONE + "more A 192.0.2.9\n")
        d.run("ctl", "reload")
        self.eventually(lambda: figure("dnsd_signatures_waiting_names") == 0)
        self.validated(d, "more.example.com.", "A", self.anchor(d))
        # Its own set and NSEC, and that of the name before it.
        self.eventually(lambda: figure("dnsd_signatures_total") - before == 3)

    # -- the command ---------------------------------------------------------------------------

    def test_command(self):
        d = Daemon(CONF % "", files={"zone": ZONE}, start=False)
        self.addCleanup(d.close)
        (d.folder / "keys").mkdir()
        said = d.run("keys", "generate", "example.com")
        ds = next(line for line in said.splitlines() if " IN DS " in line)
        key = next((d.folder / "keys").glob("*.key"))
        theirs = subprocess.run(["dnssec-dsfromkey", "-2", str(key)], text=True,
                                stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(ds.split(), theirs.split())
        self.assertEqual(d.run("keys", "ds", "example.com").split(), theirs.split())
        self.assertEqual(d.run("keys", "ds", "Example.COM."), ds + "\n")
        again = d.run("keys", "generate", "example.com", check=False)
        self.assertIn("has a key", again.stderr)
        other = d.run("keys", "ds", "example.net", check=False)
        self.assertIn("example.net is no zone", other.stderr)
        for words in ((), ("example.com.",)):
            self.assertRegex(d.run("keys", "list", *words),
                             r"example.com +\d+ +13 +signs\n")
        for words in ((), ("x",), ("ds",), ("--algorithm", "8", "generate", "example.com")):
            self.assertEqual(d.run("keys", *words, check=False).returncode, 2)
