"""DNS as clients see it: UDP, TCP, EDNS, client subnets, addresses."""

import re
import fcntl
import ipaddress
import random
import socket
import struct
import termios
import threading

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from harness import (NETS, PATIENCE_S, WAIT_S, Daemon, Test, free_port,
                     scope_of)

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.80
www AAAA 2001:db8::80
big TXT "%s" "%s" "%s" "%s" "%s" "%s"
alias CNAME live
far 3600 CNAME www.example.net.
live TXT "beside the steered addresses"
live MX 10 mail
mail A 192.0.2.25
*.wild A 192.0.2.99
*.live A 192.0.2.98
""" % (("x" * 250,) * 6)

CONF = """nets: nets.txt
zones:
  example.com: {file: zone}
nodes:
  hk1: {address: [192.0.2.1, "2001:db8::1"], at: [22.3, 114.2], site: a, api: off, rtmp: off}
  hk2: {address: [192.0.2.2, "2001:db8::2"], at: [22.3, 114.2], site: b, api: off, rtmp: off}
  jp1: {address: [192.0.2.3, "2001:db8::3"], at: [35.7, 139.7], site: c, api: off, rtmp: off}
  uk1: {address: [192.0.2.4, "2001:db8::4"], at: [51.5, -0.1], site: d, api: off, rtmp: off}
  mail: {address: [192.0.2.7], at: [0, 0], role: relay, api: off, rtmp: off}
  spare: {address: [192.0.2.8], at: [0, 0], role: origin, api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge], lines: 3, ttl: [2, 7], https: "h2,http/1.1"}
  class.example.com: {pool: [edge], streams: true, lines: 2}
"""


class Dns(Test):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon(CONF, files={"zone": ZONE, "nets.txt": NETS})
        cls.d.wait_for(lambda: cls.d.address(
            "live.example.com", "10.3.0.0/24") == "192.0.2.4")

    @classmethod
    def tearDownClass(cls):
        cls.d.close()

    # -- steered names -----------------------------------------------------

    def test_ttl_is_of_the_range(self):
        for i in range(40):
            answer = self.d.ask("live.example.com", "A", f"10.2.{i}.0/24")
            self.assertTrue(2 <= answer.answer[0].ttl <= 7)

    def test_families_are_one_decision(self):
        for i in range(30):
            net = f"10.1.{i * 8}.0/24"
            a = self.d.address("live.example.com", net)
            aaaa = self.d.address("live.example.com", net, rdtype="AAAA")
            self.assertEqual(a.split(".")[-1], aaaa.split("::")[-1])

    def test_https(self):
        """The line itself, then the next ones, each elsewhere."""
        answer = self.d.ask("live.example.com", "HTTPS", "10.3.0.0/24")
        services = {rr.priority: rr for rr in answer.answer[0]}
        self.assertEqual([str(services[n].target) for n in (1, 2, 3)],
                         [".", "line2.live.example.com.", "line3.live.example.com."])
        self.assertIn("192.0.2.4", services[1].to_text())
        self.assertIn("2001:db8::4", services[1].to_text())
        for rr in services.values():
            self.assertIn("h2,http/1.1", rr.to_text())
        hints = {re.search('ipv4hint="([^"]+)"', rr.to_text())[1]
                 for rr in services.values()}
        self.assertEqual(len(hints), 3)
        self.assertEqual(scope_of(answer), scope_of(
            self.d.ask("live.example.com", "A", "10.3.0.0/24")))

        line3 = self.d.ask("line3.live.example.com", "HTTPS", "10.3.0.0/24")
        self.assertEqual([(rr.priority, str(rr.target)) for rr in line3.answer[0]],
                         [(1, ".")])
        none = self.d.ask("class.example.com", "HTTPS", "10.3.0.0/24")
        self.assertEqual((none.rcode(), none.answer), (0, []))

    def test_data_beside(self):
        for rdtype in ("TXT", "MX"):
            answer = self.d.ask("live.example.com", rdtype, "10.3.0.0/24")
            self.assertEqual(answer.answer[0].rdtype,
                             dns.rdatatype.from_text(rdtype))
            self.assertEqual(scope_of(answer), 0)
        nodata = self.d.ask("live.example.com", "SRV")
        self.assertEqual((nodata.rcode(), nodata.answer), (0, []))

    def test_cname_takes_scope_and_ttl(self):
        direct = self.d.ask("live.example.com", "A", "10.3.0.0/24")
        alias = self.d.ask("alias.example.com", "A", "10.3.0.0/24")
        self.assertEqual(scope_of(alias), scope_of(direct))
        self.assertEqual([r.rdtype for r in alias.answer],
                         [dns.rdatatype.CNAME, dns.rdatatype.A])
        self.assertLessEqual(alias.answer[0].ttl, 7)
        self.assertEqual(alias.answer[1][0].address, "192.0.2.4")

    def test_streams(self):
        name = "math101.class.example.com"
        self.assertEqual(self.d.address(name, "10.3.0.0/24"), "192.0.2.4")
        self.assertNotEqual(
            self.d.address("math101.line2.class.example.com", "10.3.0.0/24"),
            "192.0.2.4")
        self.assertEqual(self.d.address("MATH101.class.example.com",
                                        "10.3.0.0/24"), "192.0.2.4")
        for name in ("line3.class", "line02.class", "a.b.class", "_x.class",
                     "line4.live", "line0.live", "line02.live"):
            answer = self.d.ask(name + ".example.com")
            self.assertEqual(answer.rcode(), dns.rcode.NXDOMAIN, name)

    def test_wildcard_below(self):
        """The zone's wildcard makes names, but no lines."""
        self.assertEqual(self.d.address("x.live.example.com"), "192.0.2.98")
        self.assertEqual(self.d.address("lines.live.example.com"),
                         "192.0.2.98")

    def test_node_names(self):
        self.assertEqual(self.d.address("hk1.example.com"), "192.0.2.1")
        self.assertEqual(self.d.addresses("hk1.example.com", rdtype="AAAA"),
                         ["2001:db8::1"])
        # The zone's own data win; origins have no name by default.
        self.assertEqual(self.d.address("mail.example.com"), "192.0.2.25")
        self.assertIn("mail.example.com has data of its own", self.d.log_text())
        self.assertEqual(self.d.ask("spare.example.com").rcode(),
                         dns.rcode.NXDOMAIN)

    def test_steered_is_never_additional(self):
        answer = self.d.ask("live.example.com", "MX")
        names = {str(r.name) for r in answer.additional}
        self.assertEqual(names, {"mail.example.com."})

    # -- client subnet -----------------------------------------------------

    def test_scope_is_true(self):
        """Every client in ADDRESS/min(scope, source) gets the same answer."""
        rng = random.Random(7)
        for _ in range(60):
            address = ipaddress.ip_address(
                (10 << 24) | rng.getrandbits(24))
            source = rng.choice((0, 8, 16, 20, 21, 23, 24, 28, 32))
            net = ipaddress.ip_network((address, source), strict=False)
            answer = self.d.ask("live.example.com", "A", f"{net[0]}/{source}")
            scope = scope_of(answer)
            if source == 0:
                self.assertEqual(scope, 0)
                continue
            self.assertTrue(20 <= scope <= 24, scope)
            shared = ipaddress.ip_network((net[0], min(scope, source)),
                                          strict=False)
            for _ in range(4 if source >= scope else 0):
                other = shared[rng.randrange(shared.num_addresses)]
                peer = self.d.ask("live.example.com", "A", f"{other}/32")
                self.assertEqual(scope_of(peer), scope)
                self.assertEqual(peer.answer[0][0].address,
                                 answer.answer[0][0].address)

    def test_scope_of_ipv6(self):
        for net in ("2001:db8:1::/56", "2001:db8:ffff::/48", "2400::/32"):
            answer = self.d.ask("live.example.com", "A", net)
            self.assertTrue(40 <= scope_of(answer) <= 48)
        self.assertIn(self.d.address("live.example.com", "2001:db8:1::/56"),
                      ("192.0.2.1", "192.0.2.2"))

    def test_static_scope_is_zero(self):
        for name in ("www", "nothing", "example.com"):
            answer = self.d.ask(name + ".example.com", "A", "10.3.0.0/24")
            self.assertEqual(scope_of(answer), 0)

    def test_option_is_echoed(self):
        answer = self.d.ask("live.example.com", "A", "10.3.7.0/24")
        option = next(o for o in answer.options
                      if isinstance(o, dns.edns.ECSOption))
        self.assertEqual((option.family, option.srclen, option.address),
                         (1, 24, "10.3.7.0"))

    def raw_ecs(self, option):
        query = self.d.query("live.example.com", use_edns=0, options=[
            dns.edns.GenericOption(8, option)])
        return dns.query.udp(query, "127.0.0.1", 5, self.d.port)

    def test_malformed_option(self):
        for option in (b"", b"\0\1\x18", b"\0\1\x18\0\x0a\1", b"\0\3\x08\0\x0a",
                       b"\0\1\x18\0\x0a\1\2\3", b"\0\1\x18\x18\x0a\1\2",
                       b"\0\1\x14\0\x0a\1\x1f", b"\0\1\x21\0\x0a\1\2\3\4"):
            answer = self.raw_ecs(option)
            self.assertEqual(answer.rcode(), dns.rcode.FORMERR, option)

    # -- the protocol ------------------------------------------------------

    def test_refused_elsewhere(self):
        self.assertEqual(self.d.ask("example.org").rcode(), dns.rcode.REFUSED)

    def errors_of(self, *question, opcode=0, **more):
        """The extended errors of an answer that is refused."""
        query = self.d.query(*question, **more)
        query.set_opcode(opcode)
        answer = dns.query.udp(query, "127.0.0.1", WAIT_S, self.d.port)
        self.assertIn(answer.rcode(), (dns.rcode.REFUSED, dns.rcode.NOTIMP))
        return [(o.code, o.text) for o in answer.options
                if isinstance(o, dns.edns.EDEOption)]

    def test_extended_errors(self):
        """Why it is refused; loopback is trusted, and gets it in words."""
        for question, more, expected in (
                (("example.org", "A"), {}, [
                    (20, "the name is in no zone of ours")]),
                (("example.com", "IXFR"), {}, [
                    (18, "no transfer of this zone to this asker")]),
                (("id.server", "TXT"), {"rdclass": "CH"}, [
                    (21, "nothing of that name in this class")]),
                (("example.com", "SOA"), {"opcode": 4}, [
                    (21, "opcode is not QUERY")])):
            self.assertEqual(
                self.errors_of(*question, payload=1232, **more), expected)
            self.assertEqual(self.errors_of(*question, **more), [])

    def test_large_answers(self):
        udp = self.d.ask("big.example.com", "TXT", payload=4096)
        self.assertTrue(udp.flags & dns.flags.TC)
        tcp = self.d.ask("big.example.com", "TXT", tcp=True)
        self.assertEqual(len(tcp.answer[0][0].strings), 6)

    def test_case_is_kept(self):
        query = dns.message.make_query("WwW.eXaMpLe.CoM", "A")
        answer = dns.query.udp(query, "127.0.0.1", 5, self.d.port)
        self.assertEqual(str(answer.question[0].name), "WwW.eXaMpLe.CoM.")

    def test_any_is_minimal(self):
        answer = self.d.ask("www.example.com", "ANY")
        self.assertEqual(len(answer.answer), 1)

    def test_opcodes_and_transfers(self):
        query = dns.message.make_query("example.com", "SOA")
        query.set_opcode(4)
        answer = dns.query.udp(query, "127.0.0.1", 5, self.d.port)
        self.assertEqual(answer.rcode(), dns.rcode.NOTIMP)
        query = dns.message.make_query("example.com", "AXFR")
        with self.connect() as s:
            wire = query.to_wire()
            s.sendall(struct.pack("!H", len(wire)) + wire)
            self.assertEqual(self.read_frame(s).rcode(), dns.rcode.REFUSED)

    def test_garbage_is_survived(self):
        rng = random.Random(3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(2000):
                s.sendto(rng.randbytes(rng.randrange(0, 600)),
                         ("127.0.0.1", self.d.port))
        self.assertEqual(self.d.address("www.example.com"), "192.0.2.80")

    # -- TCP ---------------------------------------------------------------

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.d.port), PATIENCE_S)
        self.addCleanup(s.close)
        return s

    @staticmethod
    def frame(name, rdtype="A"):
        wire = dns.message.make_query(name, rdtype).to_wire()
        return struct.pack("!H", len(wire)) + wire

    @staticmethod
    def read_frame(s):
        data = b""
        while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
            more = s.recv(2 if len(data) < 2 else
                          2 + struct.unpack("!H", data[:2])[0] - len(data))
            if not more:
                return None
            data += more
        return dns.message.from_wire(data[2:])

    def test_pipelined(self):
        s = self.connect()
        s.sendall(b"".join(self.frame("www.example.com") for _ in range(100)))
        for _ in range(100):
            self.assertEqual(self.read_frame(s).answer[0][0].address,
                             "192.0.2.80")

    @staticmethod
    def unread(s):
        """Octets that came and were not read."""
        return struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, bytes(4)))[0]

    def test_slow_reader(self):
        """More answers than sockets hold wait for who reads late; the
        questions behind them wait too, and none is lost."""
        s, n = self.connect(), 8000
        s.settimeout(PATIENCE_S)
        sender = threading.Thread(
            target=s.sendall,
            args=(self.frame("big.example.com", "TXT") * n,), daemon=True)
        sender.start()

        def waiting():
            """Nothing more comes although the server served others meanwhile:
            there is no room for it."""
            before = self.unread(s)
            for _ in range(3):
                self.assertEqual(self.d.address("www.example.com", tcp=True),
                                 "192.0.2.80")
            return before and before == self.unread(s)
        self.eventually(waiting)
        with s.makefile("rb") as stream:
            for _ in range(n):
                size, = struct.unpack("!H", stream.read(2))
                self.assertEqual(size, len(stream.read(size)))
                self.assertGreater(size, 1400)
        sender.join()

    def test_leaves_while_answers_wait(self):
        s = self.connect()
        s.setblocking(False)
        try:
            for _ in range(1000):
                s.send(self.frame("big.example.com", "TXT") * 100)
        except BlockingIOError:
            pass
        s.close()
        self.assertEqual(self.d.address("www.example.com", tcp=True),
                         "192.0.2.80")

    def test_byte_by_byte(self):
        s = self.connect()
        for byte in self.frame("www.example.com"):
            s.sendall(bytes([byte]))
        self.assertIsNotNone(self.read_frame(s))

    def test_half_closed(self):
        """A client that ends its side still gets its answers."""
        s = self.connect()
        s.sendall(self.frame("www.example.com") * 3)
        s.shutdown(socket.SHUT_WR)
        for _ in range(3):
            self.assertIsNotNone(self.read_frame(s))
        self.assertIsNone(self.read_frame(s))

    def test_nonsense_length(self):
        """What is due is still sent, then the connection ends."""
        s = self.connect()
        s.sendall(self.frame("www.example.com") + b"\0\3abc" +
                  self.frame("www.example.com"))
        self.assertIsNotNone(self.read_frame(s))
        self.assertIsNone(self.read_frame(s))


class Tcp(Test):
    def test_idle_and_cap(self):
        d = self.daemon("tcp: {max: 5, idle: 1}\n" + CONF,
                        files={"zone": ZONE, "nets.txt": NETS})
        where = ("127.0.0.1", d.port)
        open_ = [socket.create_connection(where, PATIENCE_S) for _ in range(5)]
        # One more: the one idle for longest goes.
        with socket.create_connection(where, PATIENCE_S) as late:
            open_[0].settimeout(PATIENCE_S)
            self.assertEqual(open_[0].recv(1), b"")
            late.sendall(Dns.frame("www.example.com"))
            self.assertIsNotNone(Dns.read_frame(late))
        for s in open_[1:]:
            s.settimeout(PATIENCE_S)
            self.assertEqual(s.recv(1), b"")
        for s in open_:
            s.close()

    def test_idle_connections_cost_udp_nothing(self):
        d = self.daemon(CONF, files={"zone": ZONE, "nets.txt": NETS})
        idle = [socket.create_connection(("127.0.0.1", d.port), PATIENCE_S)
                for _ in range(900)]
        for _ in range(200):
            self.assertEqual(d.address("www.example.com"), "192.0.2.80")
        for s in idle:
            s.close()


class Addresses(Test):
    def test_from_the_address_that_was_asked(self):
        port = free_port()
        d = self.daemon(CONF, files={"zone": ZONE, "nets.txt": NETS},
                        listen=[f"0.0.0.0:{port}", f"[::]:{port}"],
                        start=False)
        d.port = port
        d.start()
        for address in ("127.0.0.1", "127.0.0.2", "127.77.1.9", "::1"):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.settimeout(PATIENCE_S)
                s.sendto(dns.message.make_query("www.example.com", "A")
                         .to_wire(), (address, port))
                self.assertEqual(s.recvfrom(2000)[1][0], address)

    def test_several_addresses(self):
        port = free_port()
        d = self.daemon(CONF, files={"zone": ZONE, "nets.txt": NETS},
                        listen=[f"127.0.0.1:{port}", f"127.0.0.3:{port}"],
                        start=False)
        d.port = port
        d.start()
        for address in ("127.0.0.1", "127.0.0.3"):
            self.assertEqual(d.address("www.example.com", where=address),
                             "192.0.2.80")


class Cookies(Test):
    def test_large_answers_take_a_cookie(self):
        d = self.daemon("udp_nocookie: 300\n" + CONF,
                        files={"zone": ZONE + "mid TXT \"%s\" \"%s\"\n" %
                               ("y" * 200, "z" * 200), "nets.txt": NETS})
        client = bytes(range(8))
        plain = d.ask("mid.example.com", "TXT", payload=1232)
        self.assertTrue(plain.flags & dns.flags.TC)
        first = d.ask("mid.example.com", "TXT", use_edns=0, payload=1232,
                      options=[dns.edns.GenericOption(10, client)])
        self.assertTrue(first.flags & dns.flags.TC)
        cookie = next(o.data for o in first.options if o.otype == 10)
        self.assertEqual(cookie[:8], client)
        self.assertEqual(len(cookie), 24)
        second = d.ask("mid.example.com", "TXT", use_edns=0, payload=1232,
                       options=[dns.edns.GenericOption(10, cookie)])
        self.assertFalse(second.flags & dns.flags.TC)
        self.assertEqual(len(second.answer), 1)

    def test_shared_secret(self):
        """A cookie of one name server is good at the other."""
        files = {"zone": ZONE, "nets.txt": NETS,
                 "secret": "000102030405060708090a0b0c0d0e0f\n"}
        conf = "udp_nocookie: 100\ncookie_secret: secret\n" + CONF
        a = self.daemon(conf, files=files)
        b = self.daemon(conf, files=files)
        first = a.ask("live.example.com", "TXT", use_edns=0,
                      options=[dns.edns.GenericOption(10, bytes(8))])
        cookie = next(o.data for o in first.options if o.otype == 10)
        second = b.ask("live.example.com", "TXT", use_edns=0,
                       options=[dns.edns.GenericOption(10, cookie)])
        self.assertFalse(second.flags & dns.flags.TC)


class Identity(Test):
    def test_nsid_and_chaos(self):
        d = self.daemon("server_id: ns7\nversion: dnsd here\n" + CONF,
                        files={"zone": ZONE, "nets.txt": NETS})
        answer = d.ask("www.example.com", use_edns=0,
                       options=[dns.edns.GenericOption(3, b"")])
        self.assertEqual(next(o for o in answer.options if o.otype == 3).data,
                         b"ns7")
        for name, text in (("id.server", "ns7"), ("hostname.bind", "ns7"),
                           ("version.bind", "dnsd here")):
            answer = d.ask(name, "TXT", rdclass="CH")
            self.assertIn(text, answer.answer[0][0].to_text())

    def test_off_by_default(self):
        d = self.daemon(CONF, files={"zone": ZONE, "nets.txt": NETS})
        for name in ("id.server", "version.bind", "hostname.bind"):
            self.assertEqual(d.ask(name, "TXT", rdclass="CH").rcode(),
                             dns.rcode.REFUSED)


class Floods(Test):
    def test_memory_is_bounded(self):
        """Random names and random client subnets cost fixed tables only."""
        d = self.daemon(CONF, files={"zone": ZONE, "nets.txt": NETS})

        def rss():
            with open(f"/proc/{d.process.pid}/status") as f:
                return next(int(l.split()[1]) for l in f
                            if l.startswith("VmRSS"))

        def flood(count):
            rng = random.Random(count)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for i in range(count):
                    net = bytes([rng.randrange(256) for _ in range(3)])
                    query = dns.message.make_query(
                        "live.example.com" if i % 2 else
                        f"r{rng.getrandbits(40)}.example.com", "A")
                    wire = query.to_wire()
                    wire = wire[:11] + b"\1" + wire[12:] + (
                        b"\0" + struct.pack("!HHIH", 41, 1232, 0, 11) +
                        struct.pack("!HHHBB", 8, 7, 1, 24, 0) + net)
                    s.sendto(wire, ("127.0.0.1", d.port))
            self.assertEqual(d.address("www.example.com"), "192.0.2.80")
        flood(20000)
        before = rss()
        flood(20000)
        # 16 MiB of client table a thread is the most there will ever be.
        self.assertLess(rss() - before, 3 * 16 * 1024)
