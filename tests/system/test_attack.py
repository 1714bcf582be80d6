"""Who wants to take the service from others: descriptors, connections, memory.
Everything is on loopback and bounded."""

import collections
import contextlib
import http.client
import os
import resource
import select
import socket
import threading

from harness import DNSD, NETS, PATIENCE_S, WAIT_S, Test
from srs_standin import Fleet
import test_dns
from test_dns import CONF, ZONE


def threads_of(pid):
    return os.listdir(f"/proc/{pid}/task")


def sleeping(pid):
    """The threads of a process that wait at this moment; one that tries again and
    again never does."""
    for thread in threads_of(pid):
        with open(f"/proc/{pid}/task/{thread}/stat") as f:
            if f.read().rpartition(")")[2].split()[0] == "S":
                yield thread


SANITIZED = "build-" in DNSD     # what is freed is kept for a while there


class Attack(Test):
    def start(self, conf="", **more):
        d = self.daemon(conf + CONF, files={"zone": ZONE, "nets.txt": NETS},
                        **more)
        self.eventually(lambda: "geoip: kept" in d.log_text())
        return d

    @staticmethod
    def gone(s):
        """Whether the peer has closed it; what it sent is not read."""
        poll = select.poll()
        poll.register(s, select.POLLRDHUP)
        return any(what for _, what in poll.poll(0))

    @staticmethod
    def is_reset(s):
        poll = select.poll()
        poll.register(s, 0)
        return any(what & select.POLLERR for _, what in poll.poll(0))


class Descriptors(Attack):
    """None is left: what happens at the listeners is said once, costs nothing,
    and is over when there is room."""

    def fill(self, d, port, n=8, kind=socket.AF_INET):
        """Connections that nobody accepts."""
        waiting = []
        for _ in range(n):
            s = socket.socket(kind)
            s.settimeout(WAIT_S)
            s.connect(port)
            waiting.append(s)
            self.addCleanup(s.close)
        return waiting

    def starve(self, d):
        """As if other parts of the program had taken all descriptors."""
        before = resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE,
                         (3, before[1]))
        def give_back():
            if d.process.poll() is None:
                resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, before)
        self.addCleanup(give_back)
        return give_back

    def check(self, where, kind, answers, line):
        d = self.start()
        self.assertTrue(answers(d))
        give_back = self.starve(d)
        self.fill(d, where(d), kind=kind)
        self.eventually(lambda: line in d.log_text())
        # UDP goes on; no thread is busy with what cannot be done
        sleeps = collections.Counter()

        def all_sleep():
            self.assertEqual(d.address("www.example.com"), "192.0.2.80")
            sleeps.update(sleeping(d.process.pid))
            return min(sleeps[t] for t in threads_of(d.process.pid)) >= 5
        self.eventually(all_sleep)
        self.assertLess(len(d.log_text().splitlines()), 100)
        self.assertEqual(d.log_text().count(line), 1)
        give_back()
        self.eventually(lambda: answers(d))

    def test_tcp(self):
        self.check(lambda d: ("127.0.0.1", d.port), socket.AF_INET,
                   lambda d: d.address("www.example.com", tcp=True,
                                       timeout=1),
                   "TCP: no connection can be accepted: Too many open files")

    def test_http(self):
        self.check(lambda d: ("127.0.0.1", d.http_port), socket.AF_INET,
                   lambda d: d.http("/api/v1/status")[0] == 200,
                   "http: no connection can be accepted: Too many open files")

    def test_control(self):
        self.check(lambda d: str(d.folder / "dnsd.sock"), socket.AF_UNIX,
                   lambda d: d.run("ctl", "status"),
                   "control socket: no connection can be accepted: "
                   "Too many open files")


class Flood(threading.Thread):
    """One address that opens connections as fast as it can, and says nothing."""

    def __init__(self, source, port):
        super().__init__(daemon=True)
        self.source, self.port = source, port
        self.opened, self.over = 0, threading.Event()

    def run(self):
        open_ = []
        while not self.over.is_set():
            s = socket.socket()
            with contextlib.suppress(OSError):
                s.bind((self.source, 0))
                s.setblocking(False)
                s.connect_ex(("127.0.0.1", self.port))
                self.opened += 1
            open_.append(s)
            if len(open_) == 400:
                for old in open_[:200]:
                    old.close()
                del open_[:200]
        for s in open_:
            s.close()


def connect(source, port):
    s = socket.create_connection(("127.0.0.1", port), WAIT_S,
                                 source_address=(source, 0))
    s.settimeout(WAIT_S)
    return s


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(l.split()[1]) // 1024 for l in f
                    if l.startswith("VmRSS"))


class Slow(Attack):
    """Who sends or reads as slowly as it can."""

    def test_deadlines(self):
        """An octet now and then, before the request or in its body, or an
        answer that is not taken: neither keeps a connection."""
        d = self.start()
        where = ("127.0.0.1", d.http_port)
        headers = socket.create_connection(where, WAIT_S)
        headers.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n"
                        b"X: ")
        body = socket.create_connection(where, WAIT_S)
        body.sendall(b"POST /api/v1/feedback HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Length: 5000\r\n\r\n")
        unread = socket.socket()
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        unread.connect(where)
        unread.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)

        def all_gone():
            for s in headers, body:
                with contextlib.suppress(OSError):
                    s.send(b"x")
            return self.gone(headers) and self.gone(body) and \
                self.is_reset(unread)
        self.eventually(all_gone, patience=60 + PATIENCE_S)
        for s in headers, body, unread:
            s.close()

    def test_few_descriptors(self):
        """Many connections of HTTP that say nothing, with few descriptors: the
        polls, DNS over TCP, the control socket and a reload go on."""
        with Fleet(1, scale=0.1) as fleet:
            srs = fleet[0]
            address = f"{srs.host}:{srs.ports['api']}"
            d = self.daemon(
                CONF.replace("api: off", f'api: "http://{address}"')
                + "health: {interval: 0.3}\n", descriptors=200,
                files={"zone": ZONE, "nets.txt": NETS})
            self.eventually(
                lambda: "open files are limited to 200" in d.log_text())
            self.eventually(lambda: d.node("hk1")["state"] == "up")
            many = []
            for i in range(400):
                s = connect(f"127.0.{i % 20 + 1}.1", d.http_port)
                s.sendall(b"G")
                many.append(s)
                if i % 100 == 0:
                    self.assertEqual(
                        d.address("www.example.com", tcp=True), "192.0.2.80")
            polled = srs.seen["polls"]
            self.eventually(lambda: srs.seen["polls"] > polled + 30)
            d.run("ctl", "reload")
            self.assertEqual(d.node("hk1")["state"], "up")
            self.assertNotIn("failed", d.log_text())
            self.assertNotIn("Too many open files", d.log_text())
            for s in many:
                s.close()


class Http(Attack):
    def test_one_net_does_not_take_all(self):
        """Connections that are kept alive, as many as there may be and more:
        the others' are not touched, and a new one is answered."""
        d = self.start()
        early = http.client.HTTPConnection(
            "127.0.0.1", d.http_port, timeout=WAIT_S,
            source_address=("127.0.7.7", 0))
        status = lambda c: (c.request("GET", "/api/v1/status"),
                            c.getresponse().read())[1]
        self.assertIn(b"uptime", status(early))
        kept = early.sock
        many = []
        for i in range(700):
            c = http.client.HTTPConnection(
                "127.0.0.1", d.http_port, timeout=WAIT_S,
                source_address=("127.0.9.1", 0))
            self.assertIn(b"uptime", status(c))
            many.append(c)
        self.assertIn(b"uptime", status(early))
        self.assertIs(early.sock, kept)
        late = http.client.HTTPConnection("127.0.0.1", d.http_port, timeout=WAIT_S,
                                          source_address=("127.0.8.8", 0))
        self.assertIn(b"uptime", status(late))
        self.eventually(lambda: sum(
            self.gone(c.sock) for c in many if c.sock) >= 700 - 512)
        for c in many + [early, late]:
            c.close()

    def test_flood_of_one_net(self):
        d = self.start(descriptors=256)
        flood = Flood("127.0.0.9", d.http_port)
        flood.start()
        self.addCleanup(flood.join)
        self.addCleanup(flood.over.set)
        for _ in range(5):
            with connect("127.0.7.7", d.http_port) as s:
                before = flood.opened
                self.eventually(lambda: flood.opened > before + 500)
                s.sendall(b"GET /api/v1/status HTTP/1.1\r\n"
                          b"Host: localhost\r\n\r\n")
                self.assertIn(b"200 OK", s.recv(100))


class Tcp(Attack):
    def flood(self, port):
        flood = Flood("127.0.0.9", port)
        flood.start()
        self.addCleanup(flood.join)
        self.addCleanup(flood.over.set)
        return flood

    def test_flood_of_one_net(self):
        """Who thinks for a while before it asks is not pushed out by an address
        that opens connections all the time, many times as many as there may
        be."""
        d = self.start("tcp: {max: 50, idle: 60}\n")
        flood = self.flood(d.port)
        for _ in range(5):
            with connect("127.0.7.7", d.port) as s:
                before = flood.opened
                self.eventually(lambda: flood.opened > before + 500)
                s.sendall(test_dns.Dns.frame("www.example.com"))
                self.assertIsNotNone(test_dns.Dns.read_frame(s))

    def test_the_largest_net_loses_its_oldest(self):
        d = self.start("tcp: {max: 6, idle: 60}\n")
        few = [connect("127.0.7.7", d.port) for _ in range(2)]
        many = [connect(f"127.0.9.{i + 1}", d.port) for i in range(4)]
        late = connect("127.0.8.8", d.port)
        self.assertEqual(many[0].recv(1), b"")
        for s in few + many[1:] + [late]:
            s.sendall(test_dns.Dns.frame("www.example.com"))
            self.assertIsNotNone(test_dns.Dns.read_frame(s))
        for s in few + many + [late]:
            s.close()

    def test_who_never_reads(self):
        """Large answers that nobody takes: memory is bounded, others are served,
        and it is given back."""
        large = "".join(f'big TXT "{i:03}{"x" * 240}"\n' for i in range(225))
        d = self.daemon("tcp: {idle: 60}\n" + CONF, files={
            "nets.txt": NETS,
            "zone": ZONE.replace("big TXT", "other TXT") + large})
        answer = d.ask("big.example.com", "TXT", tcp=True)
        self.assertGreater(len(answer.to_wire()), 57000)
        before = rss_mb(d.process.pid)
        greedy = []
        for i in range(400):
            s = connect(f"127.0.{i % 100 + 1}.1", d.port)
            s.setblocking(False)
            with contextlib.suppress(OSError):
                s.send(test_dns.Dns.frame("big.example.com", "TXT") * 500)
            greedy.append(s)

        def most():
            self.most = max(self.most, rss_mb(d.process.pid))

        def refused():
            """Connections that are too many by what they hold."""
            most()
            return sum(self.is_reset(s) for s in greedy)
        self.most = before
        self.eventually(lambda: refused() > 50)
        for _ in range(20):
            self.assertEqual(d.address("www.example.com", tcp=True),
                             "192.0.2.80")
            most()
        if not SANITIZED:
            self.assertLess(self.most - before, 64)
        for s in greedy:
            s.close()
        if not SANITIZED:
            self.eventually(lambda: rss_mb(d.process.pid) < before + 16)


class Log(Attack):
    def test_what_fails_at_each_poll_is_said_once(self):
        with Fleet(1, scale=0.1) as fleet:
            srs = fleet[0]
            srs._streams = lambda query: "{"
            d = self.daemon(
                CONF.replace(
                    "api: off",
                    f"api: \"http://{srs.host}:{srs.ports['api']}\"", 1)
                + "health: {interval: 0.1}\n",
                files={"zone": ZONE, "nets.txt": NETS})
            self.eventually(lambda: srs.seen["polls"] > 30)
            self.assertEqual(d.log_text().count("asking for streams failed"), 1)
            # a poll that fails each second time is one line, too
            for _ in range(5):
                polls = srs.seen["polls"]
                srs.garbage("html")
                self.eventually(lambda: srs.seen["polls"] > polls + 2)
                srs.garbage(None)
                self.eventually(lambda: srs.seen["polls"] > polls + 5)
            self.assertEqual(d.log_text().count("a poll failed"), 1)
