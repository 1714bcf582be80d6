"""All at once, for a bounded number of rounds: what all threads of dnsd share is
read and changed by everybody who may, and afterwards all is as before. Under the
sanitizers it is the test of threads."""

import collections
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import threading
import time

import dns.message
import dns.query

from harness import NETS, Test, free_port
from srs_standin import Fleet
import test_dns
from test_attack import SANITIZED, connect, rss_mb
from test_cluster import heartbeat
from test_events import Stream

# The length of the storm: everybody goes on as long. After the first ones all
# tables that are touched as clients come are in memory.
FIRST, RELOADS = 12, 30
NAMES = ("live", "line2.live", "line3.live", "maths.live", "maths.line2.live",
         "push", "www", "big", "nothing", "line9.live", "_why.live", "srs1")
PLACES = ("22.3, 114.2", "22.3, 114.2", "35.7, 139.7", "51.5, -0.1",
          "35.7, 139.7")
ZONE = """$TTL 300
@ SOA ns1 hostmaster %d 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.80
""" + "".join(f'big TXT "{i:03}{"x" * 240}"\n' for i in range(20))
OTHER_NETS = NETS.replace("22.3,114.2", "48.9,2.3") + "10.4.0.0/17 1,2 SG 4657\n"


def subnet():
    """Of a client: often of a place, sometimes from anywhere."""
    if random.random() < 0.3:
        return "2001:db8:%x:%x::/%d" % (
            random.randrange(3), random.randrange(1 << 16),
            random.choice((40, 48, 56, 64)))
    first = random.choice(("10.1", "10.2", "10.3", "10.4",
                           f"{random.randrange(1, 224)}.7"))
    return f"{first}.{random.randrange(256)}.0/{random.choice((16, 20, 24))}"


class Actor(threading.Thread):
    """One who does his rounds until the storm is over; what goes wrong in
    one, the storm raises."""

    def __init__(self, storm, act):
        super().__init__(daemon=True)
        self.storm, self.act = storm, act
        self.rounds, self.failure = 0, None

    def run(self):
        try:
            while not self.storm.over.is_set() or not self.rounds:
                self.act(self.rounds)
                self.rounds += 1
        except BaseException as failure:    # an assertion, too
            self.failure = failure
            self.storm.over.set()


class Storm(Test):
    def setUp(self):
        self.over = threading.Event()
        self.counts = collections.Counter()
        self.fleet = Fleet(5, scale=0.1)
        self.addCleanup(self.fleet.close)
        for node in self.fleet:
            node.set_load(conns=100, mbps=50)
            node.set_streams("live/maths")
        self.public = free_port()
        self.d = self.daemon(self.conf(), files=self.files(0), more_http=(
            f"public: {{listen: [\"127.0.0.1:{self.public}\"]}}\n"
            "heartbeat_from: [127.0.0.0/8]\n"))
        self.all_up()

    # -- the world ---------------------------------------------------------

    def conf(self, capacity=1000, nodes=4, recorded="record"):
        text = ("nets: nets.txt\nhealth: {interval: 0.2, timeout: 0.5}\n"
                "tcp: {max: 60, idle: 5}\nquery_log: 0.001\n"
                f"record: {{file: {recorded}}}\n"
                "zones: {example.com: {file: zone}}\nnodes:\n")
        for i, (n, at) in enumerate(zip(self.fleet, PLACES)):
            if i >= nodes and i < 4:
                continue
            role = "edge" if i < 4 else "relay"
            text += (f"  {n.name}: {{role: {role}, address: [{n.host}], "
                     f"at: [{at}], site: s{i}, capacity: {capacity}, "
                     f"api: \"{n.api_url}\", rtmp: \"{n.address('rtmp')}\", "
                     f"flv: \"{n.address('flv')}\"}}\n")
        return text + ("steer:\n  live.example.com: {pool: [edge], lines: 3, "
                       "ttl: [2, 8], streams: true}\n"
                       "  push.example.com: {pool: [relay], policy: stable}\n")

    def files(self, i):
        return {"zone": ZONE % (i + 1), "nets.txt": (NETS, OTHER_NETS)[i % 2]}

    def state(self, node):
        return self.d.node(node.name)["state"]

    def all_up(self):
        for node in self.fleet:
            self.eventually(lambda: self.state(node) == "up", node.name)

    def post(self, path, body=b"", token="sesame"):
        return self.d.http(path, "POST", token=token, body=body)

    def held(self):
        """The descriptors of dnsd by what they are, but for connections with
        nodes: those come and go with every poll. SQLite keeps one of the store
        for each thread that ever read it at the same time as others; there are
        three."""
        pid = self.d.process.pid
        nodes = {f"{port:04X}" for n in self.fleet for port in n.ports.values() if port}
        with open(f"/proc/{pid}/net/tcp") as f:
            polls = {words[9] for words in map(str.split, f)
                     if words[2].rpartition(":")[2] in nodes}
        kinds = collections.Counter()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                what = os.readlink(f"/proc/{pid}/fd/{fd}")
                if what[8:-1] not in polls:
                    kinds[what.split(":")[0]] += 1
        store = kinds.pop(str(self.d.folder / "dnsd.db"))
        self.assertLessEqual(store, 3)
        return kinds

    # -- who takes part ----------------------------------------------------

    def udp(self, _):
        """Many client nets, all names; whatever comes back is well formed."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((f"127.0.{random.randrange(1, 20)}.1", 0))
            s.settimeout(0.2)
            for _ in range(32):
                name = random.choice(NAMES) + ".example.com"
                rdtype = random.choice(("A", "A", "AAAA", "TXT", "HTTPS"))
                s.sendto(self.d.query(name, rdtype, subnet()).to_wire(),
                         ("127.0.0.1", self.d.port))
            with contextlib.suppress(TimeoutError):
                for _ in range(32):
                    dns.message.from_wire(s.recv(4096))
                    self.counts["udp"] += 1
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as odd:
                odd.sendto(random.randbytes(random.randrange(60)),
                           ("127.0.0.1", self.d.port))

    def tcp(self, i):
        """Pipelines that are read, or left."""
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            with connect(f"127.0.{i % 50 + 1}.2", self.d.port) as s:
                s.sendall(test_dns.Dns.frame("big.example.com", "TXT") * 20)
                for _ in range(20 if i % 3 else 1):
                    if not test_dns.Dns.read_frame(s):
                        break
                    self.counts["tcp"] += 1

    def resolver(self, i):
        """One who does no harm, and is answered all the time."""
        ask = dns.query.udp if i % 4 else dns.query.tcp
        answer = ask(self.d.query("www.example.com"), "127.0.0.1", 60,
                     self.d.port, source="127.0.100.1")
        self.assertEqual(answer.answer[0][0].address, "192.0.2.80")
        self.counts["honest"] += 1

    def reload(self, i):
        """Other files each time, by signal and by ctl."""
        for name, text in self.files(i).items():
            self.replace(name, text)
        self.replace("dnsd.yaml", self.d.head + self.conf(
            capacity=(1000, 600)[i % 2], nodes=(4, 3, 4, 4)[i % 4],
            recorded=("record", "record", "other")[i % 3]))
        done = self.d.log_text().count("reload: done")
        if i % 2:
            self.d.run("ctl", "reload")
        else:
            self.d.process.send_signal(signal.SIGHUP)
        self.eventually(
            lambda: self.d.log_text().count("reload: done") > done)

    def replace(self, name, text):
        self.d.write(name + ".new", text).rename(self.d.folder / name)

    def drain(self, i):
        """All of them in turn, by ctl and by HTTP. srs4 may be out of the
        configuration."""
        name = f"srs{i % 5 + 1}"
        for verb in "drain", "undrain":
            if i % 7:
                status, said = self.post(f"/api/v1/nodes/{name}/{verb}")
                self.assertIn(status, (200, 404), said)
            else:
                self.d.run("ctl", verb, name, check=False)
        self.counts["drained"] += 1

    def stranger(self, i):
        """Reports, is approved, and is removed."""
        name = f"new{i % 6}"
        with connect(f"127.0.{i % 100 + 1}.3", self.public) as s:
            body = heartbeat(name)
            s.sendall(b"POST /api/v1/servers HTTP/1.1\r\nHost: localhost\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self.assertRegex(s.recv(100), rb"^HTTP/1.1 (200|429)")
        self.d.http("/api/v1/waiting")
        status, said = self.post(
            f"/api/v1/nodes/{name}/approve", json.dumps({
                "role": "edge", "at": [1, i % 90], "address": ["192.0.2.9"],
                "api": "off", "rtmp": "off", "flv": "off"}).encode())
        self.assertEqual((status, said.get("ok")), (200, True), said)
        self.assertEqual(
            self.post(f"/api/v1/nodes/{name}/remove")[0], 200)
        self.counts["approved"] += 1

    def website(self, i):
        """What the website and players ask, from both listeners."""
        c = http.client.HTTPConnection(
            "127.0.0.1", self.public if i % 3 == 0 else self.d.http_port,
            timeout=60, source_address=(f"127.0.{i % 100 + 1}.4", 0))
        trusted = i % 3 != 0
        client = subnet() if trusted else f"127.0.{i % 100 + 1}.4"
        name = "live.example.com"
        for path, body in (
                (f"/api/v1/lines?name={name}&client={client}"
                 "&stream=live/maths", None),
                (f"/resolve?name={name}&ip={client.split('/')[0]}", None),
                ("/api/v1/feedback", json.dumps(
                    {"name": name, "node": f"srs{i % 4 + 1}",
                     "switched": True})),
                ("/api/v1/clusters?app=live&stream=maths", None)):
            c.request("POST" if body else "GET", path, body)
            answer = c.getresponse()
            answer.read()
            # 404: srs4 is not there always
            self.assertIn(answer.status, (200, 404, 429), path)
            self.counts["http"] += answer.status == 200
        c.close()

    def operator(self, i):
        """What a page and a monitoring system read."""
        for path in ("nodes", "status", "streams", "history?node=srs1",
                     "explain?name=live.example.com&client=10.1.2.3"):
            self.assertEqual(self.d.http(f"/api/v1/{path}")[0], 200, path)
        self.assertEqual(self.d.http("/metrics")[0], 200)
        self.d.run("try", "line2.live.example.com", "10.1.2.3")

    def events(self, i):
        """Streams that are read, and one that is only opened."""
        one, other = Stream(self.d), Stream(self.d, receive_buffer=4096)
        with contextlib.closing(one), contextlib.closing(other):
            self.assertEqual(one.head()[0], 200)
            for _ in range(3):
                self.assertIsNotNone(one.next("nodes")[0])
                self.counts["events"] += 1

    def fate(self, i):
        """What happens to nodes."""
        node = self.fleet[i % 5]
        what = i // 5 % 4
        if what == 0:
            node.die()
            self.d.ask("live.example.com", "A", "10.1.0.0/24", timeout=60)
            node.revive()
        elif what == 1:
            node.garbage(random.choice(("json", "types", "500", "truncated")))
            node.set_streams("live/a\tb", "live/maths", f"live/{i}")
        elif what == 2:
            node.restart(conns=random.randrange(2000))
        else:
            node.hang()
            node.set_load(conns=random.randrange(2000))
        time.sleep(0.05)    # as fast as it would be, it would be polled never
        node.resume()
        node.garbage(None)

    # -- the storm ---------------------------------------------------------

    def blow(self, reloads):
        self.over.clear()
        actors = [Actor(self, act) for act in (
            self.udp, self.udp, self.tcp, self.tcp, self.resolver, self.drain,
            self.stranger, self.website, self.website, self.operator,
            self.events, self.events, self.fate)]
        for actor in actors:
            actor.start()
        for i in range(reloads):
            if self.over.is_set():
                break
            self.reload(i)
        self.over.set()
        for actor in actors:
            actor.join()
            if actor.failure:
                raise actor.failure

    def calm(self):
        """All as at the start."""
        for node in self.fleet:
            node.revive()
            node.set_load(conns=100, mbps=50)
            node.set_streams("live/maths")
        self.reload(0)
        for node in self.fleet:
            self.d.run("ctl", "undrain", node.name)
        self.all_up()

    def lines(self, client):
        """{how: nodes of line 1 to 3} of a client net, asked in three ways."""
        hosts = [f"{label}live.example.com"
                 for label in ("", "line2.", "line3.")]
        _, body = self.d.http(
            f"/api/v1/lines?name={hosts[0]}&client={client}")
        return {
            "udp": [self.d.address(h, client) for h in hosts],
            "tcp": [self.d.address(h, client, tcp=True) for h in hosts],
            "http": [l["addresses"][0] for l in body["lines"]]}

    def agree(self, client):
        said = self.lines(client)
        self.assertEqual(said["udp"], said["tcp"])
        self.assertEqual(said["udp"], said["http"])
        self.assertEqual(len(set(said["udp"])), 3)
        return True

    def same(self, held):
        """Nothing more is held; connections that were there for a moment then
        need not be there now."""
        self.assertEqual(self.held() - held, collections.Counter())
        return True

    def test_all_at_once(self):
        self.d.address("live.example.com", tcp=True)
        self.reload(0)
        # the recorder opens its file on a thread of its own
        record = str(self.d.folder / "record")
        self.eventually(lambda: self.held()[record] == 1)
        before = self.held()
        self.blow(FIRST)
        rss = rss_mb(self.d.process.pid)
        self.blow(RELOADS)
        self.calm()
        self.assertIsNone(self.d.process.poll())
        for key in ("udp", "tcp", "honest", "drained", "approved", "http",
                    "events"):
            self.assertGreater(self.counts[key], 0, self.counts)
        # TTLs that end between two of the questions are asked anew
        for i in range(0, 256, 32):
            for net in "10.1", "10.2", "10.3":
                self.eventually(lambda: self.agree(f"{net}.{i}.0/24"))
        self.eventually(lambda: self.same(before))
        if not SANITIZED:
            self.assertLess(rss_mb(self.d.process.pid), 1.2 * rss)
        self.assertNotRegex(
            self.d.log_text(), "ERROR: AddressSanitizer|runtime error:|"
                               "WARNING: ThreadSanitizer")
