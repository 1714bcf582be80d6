"""The world that tests of several name servers stand in: members of etcd that fail as
they should, and links that can be cut."""

import contextlib
import errno
import select
import socket
import ssl
import time

from etcd_world import Certificates, Etcd, Refused
from harness import WAIT_S, Test
from link import Link
from srs_standin import Fleet, StandIn


class World(Test):
    def etcd(self, **options):
        etcd = Etcd(**options)
        self.addCleanup(etcd.close)
        return etcd


class Members(World):
    def test_killed_leader(self):
        etcd = self.etcd()
        etcd.put("/x/a", "1")
        old = etcd.leader()
        etcd.kill(old)
        self.eventually(lambda: etcd.leader() not in (None, old))
        etcd.put("/x/b", "2")
        etcd.restart(old)
        self.assertEqual(etcd.all("/x/", i=old), {"/x/a": "1", "/x/b": "2"})
        self.assertTrue(etcd.delete("/x/a"))
        self.assertEqual(etcd.ctl("get", "--prefix", "--keys-only", "/x/").split(),
                         ["/x/b"])

    def test_no_quorum(self):
        etcd = self.etcd()
        etcd.put("/x", "1")
        for ends, begins in ((etcd.freeze, etcd.thaw),
                             (etcd.kill, lambda _: etcd.start()),
                             (lambda _: etcd.peers.freeze(),
                              lambda _: etcd.peers.mend())):
            ends(0)
            ends(1)
            self.eventually(lambda: etcd.leader() is None)
            with self.assertRaises((OSError, Refused)):
                etcd.put("/x", "2", i=2, timeout=0.5)
            self.assertEqual(etcd.get("/x", i=2, serializable=True), "1")
            begins(0)
            begins(1)
            self.eventually(lambda: etcd.leader() is not None)
            etcd.put("/x", "1")

    def test_wiped(self):
        etcd = self.etcd(n=1)
        for i in range(5):
            etcd.put("/x", str(i))
        before = etcd.revision()
        etcd.wipe()
        self.assertIsNone(etcd.get("/x"))
        self.assertLess(etcd.revision(), before)

    def test_compacted(self):
        etcd = self.etcd(n=1)
        first = etcd.put("/x", "1")
        etcd.put("/x", "2")
        etcd.compact()
        with self.assertRaisesRegex(Refused, "compacted"):
            etcd.range({"key": "eA==", "revision": first})
        self.assertEqual(etcd.get("/x"), "2")


class Tls(World):
    def test_mutual(self):
        etcd = self.etcd(tls=True)
        etcd.put("/x", "1")
        self.assertEqual(etcd.get("/x", endpoint=etcd.link().endpoints[1]), "1")
        self.assertEqual(etcd.ctl("get", "--print-value-only", "/x"), "1\n")
        nobody = ssl.create_default_context(cafile=etcd.ca)
        stranger = ssl.create_default_context(cafile=etcd.ca)
        stranger.load_cert_chain(*Certificates(etcd.folder, "other").sign(
            "stranger", "clientAuth"))
        for context in (nobody, stranger):
            # Later versions tell a client after its handshake, or hang up before.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with self.assertRaisesRegex(OSError, "certificate|unknown ca"):
                etcd.get("/x", context=context)
        plain = etcd.endpoints[0].replace("https", "http")
        with self.assertRaises(ConnectionError):
            etcd.get("/x", endpoint=plain)


class Links(Test):
    """To the API of a stand-in."""

    def setUp(self):
        self.node = StandIn(scale=0.1).start()
        self.addCleanup(self.node.close)

    def link(self, delay_s=0.0):
        link = Link(delay_s)
        self.addCleanup(link.close)
        where = link.to(self.node.host, self.node.ports["api"])
        return link, where

    def connect(self, where):
        host, _, port = where.partition(":")
        sock = socket.create_connection((host, int(port)), timeout=WAIT_S)
        self.addCleanup(sock.close)
        return sock

    @staticmethod
    def ask(sock):
        sock.sendall(b"GET /api/v1/versions HTTP/1.1\r\n\r\n")

    def is_answered(self, sock):
        answer = b""
        while b"6.0.157\"}}" not in answer:     # the end of what it says
            piece = sock.recv(4096)
            self.assertTrue(piece, "the connection was closed")
            answer += piece

    def is_silent(self, *socks):
        """While others get an answer."""
        other = self.connect(self.link()[1])
        self.ask(other)
        self.is_answered(other)
        self.assertEqual(select.select(socks, [], [], 0)[0], [])

    def try_to_connect(self, where):
        host, _, port = where.partition(":")
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.setblocking(False)
        self.assertEqual(sock.connect_ex((host, int(port))), errno.EINPROGRESS)
        return sock

    def test_frozen(self):
        link, where = self.link()
        old = self.connect(where)
        self.ask(old)
        self.is_answered(old)
        for _ in range(2):
            link.freeze()
            link.freeze()
            self.ask(old)
            new = self.try_to_connect(where)
            self.is_silent(old)
            self.assertEqual(select.select([], [new], [], 0)[1], [])
            asked = self.node.seen["api"]
            link.mend()
            self.is_answered(old)
            newer = self.connect(where)
            self.ask(newer)
            self.is_answered(newer)
            # The kernel asks once more for the one that was dropped.
            new.setblocking(True)
            new.settimeout(WAIT_S)
            self.ask(new)
            self.is_answered(new)
            self.assertEqual(self.node.seen["api"], asked + 2)

    def test_cut(self):
        link, where = self.link()
        old = self.connect(where)
        self.ask(old)
        self.is_answered(old)
        link.cut()
        with self.assertRaises(ConnectionResetError):
            old.recv(1)
        new = self.try_to_connect(where)
        self.is_silent()
        self.assertEqual(select.select([], [new], [], 0)[1], [])
        link.refuse()
        link.mend()
        sock = self.connect(where)
        self.ask(sock)
        self.is_answered(sock)

    def test_refused(self):
        link, where = self.link()
        old = self.connect(where)
        self.ask(old)
        self.is_answered(old)
        link.refuse()
        with self.assertRaises(ConnectionResetError):
            old.recv(1)
        with self.assertRaises(ConnectionRefusedError):
            self.connect(where)
        link.mend()
        new = self.connect(where)
        self.ask(new)
        self.is_answered(new)
        self.node.die()
        with self.assertRaises(ConnectionResetError):
            self.connect(where).recv(1)

    def test_delay(self):
        """Of the connection there and back, of the question, of the answer."""
        link, where = self.link(delay_s=0.05)
        start = time.monotonic()
        sock = self.connect(where)
        self.ask(sock)
        self.is_answered(sock)
        self.assertGreaterEqual(time.monotonic() - start, 4 * 0.05)

    def test_ends(self):
        """What one side says is over is over on the other; all that was said has
        come."""
        with socket.create_server(("127.0.0.1", 0)) as there:
            link = Link()
            self.addCleanup(link.close)
            near = self.connect(link.to(*there.getsockname()))
            said = bytes(range(256)) * 20000
            with contextlib.closing(there.accept()[0]) as far:
                link.freeze()
                near.settimeout(0)
                sent = near.send(said)      # more than one buffer
                near.shutdown(socket.SHUT_WR)
                link.mend()
                heard = b""
                while piece := far.recv(65536):
                    heard += piece
                self.assertEqual(heard, said[:sent])
                far.sendall(b"bye")
            near.settimeout(WAIT_S)
            self.assertEqual(near.recv(10), b"bye")
            self.assertEqual(near.recv(10), b"")


class CutOff(Test):
    def test_one_of_two_name_servers(self):
        """From all nodes: its own polls time out, those of the other do not."""
        fleet = Fleet(2, scale=0.1)
        self.addCleanup(fleet.close)
        ways = [Link(), Link()]
        servers = []
        for way in ways:
            self.addCleanup(way.close)
            conf = ("health: {interval: 0.2, timeout: 0.5}\nzones: {example.com: "
                    "{ns: [\"ns1.example.com 127.0.0.1\"]}}\nnodes:\n")
            for node in fleet:
                api, rtmp = (way.to(node.host, node.ports[port])
                             for port in ("api", "rtmp"))
                conf += (f"  {node.name}: {{address: [{node.host}], at: [0, 0], "
                         f"api: \"http://{api}\", rtmp: \"{rtmp}\", flv: off}}\n")
            servers.append(self.daemon(conf + "steer: {live.example.com: "
                                              "{pool: [edge]}}\n"))

        def states(server):
            return [n["state"] for n in server.http("/api/v1/nodes")[1]]
        for server in servers:
            self.eventually(lambda: states(server) == ["up", "up"])
        ways[0].freeze()
        self.eventually(lambda: "up" not in states(servers[0]))
        self.assertEqual(states(servers[1]), ["up", "up"])
        ways[0].mend()
        self.eventually(lambda: states(servers[0]) == ["up", "up"])
