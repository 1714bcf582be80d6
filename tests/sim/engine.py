"""The simulator: events in virtual time (ms), measures.

Questions get their answer after the round trip of the resolver, so all those
of one shortest round trip go to the name servers in one batch."""

import heapq
import random

import views
import world

SECOND = 1000
STATISTICS_MS = 3000        # a node counts anew on this grid
PROBE_MS = 10000
TIMEOUT_MS = 1500           # of a poll
RTT_MS = (30, 90)           # from a resolver to a name server
BATCH = 400                 # questions: the answers fit into a pipe
CONNECT_MS = (250, 700)     # from an address to the first picture
CONNECT_TIMEOUT_MS = 3000
NOTICE_MS = (1500, 6000)    # until the viewer of a dead node asks anew
AGAIN_MS = (2000, 4000)     # between tries
TRIES = 2                   # failed ones, before pressing "switch line"
PRESS_S = 20                # mean, while the picture stalls
LINES = 3
SAME_MS = 600 * SECOND      # a later lookup of a net is another story
FORGIVEN_MS = 300 * SECOND  # a node that was over capacity may be doubted so long
SHOW_MS = 5 * SECOND        # of the loads that pictures show
REPORT_MS = 60 * SECOND     # of a node, of the paths to its viewers
PLAYERS = 0.2               # of viewers, whose players measure when they start ...
PLAYER_NODES = 6            # ... their node and two others of the nearest
LOSS_STALLS = 0.02          # more loss lets viewers stall, ...
LOSS_SHARE = 10             # ... so large a share for each loss beyond


class Viewer:
    __slots__ = ("net", "stream", "presses", "line", "node", "place", "fails",
                 "lost", "gone", "epoch", "was", "since", "far")


class Measures:
    """Sums over the measured time, in viewer seconds where not said."""

    def __init__(self):
        self.watched = self.over = self.without = self.bad = self.far = 0.0
        self.lossy = 0.0         # stalled, since their path loses
        self.looked_at = []      # (ms, first node) of the world's look_at
        self.peak = 0.0
        self.lookups = self.questions = 0
        self.presses = self.other_node = self.other_site = 0
        self.to_line = {line: [0, 0] for line in range(1, LINES + 1)}  # other nodes, all
        self.again = self.same = 0
        self.pairs = self.live = 0
        self.doubts = []         # (name of the node, whether it had nothing)
        self.named_dead = {}     # (node, ms of its death, name server): ms after it
        self.served = self.joined = 0


class Simulator:
    def __init__(self, w, policy, show=False):
        self.world, self.policy_name = w, policy.name
        self.random = random.Random(f"run {w.seed}")
        self.servers = [policy(w, i) for i in range(w.servers)]
        if policy.shares_views:
            alone, self.servers = self.servers, []
            self.servers += [views.Sharing(server, w, self.after, self.servers)
                             for server in alone]
        self.m = Measures()
        self.now, self.heap, self.seq = 0, [], 0
        self.end, self.warm = w.run_s * SECOND, w.warm_s * SECOND
        self.number, self.asked, self.due = 0, {}, None
        self.lost = 0            # viewers that have lost their node
        self.stream_viewers = {}
        self.told = {}
        self.cut = set()         # (name server, name of a node that it does not reach)
        self.series = [] if show else None
        self.paths = {
            (city, n.name): world.path_ms(city, n.city)
            for city in world.CITIES for n in w.nodes}
        self.worse = {}          # (city, carrier, node): (ms more, loss)
        for n in w.nodes:
            n.viewers, n.load_kbps, n.far, n.streams = [], 0.0, 0.0, {}
            n.up_ms, n.over_ms = -1, -FORGIVEN_MS
        self._measure_living()

    # -- events ------------------------------------------------------------

    def after(self, ms, run, *args):
        self.seq += 1
        heapq.heappush(self.heap, (self.now + int(ms), self.seq, run, args))

    def uniform(self, span):
        return span[0] + (span[1] - span[0]) * self.random.random()

    def run(self):
        w = self.world
        for at, action in w.actions:
            self.after(at, action, self)
        for i, server in enumerate(self.servers):
            for k, node in enumerate(w.nodes):
                phase = (k * 211 + i * 977) % w.poll_ms
                self.after(phase, self.poll, i, server, node, True)
                self.after(phase * 3, self.probe, i, server, node)
            if isinstance(server, views.Sharing):
                self.after(i * 811, server.begin, i * 811)
        for k, node in enumerate(w.nodes if w.measured else ()):
            self.after(k * 3767, self.report, node)
        for flood in w.floods:
            self.after(flood[0] * SECOND, self.flood, *flood[1:])
        self.after(SECOND, self.second)
        w.joins.sort()
        self.joins = iter(w.joins)
        self.next_join()
        heap = self.heap
        while heap:
            if self.due is not None and heap[0][0] >= self.due:
                self.flush()
                continue
            at, _, run, args = heapq.heappop(heap)
            if at > self.end:
                break
            self.now = at
            run(*args)
        self.flush()
        for server in self.servers:
            server.close()
        return self.m

    # -- nodes -------------------------------------------------------------

    def _measure_living(self):
        living = [n for n in self.world.nodes if not n.dead and not n.full and not n.closed]
        self.nearest = {
            city: min((self.paths[city, n.name] for n in living), default=0)
            for city in world.CITIES}

    def die(self, name, how):
        node = self.world.node[name]
        node.dead, node.died_ms = how, self.now
        for i in range(len(self.servers)):
            self.m.named_dead[name, self.now, i] = 0
        self.drop_all(node)
        self._measure_living()

    def revive(self, name):
        node = self.world.node[name]
        node.dead, node.up_ms = None, self.now
        self._measure_living()

    def drop_all(self, node):
        for v in list(node.viewers):
            self.leave_node(v)
            self.lose(v)
            self.after(self.uniform(NOTICE_MS), self.again, v, v.epoch)

    def change(self, name, facts):
        node = self.world.node[name]
        for key, value in facts.items():
            setattr(node, key, value)
        if facts.get("frozen"):
            node.frozen = None
            node.frozen = self.sample(node)
        if facts.get("full"):
            self.drop_all(node)
        if "rate" in facts:
            node.load_kbps = len(node.viewers) * node.rate * world.RATE_KBPS
        self._measure_living()

    # -- paths -------------------------------------------------------------

    def change_paths(self, pairs, more_ms, loss):
        for pair in pairs:
            self.worse[pair] = (more_ms, loss)
            if not more_ms and not loss:
                del self.worse[pair]

    def true_path(self, net, node):
        """(ms, loss)"""
        more_ms, loss = self.worse.get((net.city, net.asn, node.name), (0, 0))
        return self.paths[net.city, node.name] + more_ms, loss

    def said_path(self, net, node):
        """The same as one measures it."""
        ms, loss = self.true_path(net, node)
        r = self.random
        return (ms * r.gauss(1, 0.1) + r.expovariate(0.5),
                max(0, loss * r.gauss(1, 0.3)) + r.expovariate(1000))

    def report(self, node):
        """What the node's kernel knows of its viewers, to each name server."""
        viewers = {}
        for v in node.viewers:
            viewers[v.net] = viewers.get(v.net, 0) + 1
        for net, n in viewers.items() if not node.dead else ():
            said = self.said_path(net, node)
            for server in self.servers:
                server.path(self.now, node, net, *said, n, "edge")
        self.after(REPORT_MS, self.report, node)

    def player_reports(self, v):
        net, server = v.net, self.random.choice(self.servers)
        near = sorted(self.world.nodes,
                      key=lambda n: self.paths[net.city, n.name])
        for node in {v.node, *self.random.sample(near[:PLAYER_NODES], 2)}:
            if not node.dead:
                server.path(self.now, node, net, *self.said_path(net, node), 1,
                            "player")

    def use(self, node):
        """Over 1 it serves that many times too many."""
        return max((len(node.viewers) + node.extra) / node.true_capacity,
                   node.load_kbps / node.true_kbps)

    def sample(self, node):
        """(sampled, connections, kbps, CPU %) as its API tells them."""
        if node.frozen:
            return node.frozen
        use = self.use(node)
        conns = len(node.viewers) + node.extra + (2 if node.full else 0)
        cpu = 4 + (node.cpu_full - 4) * min(1, use)
        if not node.cpu_knows:
            cpu = 4 + 86 * conns / node.capacity
        elif use > 1 and node.cpu_full >= 90:
            cpu = 99
        stamp = self.now // STATISTICS_MS * STATISTICS_MS
        return max(stamp, node.up_ms), conns, node.load_kbps / max(1, use), \
            min(cpu, 99.0)

    def poll(self, i, server, node, first):
        """After a success a poll that fails is repeated at once."""
        cut = (i, node.name) in self.cut
        if node.dead or cut:
            how = "timeout" if cut else node.dead
            wait = TIMEOUT_MS if how == "timeout" else 5
            self.after(wait, self.poll_failed, i, server, node, how, first)
            return
        self.after(40, self.poll_done, server, node, self.sample(node))
        self.after(self.world.poll_ms, self.poll, i, server, node, True)

    def poll_done(self, server, node, sample):
        server.load(self.now, node, *sample)

    def poll_failed(self, i, server, node, how, first):
        server.fail(self.now, node, how)
        wait = 0 if first else self.world.poll_ms - TIMEOUT_MS
        self.after(wait, self.poll, i, server, node, False)

    def probe(self, i, server, node):
        how = "ok"
        if (i, node.name) in self.cut or node.dead == "timeout":
            how = "unreached"
        elif node.dead:
            how = "failed"
        self.after(50 if how == "ok" else 2000, self.probe_done, server, node, how)
        self.after(PROBE_MS, self.probe, i, server, node)

    def probe_done(self, server, node, how):
        server.probe(self.now, node, how)

    # -- viewers -----------------------------------------------------------

    def next_join(self):
        for join in self.joins:
            self.after(join[0] - self.now, self.join, *join[2:])
            return

    def join(self, net, stay_ms, stream, presses):
        self.next_join()
        v = Viewer()
        v.net, v.stream, v.presses = net, stream, presses
        v.line, v.fails, v.epoch = 1, 0, 0
        v.node = v.was = None
        v.lost = v.gone = False
        self.m.joined += 1
        if stream:
            self.stream_viewers[stream] = self.stream_viewers.get(stream, 0) + 1
        self.after(stay_ms, self.leave, v)
        self.lookup(v)

    def leave(self, v):
        v.gone = True
        v.epoch += 1
        if v.node:
            self.leave_node(v)
        if v.lost:
            self.lost -= 1
        if v.stream:
            self.stream_viewers[v.stream] -= 1
            if not self.stream_viewers[v.stream]:
                del self.stream_viewers[v.stream]

    def lose(self, v):
        v.epoch += 1
        if not v.lost:
            v.lost = True
            self.lost += 1

    def again(self, v, epoch):
        if epoch == v.epoch:
            self.lookup(v)

    def lookup(self, v):
        """Asks the resolver, which knows it, asks already, or asks now."""
        self.m.lookups += self.now >= self.warm
        resolver = v.net.resolver
        key = (v.line, v.stream, v.net.index if resolver.ecs else -1)
        known = resolver.cache.get(key)
        if known and known[1] is None:
            known[0].append((v, v.epoch))
        elif known and known[1] > self.now:
            self.after(15, self.told_nodes, v, v.epoch, known[0])
        else:
            resolver.cache[key] = [[(v, v.epoch)], None]
            self.ask(resolver, key, v.net)

    def ask(self, resolver, key, net):
        line, stream, _ = key
        subnet = net.subnet if resolver.ecs else None
        city = net.told_city if resolver.ecs else resolver.city
        asn = net.asn if resolver.ecs else resolver.asn
        self.m.questions += self.now >= self.warm
        self.question(resolver.shares, line, stream, subnet, resolver.address,
                      city, self.uniform(RTT_MS), (resolver, key), asn)

    def question(self, shares, line, stream, subnet, address, city, rtt, what,
                 asn=None):
        i = self.random.choices(range(len(self.servers)), shares)[0]
        server = self.servers[i]
        self.number += 1
        self.asked[self.number] = (self.now + int(rtt), what, i)
        got = server.ask(self.number, self.now, line, stream, subnet, address,
                         city, asn)
        if got:
            self.answered(self.number, *got)
        elif self.due is None:
            self.due = self.now + RTT_MS[0]
        if len(self.asked) >= BATCH:
            self.flush()

    def flush(self):
        self.due = None
        if not self.asked:
            return
        for server in self.servers:
            server.send()
        for server in self.servers:
            for answer in server.collect():
                self.answered(*answer)
            self.count_doubts(server)

    def count_doubts(self, server):
        for name in server.doubts:
            well = (name not in self.world.faulty and self.now
                    - self.world.node[name].over_ms >= FORGIVEN_MS)
            self.m.doubts.append((name, well))
        server.doubts.clear()

    def answered(self, number, nodes, ttl_s):
        at, what, i = self.asked.pop(number)
        first = self.world.node[nodes[0]]
        if first.dead:
            death = (first.name, first.died_ms, i)
            self.m.named_dead[death] = self.now - first.died_ms
        if what:
            self.after(max(0, at - self.now), self.cache, *what, nodes, ttl_s)

    def cache(self, resolver, key, nodes, ttl_s):
        waiting = resolver.cache[key][0]
        ttl_s = max(ttl_s, resolver.least_ttl_s)
        nodes = [self.world.node[n] for n in nodes]
        resolver.cache[key] = (nodes, self.now + ttl_s * SECOND)
        self.count_same(resolver, key, nodes[0])
        if resolver.ecs and self.world.nets[key[2]].city == self.world.look_at:
            self.m.looked_at.append((self.now, nodes[0].name))
        for v, epoch in waiting:
            self.told_nodes(v, epoch, nodes)

    def count_same(self, resolver, key, node):
        if key[0] != 1:
            return
        who = (resolver.address, key)
        before = self.told.get(who)
        if before and self.now >= self.warm and self.now - before[1] < SAME_MS:
            self.m.again += 1
            self.m.same += before[0] is node
        self.told[who] = (node, self.now)

    def told_nodes(self, v, epoch, nodes):
        if epoch == v.epoch:
            self.after(self.uniform(CONNECT_MS), self.connect, v, epoch,
                       nodes, 0)

    def connect(self, v, epoch, nodes, i):
        """To the next address, if there is one, when one does not serve."""
        if epoch != v.epoch:
            return
        node = nodes[i]
        if not node.dead and not node.full and not node.closed:
            self.watch(v, node)
            return
        self.lose(v)
        wait = CONNECT_TIMEOUT_MS if node.dead == "timeout" else 300
        if i + 1 < len(nodes):
            self.after(wait, self.connect, v, v.epoch, nodes, i + 1)
            return
        v.fails += 1
        if v.fails >= TRIES and v.presses:
            self.after(wait + 1000, self.press, v, v.epoch)
        else:
            self.after(wait + self.uniform(AGAIN_MS), self.again, v, v.epoch)

    def watch(self, v, node):
        if v.lost:
            v.lost = False
            self.lost -= 1
        reports = self.world.measured and not v.was
        if v.was and self.now >= self.warm:
            self.m.presses += 1
            self.m.other_node += node is not v.was
            self.m.other_site += node.site != v.was.site
            to_line = self.m.to_line[v.line]
            to_line[0] += node is not v.was
            to_line[1] += 1
        v.node, v.was, v.fails, v.since = node, None, 0, self.now
        v.place = len(node.viewers)
        v.far = self.true_path(v.net, node)[0] - self.nearest[v.net.city]
        node.viewers.append(v)
        node.far += v.far
        node.load_kbps += node.rate * world.RATE_KBPS
        if v.stream:
            node.streams[v.stream] = node.streams.get(v.stream, 0) + 1
        if reports and self.random.random() < PLAYERS:
            self.player_reports(v)

    def leave_node(self, v):
        node = v.node
        last = node.viewers.pop()
        if last is not v:
            node.viewers[v.place] = last
            last.place = v.place
        node.far -= v.far
        node.load_kbps -= node.rate * world.RATE_KBPS
        if v.stream:
            node.streams[v.stream] -= 1
            if not node.streams[v.stream]:
                del node.streams[v.stream]
        v.node = None

    def press(self, v, epoch):
        """The next line, from a node or from none."""
        if epoch != v.epoch:
            return
        if v.node:
            v.was = v.node
            self.leave_node(v)
        v.epoch += 1
        v.fails = 0
        v.line = v.line % LINES + 1
        self.lookup(v)

    # -- every second ------------------------------------------------------

    def second(self):
        counts = self.now >= self.warm
        calm = self.world.presses_per_h / 3600
        for node in self.world.nodes:
            n = len(node.viewers)
            if not n:
                continue
            use = self.use(node)
            stalls = 1.0 if node.bad else 1 - 1 / use if use > 1 else 0.0
            if use > 1:
                node.over_ms = self.now
            if counts:
                self.count(node, n, use, stalls)
            self.some_press(node, n * (stalls / PRESS_S + calm))
            if self.worse:
                self.stall_by_loss(node, counts)
        if counts:
            self.m.without += self.lost
            self.m.watched += self.lost
            if self.stream_viewers and self.now % (10 * SECOND) == 0:
                self.m.pairs += sum(len(n.streams) for n in self.world.nodes)
                self.m.live += len(self.stream_viewers)
        if self.series is not None and self.now % SHOW_MS == 0:
            self.series.append((self.now / SECOND,
                                [self.use(n) for n in self.world.nodes]))
        self.after(SECOND, self.second)

    def count(self, node, n, use, stalls):
        m = self.m
        m.watched += n
        m.served += n
        m.far += node.far
        m.peak = max(m.peak, use)
        if node.bad:
            m.bad += n
        else:
            m.over += n * stalls

    def stall_by_loss(self, node, counts):
        for v in list(node.viewers):
            loss = self.true_path(v.net, node)[1]
            stalls = min(0.9, max(0, LOSS_SHARE * (loss - LOSS_STALLS)))
            self.m.lossy += stalls * counts
            if (v.presses and self.random.random() < stalls / PRESS_S
                    and self.now - v.since > 5 * SECOND):
                self.press(v, v.epoch)

    def some_press(self, node, expected):
        k = int(expected) + (self.random.random() < expected % 1)
        for _ in range(min(k, len(node.viewers))):
            v = self.random.choice(node.viewers)
            if v.presses and self.now - v.since > 5 * SECOND:
                self.press(v, v.epoch)
                if not node.viewers:
                    return

    # -- questions that no viewer asks -------------------------------------

    def flood(self, until_s, per_s, draw):
        """draw gives (line, subnet, address, city) of a forged question."""
        if self.now >= until_s * SECOND:
            return
        line, subnet, address, city = draw(self.random)
        self.question(self.world.resolvers[0].shares, line, None, subnet,
                      address, city, 30, None)
        self.after(self.random.expovariate(per_s) * SECOND, self.flood,
                   until_s, per_s, draw)
