"""Answers by AF_XDP: what comes on an interface, past the kernel's network stack. Each test
has networks of its own."""

import contextlib
import ctypes
import json
import os
import pathlib
import resource
import signal
import socket
import struct
import tempfile
import threading
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

import harness
from harness import NETS, WAIT_S, Daemon, Test
from dnstap import Reader
from test_proxy import header
from test_replace import Replaceable
from wire import CLIENT, SERVER, Wire, check, libc, refused

BPF, BPF_LINK_DETACH, PIDFD_GETFD = 321, 34, 438
HERE4, HERE6 = "10.99.0.1", "fd00:99::1"
FROM4, FROM6 = "10.99.0.2", "fd00:99::2"
XDP = "xdp: {interfaces: [%s], mode: %s}\n"
ZONE = """$ORIGIN example.com.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 10.99.0.1
www A 192.0.2.80
www AAAA 2001:db8::80
alias CNAME www
*.wild TXT "a wildcard"
sub NS ns.sub
ns.sub A 192.0.2.99
mail MX 10 www
""" + "".join(f"many A 192.0.2.{i}\n" for i in range(1, 200))
CONF = """zones: {example.com: {file: zone}}
nets: nets.txt
trusted: [10.99.0.0/24, "fd00:99::/64"]
nodes:
  hk: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off}
  gb: {address: [192.0.2.2], at: [51.5, -0.1], api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge], lines: 2, ttl: 60}
"""


class OnWire:
    """A daemon in the server's namespace."""

    wire = None

    def limit(self):
        super().limit()
        self.wire.enter("server")


class Server(OnWire, Daemon):
    pass


class Successive(OnWire, Replaceable):
    pass


@unittest.skipIf(refused(), refused())
class Wired(Test):
    mode = "auto"
    queues = 1
    card_sums = False       # checksums are left to the card

    def setUp(self):
        self.wire = Wire(self.queues)
        self.addCleanup(self.wire.close)
        for place, v4, v6 in (("server", HERE4, HERE6), ("client", FROM4, FROM6)):
            name = SERVER if place == "server" else CLIENT
            self.wire.ip(place, f"addr add {v4}/24 dev {name}")
            self.wire.ip(place, f"addr add {v6}/64 dev {name} nodad")
        if not self.card_sums:
            self.wire.write_checksums()

    def serve(self, more="", conf=CONF, kind=Server, listen=(HERE4, f"[{HERE6}]"),
              xdp=None, prepare=lambda d: None):
        """The daemon; what follows is the client's."""
        self.xdp = XDP % (SERVER, self.mode) if xdp is None else xdp
        d = kind(self.xdp + more + conf, http=False, start=False,
                 files={"zone": ZONE, "nets.txt": NETS})
        d.wire = self.wire
        d.listen = [f"{a}:{d.port}" for a in listen]
        d.head = d.head.replace(json.dumps([f"127.0.0.1:{d.port}"]),
                                json.dumps(d.listen))
        d.write_conf(self.xdp + more + conf)
        prepare(d)
        d.start()
        self.addCleanup(d.close)
        inside = self.wire.inside("client")
        inside.__enter__()
        self.addCleanup(inside.__exit__, None, None, None)
        return d

    def status(self, d, name=SERVER):
        """What is published after this moment."""
        def now():
            return json.loads(d.run("ctl", "status", "--json"))
        begin = now()["generation"]
        status = self.eventually(lambda: (s := now())["generation"] > begin + 1 and s)
        return next(x for x in status["xdp"] if x["interface"] == name)

    def figure(self, d, what):
        return self.status(d)[what]

    @contextlib.contextmanager
    def grows(self, d, by, what="received"):
        """So many come by AF_XDP meanwhile: neither fewer nor more."""
        before = self.figure(d, what)
        yield
        self.assertEqual(self.figure(d, what) - before, by, what)

    def ask_raw(self, d, query, where=HERE4, source_port=0):
        """The octets of the answer."""
        family = socket.AF_INET6 if ":" in where else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(WAIT_S)
            s.connect((where, d.port))
            s.send(query)
            return s.recv(4096)


def has_vlans():
    """Whether the kernel has VLAN interfaces."""
    wire = Wire()
    try:
        wire.ip("server", f"link add link {SERVER} name v7 type vlan id 7")
        return True
    except AssertionError:
        return False
    finally:
        wire.close()


def queries():
    """Octets of questions of all kinds."""
    ecs = [None, ("10.1.2.0", 24), ("10.3.2.0", 24), ("10.3.2.0", 0),
           ("2001:db8:1::", 48)]
    names = [("www", "A"), ("www", "AAAA"), ("WwW", "A"), ("alias", "A"),
             ("x.y.wild", "TXT"), ("nowhere", "A"), ("a.sub", "A"), ("mail", "MX"),
             ("live", "A"), ("line2.live", "A"), ("live", "TXT"),
             ("", "SOA"), ("", "NS"), ("many", "A"), ("www", "ANY")]
    out = []
    for name, rdtype in names:
        for subnet in ecs:
            options = [dns.edns.ECSOption(*subnet)] if subnet else None
            q = dns.message.make_query(f"{name}.example.com".lstrip("."), rdtype,
                                       options=options, use_edns=0 if subnet else None)
            out.append(q)
    out.append(dns.message.make_query("example.net", "A"))
    out.append(dns.message.make_query("example.com", "A", rdclass="CH"))
    out.append(dns.message.make_query("many.example.com", "A", use_edns=0,
                                      payload=4096, want_dnssec=True))
    out.append(dns.message.make_query("www.example.com", "A", use_edns=1))
    for number, q in enumerate(out):
        q.id = 1000 + number
    return [q.to_wire() for q in out] + [b"\x12\x34" + bytes(10), b"\x12\x34\0\0\0\1" + bytes(6)]


VLANS = not refused() and has_vlans()


class Answers(Wired):
    def test_the_same_octets_as_by_sockets(self):
        d = self.serve()
        asked = queries()
        for where in (HERE4, HERE6):
            with self.grows(d, len(asked)):
                by_xdp = [self.ask_raw(d, q, where) for q in asked]
            d.write_conf(CONF)
            d.run("ctl", "reload")
            self.assertEqual(self.figure(d, "mode"), "off")
            with self.grows(d, 0):
                self.assertEqual([self.ask_raw(d, q, where) for q in asked], by_xdp)
            d.write_conf(self.xdp + CONF)
            d.run("ctl", "reload")
            with self.grows(d, 1):
                self.ask_raw(d, asked[0], where)

    def test_replies_of_all_sizes_up_to_their_limit(self):
        d = self.serve()
        for size in (0, 512, 1232, 4096):
            q = dns.message.make_query("many.example.com", "A", use_edns=0 if size else -1,
                                       payload=size)
            for where in (HERE4, HERE6):
                with self.grows(d, 1, "answered"):
                    answer = dns.query.udp(q, where, WAIT_S, d.port)
                self.assertTrue(answer.flags & dns.flags.TC)
                self.assertLessEqual(len(answer.to_wire()), 1232)
        whole = dns.query.tcp(q, HERE4, WAIT_S, d.port)
        self.assertEqual(len(whole.answer[0]), 199)

    def test_what_watches_answers(self):
        """The log of queries, cookies, the limit."""
        d = self.serve("query_log: 1\nrrl: {rate: 5}\n",
                       CONF.replace("trusted", "heartbeat_from"))
        q = dns.message.make_query("www.example.com", "A", use_edns=0, options=[
            dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")])
        with self.grows(d, 30):
            answers = [dns.query.udp(q, HERE4, WAIT_S, d.port) for _ in range(30)]
        self.assertTrue(any(a.flags & dns.flags.TC for a in answers))
        cookie = next(o for o in answers[0].options
                      if o.otype == dns.edns.OptionType.COOKIE)
        q.use_edns(0, options=[cookie])
        with self.grows(d, 30):
            for _ in range(30):
                answer = dns.query.udp(q, HERE4, WAIT_S, d.port)
                self.assertFalse(answer.flags & dns.flags.TC)
        self.assertIn("www.example.com", d.log_text())

    def test_of_a_proxy(self):
        d = self.serve(f"proxy: [{FROM4}]\n")
        q = dns.message.make_query("live.example.com", "A")
        for client, node in (("10.1.0.1", "192.0.2.1"), ("10.3.0.1", "192.0.2.2")):
            with self.grows(d, 1, "answered"):
                answer = dns.message.from_wire(
                    self.ask_raw(d, header(client) + q.to_wire()))
            self.assertEqual(answer.answer[0][0].address, node)

    def test_a_copy_for_dnstap(self):
        folder = tempfile.TemporaryDirectory(prefix="dnsd-test-")
        self.addCleanup(folder.cleanup)
        reader = Reader(pathlib.Path(folder.name) / "tap")
        self.addCleanup(reader.close)
        d = self.serve(f"dnstap: {{socket: {reader.path}}}\n")
        with self.grows(d, 1):
            self.ask_raw(d, queries()[0])
        query, response = reader.wait(2)
        self.assertEqual((query.address, query.transport), (FROM4, "udp"))
        self.assertEqual(query.query, queries()[0])
        self.assertEqual(response.response[:2], queries()[0][:2])


class AnswersInCopyMode(Answers):
    mode = "copy"

    def test_is_the_mode(self):
        self.assertEqual(self.status(self.serve())["mode"], "copy")


class SumsOfTheCard(Wired):
    card_sums = True

    def test_the_pseudo_header_s_is_enough(self):
        """As veth leaves it."""
        d = self.serve()
        for where in (HERE4, HERE6):
            with self.grows(d, 1, "answered"):
                self.ask_raw(d, queries()[0], where)


class Queues(Wired):
    queues = 2

    def test_a_thread_for_each(self):
        d = self.serve()
        self.assertEqual(self.figure(d, "queues"), 2)
        names = {(t / "comm").read_text().strip() for t in
                 pathlib.Path(f"/proc/{d.process.pid}/task").iterdir()}
        self.assertLessEqual({"dnsd-xdp0", "dnsd-xdp1"}, names)
        with self.grows(d, 50, "answered"):
            for _ in range(50):     # from as many ports
                self.ask_raw(d, queries()[0])


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Frames(Wired):
    """Frames as the test makes them."""

    def setUp(self):
        super().setUp()
        self.d = self.serve()
        self.macs = self.wire.mac("server") + self.wire.mac("client")
        self.out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.out.bind((CLIENT, 0))
        self.addCleanup(self.out.close)
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.bind((FROM4, 0))
        self.back.settimeout(WAIT_S)
        self.back6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.back6.bind((FROM6, 0))
        self.back6.settimeout(WAIT_S)
        for s in (self.back, self.back6):
            self.addCleanup(s.close)
        # The server knows the client's addresses, if the kernel is to answer.
        for where in (HERE4, HERE6):
            self.ask_raw(self.d, queries()[0], where)

    def udp(self, source, target, addresses, payload, check=None):
        head = struct.pack("!HHH", source, target, 8 + len(payload))
        pseudo = addresses + struct.pack("!II", 8 + len(payload), 17)
        if check is None:
            check = checksum(pseudo + head + b"\0\0" + payload) or 0xffff
        return head + struct.pack("!H", check) + payload

    def ipv4(self, payload, check=None, udp_check=None, first=0x45, fragment=0,
             sender=FROM4, total=None, port=None, source_port=None, protocol=17):
        addresses = socket.inet_aton(sender) + socket.inet_aton(HERE4)
        udp = self.udp(source_port if source_port is not None
                       else self.back.getsockname()[1],
                       port or self.d.port, addresses, payload, udp_check)
        head = struct.pack("!BBHHHBB", first, 0, total or 20 + len(udp), 7, fragment,
                           9, protocol)
        if check is None:
            check = checksum(head + b"\0\0" + addresses)
        return b"\x08\0" + head + struct.pack("!H", check) + addresses + udp

    def ipv6(self, payload, udp_check=None, sender=FROM6, next_header=17, before=b""):
        addresses = socket.inet_pton(socket.AF_INET6, sender) + \
            socket.inet_pton(socket.AF_INET6, HERE6)
        udp = before + self.udp(self.back6.getsockname()[1], self.d.port, addresses,
                                payload, udp_check)
        return b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(udp), next_header, 9) + \
            addresses + udp

    def send(self, frame, macs=None):
        self.out.send((macs or self.macs) + frame)

    def dropped(self, what, *frames):
        """By AF_XDP, as such."""
        with self.grows(self.d, len(frames), what), self.grows(self.d, 0, "answered"):
            for frame in frames:
                self.send(frame)

    QUERY = queries()[0]

    def test_good_ones_are_answered(self):
        for frame, back in ((self.ipv4(self.QUERY), self.back),
                            (self.ipv4(self.QUERY, udp_check=0), self.back),
                            (self.ipv4(self.QUERY) + b"padding", self.back),
                            (self.ipv4(self.QUERY, fragment=0x4000), self.back),
                            (self.ipv6(self.QUERY), self.back6)):
            with self.grows(self.d, 1, "answered"):
                self.send(frame)
                self.assertEqual(back.recv(4096)[:2], self.QUERY[:2])

    def test_wrong_checksums_are_dropped(self):
        self.dropped("bad_checksum",
                     self.ipv4(self.QUERY, check=0x1234),
                     self.ipv4(self.QUERY, udp_check=0x1234),
                     self.ipv6(self.QUERY, udp_check=0x1234),
                     self.ipv6(self.QUERY, udp_check=0))

    def test_what_cannot_be_is_dropped(self):
        self.dropped("malformed",
                      self.ipv4(self.QUERY, sender="127.0.0.1"),
                      self.ipv4(self.QUERY, sender="224.0.0.1"),
                      self.ipv4(self.QUERY, sender="0.0.0.0"),
                      self.ipv4(self.QUERY, sender="255.255.255.255"),
                      self.ipv4(self.QUERY, source_port=0),
                      self.ipv4(self.QUERY, total=1400),
                      self.ipv4(self.QUERY, total=30),
                      self.ipv6(self.QUERY, sender="::1"),
                      self.ipv6(self.QUERY, sender="::"),
                      self.ipv6(self.QUERY, sender="::ffff:10.1.1.1"),
                      self.ipv6(self.QUERY, sender="ff02::1"))

    def test_others_are_the_kernel_s(self):
        options = b"\0\0\1\4\0\0\0\0"     # of a destination: nothing, padded
        with self.grows(self.d, 0):
            for frame in (self.ipv4(self.QUERY, first=0x46),
                      self.ipv4(self.QUERY, first=0x55),
                      self.ipv4(self.QUERY, fragment=0x2000),
                      self.ipv4(self.QUERY, fragment=1),
                      self.ipv4(self.QUERY, port=self.d.port + 1),
                      self.ipv4(self.QUERY, protocol=6),
                      self.ipv6(self.QUERY, next_header=60, before=options),
                      self.ipv6(self.QUERY, next_header=44, before=options),
                      b"\x81\0\0\7" + self.ipv4(self.QUERY),    # no such VLAN
                      b"\x88\xa8\0\7" + self.ipv4(self.QUERY),
                      b"\x08\6" + bytes(60), b"\x08\0"):
                self.send(frame)
            self.send(self.ipv4(self.QUERY), b"\2\0\0\0\0\1" + self.macs[6:])
            self.send(self.ipv4(self.QUERY), b"\xff" * 6 + self.macs[6:])

    def test_replies_are_well_formed(self):
        seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.addCleanup(seen.close)
        seen.bind((CLIENT, 3))
        seen.settimeout(WAIT_S)
        for number in range(1, 40):
            query = dns.message.make_query(f"{'a' * number}.wild.example.com", "TXT",
                                           id=number).to_wire()
            for frame in (self.ipv4(query), self.ipv6(query)):
                self.send(frame)
                self.check_reply(self.reply_to(seen, struct.pack("!H", number)))

    def reply_to(self, seen, ident):
        while True:
            frame = seen.recv(4096)
            at = {b"\x08\0": 42, b"\x86\xdd": 62}.get(frame[12:14])
            if frame[6:12] == self.macs[:6] and at and frame[at:at + 2] == ident:
                return frame

    def check_reply(self, frame):
        self.assertEqual(frame[:12], self.macs[6:] + self.macs[:6])
        ip = frame[14:]
        if ip[0] == 0x45:
            self.assertEqual(checksum(ip[:20]), 0)
            self.assertEqual((ip[8], ip[6:8]), (64, b"\x40\0"))
            addresses, udp = ip[12:20], ip[20:]
            self.assertEqual(struct.unpack("!H", ip[2:4])[0], len(ip))
        else:
            addresses, udp = ip[8:40], ip[40:]
            self.assertEqual(ip[7], 64)
        self.assertEqual(struct.unpack("!H", udp[4:6])[0], len(udp))
        self.assertEqual(
            checksum(addresses + struct.pack("!II", len(udp), 17) + udp), 0)


class FramesInCopyMode(Frames):
    mode = "copy"


class TheKernels(Wired):
    """What sockets answer beside it."""

    def question(self, size):
        pad = dns.edns.GenericOption(12, bytes(size))
        return dns.message.make_query("www.example.com", "A", use_edns=0,
                                      options=[pad]).to_wire(max_size=4000)

    def test_fragments(self):
        d = self.serve()
        for where in (HERE4, HERE6):
            with self.grows(d, 0):
                self.assertEqual(self.ask_raw(d, self.question(2500), where)[3] & 15, 0)

    def test_options(self):
        d = self.serve()
        query = queries()[0]
        with self.grows(d, 0):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1\1\1\0")
                s.settimeout(WAIT_S)
                s.sendto(query, (HERE4, d.port))
                self.assertEqual(s.recv(4096)[:2], query[:2])
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS,
                             b"\0\0\1\4\0\0\0\0")
                s.settimeout(WAIT_S)
                s.sendto(query, (HERE6, d.port))
                self.assertEqual(s.recv(4096)[:2], query[:2])

    def test_other_ports_and_addresses(self):
        d = self.serve()
        self.wire.ip("server", f"addr add 10.99.0.77/24 dev {SERVER}")
        with self.wire.inside("server"):
            others = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "ab"]
        others[0].bind((HERE4, d.port + 1))
        others[1].bind(("10.99.0.77", d.port))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, self.grows(d, 0):
            for other in others:
                self.addCleanup(other.close)
                other.settimeout(WAIT_S)
                s.sendto(b"hello", other.getsockname())
                self.assertEqual(other.recv(100), b"hello")


class Privileged(OnWire, Daemon):
    """As its unit would start it, as a user with a few capabilities."""

    CAPABILITIES = "+net_admin,+net_raw,+bpf,+ipc_lock"

    def start(self, wait=True):
        program = self.write("dnsd", "#!/bin/sh\nexec setpriv --reuid 65534 "
                             f"--regid 65534 --clear-groups --inh-caps {self.CAPABILITIES} "
                             f"--ambient-caps {self.CAPABILITIES} {harness.DNSD} \"$@\"\n")
        program.chmod(0o755)
        os.chown(self.folder, 65534, 65534)
        before, harness.DNSD = harness.DNSD, str(program)
        try:
            return super().start(wait)
        finally:
            harness.DNSD = before


class Unprivileged(Privileged):
    CAPABILITIES = "+net_bind_service"


class Unlocked(Privileged):
    CAPABILITIES = "+net_admin,+net_raw,+bpf"

    def limit(self):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20))
        super().limit()


class Setting(Wired):
    def test_a_user_with_a_few_capabilities(self):
        d = self.serve(kind=Privileged)
        with self.grows(d, 1, "answered"):
            self.ask_raw(d, queries()[0])
        status = pathlib.Path(f"/proc/{d.process.pid}/status").read_text()
        self.assertIn("CapEff:\t0000000000000000", status)
        self.assertIn("Uid:\t65534", status)

    def test_a_user_without_them(self):
        d = self.serve(kind=Unprivileged)
        self.assertIn("not permitted", self.figure(d, "why"))
        self.assertTrue(self.ask_raw(d, queries()[0]))

    def test_a_user_without_locked_memory(self):
        d = self.serve(kind=Unlocked)
        self.assertIn("LimitMEMLOCK", self.figure(d, "why"))
        self.assertTrue(self.ask_raw(d, queries()[0]))

    def test_addresses_come_and_go(self):
        d = self.serve(listen=("0.0.0.0", "[::]"))
        for where in (HERE4, HERE6):
            with self.grows(d, 1):
                self.ask_raw(d, queries()[0], where)
        self.wire.ip("server", f"addr add 10.99.0.77/24 dev {SERVER}")

        def answered(where):
            before = self.figure(d, "answered")
            self.ask_raw(d, queries()[0], where)
            return self.figure(d, "answered") == before + 1
        self.eventually(lambda: answered("10.99.0.77"))
        self.wire.ip("server", f"addr del 10.99.0.77/24 dev {SERVER}")
        self.wire.ip("client", f"addr add 10.99.0.77/24 dev {CLIENT}")
        self.ask_raw(d, queries()[0], HERE4)

    @unittest.skipUnless(VLANS, "the kernel has no VLAN interfaces")
    def test_vlans(self):
        self.wire.tags_in_frames()
        for place, name, end in (("server", SERVER, 1), ("client", CLIENT, 2)):
            self.wire.ip(place, f"link add link {name} name v7 type vlan id 7")
            self.wire.ip(place, "link set v7 up")
            self.wire.ip(place, f"addr add 10.98.0.{end}/24 dev v7")
            self.wire.ip(place, f"addr add fd00:98::{end}/64 dev v7 nodad")
        d = self.serve(listen=("0.0.0.0", "[::]"))
        for where in ("10.98.0.1", "fd00:98::1", HERE4, HERE6):
            for query in queries()[:10]:
                with self.grows(d, 1, "answered"):
                    self.assertEqual(self.ask_raw(d, query, where)[:2], query[:2])

    @unittest.skipUnless(VLANS, "the kernel has no VLAN interfaces")
    def test_vlans_whose_tags_the_card_takes(self):
        self.wire.ip("server", f"link add link {SERVER} name v7 type vlan id 7")
        d = self.serve()
        self.assertIn("rxvlan off", self.figure(d, "why"))
        self.assertTrue(self.ask_raw(d, queries()[0]))

    def test_no_such_interface(self):
        d = self.serve(xdp=XDP % ("nope0", "auto"))
        self.assertEqual(self.status(d, "nope0")["mode"], "off")
        self.assertIn("dnsd.yaml:3: xdp: nope0 is answered by sockets: No such device",
                      d.log_text().replace(f"{d.head.count(chr(10)) + 1}:", "3:"))
        self.assertTrue(self.ask_raw(d, queries()[0]))

    def test_an_interface_without_ethernet(self):
        d = self.serve(xdp=XDP % ("lo, " + SERVER, "auto"))
        self.assertEqual(self.status(d, "lo")["why"], "it is not Ethernet")
        self.assertEqual(self.status(d)["why"], "")

    def test_a_small_mtu(self):
        self.wire.ip("server", f"link set {SERVER} mtu 1279")
        d = self.serve(listen=(HERE4,))
        self.assertEqual(self.figure(d, "why"), "its MTU is below 1280")
        self.wire.ip("server", f"link set {SERVER} mtu 1280")
        d.stop()
        d.start()
        self.wire.ip("client", f"link set {CLIENT} mtu 1280")
        q = dns.message.make_query("many.example.com", "A", use_edns=0, payload=1232)
        with self.grows(d, 1, "answered"):
            self.assertLessEqual(len(self.ask_raw(d, q.to_wire())), 1232)

    def test_another_program_is_there(self):
        d = self.serve()
        other = Server(self.xdp + CONF, http=False, start=False,
                       files={"zone": ZONE, "nets.txt": NETS})
        other.wire = self.wire
        other.start()
        self.addCleanup(other.close)
        self.assertIn("another program", self.figure(other, "why"))
        self.assertEqual(self.figure(d, "why"), "")

    def test_errors_of_the_configuration(self):
        d = self.serve(xdp="")
        for text, what in (("{}", "interfaces is missing"),
                           ("{interfaces: [eth0, eth0]}", "named twice"),
                           ("{interfaces: [an-interface-too-long]}", "no name"),
                           ("{interfaces: [a/b]}", "no name"),
                           (f"{{interfaces: {list('abcdefghi')}}}", "more interfaces"),
                           ("{interfaces: [eth0], mode: fast}", "mode")):
            d.write_conf(f"xdp: {text}\n" + CONF)
            done = d.run("check", check=False)
            self.assertEqual(done.returncode, 1, text)
            self.assertIn(what, done.stderr)

    def test_a_change_that_takes_a_restart(self):
        d = self.serve()
        d.write_conf(XDP % (SERVER + ", eth9", "auto") + CONF)
        self.assertIn("for eth9 a change takes a restart",
                      d.run("ctl", "reload", check=False).stderr + d.log_text())

    def test_the_program_ends_with_the_process(self):
        d = self.serve()
        self.assertIn("xdp", self.wire.ip("server", f"link show {SERVER}"))
        d.stop(signal.SIGKILL)
        self.eventually(lambda: "xdp" not in self.wire.ip(
            "server", f"link show {SERVER}"))


class Flood(Wired):
    """What comes while something changes is all answered."""

    N, WINDOW = 4000, 64

    def flood(self, d, meanwhile):
        """Asks until meanwhile() is over, so many at a time, and all of N."""
        over = threading.Event()

        def run():
            try:
                meanwhile()
            finally:
                over.set()
        asked = answered = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(WAIT_S)
            s.connect((HERE4, d.port))
            thread = threading.Thread(target=run)
            thread.start()
            while asked < self.N or not over.is_set():
                for _ in range(self.WINDOW):
                    s.send(struct.pack("!H", asked & 0xffff) + queries_once[asked % 5][2:])
                    asked += 1
                for _ in range(self.WINDOW):
                    s.recv(4096)
                    answered += 1
            thread.join()
        self.assertEqual(asked, answered)

    def test_reloads(self):
        d = self.serve()

        def reload():
            for n in range(10):
                d.write_conf(("" if n % 2 else self.xdp) + CONF)
                d.run("ctl", "reload")
        self.flood(d, reload)
        self.assertGreater(self.figure(d, "answered"), 0)

    def test_another_process_takes_over(self):
        d = self.serve(kind=Successive)
        with self.grows(d, 1):
            self.ask_raw(d, queries()[0])
        self.flood(d, d.replace)
        self.assertEqual(self.figure(d, "mode"), "native")
        self.assertGreater(self.figure(d, "answered"), 1)
        with self.grows(d, 5, "answered"):
            for query in queries()[:5]:
                self.ask_raw(d, query)

    def test_another_process_that_does_not_want_it(self):
        d = self.serve(kind=Successive)
        d.write_conf(CONF)
        self.flood(d, d.replace)
        self.assertNotIn("xdp", json.loads(d.run("ctl", "status", "--json")))
        self.eventually(lambda: "xdp" not in self.wire.ip(
            "server", f"link show {SERVER}"))

    def test_another_process_that_fails(self):
        d = self.serve(kind=Successive)

        def fail():
            d.write_conf("listen: nonsense\n")
            d.run("ctl", "replace", check=False)
            d.write_conf(self.xdp + CONF)
        self.flood(d, fail)
        with self.grows(d, 1):
            self.ask_raw(d, queries()[0])


queries_once = queries()


class Loss(Wired):
    def test_the_interface_goes(self):
        d = self.serve(listen=("0.0.0.0", "[::]"))
        with self.grows(d, 1):
            self.ask_raw(d, queries()[0])
        self.wire.ip("server", f"link del {SERVER}")
        self.eventually(lambda: self.figure(d, "mode") == "lost")
        self.assertIn(f"xdp: {SERVER}: the interface is gone", d.log_text())
        self.wire.ip("server", f"link add {SERVER} type veth peer name {CLIENT} "
                     f"netns /proc/{os.getpid()}/fd/{self.wire.of['client']}")
        for place, name, v4 in (("server", SERVER, HERE4), ("client", CLIENT, FROM4)):
            self.wire.ip(place, f"addr add {v4}/24 dev {name}")
            self.wire.ip(place, f"link set {name} up")
        self.eventually(lambda: self.ask_raw(d, queries()[0]))
        self.assertEqual(self.figure(d, "mode"), "lost")
        d.stop()
        d.start()
        with self.grows(d, 1):
            self.ask_raw(d, queries()[0])

    def detach(self, d):
        """As `bpftool link detach` does, with the daemon's own descriptor."""
        fds = pathlib.Path(f"/proc/{d.process.pid}/fd")
        fd = next(int(f.name) for f in fds.iterdir()
                  if os.readlink(f) == "anon_inode:bpf_link")
        pidfd = os.pidfd_open(d.process.pid)
        link = check(libc.syscall(PIDFD_GETFD, pidfd, fd, 0))
        room = ctypes.create_string_buffer(struct.pack("I", link), 128)
        check(libc.syscall(BPF, BPF_LINK_DETACH, room, len(room)))
        os.close(link)
        os.close(pidfd)

    @unittest.skipUnless(os.uname().machine == "x86_64", "numbers of system calls")
    def test_the_program_is_detached(self):
        for kind in (Server, Privileged):
            d = self.serve(kind=kind)
            with self.grows(d, 1):
                self.ask_raw(d, queries()[0])
            self.detach(d)
            self.eventually(lambda: self.figure(d, "mode") == "lost")
            self.assertIn("its program was detached", d.log_text())
            self.assertTrue(self.ask_raw(d, queries()[0]))
            d.stop()

    def test_the_interface_goes_down_and_up(self):
        d = self.serve()
        self.wire.ip("server", f"link set {SERVER} down")
        self.wire.ip("server", f"link set {SERVER} up")
        self.eventually(lambda: self.ask_raw(d, queries()[0]))
        with self.grows(d, 1):
            self.ask_raw(d, queries()[0])


class Waiting(Wired):
    def test_questions_before_the_first_polls(self):
        """They wait in their frames until the node has not answered in time."""
        with self.wire.inside("server"):
            silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        conf = CONF.replace("at: [22.3, 114.2], api: off",
                            "at: [22.3, 114.2], api: \"http://127.0.0.1:%d\"" %
                            silent.getsockname()[1])
        d = self.serve(conf=conf)
        query = dns.message.make_query("live.example.com", "A")
        answer = dns.message.from_wire(self.ask_raw(d, query.to_wire()))
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertEqual(len(answer.answer), 1)
        self.assertEqual(self.figure(d, "answered"), 1)

    def test_questions_before_their_signatures(self):
        """Those that are made for one client."""
        def keys(d):
            (d.folder / "keys").mkdir()
            d.run("keys", "generate", "example.com")
        d = self.serve(conf=CONF.replace("file: zone", "file: zone, dnssec: {keys: keys}"),
                       prepare=keys)
        asked = [dns.message.make_query(f"{name}.example.com", "A", use_edns=0,
                                        want_dnssec=True, options=[
                                            dns.edns.ECSOption("10.3.2.0", 24)]).to_wire()
                 for name in ("live", "line2.live", "nope", "a.wild", "www", "x.sub")]
        with self.grows(d, len(asked), "answered"):
            by_xdp = [self.ask_raw(d, q) for q in asked]
        for octets in by_xdp:
            kinds = {r.rdtype for s in (1, 2)
                     for r in dns.message.from_wire(octets).sections[s]}
            self.assertIn(dns.rdatatype.RRSIG, kinds)
        d.write_conf(d.conf_text().replace(d.head, "").replace(self.xdp, ""))
        d.run("ctl", "reload")
        self.assertEqual(self.figure(d, "mode"), "off")
        self.assertEqual([self.ask_raw(d, q) for q in asked], by_xdp)


if __name__ == "__main__":
    unittest.main()
