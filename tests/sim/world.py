"""The world that policies are tried in: cities, nodes, client nets, their
resolvers, and the viewers that come. Drawn from a seed before a run, so it is
the same for every policy."""

import math
import random

EARTH_KM = 6371

# name: latitude, longitude, continent, share of the viewers
CITIES = {
    "frankfurt": (50.1, 8.7, "eu", 4), "berlin": (52.5, 13.4, "eu", 5),
    "munich": (48.1, 11.6, "eu", 3), "amsterdam": (52.4, 4.9, "eu", 3),
    "london": (51.5, -0.1, "eu", 7), "manchester": (53.5, -2.2, "eu", 2),
    "paris": (48.9, 2.4, "eu", 6), "madrid": (40.4, -3.7, "eu", 4),
    "lisbon": (38.7, -9.1, "eu", 2), "milan": (45.5, 9.2, "eu", 4),
    "rome": (41.9, 12.5, "eu", 3), "vienna": (48.2, 16.4, "eu", 2),
    "warsaw": (52.2, 21.0, "eu", 3), "stockholm": (59.3, 18.1, "eu", 2),
    "mumbai": (19.1, 72.9, "as", 6), "delhi": (28.6, 77.2, "as", 5),
    "singapore": (1.35, 103.8, "as", 4), "jakarta": (-6.2, 106.8, "as", 4),
    "bangkok": (13.8, 100.5, "as", 3), "tokyo": (35.7, 139.7, "as", 6),
    "osaka": (34.7, 135.5, "as", 3), "new york": (40.7, -74.0, "am", 6),
    "toronto": (43.7, -79.4, "am", 2), "chicago": (41.9, -87.6, "am", 3),
    "dallas": (32.8, -96.8, "am", 2), "los angeles": (34.1, -118.2, "am", 4),
    "sao paulo": (-23.5, -46.6, "am", 3),
}

# name: city, site, connections it can serve
NODES = {
    "fra1": ("frankfurt", "fra-a", 600), "fra2": ("frankfurt", "fra-b", 400),
    "ams1": ("amsterdam", "ams", 500), "lon1": ("london", "lon", 500),
    "par1": ("paris", "par", 500), "mad1": ("madrid", "mad", 350),
    "mil1": ("milan", "mil", 400), "waw1": ("warsaw", "waw", 350),
    "bom1": ("mumbai", "bom", 600), "sin1": ("singapore", "sin", 400),
    "sin2": ("singapore", "sin", 400), "tyo1": ("tokyo", "tyo", 500),
    "nyc1": ("new york", "nyc", 450), "chi1": ("chicago", "chi", 300),
    "lax1": ("los angeles", "lax", 350), "gru1": ("sao paulo", "gru", 250),
}

RATE_KBPS = 1500            # of a viewer, if a scenario does not say otherwise
NETS = 400
SERVERS = 2                 # name servers, if a scenario does not say otherwise
RUN_S = 2400
WARM_S = 420                # until then the evening fills; not measured
PRESSERS = 0.6              # of viewers; the others bear it
ECS_ISP, ECS_PUBLIC, PLAIN_PUBLIC = 0.2, 0.25, 0.08
MISPLACED = 0.02            # of nets: the database has another city
CARRIERS = (64601, 64602, 64603)


def distance_km(a, b):
    lat1, lon1, lat2, lon2 = map(math.radians, (*CITIES[a][:2], *CITIES[b][:2]))
    h = (math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2)
         * math.sin((lon2 - lon1) / 2) ** 2)
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1, h)))


def path_ms(a, b):
    return 5 + 0.016 * distance_km(a, b)


class Node:
    """What an operator says of a node, and what is true of it. The engine
    keeps its viewers here."""

    def __init__(self, name, city, site, capacity):
        self.name, self.city, self.site = name, city, site
        self.capacity = capacity                       # configured
        self.kbps = capacity * RATE_KBPS               # configured
        self.true_capacity, self.true_kbps = capacity, self.kbps
        self.cpu_knows = True    # CPU is what runs out, so it can be seen
        self.cpu_full = 90       # per cent, when it is full
        self.rate = 1.0          # bitrate of its viewers over the usual one
        self.extra = 0           # connections that are no viewers
        self.dead = None         # "timeout" or "refused"
        self.full = False        # accepts, then resets; polls answer well
        self.closed = False      # resets new connections only
        self.bad = False         # all its viewers stall
        self.frozen = None       # the sample that it repeats

    def resize(self, capacity):
        self.capacity = self.true_capacity = capacity
        self.kbps = self.true_kbps = capacity * RATE_KBPS


class Resolver:
    def __init__(self, index, city, ecs, least_ttl_s):
        self.address = f"172.{16 + index // 250}.{index % 250}.53"
        self.city, self.ecs, self.least_ttl_s = city, ecs, least_ttl_s
        self.shares = None       # of its questions, per name server
        self.cache = {}
        self.asn = None


class Net:
    __slots__ = ("index", "subnet", "city", "told_city", "weight", "resolver",
                 "asn")


class World:
    """servers: how many name servers; shares: how questions spread over them,
    None: every resolver has a favourite."""

    def __init__(self, seed, nodes=None, servers=None, shares=None, scale=1.0,
                 run_s=None, warm_s=WARM_S):
        self.random = random.Random(f"world {seed}")
        self.seed, self.servers, self.scale = seed, servers or SERVERS, scale
        self.run_s, self.warm_s = run_s or RUN_S, warm_s
        self.poll_ms = 3000
        self.overcommit = 2.0    # times what is configured, for dnsd
        self.nodes = []
        for name, (city, site, capacity) in (nodes or NODES).items():
            self.nodes.append(Node(name, city, site, round(capacity * scale)))
        self.node = {n.name: n for n in self.nodes}
        self.faulty = set()      # names of nodes that may be doubted
        self.joins = []          # (ms, net, stay ms, stream, presses)
        self.actions = []        # (ms, function of the simulator)
        self.announced = []      # (ms, viewers, over s, city)
        self.floods = []         # (from s, to s, per s, what)
        self.presses_per_h = 0.5  # of a viewer that has nothing to complain of
        self.streams = 0
        self.measured = False    # nodes and players report paths
        self.look_at = None      # a city: the answers that it gets are kept
        self._draw_resolvers()
        self._draw_nets()
        self.share_questions(shares)

    # -- who asks ----------------------------------------------------------

    def _resolver(self, city, ecs, least_ttl_s=0):
        resolver = Resolver(len(self.resolvers), city, ecs, least_ttl_s)
        self.resolvers.append(resolver)
        return resolver

    def _draw_resolvers(self):
        r = self.random
        self.resolvers, self.isp, self.public = [], {}, {}
        for city in CITIES:
            self.isp[city] = [
                self._resolver(city, r.random() < ECS_ISP, r.choices(
                    (0, 30, 60), (0.8, 0.15, 0.05))[0]) for _ in range(2)]
        for continent, city in (("eu", "frankfurt"), ("as", "singapore"),
                                ("am", "new york")):
            self.public[continent] = (self._resolver(city, True),
                                      self._resolver(city, False))

    def _draw_nets(self):
        r = self.random
        total = sum(c[3] for c in CITIES.values())
        self.nets, self.of_city = [], {}
        for city, (_, _, continent, share) in CITIES.items():
            n = max(3, round(NETS * share / total))
            weights = [r.paretovariate(1.2) for _ in range(n)]
            self.of_city[city] = []
            for weight in weights:
                net = Net()
                net.index = len(self.nets)
                net.subnet = f"10.{net.index // 250}.{net.index % 250}.0/24"
                net.city = net.told_city = city
                if r.random() < MISPLACED:
                    net.told_city = r.choice([
                        c for c in CITIES if CITIES[c][2] == continent])
                net.weight = weight / sum(weights) * share / total
                draw = r.random()
                if draw < ECS_PUBLIC:
                    net.resolver = self.public[continent][0]
                elif draw < ECS_PUBLIC + PLAIN_PUBLIC:
                    net.resolver = self.public[continent][1]
                else:
                    net.resolver = r.choices(self.isp[city], (0.65, 0.35))[0]
                self.nets.append(net)
                self.of_city[city].append(net)

        # The public resolvers are of no carrier, an ISP's of one.
        r = random.Random(f"carriers {self.seed}")
        for resolver in self.resolvers:
            resolver.asn = r.choice(CARRIERS)
        for continent in self.public.values():
            for resolver in continent:
                resolver.asn = None
        for net in self.nets:
            net.asn = net.resolver.asn or r.choice(CARRIERS)

    def share_questions(self, shares):
        for resolver in self.resolvers:
            if shares:
                resolver.shares = shares
            else:
                rest = 0.4 / max(1, self.servers - 1)
                resolver.shares = [rest] * self.servers
                resolver.shares[self.random.randrange(self.servers)] = 0.6

    # -- who watches -------------------------------------------------------

    def _stay_ms(self):
        r = self.random
        if r.random() < 0.5:
            return round(1000 * max(60, r.gauss(1800, 300)))
        return round(1000 * min(7200, r.lognormvariate(math.log(300), 1)))

    def _stream(self):
        """Some streams have most of the viewers; None without streams."""
        if not self.streams:
            return None
        return f"s{int(self.streams ** self.random.random()) - 1}"

    def join(self, at_s, net, stay_ms=None, stream=None):
        self.joins.append((
            round(at_s * 1000), len(self.joins), net,
            stay_ms or self._stay_ms(), stream or self._stream(),
            self.random.random() < PRESSERS))

    def evening(self, viewers=3000):
        """So many watch at any time, everywhere; the first come at once."""
        r, nets = self.random, self.nets
        weights = [n.weight for n in nets]
        viewers = round(viewers * self.scale)
        fill_s = min(300, self.warm_s * 0.7)
        for net in r.choices(nets, weights, k=viewers):
            self.join(r.uniform(0, fill_s), net,
                      round(1000 * r.uniform(60, 2000)))
        mean_s = 0.5 * 1800 + 0.5 * 300 * math.exp(0.5)
        more = round(viewers / mean_s * (self.run_s - 60))
        for net in r.choices(nets, weights, k=more):
            self.join(r.uniform(60, self.run_s), net)

    def crowd(self, cities, at_s, viewers, over_s, until_s=None, announce=False):
        """So many join in some cities; with until_s a class, which all leave
        within 20 s."""
        r = self.random
        nets = [n for city in cities for n in self.of_city[city]]
        viewers = round(viewers * self.scale)
        for net in r.choices(nets, [n.weight for n in nets], k=viewers):
            at = at_s + r.uniform(0, over_s)
            stay = None
            if until_s:
                stay = round(1000 * (until_s + r.uniform(-10, 10) - at))
            self.join(at, net, stay)
        if announce:
            self.announced.append((at_s * 1000, viewers, over_s, cities[0]))

    # -- what happens ------------------------------------------------------

    def at(self, at_s, action):
        self.actions.append((round(at_s * 1000), action))

    def dies(self, names, at_s, back_s=None, how="timeout"):
        for name in names:
            self.faulty.add(name)
            self.at(at_s, lambda sim, n=name: sim.die(n, how))
            if back_s:
                self.at(back_s, lambda sim, n=name: sim.revive(n))

    def cut_off(self, server, at_s, until_s, names=None):
        """The polls and probes of a name server time out meanwhile: of all nodes, or
        of these."""
        pairs = {(server, name) for name in names or self.node}
        self.at(at_s, lambda sim: sim.cut.update(pairs))
        self.at(until_s, lambda sim: sim.cut.difference_update(pairs))

    def set(self, name, at_s, **facts):
        """From at_s on something is true of a node."""
        self.faulty.add(name)
        self.at(at_s, lambda sim: sim.change(name, facts))

    def path(self, cities, names, at_s, until_s, more_ms, loss, carriers=CARRIERS):
        """Between some cities and nodes: so much farther and so lossy meanwhile."""
        pairs = [(city, asn, name) for city in cities for asn in carriers
                 for name in names]
        self.faulty.update(names)
        self.at(at_s, lambda sim: sim.change_paths(pairs, more_ms, loss))
        if until_s:
            self.at(until_s, lambda sim: sim.change_paths(pairs, 0, 0))
