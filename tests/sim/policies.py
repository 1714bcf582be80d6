"""What is asked: dnsd replay, or one of two rules that need no memory.

A policy gets what a name server's poller sees, and is asked questions. ask
gives (nodes, ttl in s) at once, or None: then the answer comes from collect,
after everything that was asked since the last one was sent."""

import os
import pathlib
import subprocess

import world

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DNSD = os.environ.get("DNSD", str(ROOT / "build" / "dnsd"))
NAME = "live.example.com"
TTL_S = 30                  # of the baselines: what dnsd gives at most
NEARBY_MS = 15              # longer a path than the shortest, for least loaded


class View:
    """What one name server knows of a node."""

    def __init__(self):
        self.fails, self.used = 2, 0.0


class Nearest:
    """The nearest node whose last two polls did not both fail; line n is the
    n-th nearest."""

    name = "nearest"
    shares_views = False

    def __init__(self, w, server):
        self.world = w
        self.views = {n.name: View() for n in w.nodes}
        self.doubts = []
        self.order = {
            city: sorted((world.path_ms(city, n.city), n.name) for n in w.nodes)
            for city in world.CITIES}

    def load(self, ms, node, sampled_ms, conns, kbps, cpu):
        view = self.views[node.name]
        view.fails = 0
        view.used = max(conns / node.capacity, kbps / node.kbps)

    def fail(self, ms, node, how):
        self.views[node.name].fails += 1

    def probe(self, ms, node, how):
        pass

    def path(self, *report):
        pass

    def ask(self, number, ms, line, stream, subnet, resolver, city, asn):
        paths = [p for p in self.order[city] if self.views[p[1]].fails < 2]
        nodes = self.rank(paths or self.order[city])
        return [nodes[(line - 1) % len(nodes)]], TTL_S

    def rank(self, paths):
        return [name for _, name in paths]

    def collect(self):
        return ()

    def close(self):
        pass


class LeastLoaded(Nearest):
    """Of the healthy nodes nearby, the one that was emptiest in its last
    sample; line n is the n-th emptiest."""

    name = "least-loaded"

    def rank(self, paths):
        limit = paths[0][0] + NEARBY_MS
        near = [name for ms, name in paths if ms <= limit]
        near.sort(key=lambda name: self.views[name].used)
        return near + [name for ms, name in paths if ms > limit]


class Replay:
    """One process of dnsd replay, as one name server."""

    name = "dnsd"
    shares_views = False

    def __init__(self, w, server):
        self.process = subprocess.Popen(
            [DNSD, "replay"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            bufsize=1 << 16)
        self.asked = self.syncs = 0
        self.measured = w.measured
        self.doubts = []         # names of nodes that it began to doubt
        self.lines = [f"hello sim ns={server}/{w.servers} seed={w.seed} "
                      f"poll_ms={w.poll_ms} fall=2 rise=1"]
        for n in w.nodes:
            lat, lon = world.CITIES[n.city][:2]
            self.lines.append(
                f"node 0 {n.name} {lat} {lon} cap_conns={n.capacity} "
                f"cap_kbps={n.kbps:.0f} overcommit={w.overcommit} "
                f"domain={n.site} probed=1")
        for ms, viewers, over_s, city in w.announced:
            lat, lon = world.CITIES[city][:2]
            self.lines.append(
                f"expect 0 {NAME} {ms} {viewers} {over_s} {lat} {lon}")

    def load(self, ms, node, sampled_ms, conns, kbps, cpu):
        self.lines.append(f"load {ms} {node.name} {sampled_ms} {conns} "
                          f"{kbps:.0f} {cpu:.1f}")

    def fail(self, ms, node, how):
        self.lines.append(f"loadfail {ms} {node.name} {how}")

    def probe(self, ms, node, how):
        self.lines.append(f"probe {ms} {node.name} rtmp {how}")

    def heard(self, ms, node, have, up, down, good_ms):
        good = "" if good_ms is None else f" good={ms - good_ms}"
        self.lines.append(
            f"heard {ms} {node.name} any={have} up={up} down={down}{good}")

    def path(self, ms, node, net, rtt_ms, loss, viewers, by):
        lat, lon = world.CITIES[net.told_city][:2]
        self.lines.append(
            f"path {ms} {net.subnet} {node.name} rtt={rtt_ms:.1f} "
            f"loss={loss:.4f} n={viewers} by={by} asn={net.asn} "
            f"lat={lat} lon={lon}")

    def ask(self, number, ms, line, stream, subnet, resolver, city, asn):
        name = NAME if line == 1 else f"line{line}.{NAME}"
        if stream:
            name = f"{stream}.{name}"
        lat, lon = world.CITIES[city][:2]
        more = f" asn={asn}" if asn and self.measured else ""
        self.lines.append(f"query {ms} {number} {name} {subnet or '-'} "
                          f"{resolver} {lat} {lon}{more}")
        self.asked += 1
        return None

    def send(self):
        """Everything so far, if there are questions in it."""
        if self.asked:
            self.syncs += 1
            self.lines.append(f"sync {self.syncs}\n")
            self.process.stdin.write("\n".join(self.lines).encode())
            self.process.stdin.flush()
            self.lines = []

    def collect(self):
        """(number, nodes, ttl) of the questions that were sent."""
        if not self.asked:
            return
        self.asked = 0
        end = f"synced {self.syncs}\n".encode()
        for line in iter(self.process.stdout.readline, end):
            words = line.decode().split()
            if not words:
                raise RuntimeError("dnsd replay ended: see stderr")
            if words[0] == "answer":
                yield (int(words[1]), words[2].split(","),
                       int(words[3].partition("=")[2]))
            elif words[:2] == ["note", "doubted"]:
                self.doubts.append(words[2])

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait():
            raise RuntimeError("dnsd replay failed: see stderr")


class ReplaySharing(Replay):
    """The same, whose name servers tell each other what they find of the nodes."""

    name = "dnsd-views"
    shares_views = True


ALL = {p.name: p for p in (Nearest, LeastLoaded, Replay, ReplaySharing)}
USUAL = [name for name, p in ALL.items() if not p.shares_views]
