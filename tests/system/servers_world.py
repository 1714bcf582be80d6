"""Several name servers for tests: dnsd with etcd, each with its own ways to etcd and to
the nodes of one fleet, and somebody who asks each of them all the time.

    class Some(ServersTest):
        def test(self):                         # three, connected
            self.drain(self.servers[0], "srs1")
            self.servers[1].to_etcd.freeze()
"""

import json
import pathlib
import random
import re
import signal
import threading

import dns.exception

from etcd_world import Etcd
from harness import DNSD, WAIT_S, Daemon, Test
from link import Link
from srs_standin import Fleet

PREFIX = "/dnsd/test"
# Of clients, and of the nodes srs1 to srs3 beside them.
PLACES = ["22.3, 114.2", "35.7, 139.7", "51.5, -0.1"]
NETS = "".join(f"{11 + i}.0.0.0/8 {place.replace(' ', '')} XX\n"
               for i, place in enumerate(PLACES))
CLIENTS = [f"{11 + i}.1.0.0/24" for i in range(len(PLACES))]
# A node that nobody polls, at an address where approved ones may be.
KEYS = {"role": "edge", "at": [-23.5, -46.6], "address": ["192.0.2.9"],
        "capacity": 300, "api": "off", "rtmp": "off"}


def clock_ahead(seconds):
    """The environment of a program whose wall clock is wrong."""
    return {"LD_PRELOAD": str(pathlib.Path(DNSD).with_name("later.so").resolve()),
            "DNSD_LATER_S": str(seconds)}


def words_of(keys):
    """The same as options of `dnsd ctl approve`."""
    words = []
    for key, value in keys.items():
        words += ["--" + key, ",".join(map(str, value))
                  if isinstance(value, list) else str(value)]
    return words


class Server(Daemon):
    """One of them."""

    def __init__(self, name, world, also="", tls=None, endpoints=None):
        """also: it says that it is this one. tls, endpoints: of `etcd`, instead of
        those that all have."""
        self.name, self.fleet, self.asker = name, world.fleet, None
        self.to_etcd, self.to_nodes = world.etcd.link(), Link()
        tls = world.etcd.tls_keys() if tls is None else tls
        conf = (f"nets: nets.txt\nserver_id: {name}\n"
                f"health: {{interval: 0.3, timeout: 0.8}}\n"
                f"etcd: {{endpoints: "
                f"{json.dumps(endpoints or self.to_etcd.endpoints)}, "
                f"prefix: {PREFIX}, as: {also or name}{tls and ', '}{tls}}}\n"
                "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
                "nodes:\n")
        for node, place in zip(world.fleet, world.places):
            api, rtmp = (self.to_nodes.to(node.host, node.ports[port])
                         for port in ("api", "rtmp"))
            conf += (f"  {node.name}: {{address: [{node.host}], at: [{place}], "
                     f"api: \"http://{api}\", rtmp: \"{rtmp}\", flv: off}}\n")
        conf += ("steer: {live.example.com: {pool: [edge]}, "
                 "maths.example.com: {pool: [edge]}}\n")
        super().__init__(conf, files={"nets.txt": NETS}, start=False)

    # -- life: while it has none, nobody asks ------------------------------

    def start(self, wait=True):
        super().start(wait)
        if self.asker:
            self.asker.go_on()
        return self

    def kill(self):
        """kill -9."""
        if self.asker:
            self.asker.pause()
        self.process.kill()
        self.process.wait()
        self.log.close()

    def restart(self):
        self.kill()
        self.start()

    def freeze(self):
        if self.asker:
            self.asker.pause()
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        if self.asker:
            self.asker.go_on()

    def close(self):
        if self.process and self.process.poll() is None:
            self.thaw()
        self.to_nodes.close()
        super().close()

    # -- what it says ------------------------------------------------------

    def ctl(self, *words):
        return self.run("ctl", *words)

    def etcd_status(self):
        return self.http("/api/v1/status")[1]["etcd"]

    @property
    def in_force(self):
        status = self.etcd_status()
        return status["connected"] and status["in_force"] and \
            not status["pending_count"]

    def lines(self, kind):
        """Of pending, refused or conflicts: {key: text}."""
        return {line["key"]: line["text"] for line in self.etcd_status()[kind]}

    def peer(self, name):
        return next((p for p in self.etcd_status()["peers"] if p["name"] == name),
                    None)

    def hears(self, *names):
        peers = {p["name"]: p["fresh"] for p in self.etcd_status()["peers"]}
        return all(peers.get(name) for name in names)

    def states(self):
        return {n["name"]: n["state"] for n in self.http("/api/v1/nodes")[1]}

    def whys(self):
        """What speaks against the nodes."""
        return {n["name"]: n["why"] for n in self.http("/api/v1/nodes")[1]}

    def reached_by_others(self):
        """Of all nodes."""
        for name, why in self.whys().items():
            assert "other name servers reach it" in why, (name, why)
        return True

    def is_drained(self, name):
        """By the API, and by ctl."""
        told = re.search(rf"(?m)^{name} +\S+ +(\S+)", self.ctl("nodes"))
        return self.states().get(name) == "drained" and told[1] == "drained"

    def edges(self):
        """The node that clients of each place are sent to: such as did not ask
        before, for the others stay where they are."""
        by_host = {node.host: node.name for node in self.fleet}
        return [by_host.get(self.address(
            "live.example.com",
            f"{11 + i}.{random.randrange(256)}.{random.randrange(256)}.0/24"))
            for i in range(len(PLACES))]

    def schedule(self):
        return {e["id"]: e for e in self.http("/api/v1/expect")[1]}


class Asker:
    """Asks a name server all the time, on a thread. A question without an answer in
    time, or with one of which `wrong` says something, is told by end()."""

    PAUSE_S = 0.02

    def __init__(self, server, wrong=lambda answer: ""):
        self.server, self.wrong = server, wrong
        self.asked, self.faults = 0, []
        self._on, self._over, self._still = (threading.Event() for _ in range(3))
        self._on.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.is_set():
            if not self._on.is_set():
                self._still.set()
                self._on.wait()
                continue
            self._ask(CLIENTS[self.asked % len(CLIENTS)])
            self._over.wait(self.PAUSE_S)

    def _ask(self, client):
        try:
            wrong = self.wrong(
                self.server.address("live.example.com", client))
        except (dns.exception.DNSException, OSError, AssertionError, IndexError) as e:
            wrong = repr(e)
        if wrong:
            self.faults.append(f"{self.server.name}, {client}: {wrong}")
        self.asked += 1

    def pause(self):
        """While the server is not to answer. Returns when nothing is asked."""
        self._still.clear()
        self._on.clear()
        self._still.wait(2 * WAIT_S)

    def go_on(self):
        self._on.set()

    def end(self):
        self._over.set()
        self._on.set()
        self._thread.join(2 * WAIT_S)
        return self.faults


class ServersTest(Test):
    """A world for each class; each test begins with all of it well."""

    places = PLACES
    tls = False

    @classmethod
    def setUpClass(cls):
        cls.etcd = Etcd(tls=cls.tls)
        cls.addClassCleanup(cls.etcd.close)
        cls.fleet = Fleet(len(cls.places), scale=0.1)
        cls.addClassCleanup(cls.fleet.close)
        cls.servers = [cls.server(f"ns{i + 1}").start() for i in range(3)]

    @classmethod
    def server(cls, name, **options):
        """One more."""
        server = Server(name, cls, **options)
        cls.addClassCleanup(server.close)
        return server

    def setUp(self):
        self.together()

    def together(self, servers=None):
        """All are connected, hear each other, find all nodes up or drained, and
        nothing waits."""
        names = {node.name for node in self.fleet}
        servers = servers or self.servers
        for server in servers:
            self.eventually(lambda: server.in_force,
                            f"the registry in force on {server.name}")
            self.eventually(lambda: server.hears(
                *(other.name for other in servers if other is not server)))
            self.eventually(lambda: self.assertEqual(
                {name: why for name, why in server.whys().items()
                 if name in names and server.states()[name]
                 not in ("up", "drained")}, {}) is None, server.name)

    def ask_all(self, wrong=lambda answer: ""):
        """From now on, until the test ends: every question gets an answer."""
        askers = [Asker(server, wrong) for server in self.servers]
        for asker in askers:
            asker.server.asker = asker
            self.addCleanup(self.was_answered, asker)
        return askers

    def was_answered(self, asker):
        asker.server.asker = None
        self.assertEqual(asker.end(), [])
        self.assertGreater(asker.asked, 0)

    def everywhere(self, condition, what="", servers=None):
        for server in servers or self.servers:
            self.eventually(lambda: condition(server), f"{what} on {server.name}")

    def drain(self, server, name, word="drain", says="everywhere"):
        said = server.ctl(word, name)
        self.assertRegex(said, "^" + says)
        return said
