"""The PROXY protocol, version 2: what a DNS proxy in front sends counts as its client's."""

import re
import socket
import struct
import subprocess
import threading

import dns.edns
import dns.message
import dns.rcode

from dnstap import Reader
from harness import NETS, ROOT, WAIT_S, Test
from ports import free_port
from test_dnstap import metric
from test_record import PLAIN
from test_replace import Replaceable

PROXY = "127.0.0.2"         # this one's address is on the list
DNSDIST = ROOT / "build/dnsdist/dnsdist"
CONF = f"proxy: [{PROXY}, \"2001:db8::7\"]\n" + PLAIN
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
STREAM, DATAGRAM = 1, 2
HK, GB = "192.0.2.1", "192.0.2.2"


def header(client=None, transport=DATAGRAM, port=4242, rest=b"", version=2,
           length=None):
    """Without a client: the proxy's own (LOCAL)."""
    if not client:
        return SIGNATURE + bytes([version << 4, 0]) + \
            struct.pack("!H", len(rest)) + rest
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    server = "2001:db8::1" if ":" in client else "192.0.2.53"
    body = socket.inet_pton(family, client) + socket.inet_pton(family, server) + \
        struct.pack("!HH", port, 53) + rest
    return SIGNATURE + bytes([
        version << 4 | 1, (2 if ":" in client else 1) << 4 | transport]) + \
        struct.pack("!H", len(body) if length is None else length) + body


def frame(message):
    octets = message.to_wire()
    return struct.pack("!H", len(octets)) + octets


BAD = {
    "another version": header("10.3.0.1", version=3),
    "version 1": b"PROXY UDP4 10.3.0.1 192.0.2.53 4242 53\r\n",
    "too long": header("10.3.0.1", length=5000),
    "addresses that are cut": header("10.3.0.1", length=11),
    "no such family": SIGNATURE + b"\x21\x52\0\x0c" + bytes(12),
    "no such command": SIGNATURE + b"\x25\x12\0\x0c" + bytes(12),
}


class Behind(Test):
    def behind(self, conf=CONF, **options):
        return self.daemon(conf, files={"nets.txt": NETS}, **options)

    def socket(self, d, tcp=False, address=PROXY):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp
                          else socket.SOCK_DGRAM)
        self.addCleanup(s.close)
        s.settimeout(WAIT_S)
        s.bind((address, 0))
        s.connect(("127.0.0.1", d.port))
        return s

    def take(self, s, tcp=False):
        if not tcp:
            return dns.message.from_wire(s.recv(65535))
        return dns.message.from_wire(self.octets(
            s, struct.unpack("!H", self.octets(s, 2))[0]))

    def octets(self, s, n):
        got = b""
        while len(got) < n:
            more = s.recv(n - len(got))
            self.assertTrue(more, "closed")
            got += more
        return got

    def ask(self, d, head, name="live.example.com", rdtype="A", tcp=False, **more):
        s = self.socket(d, tcp)
        query = d.query(name, rdtype, **more)
        s.sendall(head + (frame(query) if tcp else query.to_wire()))
        answer = self.take(s, tcp)
        self.assertEqual(answer.id, query.id)
        return answer

    def place(self, answer):
        return [r.address for rrset in answer.answer for r in rrset]

    def test_clients(self):
        """The client's place, not the proxy's, over UDP and TCP."""
        d = self.behind("query_log: 1\n" + CONF)
        for client, expected in (("10.1.0.9", HK), ("10.3.0.9", GB),
                                 ("2001:db8:1::9", HK),
                                 ("::ffff:10.3.0.9", GB)):
            for tcp in (False, True):
                head = header(client, STREAM if tcp else DATAGRAM)
                self.assertEqual(self.place(self.ask(d, head, tcp=tcp)),
                                 [expected], (client, tcp))
                self.eventually(lambda: f"query from={client.replace('::ffff:', '')} "
                                f"transport={'tcp' if tcp else 'udp'}"
                                in d.log_text())
        # A client subnet is still the client.
        self.assertEqual(self.place(self.ask(
            d, header("10.1.0.9"), subnet="10.3.0.0/24")), [GB])
        self.assertEqual(metric(d, "proxy_bad_total"), 0)

    def test_own_questions(self):
        """LOCAL, and families that have no address, are the proxy's: it is trusted."""
        d = self.behind()
        own = [header(), header(rest=b"\x04\0\1x"),
               SIGNATURE + b"\x21\0\0\0", SIGNATURE + b"\x21\x31\0\xd8" + bytes(216)]
        for tcp in (False, True):
            for head in own:
                self.assertEqual(self.ask(
                    d, head, "_why.live.example.com", "TXT", tcp).rcode(),
                    dns.rcode.NOERROR)
            self.assertEqual(self.ask(
                d, header("10.1.0.9", STREAM), "_why.live.example.com", "TXT",
                tcp).rcode(), dns.rcode.REFUSED)

    def test_more_in_the_header(self):
        """What else a proxy says is skipped, up to 4096 octets."""
        d = self.behind()
        for rest in (b"\xe0\0\3abc", b"\xe0\x0f\xd1" + bytes(4049)):
            self.assertEqual(self.place(self.ask(
                d, header("10.3.0.9", STREAM, rest=rest), tcp=True)), [GB])
        self.assertEqual(self.place(self.ask(
            d, header("10.3.0.9", rest=b"\xe0\0\3abc"))), [GB])

    def test_bad_over_udp(self):
        """No answer: the first that comes is that to the good one behind."""
        d = self.behind()
        s = self.socket(d)
        query = d.query("live.example.com").to_wire()
        bad = list(BAD.values()) + [b"", header("10.3.0.9")[:20]]
        for n, head in enumerate(bad):
            s.send(head + query if len(head) != 20 else head)
            good = d.query("live.example.com")
            s.send(header("10.3.0.9") + good.to_wire())
            self.assertEqual(self.take(s).id, good.id)
            self.eventually(lambda: metric(d, "proxy_bad_total") == n + 1)
        self.assertEqual(metric(d, "dropped_total"), len(bad))
        # A header alone is none that is bad, but no query.
        s.send(header("10.3.0.9"))
        self.eventually(lambda: metric(d, "dropped_total") == len(bad) + 1)
        self.assertEqual(metric(d, "proxy_bad_total"), len(bad))

    def test_bad_over_tcp(self):
        """The connection is closed at once."""
        d = self.behind()
        bad = list(BAD.values()) + [frame(d.query("live.example.com"))]
        for n, head in enumerate(bad):
            s = self.socket(d, True)
            s.sendall(head + frame(d.query("live.example.com")))
            self.assertEqual(self.end_of(s), b"")
            self.eventually(lambda: metric(d, "proxy_bad_total") == n + 1)
        s = self.socket(d, True)
        s.sendall(header("10.3.0.9", STREAM)[:20])
        s.shutdown(socket.SHUT_WR)
        self.assertEqual(self.end_of(s), b"")
        self.eventually(lambda: metric(d, "proxy_bad_total") == len(bad) + 1)
        # One that comes and goes, as a check of a balancer does, is no fault.
        s = self.socket(d, True)
        s.shutdown(socket.SHUT_WR)
        self.assertEqual(self.end_of(s), b"")
        self.eventually(lambda: not metric(d, "tcp_connections"))
        self.assertEqual(metric(d, "proxy_bad_total"), len(bad) + 1)

    def end_of(self, s):
        try:
            return s.recv(1)
        except ConnectionResetError:
            return b""

    def test_in_pieces(self):
        """A header and its queries may come as TCP cuts them; there is one header."""
        d = self.behind()
        s = self.socket(d, True)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        queries = [d.query(n) for n in ("live.example.com", "line2.live.example.com",
                                        "ns1.example.com")]
        octets = header("10.3.0.9", STREAM, rest=b"\xe0\0\3abc") + \
            b"".join(map(frame, queries))
        for i in range(len(octets)):
            s.sendall(octets[i:i + 1])
        answers = [self.take(s, True) for _ in queries]
        self.assertEqual([a.id for a in answers], [q.id for q in queries])
        self.assertEqual(self.place(answers[0]), [GB])
        s.sendall(frame(queries[0]))
        self.assertEqual(self.place(self.take(s, True)), [GB])

    def test_from_others(self):
        """Their octets are what they are."""
        d = self.behind()
        s = self.socket(d, address="127.0.0.1")
        s.send(header("10.3.0.9") + d.query("live.example.com").to_wire())
        query = d.query("_why.live.example.com", "TXT")
        s.send(query.to_wire())
        answer = s.recv(65535)
        if answer[:2] == SIGNATURE[:2]:     # NOTIMP, by its octets
            self.assertNotEqual(answer[3] & 15, 0)
            answer = s.recv(65535)
        self.assertEqual(dns.message.from_wire(answer).rcode(), dns.rcode.NOERROR)
        self.assertTrue(d.ask("live.example.com", tcp=True).answer)
        self.assertEqual(metric(d, "proxy_bad_total"), 0)

    def test_cookies(self):
        """They are the client's."""
        d = self.behind()

        def cookie(client, octets):
            answer = self.ask(d, header(client), options=[
                dns.edns.GenericOption(10, octets)])
            return next(o.data for o in answer.options if o.otype == 10)
        mine = cookie("10.3.0.9", b"12345678")
        self.assertEqual(cookie("10.3.0.9", mine), mine)
        self.eventually(lambda: metric(d, "cookies_good_total") == 1)
        self.assertNotEqual(cookie("10.3.0.8", mine), mine)
        self.eventually(lambda: metric(d, "cookies_bad_total") == 1)

    def test_proxy_over_tcp_is_no_proof(self):
        """Of a client that has no connection to the proxy."""
        zone = ("$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 127.0.0.1\n" +
                "".join(f"big TXT {'x' * 200}{i}\n" for i in range(5)))
        d = self.daemon(f"proxy: [{PROXY}]\nudp_nocookie: 512\n"
                        "zones: {example.com: {file: zone}}\n",
                        files={"zone": zone})
        for transport, truncated in ((STREAM, False), (DATAGRAM, True)):
            answer = self.ask(d, header("10.3.0.9", transport),
                              "big.example.com", "TXT", tcp=True)
            self.assertEqual(bool(answer.flags & dns.flags.TC), truncated)

    def test_connections_are_the_clients(self):
        """A client with very many loses its own, whoever else is behind the proxy."""
        d = self.behind("tcp: {max: 4}\n" + CONF)
        others = []
        for i in range(3):
            s = self.socket(d, True)
            s.sendall(header(f"10.{i + 1}.0.9", STREAM) +
                      frame(d.query("ns1.example.com")))
            self.take(s, True)
            others.append(s)
        for i in range(20):
            s = self.socket(d, True)
            s.sendall(header(f"10.77.0.{i}", STREAM) +
                      frame(d.query("ns1.example.com")))
            self.take(s, True)
        for s in others:
            s.sendall(frame(d.query("ns1.example.com")))
            self.assertTrue(self.take(s, True).answer)
        self.eventually(lambda: metric(d, "tcp_connections") == 4)

    def test_reload(self):
        d = self.behind(PLAIN)
        s = self.socket(d)

        def first(conf):
            """Which of both counts: a plain query, or one with a header."""
            d.write_conf(conf)
            d.run("ctl", "reload")
            plain, headed = (d.query("live.example.com") for _ in range(2))
            s.send(header("10.3.0.9") + headed.to_wire())
            s.send(plain.to_wire())
            s.send(header("10.3.0.9") + headed.to_wire())
            while True:
                got = s.recv(65535)
                if got[:2] == plain.to_wire()[:2]:
                    return "plain"
                if got[:2] == headed.to_wire()[:2]:
                    s.recv(65535)
                    return "header"
        for conf, expected in ((PLAIN, "plain"), (CONF, "header"),
                               (PLAIN, "plain"), (CONF, "header")):
            self.assertEqual(first(conf), expected)

    def test_replace(self):
        """Whose a connection is, and half of a header, are handed over."""
        d = Replaceable(CONF, files={"nets.txt": NETS})
        self.addCleanup(d.close)
        begun, half, none = (self.socket(d, True) for _ in range(3))
        head = header("10.3.0.9", STREAM)
        begun.sendall(head + frame(d.query("ns1.example.com")))
        self.take(begun, True)
        half.sendall(head[:22])
        self.eventually(lambda: metric(d, "tcp_connections") == 3)
        d.replace()
        begun.sendall(frame(d.query("live.example.com")))
        half.sendall(head[22:] + frame(d.query("live.example.com")))
        none.sendall(head + frame(d.query("live.example.com")))
        for s in (begun, half, none):
            self.assertEqual(self.place(self.take(s, True)), [GB])

    def test_dnstap(self):
        d = self.behind("dnstap: {socket: tap.sock}\n" + CONF)
        reader = Reader(d.folder / "tap.sock")
        self.addCleanup(reader.close)
        self.eventually(lambda: reader.connections)
        for tcp in (False, True):
            self.ask(d, header("10.3.0.9", STREAM, port=4711), tcp=tcp)
        for f in reader.wait(4):
            self.assertEqual((f.address, f.port), ("10.3.0.9", 4711))
        self.assertEqual(dns.message.from_wire(
            reader.frames[0].query).question[0].name.to_text(),
            "live.example.com.")

    def test_before_the_first_polls(self):
        """A question that has to wait then is kept with its header."""
        silent = socket.create_server(("127.0.0.1", free_port()))
        self.addCleanup(silent.close)
        conf = CONF.replace("api: off", "api: \"http://127.0.0.1:"
                            f"{silent.getsockname()[1]}\"", 1)
        d = self.behind(conf, start=False)
        s = self.socket(d)
        stop = threading.Event()
        query = d.query("live.example.com")

        def send():
            while not stop.wait(0.002):
                try:
                    s.send(header("10.3.0.9") + query.to_wire())
                except ConnectionRefusedError:
                    pass        # it does not listen yet
        sender = threading.Thread(target=send)
        sender.start()
        self.addCleanup(sender.join)
        self.addCleanup(stop.set)
        d.start()

        def answer():
            try:
                return self.take(s)
            except ConnectionRefusedError:
                return None
        self.assertEqual(self.place(self.eventually(answer)), [GB])
        stop.set()
        sender.join()
        self.assertEqual(metric(d, "proxy_bad_total"), 0)

    def test_check(self):
        d = self.behind("proxy: [10.0.0.1/8]\n" + PLAIN, start=False)
        done = d.run("check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"dnsd\.yaml:\d+: proxy: '?10\.0\.0\.1/8")


class Dnsdist(Test):
    """Debian's, in front of dnsd."""

    def setUp(self):
        if not DNSDIST.exists():
            self.fail(f"{DNSDIST} is missing: make {DNSDIST.relative_to(ROOT)}")
        self.d = self.daemon(
            "proxy: [127.0.0.1]\nquery_log: 1\n" + PLAIN,
            files={"nets.txt": "127.0.0.3/32 51.5,-0.1 GB\n"
                               "127.0.0.4/32 22.3,114.2 HK\n" + NETS})
        self.port = free_port()
        self.d.write("dnsdist.conf", f"""
setLocal("127.0.0.1:{self.port}")
setACL("127.0.0.0/8")
newServer({{address="127.0.0.1:{self.d.port}", useProxyProtocol=true}})
""")
        log = open(self.d.folder / "dnsdist.log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [DNSDIST, "--supervised", "--disable-syslog", "-C",
             str(self.d.folder / "dnsdist.conf")], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def ask(self, client, tcp):
        query = dns.message.make_query("live.example.com", "A")
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, "127.0.0.1", port=self.port, timeout=WAIT_S / 4,
                    source=client)

    def test_clients(self):
        for client, expected in (("127.0.0.3", GB), ("127.0.0.4", HK)):
            for tcp in (False, True):
                self.eventually(lambda: [
                    r.address for rrset in self.ask(client, tcp).answer
                    for r in rrset] == [expected], (client, tcp))
                self.eventually(lambda: re.search(
                    rf"query from={client} transport={'tcp' if tcp else 'udp'}",
                    self.d.log_text()))
        self.assertEqual(metric(self.d, "proxy_bad_total"), 0)
        # Its own checks are its own.
        self.assertIn("query from=127.0.0.1 ", self.d.log_text())
