"""DNS over TLS (RFC 7858): clients of several makes, sessions, certificates, and peers
that stall, break off or talk nonsense."""

import errno
import os
import re
import socket
import ssl
import struct
import subprocess

import dns.edns
import dns.message
import dns.query
import dns.rcode

from dnstap import Reader
from etcd_world import Certificates
from harness import NETS, PATIENCE_S, WAIT_S, Test
from ports import free_port
from servers_world import clock_ahead
from test_proxy import GB, PROXY, header
from test_record import PLAIN
from test_replace import Replaceable

NAME = "ns1.example.com"
NAMES = f"IP:127.0.0.1,DNS:{NAME}"
SERVER = "serverAuth"
PADDING, EDE, NOT_SUPPORTED = 12, 15, 21
ZONE = ("$ORIGIN example.com.\n$TTL 60\n@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\n"
        "ns1 A 127.0.0.1\n" + "".join(
            f"large TXT \"{i:03} {'x' * 240}\"\n" for i in range(200)))


def number(d, name):
    """Of a metric, with its labels."""
    text = d.http("/metrics")[1]
    found = re.search(rf"(?m)^dnsd_{re.escape(name)} (\S+)$", text)
    return int(float(found[1]))


def handshakes(d, result):
    return number(d, f'tls_handshakes_total{{result="{result}"}}')


def frame(message):
    octets = message.to_wire()
    return struct.pack("!H", len(octets)) + octets


class Tls(Test):
    def serve(self, more="", conf=PLAIN, files=(), start=True, **options):
        """dnsd with a certificate of an authority of its own."""
        port = free_port()
        listen = f"tls: {{listen: [\"127.0.0.1:{port}\"], cert: site.crt, " \
                 "key: site.key}\n"
        d = self.daemon(listen + more + conf, start=False,
                        files={"nets.txt": NETS, **dict(files)}, **options)
        d.tls_port = port
        d.authority = Certificates(d.folder)
        self.sign(d)
        return d.start() if start else d

    @staticmethod
    def sign(d):
        """A new certificate in place of the one that is there."""
        d.authority.sign("site", SERVER, NAMES)

    @staticmethod
    def context(d, alpn=("dot",), version=None):
        context = ssl.create_default_context(cafile=d.authority.ca)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def raw(self, d, address="127.0.0.1"):  # 127.0.1.1 is of another net
        s = socket.create_connection(("127.0.0.1", d.tls_port), WAIT_S,
                                     source_address=(address, 0))
        self.addCleanup(s.close)
        return s

    def connect(self, d, context=None, session=None, raw=None):
        s = (context or self.context(d)).wrap_socket(
            raw or self.raw(d), server_hostname=NAME, session=session,
            suppress_ragged_eofs=False)
        self.addCleanup(s.close)
        return s

    def by_hand(self, d):
        """A client that sends when the test says: (TLS, octets in, octets out)."""
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.context(d).wrap_bio(into, out, server_hostname=NAME)
        self.assertRaises(ssl.SSLWantReadError, client.do_handshake)
        return client, into, out

    @staticmethod
    def taken(s, into, step, *words):
        """step(), as soon as what it needs of the peer is there."""
        while True:
            try:
                return step(*words)
            except ssl.SSLWantReadError:
                octets = s.recv(65536)
                into.write(octets) if octets else into.write_eof()

    @staticmethod
    def take(s):
        got = b""
        while len(got) < 2 or len(got) < 2 + struct.unpack("!H", got[:2])[0]:
            more = s.recv(2 + struct.unpack("!H", got[:2])[0] - len(got)
                          if len(got) >= 2 else 2 - len(got))
            if not more:
                raise EOFError(got)
            got += more
        return dns.message.from_wire(got[2:])

    def asks(self, d, s, name=NAME, rdtype="A", **more):
        query = d.query(name, rdtype, **more)
        s.sendall(frame(query))
        answer = self.take(s)
        self.assertEqual(answer.id, query.id)
        return answer

    def ended(self, s):
        """By a word, not by breaking off."""
        self.assertEqual(s.recv(1), b"")


class Answers(Tls):
    def test_answers(self):
        """The same ones as over TCP, counted by themselves."""
        d = self.serve("query_log: 1\n")
        for name, rdtype, subnet in ((NAME, "A", None), (NAME, "TXT", None),
                                     ("live.example.com", "A", "10.3.1.0/24"),
                                     ("elsewhere.test", "A", None)):
            query = d.query(name, rdtype, subnet)
            over_tls = dns.query.tls(
                query, "127.0.0.1", WAIT_S, d.tls_port,
                ssl_context=self.context(d), server_hostname=NAME)
            over_tcp = dns.query.tcp(query, "127.0.0.1", WAIT_S, d.port)
            self.assertEqual(over_tls.to_wire(), over_tcp.to_wire())
        self.eventually(lambda: number(
            d, 'queries_total{transport="tls",family="ipv4"}') == 4)
        self.assertEqual(
            number(d, 'queries_total{transport="tcp",family="ipv4"}'), 4)
        self.assertEqual(handshakes(d, "full"), 4)
        self.assertEqual(d.log_text().count("transport=tls"), 4)
        self.assertIn(f"listening on 127.0.0.1:{d.tls_port} for DNS over TLS",
                      d.log_text())
        s = self.connect(d)
        self.asks(d, s)
        self.eventually(lambda: number(d, "tls_connections") == 1)
        self.assertEqual(number(d, "tcp_connections"), 1)
        s.close()
        self.eventually(lambda: number(d, "tls_connections") == 0)
        two_days = number(d, "tls_certificate_expires_seconds")
        self.assertTrue(2 * 86400 - 3600 < two_days <= 2 * 86400, two_days)

    def test_versions(self):
        d = self.serve()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            s = self.connect(d, self.context(d, version=version))
            self.assertEqual(len(self.asks(d, s).answer), 1)
            self.assertIsNone(s.compression())
        old = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{d.tls_port}", "-tls1_1",
             "-cipher", "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True)
        self.assertIn("alert protocol version", old.stderr)
        weak = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{d.tls_port}", "-tls1_2",
             "-cipher", "ECDHE+AES+SHA1"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True)
        self.assertIn("alert handshake failure", weak.stderr)
        self.eventually(lambda: handshakes(d, "failed") == 2)

    def test_no_renegotiation(self):
        d = self.serve()
        client = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{d.tls_port}", "-tls1_2"],
            input="R\n", capture_output=True, text=True)
        self.assertRegex(client.stderr, "RENEGOTIATING[^$]*no renegotiation")

    def test_alpn(self):
        d = self.serve()
        for offered, chosen in ((("dot",), "dot"), (("h2", "dot"), "dot"), ((), None)):
            s = self.connect(d, self.context(d, offered))
            self.assertEqual(s.selected_alpn_protocol(), chosen)
            self.assertEqual(len(self.asks(d, s).answer), 1)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
                self.connect(d, self.context(d, ("h2", "doq"), version))
        self.eventually(lambda: handshakes(d, "failed") == 2)

    def test_pipelining(self):
        """All in one record, each in its own, and cut anywhere."""
        d = self.serve()
        s = self.connect(d)
        queries = [d.query(NAME) for _ in range(100)]
        octets = b"".join(map(frame, queries))
        for size in (len(octets), len(octets) // 100, 7, 1000):
            for at in range(0, len(octets), size):
                s.sendall(octets[at:at + size])
            self.assertEqual([self.take(s).id for _ in queries],
                             [query.id for query in queries])

    def test_large(self):
        """Answers of several records to a peer that does not read at first: they wait,
        and so do its questions."""
        d = self.serve(conf="zones: {example.com: {file: zone}}\n",
                       files={"zone": ZONE})
        s, other = self.connect(d), self.connect(d)
        queries = [d.query("large.example.com", "TXT") for _ in range(100)]
        s.sendall(b"".join(map(frame, queries)))
        self.asks(d, other)
        for query in queries:
            answer = self.take(s)
            self.assertEqual(answer.id, query.id)
            self.assertEqual(len(answer.answer[0]), 200)
        self.asks(d, s)

    def test_padding(self):
        d = self.serve()
        s = self.connect(d)
        for name, rdtype in ((NAME, "A"), ("nothing.example.com", "A"),
                             ("live.example.com", "HTTPS"), ("elsewhere.test", "A")):
            query = d.query(name, rdtype, options=[dns.edns.GenericOption(
                PADDING, b"")], pad=128)
            s.sendall(frame(query))
            answer = self.take(s)
            self.assertEqual(len(answer.to_wire()), 468, answer)
            padding, = [o for o in answer.options if o.otype == PADDING]
            self.assertEqual(set(padding.data), {0})
            plain = dns.query.tcp(query, "127.0.0.1", WAIT_S, d.port)
            self.assertNotIn(PADDING, [o.otype for o in plain.options])
            bare = self.asks(d, s, name, rdtype, payload=1232)
            self.assertNotIn(PADDING, [o.otype for o in bare.options])
            self.assertLess(len(bare.to_wire()), 468)

    def test_transfers(self):
        """Are refused, with a reason; the connection goes on."""
        d = self.serve(
            conf=PLAIN.replace("127.0.0.1\"]}", "127.0.0.1\"], "
                               "transfer: {to: [127.0.0.1]}}"))
        self.assertTrue(list(dns.query.xfr("127.0.0.1", "example.com", port=d.port)))
        s = self.connect(d)
        for rdtype in ("AXFR", "IXFR"):
            answer = self.asks(d, s, "example.com", rdtype, payload=1232)
            self.assertEqual(answer.rcode(), dns.rcode.REFUSED)
            reason, = [o for o in answer.options if o.otype == EDE]
            self.assertEqual((reason.code, reason.text),
                             (NOT_SUPPORTED, "no transfer over TLS"))
        self.asks(d, s)

    def test_dnstap(self):
        d = self.serve("dnstap: {socket: tap.sock}\n")
        reader = Reader(d.folder / "tap.sock")
        self.addCleanup(reader.close)
        self.eventually(lambda: reader.connections)
        self.asks(d, self.connect(d))
        frames = self.eventually(lambda: len(reader.frames) == 2 and reader.frames)
        self.assertEqual({f.transport for f in frames}, {"dot"})

    def test_behind_a_proxy(self):
        """Its header stands in front of TLS, however it is cut."""
        d = self.serve(f"proxy: [{PROXY}]\n")
        octets = header("10.3.0.1", 1, rest=b"\x04\x00\x30" + bytes(48))
        for cut in (0, 5, 16, 20, len(octets) - 1):
            raw = self.raw(d, PROXY)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.sendall(octets[:cut])
            if cut:
                self.asks(d, self.connect(d))    # another turn of the server
            raw.sendall(octets[cut:])
            s = self.connect(d, raw=raw)
            answer = self.asks(d, s, "live.example.com")
            self.assertEqual(answer.answer[0][0].address, GB)
        bad = self.raw(d, PROXY)
        bad.sendall(b"\x16\x03\x01" + bytes(40))
        self.assertRaises((OSError, EOFError), self.take, bad)


class Sessions(Tls):
    def resume(self, d, version):
        """Twice; whether the second one did."""
        context = self.context(d, version=version)
        first = self.connect(d, context)
        self.assertFalse(first.session_reused)
        self.asks(d, first)         # with 1.3 the ticket comes behind the handshake
        self.session = first.session
        second = self.connect(d, context, first.session)
        self.assertEqual(len(self.asks(d, second).answer), 1)
        return context, second

    def test_resumption(self):
        d = self.serve()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context, second = self.resume(d, version)
            self.assertTrue(second.session_reused, version)
        self.eventually(lambda: handshakes(d, "resumed") == 2)
        self.assertEqual(handshakes(d, "full"), 2)
        # A new certificate has new keys for tickets: a whole handshake, once.
        self.sign(d)
        d.run("ctl", "reload")
        third = self.connect(d, context, self.session)
        self.assertFalse(third.session_reused)
        self.asks(d, third)

    def test_another_make(self):
        d = self.serve()
        words = ["openssl", "s_client", "-connect", f"127.0.0.1:{d.tls_port}",
                 "-CAfile", d.authority.ca, "-verify_return_error", "-tls1_2"]
        session = str(d.folder / "session")
        for more, said in ((["-sess_out", session], "New"),
                           (["-sess_in", session], "Reused")):
            done = subprocess.run(words + more, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True)
            self.assertRegex(done.stdout, rf"(?m)^{said}, TLSv1.2", done.stderr)


class Certificate(Tls):
    """What is shown, and what happens to a bad one."""

    def shown(self, d):
        return self.connect(d).getpeercert(True)

    def test_a_new_one(self):
        d = self.serve()
        before = self.connect(d)
        first = before.getpeercert(True)
        self.sign(d)
        d.run("ctl", "reload")
        self.eventually(lambda: self.shown(d) != first)
        self.asks(d, before)        # it goes on

    def test_broken_ones(self):
        """The old one goes on with all of the old configuration."""
        d = self.serve()
        first = self.shown(d)
        good = (d.folder / "site.key").read_bytes()
        line = d.head.count("\n") + 1
        for file, text, why in (("site.key", b"nonsense", "site.key"),
                                ("site.key", None, "site.key.*No such file"),
                                ("site.key", "other", "site.key: key values mismatch"),
                                ("site.crt", b"nonsense", "site.crt")):
            if text is None:
                (d.folder / file).unlink()
            elif text == "other":
                _, other = d.authority.sign("other", SERVER)
                os.rename(other, d.folder / file)
            else:
                d.write(file, text)
            done = d.run("ctl", "reload", check=False)
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr, rf"dnsd.yaml:{line}: tls: .*{why}")
            self.assertRegex(d.log_text(), rf"error: reload: .*dnsd.yaml:{line}: tls: .*{why}")
            self.assertEqual(self.shown(d), first)
            d.write("site.key", good)
        self.sign(d)
        d.run("ctl", "reload")
        self.eventually(lambda: self.shown(d) != first)

    def test_at_start(self):
        d = self.serve(start=False)
        d.write("site.crt", "nonsense")
        done = d.run("run", check=False)
        self.assertEqual(done.returncode, 1)
        line = d.head.count("\n") + 1
        self.assertRegex(done.stderr, rf"dnsd.yaml:{line}: tls: .*site.crt")
        done = d.run("check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"dnsd.yaml:{line}: tls: .*site.crt")

    def test_incomplete(self):
        d = self.serve(start=False)
        good = d.conf_text()
        line = d.head.count("\n") + 1
        for old, new, why in (
                (", key: site.key", "", "tls: key is missing"),
                (", cert: site.crt", "", "tls: cert is missing"),
                (f"[\"127.0.0.1:{d.tls_port}\"]", "[]", "tls: listen is empty"),
                (f"127.0.0.1:{d.tls_port}", "nowhere", "tls listen: 'nowhere' is not"),
                ("cert: site.crt", "cert: none.crt", "tls: .*none.crt: No such file")):
            d.write("dnsd.yaml", good.replace(old, new))
            done = d.run("check", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"dnsd.yaml:{line}: {why}")

    def test_expired(self):
        """A warning: clients that trust by the key do not look at its dates."""
        d = self.serve(start=False)
        d.environment = clock_ahead(3 * 86400)
        d.start()
        line = d.head.count("\n") + 1
        self.assertRegex(d.log_text(), rf"warning: .*dnsd.yaml:{line}: tls: .*site.crt: "
                         "the certificate has expired")
        self.asks(d, self.connect(d))
        self.assertLess(number(d, "tls_certificate_expires_seconds"), 0)

    def test_what_takes_a_restart(self):
        d = self.serve()
        conf = d.conf_text()
        d.write("dnsd.yaml", conf.replace(f":{d.tls_port}", f":{free_port()}"))
        self.assertIn("'tls listen' takes a restart", d.run("ctl", "reload"))
        d.write("dnsd.yaml", re.sub("(?m)^tls:.*\n", "", conf))
        self.assertIn("'tls listen' takes a restart", d.run("ctl", "reload"))
        self.asks(d, self.connect(d))


class Peers(Tls):
    def test_stalled_handshakes(self):
        """They are connections that are idle: they do not hold up others, they give way
        to others, and they come to an end."""
        d = self.serve("tcp: {max: 40, idle: 3}\n")
        opened = self.connect(d)
        hello = self.by_hand(d)[2].read()
        for i in range(100):
            s = self.raw(d, "127.0.1.1")
            s.sendall(hello[:i * len(hello) // 100])
        for _ in range(3):
            self.asks(d, opened)
            self.asks(d, self.connect(d))
            self.assertEqual(len(d.ask(NAME, tcp=True).answer), 1)
        self.eventually(lambda: number(d, "tls_connections") <= 4)
        self.eventually(lambda: handshakes(d, "failed") == 100)

    def test_many_handshakes(self):
        """More at once than one turn works at."""
        d = self.serve()
        waiting = [(self.raw(d), *self.by_hand(d)) for _ in range(60)]
        for s, _, _, out in waiting:
            s.sendall(out.read())
        for s, client, into, out in waiting:
            self.taken(s, into, client.do_handshake)
            s.sendall(out.read())
        self.eventually(lambda: handshakes(d, "full") == 60)

    def test_garbage(self):
        d = self.serve()
        hello = self.by_hand(d)[2].read()
        cases = [b"GET / HTTP/1.1\r\n\r\n", bytes(100), os.urandom(3000),
                 frame(d.query(NAME)), hello[:9] + os.urandom(len(hello)),
                 b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
                 b"\x15\x03\x01\x00\x02\x02\x28", b"\x80\x2e\x01\x00\x02" + bytes(50)]
        for octets in cases:
            s = self.raw(d)
            s.sendall(octets)
            self.drained(s)
        self.eventually(lambda: handshakes(d, "failed") == len(cases))
        self.asks(d, self.connect(d))

    @staticmethod
    def drained(s):
        """Until it is closed, or broken off."""
        try:
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE):
                raise

    def test_garbage_behind_the_handshake(self):
        d = self.serve()
        for octets in (os.urandom(500), b"\x17\x03\x03\x40\x00" + bytes(200)):
            s = self.connect(d)
            self.asks(d, s)
            raw = socket.socket(fileno=s.detach())
            self.addCleanup(raw.close)
            raw.settimeout(WAIT_S)
            raw.sendall(octets)
            self.drained(raw)
        self.asks(d, self.connect(d))

    def test_a_message_that_is_none(self):
        """The connection is closed with a word, as over TCP."""
        d = self.serve()
        s = self.connect(d)
        s.sendall(b"\0\4abcd")
        self.ended(s)

    def test_half_closed(self):
        """What was asked is answered: with the word of TLS for the end, and without."""
        d = self.serve()
        queries = [d.query(NAME) for _ in range(40)]
        asked = b"".join(map(frame, queries))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            s = self.connect(d, self.context(d, version=version))
            s.sendall(asked)
            socket.socket.shutdown(s, socket.SHUT_WR)
            for query in queries:
                self.assertEqual(self.take(s).id, query.id)
            self.ended(s)
        s, (client, into, out) = self.raw(d), self.by_hand(d)
        s.sendall(out.read())
        self.taken(s, into, client.do_handshake)
        client.write(asked)
        self.assertRaises(ssl.SSLWantReadError, client.unwrap)
        s.sendall(out.read())
        got = b""
        with self.assertRaises(ssl.SSLZeroReturnError):
            while True:
                got += self.taken(s, into, client.read)
        for query in queries:
            size, = struct.unpack("!H", got[:2])
            self.assertEqual(dns.message.from_wire(got[2:2 + size]).id, query.id)
            got = got[2 + size:]
        self.assertEqual(got, b"")
        self.eventually(lambda: number(d, "tls_connections") == 0)

    def test_idle(self):
        d = self.serve("tcp: {idle: 0.5}\n")
        s = self.connect(d)
        self.asks(d, s)
        self.ended(s)

    def test_not_read(self):
        """Answers that nobody reads: their net loses the connection, not others."""
        d = self.serve("tcp: {max: 2000, idle: 100}\n",
                       conf="zones: {example.com: {file: zone}}\n",
                       files={"zone": ZONE})
        s = self.connect(d)
        many = frame(d.query("large.example.com", "TXT")) * 100
        held = []
        for _ in range(40):
            held.append(self.connect(d, raw=self.raw(d, "127.0.1.1")))
            held[-1].sendall(many)
            self.asks(d, s)

    def test_key_updates(self):
        """Nothing but records that are no data, from a peer that does not read: others
        are served."""
        d = self.serve()
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{d.tls_port}", "-tls1_3"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(client.wait)
        self.addCleanup(client.stdin.close)
        s = self.connect(d)
        for _ in range(20):
            client.stdin.write(b"K\n")
            client.stdin.flush()
            self.asks(d, s)


class Programs(Tls):
    def kdig(self, d, *words):
        return subprocess.run(
            ["kdig", "@127.0.0.1", "-p", str(d.tls_port), "+tls",
             f"+tls-ca={d.authority.ca}", *words, NAME],
            capture_output=True, text=True, timeout=PATIENCE_S)

    def test_kdig(self):
        d = self.serve()
        good = self.kdig(d, f"+tls-hostname={NAME}")
        self.assertRegex(good.stdout, r"(?m)^ns1\.example\.com\.\s.*A\s+127\.0\.0\.1$")
        self.assertIn("TLS session", good.stdout)
        self.assertIn("PADDING", good.stdout)
        self.assertIn("Received 468 B", good.stdout)
        bad = self.kdig(d, "+tls-hostname=other.example.com")
        self.assertNotIn("127.0.0.1\n", bad.stdout)
        self.assertNotEqual(bad.returncode, 0)

    def unbound(self, d, name, kind="stub"):
        port, folder = free_port(), d.folder
        conf = d.write("unbound.conf", f"""server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-not-query-localhost: no
  module-config: "iterator"
  qname-minimisation: no
  tls-cert-bundle: "{d.authority.ca}"
{kind}-zone:
  name: "example.com"
  {kind}-addr: 127.0.0.1@{d.tls_port}#{name}
  {kind}-tls-upstream: yes
""")
        process = subprocess.Popen(
            ["unbound", "-d", "-c", str(conf)], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def ask(name):
            return dns.query.tcp(dns.message.make_query(name, "A"), "127.0.0.1",
                                 WAIT_S, port)
        ask.port = port
        return ask

    def test_unbound(self):
        for kind in ("stub", "forward"):
            d = self.serve()
            ask = self.unbound(d, NAME, kind)
            self.eventually(lambda: ask(NAME).rcode() == dns.rcode.NOERROR, "unbound")
            for i in range(10):
                self.assertEqual(len(ask(f"a{i}.live.example.com").answer), 1)
            self.eventually(lambda: number(
                d, 'queries_total{transport="tls",family="ipv4"}') > 10)
            self.assertEqual(
                number(d, 'queries_total{transport="udp",family="ipv4"}'), 0)

    def test_unbound_looks_at_the_name(self):
        d = self.serve()
        ask = self.unbound(d, "other.example.com")
        asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(asked.close)

        def failed():
            asked.sendto(d.query(NAME).to_wire(), ("127.0.0.1", ask.port))
            return handshakes(d, "failed")
        self.eventually(failed)
        self.assertEqual(
            number(d, 'queries_total{transport="tls",family="ipv4"}'), 0)


class OneAfterTheOther(Tls):
    """`dnsd ctl replace`."""

    def test_replace(self):
        port = free_port()
        d = Replaceable(
            f"tls: {{listen: [\"127.0.0.1:{port}\"], cert: site.crt, key: site.key}}\n"
            + PLAIN, files={"nets.txt": NETS}, start=False)
        self.addCleanup(d.close)
        d.tls_port, d.authority = port, Certificates(d.folder)
        self.sign(d)
        d.start()
        open_before, stalled = self.connect(d), self.raw(d)
        self.asks(d, open_before)
        plain = socket.create_connection(("127.0.0.1", d.port), WAIT_S)
        self.addCleanup(plain.close)
        self.asks(d, plain)
        d.replace()
        self.ended(open_before)
        self.assertEqual(stalled.recv(1), b"")
        self.asks(d, plain)
        self.asks(d, self.connect(d))
        self.eventually(lambda: number(d, "tls_connections") == 1)
        self.assertEqual(handshakes(d, "full"), 2)      # of both
        # One that does not load: everything goes on.
        goes_on = self.connect(d)
        self.asks(d, goes_on)
        key = (d.folder / "site.key").read_bytes()
        d.write("site.key", "nonsense")
        self.assertIn("site.key", d.refused())
        self.asks(d, goes_on)
        self.asks(d, self.connect(d))
        d.write("site.key", key)
