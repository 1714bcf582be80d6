"""Zones to other name servers: who may have them, what they get, and that neither a
reload nor a slow reader disturbs anybody; BIND, Knot and NSD as secondaries."""

import socket
import struct
import subprocess
import unittest.mock

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.xfr
import dns.zone

from harness import WAIT_S, Test
from name_servers import SECRET, NameServers, bind, key, knot, nsd
from patience import PATIENCE_S
from ports import free_port
from test_dnstap import metric
from test_replace import Replaceable

OTHER = "A" * 43 + "="       # another secret

ZONE = """$TTL 300
@ 3600 SOA ns1 hostmaster %d 3600 600 86400 60
@ NS ns1
@ NS ns2.example.net.
@ MX 10 mail
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.25
www CNAME mail
cut NS ns.cut
cut DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.cut A 192.0.2.7
a.b.ent TXT "x" "y z"
*.wild MX 1 mail
d DNAME www
_sip._tcp SRV 1 2 5060 www
svc SVCB 1 mail port=853
unknown TYPE65400 \\# 4 01020304
live TXT beside
@ CAA 0 issue "ca.example.net"
n NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp
"""


def conf(transfer='{to: ["key:ns2"]}'):
    return f"""
tsig:
  ns2: {{secret: "{SECRET}"}}
  long: {{algorithm: hmac-sha512, secret: "{SECRET}"}}
zones: {{example.com: {{file: example.com.zone, transfer: {transfer}}}}}
nodes:
  a: {{address: [192.0.2.11, "2001:db8::11"], at: [1, 1], api: off, rtmp: off}}
  b: {{address: [192.0.2.12], at: [1, 1], api: off, rtmp: off}}
steer:
  live.example.com: {{pool: [edge], lines: 2, https: h2}}
  class.example.com: {{pool: [b], ttl: 9, streams: true}}
"""


STEERED = [f"{name}.example.com. 5 IN {rest}" for rest in (
    "A 192.0.2.11", "A 192.0.2.12", "AAAA 2001:db8::11", 'HTTPS 1 . alpn="h2"')
    for name in ("live", "line1.live", "line2.live")] + [
    f"{name}.example.com. 9 IN A 192.0.2.12" for name in (
        "class", "line1.class", "*.class", "*.line1.class")] + [
    "a.example.com. 60 IN A 192.0.2.11", "a.example.com. 60 IN AAAA 2001:db8::11",
    "b.example.com. 60 IN A 192.0.2.12"]


LARGE = 10000


def large(serial, records=LARGE):
    """A zone whose transfer is larger than all that sockets hold."""
    return ZONE % serial + "".join(
        f"n{i} TXT \"{serial:0100d}\"\n" for i in range(records))


def lines(rrsets):
    return sorted(line for rrset in rrsets
                  for line in rrset.to_text().splitlines())


class Transfers(Test):
    def serve(self, transfer='{to: ["key:ns2"]}', zone=ZONE % 1, **more):
        self.d = self.daemon(conf(transfer),
                             files={"example.com.zone": zone}, **more)
        return self.d

    def connect(self, receive=0):
        s = socket.socket()
        self.addCleanup(s.close)
        if receive:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        s.settimeout(WAIT_S)
        s.connect(("127.0.0.1", self.d.port))
        return s

    def request(self, rdtype="AXFR", by=None, name="example.com", serial=None):
        query = dns.message.make_query(name, rdtype)
        query.flags = 0
        if serial is not None:
            query.authority.append(dns.rrset.from_text(
                name + ".", 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
        if by:
            query.use_tsig(by)
        return query

    def put(self, s, *queries):
        s.sendall(b"".join(struct.pack("!H", len(wire)) + wire for wire in (
            query.to_wire() for query in queries)))

    def octets(self, s, n):
        got = bytearray()
        while len(got) < n:
            try:
                more = s.recv(n - len(got))
            except OSError as error:    # with what the server says of it
                raise EOFError(f"{error!r}: {self.d.log_text()}") from error
            if not more:
                raise EOFError(f"{len(got)} of {n} octets: {self.d.log_text()}")
            got += more
        return bytes(got)

    def take(self, s, query=None, context=None):
        wire = self.octets(s, struct.unpack("!H", self.octets(s, 2))[0])
        return dns.message.from_wire(
            wire, keyring=query.keyring if query else None,
            request_mac=query.mac if query else b"", multi=True,
            tsig_ctx=context, one_rr_per_rrset=True)

    def all_of(self, s, query, authoritative=True):
        """The records of the messages of one transfer, to the last SOA."""
        got, context = [], None
        while len(got) < 2 or got[-1].rdtype != dns.rdatatype.SOA:
            answer = self.take(s, query, context)
            context = answer.tsig_ctx
            self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
            if authoritative:   # Knot does not say so
                self.assertTrue(answer.flags & dns.flags.AA)
            self.assertEqual(bool(query.keyring), answer.had_tsig)
            got += answer.answer
        return got

    def transfer(self, **request):
        query = self.request(**request)
        with self.connect() as s:
            self.put(s, query)
            return self.all_of(s, query)

    def rcode(self, query, tcp=True):
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, "127.0.0.1", WAIT_S, self.d.port).rcode()

    def file_lines(self):
        """The zone file as BIND reads it."""
        path = self.d.folder / "example.com.zone"
        done = subprocess.run(
            ["named-checkzone", "-D", "-q", "-i", "none", "-k", "ignore",
             "-o", "-", "example.com", str(path)],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        zone = dns.zone.from_text(done.stdout, "example.com", relativize=False)
        return sorted(f"{name} {ttl} IN {rdata_text(rdata)}"
                      for name, ttl, rdata in zone.iterate_rdatas())

    def log_has(self, text):
        self.eventually(lambda: text in self.d.log_text(), text)


def rdata_text(rdata):
    return f"{dns.rdatatype.to_text(rdata.rdtype)} {rdata}"


class Contents(Transfers):
    def test_is_the_file_and_what_is_steered(self):
        self.serve()
        got = self.transfer(by=key())
        self.assertEqual(got[0], got[-1])
        self.assertEqual(lines(got[:-1]), sorted(self.file_lines() + STEERED))

    def test_large_zone_in_many_messages(self):
        self.serve(zone=large(1, 3000))
        got = self.transfer(by=key())
        self.assertEqual(lines(got[:-1]), sorted(self.file_lines() + STEERED))

    def test_ixfr(self):
        """Who has the zone gets the SOA, others all of it; over UDP the SOA."""
        self.serve(zone=ZONE % 7)
        whole = len(STEERED) + len(self.file_lines()) + 1
        for serial, n in (7, 1), (8, 1), (6, whole), (None, whole):
            query = self.request("IXFR", by=key(), serial=serial)
            with self.connect() as s:
                self.put(s, query)
                answer = self.take(s, query)
                self.assertEqual(len(answer.answer), n, serial)
        answer = dns.query.udp(self.request("IXFR", by=key(), serial=1),
                               "127.0.0.1", WAIT_S, self.d.port)
        self.assertEqual([r.rdtype for r in answer.answer], [dns.rdatatype.SOA])
        self.assertEqual(answer.answer[0][0].serial, 7)

    def test_dnspython_as_secondary(self):
        self.serve()
        zone = dns.zone.Zone("example.com")
        dns.query.inbound_xfr("127.0.0.1", zone, dns.xfr.make_query(
            zone, keyring=key())[0], port=self.d.port, timeout=WAIT_S)
        self.assertEqual(str(zone.find_rdataset("www", "CNAME")[0]), "mail")


class Allowed(Transfers):
    def test_nobody_by_default(self):
        self.serve("{}")
        for by in None, key():
            self.assertEqual(self.rcode(self.request(by=by)),
                             dns.rcode.REFUSED)

    def test_by_address(self):
        self.serve('{to: [127.0.0.0/8, "2001:db8::/32"]}')
        self.assertTrue(self.transfer())
        self.assertTrue(self.transfer(by=key()))
        self.assertEqual(self.rcode(self.request(name="www.example.com")),
                         dns.rcode.NOTAUTH)
        self.assertEqual(self.rcode(self.request(), tcp=False),
                         dns.rcode.FORMERR)

    def test_not_by_another_address(self):
        self.serve('{to: [203.0.113.9, "key:long"]}')
        self.assertEqual(self.rcode(self.request()), dns.rcode.REFUSED)
        self.assertEqual(self.rcode(self.request(by=key())), dns.rcode.REFUSED)
        by = key("long", algorithm="hmac-sha512")
        self.assertTrue(self.transfer(by=by))

    def refused_by(self, by, error, query=None):
        query = query or self.request("SOA", by=by)
        with self.assertRaises(error):
            self.rcode(query, tcp=False)
        with self.assertRaises(error):
            self.rcode(query)

    def test_bad_keys(self):
        self.serve()
        self.refused_by(key("ns3"), dns.tsig.PeerBadKey)
        self.refused_by(key(algorithm="hmac-sha512"), dns.tsig.PeerBadKey)
        self.refused_by(key(secret=OTHER), dns.tsig.PeerBadSignature)
        self.assertEqual(self.rcode(self.request("SOA", by=key())),
                         dns.rcode.NOERROR)

    def test_bad_time(self):
        """Its answer is signed, with their time."""
        self.serve()
        query = self.request(by=key())
        with unittest.mock.patch("time.time", lambda: 1700000000):
            query.to_wire()
            with self.assertRaises(dns.tsig.PeerBadTime), self.connect() as s:
                self.put(s, query)
                self.take(s, query)

    def test_other_questions_are_answered_signed(self):
        self.serve()
        for tcp in False, True:
            query = self.request("A", by=key(), name="mail.example.com")
            send = dns.query.tcp if tcp else dns.query.udp
            answer = send(query, "127.0.0.1", WAIT_S, self.d.port)
            self.assertTrue(answer.had_tsig)
            self.assertEqual(answer.answer[0][0].address, "192.0.2.25")

    def test_secrets_are_not_shown(self):
        self.serve()
        self.d.write_conf(conf().replace(SECRET, SECRET + "!"))
        done = self.d.run("check", check=False).stderr
        self.assertIn("secret is not base64", done)
        shown = str([self.d.http(path) for path in ("/api/v1/status", "/metrics")])
        self.assertNotIn(SECRET, done + shown + self.d.log_text())


class Slow(Transfers):
    def slow(self, **request):
        """A connection whose transfer has begun, and what was read of it."""
        s = self.connect(receive=4096)
        query = self.request(**request)
        self.put(s, query)
        first = self.take(s, query)
        self.assertEqual(first.answer[0].rdtype, dns.rdatatype.SOA)
        return s, first.answer

    def rest(self, s, got):
        while got[-1].rdtype != dns.rdatatype.SOA:
            got += self.take(s).answer
        return got


class Connections(Slow):
    def test_goes_on_behind_a_transfer(self):
        """What is asked in one go is answered in this order."""
        self.serve("{to: [127.0.0.1]}")
        queries = [self.request("SOA"), self.request(), self.request("IXFR"),
                   self.request("A", name="mail.example.com"), self.request(),
                   self.request("TXT", name="live.example.com")]
        with self.connect() as s:
            self.put(s, *queries)
            for query in queries:
                if query.question[0].rdtype in (dns.rdatatype.AXFR,
                                                dns.rdatatype.IXFR):
                    self.all_of(s, query)
                else:
                    self.assertEqual(self.take(s).id, query.id)
            self.put(s, queries[0])
            self.assertEqual(self.take(s).id, queries[0].id)

    def test_half_closed(self):
        self.serve("{to: [127.0.0.1]}")
        query = self.request()
        with self.connect() as s:
            self.put(s, query)
            s.shutdown(socket.SHUT_WR)
            self.all_of(s, query)
            self.assertEqual(s.recv(1), b"")

    def test_reload_in_the_middle(self):
        """A transfer that runs has the zone as it was; two reloads in it. It goes on a
        little between them: else slow ones are longer than it may stand still."""
        self.serve("{to: [127.0.0.1]}", zone=large(1))
        s, got = self.slow()
        for serial in 2, 3:
            self.d.write("example.com.zone", large(serial))
            self.d.run("ctl", "reload")
            got += self.take(s).answer
            self.assertEqual(self.d.ask("example.com", "SOA").answer[0][0].serial,
                             serial)
        other, newer = self.slow()
        texts = [r[0].strings[0] for r in self.rest(s, got)
                 if r.rdtype == dns.rdatatype.TXT and len(r[0].strings[0]) == 100]
        self.assertEqual(set(texts), {b"%0100d" % 1})
        self.assertEqual(len(texts), LARGE)
        newer = self.rest(other, newer)
        self.assertEqual((newer[0][0].serial, newer[-1][0].serial), (3, 3))

    def test_stalled(self):
        """They hold up nobody; when too many run, the next one is refused."""
        self.serve("{to: [127.0.0.1]}", zone=large(1))
        stalled = [self.slow()[0] for _ in range(10)]
        self.assertEqual(self.rcode(self.request()), dns.rcode.SERVFAIL)
        self.assertIn("refused, 10 run already", self.d.log_text())
        self.assertEqual(self.d.ask("mail.example.com", tcp=True).rcode(),
                         dns.rcode.NOERROR)
        stalled.pop().close()
        self.log_has("given up after")
        self.eventually(lambda: self.transfer(), "there is room again")
        for result, n in ("done", 1), ("refused", 1), ("failed", 1):
            self.eventually(lambda: metric(
                self.d, f'transfers_total{{result="{result}"}}') == n)
        self.assertEqual(metric(self.d, "transfers_running"), 9)
        self.assertIn("9 running, 1 done, 1 refused, 1 failed",
                      self.d.run("ctl", "status"))
        self.assertEqual(self.d.stop(), 0)

    def test_stopped_while_one_runs(self):
        self.serve("{to: [127.0.0.1]}", zone=large(1))
        s, _ = self.slow()
        self.assertEqual(self.d.stop(), 0)
        self.assertIn("dnsd stops", self.d.log_text())
        with self.assertRaises(EOFError):
            while True:
                self.take(s)


class Replaced(Slow):
    """The process is replaced while a transfer runs."""

    def setUp(self):
        self.d = Replaceable(conf("{to: [127.0.0.1]}"),
                             files={"example.com.zone": large(1)})
        self.addCleanup(self.d.close)
        self.running, self.got = self.slow()

    def test_breaks_off(self):
        self.d.replace()
        with self.assertRaisesRegex(EOFError, "dnsd stops"):
            self.rest(self.running, self.got)
        self.assertTrue(self.transfer())

    def test_goes_on_if_that_is_refused(self):
        self.d.install("/bin/false")
        self.d.refused()
        self.rest(self.running, self.got)
        self.assertTrue(self.transfer())


class Listener:
    """A name server that hears of changes; answers all but the first `deaf`."""

    def __init__(self, test, deaf=0, keys=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        test.addCleanup(self.socket.close)
        self.socket.settimeout(PATIENCE_S)
        self.port = free_port()
        self.socket.bind(("127.0.0.1", self.port))
        self.deaf, self.keys = deaf, keys

    def hear(self):
        while True:
            wire, self.peer = self.socket.recvfrom(4096)
            query = dns.message.from_wire(wire, keyring=self.keys)
            if not self.deaf:
                break
            self.deaf -= 1
        answer = dns.message.make_response(query)
        self.socket.sendto(answer.to_wire(), self.peer)
        return query


class Notify(Transfers):
    def test_at_the_start_and_when_the_serial_changes(self):
        here = Listener(self)
        self.serve(f'{{notify: ["127.0.0.1:{here.port}"]}}')
        query = here.hear()
        self.assertEqual(query.opcode(), dns.opcode.NOTIFY)
        self.assertEqual(query.question[0].to_text(), "example.com. IN SOA")
        self.assertFalse(query.had_tsig)
        self.log_has("serial 1, to 127.0.0.1")
        self.d.run("ctl", "reload")     # nothing new
        self.d.write("example.com.zone", ZONE % 2)
        self.d.run("ctl", "reload")
        here.hear()
        self.log_has("serial 2, to 127.0.0.1")
        self.eventually(lambda: self.d.log_text().count(": answered") == 2)
        self.eventually(lambda: metric(
            self.d, r'notifies_total{result="answered"}') == 2)

    def test_changed_without_a_new_serial(self):
        """What would not be noticed is said: of the file, of a pool."""
        said = "example.com has changed, but its serial is 1 as before"
        self.serve()
        self.d.run("ctl", "reload")     # nothing is changed
        self.d.write("example.com.zone", ZONE % 1 + "new A 192.0.2.99\n")
        self.d.run("ctl", "reload")
        self.log_has(said)
        self.d.write_conf(self.d.conf_text().removeprefix(self.d.head).replace(
            "address: [192.0.2.12]", "address: [192.0.2.13]"))
        self.d.run("ctl", "reload")
        self.eventually(lambda: self.d.log_text().count(said) == 2)

    def test_signed_and_again(self):
        here = Listener(self, deaf=1, keys={
            key().name: key()})
        self.serve(f'{{notify: ["127.0.0.1:{here.port} key:ns2"]}}')
        self.assertTrue(here.hear().had_tsig)
        self.log_has(": answered")

    def test_from_the_address_that_is_asked(self):
        here = Listener(self)
        self.serve(f'{{notify: ["127.0.0.1:{here.port}"]}}',
                   listen=[f"127.0.0.3:{free_port()}"])
        here.hear()
        self.assertEqual(here.peer[0], "127.0.0.3")

    def test_forged_answers_do_not_count(self):
        """One that is not signed: it is said again."""
        here = Listener(self, deaf=1, keys={key().name: key()})
        self.serve(f'{{notify: ["127.0.0.1:{here.port} key:ns2"]}}')
        wire, peer = here.socket.recvfrom(4096)
        answer = bytearray(wire[:wire.index(b"\3ns2")])     # without its TSIG
        answer[2] |= 0x80
        answer[11] = 0
        here.socket.sendto(answer, peer)
        self.log_has("is not signed as it must be")
        here.deaf = 0
        here.hear()
        self.log_has(": answered")


class Secondary(NameServers, Transfers):
    """A program that has the zone from dnsd, by a key, and hears of changes."""

    def serial(self):
        # A question to one that does not listen yet is lost.
        answer = dns.query.udp(dns.message.make_query("example.com", "SOA"),
                               "127.0.0.1", 0.5, self.port)
        return answer.answer[0][0].serial if answer.answer else None

    def has(self, serial, server):
        self.until(lambda: self.serial() == serial, f"serial {serial}", server)

    def check(self, program, conf):
        """conf(folder, its port, dnsd's): its configuration."""
        self.port = free_port()
        notify = f'"127.0.0.1:{self.port} key:ns2"'
        self.serve(f'{{to: ["key:ns2"], notify: [{notify}]}}')
        server = self.start_server(
            program, conf(self.d.folder, self.port, self.d.port))
        self.has(1, server)
        ours = self.transfer(by=key())
        with socket.create_connection(("127.0.0.1", self.port), WAIT_S) as s:
            query = self.request()
            self.put(s, query)
            theirs = self.all_of(s, query, authoritative=False)
        self.assertEqual(lines(theirs), lines(ours))
        # Its refresh is an hour: what it has of this, it has by NOTIFY.
        self.d.write("example.com.zone", large(2, 20000))
        self.d.run("ctl", "reload")
        self.has(2, server)
        self.log_has("serial 2, to 127.0.0.1:%d: answered" % self.port)

    def test_bind(self):
        self.check("named", lambda folder, port, dnsd: bind(
            folder, port, "notify no; allow-transfer { any; };",
            'type secondary; file "bind.zone"; masterfile-format text; '
            f"primaries {{ 127.0.0.1 port {dnsd} key ns2; }};"))

    def test_knot(self):
        self.check("knotd", lambda folder, port, dnsd: knot(
            folder, port, dnsd,
            [["key: ns2", "action: notify"],
             ["address: 127.0.0.1", "action: transfer"]],
            ["file: knot.zone", "master: dnsd"]))

    def test_nsd(self):
        self.check("nsd", lambda folder, port, dnsd: nsd(
            folder, port, ["zonefile: nsd.zone", "allow-notify: 127.0.0.1 ns2",
                           f"request-xfr: AXFR 127.0.0.1@{dnsd} ns2",
                           "provide-xfr: 127.0.0.1 NOKEY"]))
