"""What may happen on an evening, a function each: seed and scale to a world."""

from world import CARRIERS, CITIES, NODES, World

EUROPE = [c for c in CITIES if CITIES[c][2] == "eu"]
ALL = {}


def scenario(function):
    ALL[function.__name__.replace("_", "-")] = function
    return function


BUSY = 4500         # viewers that fill two thirds of Europe


def evening(seed, scale, viewers=3000, **more):
    w = World(seed, scale=scale, **more)
    w.evening(viewers)
    return w


@scenario
def tiny(seed, scale):
    """For the system test: a small crowd in Berlin."""
    w = World(seed, scale=0.15 * scale, run_s=420, warm_s=120)
    w.evening()
    w.crowd(["berlin"], 150, 1300, 60)
    return w


@scenario
def calm(seed, scale):
    return evening(seed, scale)


@scenario
def flash(seed, scale):
    """Twice a crowd joins in one city within a minute or so."""
    w = evening(seed, scale)
    w.crowd(["berlin"], 700, 1300, 90)
    w.crowd(["berlin"], 1500, 1300, 60)
    return w


@scenario
def flash_announced(seed, scale):
    """The same with both in the schedule."""
    w = evening(seed, scale)
    w.crowd(["berlin"], 700, 1300, 90, announce=True)
    w.crowd(["berlin"], 1500, 1300, 60, announce=True)
    return w


@scenario
def classes(seed, scale):
    """One ends at once and another begins."""
    w = evening(seed, scale)
    w.crowd(["paris", "london"], 460, 1100, 60, until_s=1400)
    w.crowd(["london", "manchester"], 1440, 1100, 60, until_s=2380)
    return w


@scenario
def node_dies(seed, scale):
    w = evening(seed, scale, BUSY)
    w.dies(["fra1"], 900, 1700)
    return w


@scenario
def node_flaps(seed, scale):
    w = evening(seed, scale, BUSY)
    for i in range(10):
        w.dies(["ams1"], 800 + 70 * i, 825 + 70 * i, how="refused")
    return w


@scenario
def site_dies_in_crowd(seed, scale):
    """A site dies while a crowd comes to it."""
    w = evening(seed, scale)
    w.crowd(["singapore", "jakarta", "bangkok"], 880, 500, 90)
    w.dies(["sin1", "sin2"], 930, 1500)
    return w


@scenario
def one_a_continent(seed, scale):
    """A node for each continent; one dies."""
    w = World(seed, nodes={"lon1": ("london", "lon", 3600),
                           "sin1": ("singapore", "sin", 2000),
                           "nyc1": ("new york", "nyc", 1600)}, scale=scale)
    w.evening()
    w.dies(["lon1"], 900, 1500)
    return w


@scenario
def region_dies(seed, scale):
    w = evening(seed, scale, BUSY)
    w.dies(["bom1", "sin1", "sin2"], 900, 1500)
    return w


@scenario
def half_by_cpu(seed, scale):
    """A node can do half of what is configured; its CPU shows it."""
    w = evening(seed, scale, BUSY)
    node = w.node["par1"]
    w.set("par1", 0, true_capacity=node.capacity / 2,
          true_kbps=node.kbps / 2)
    return w


def configure_low(w, share, every=3):
    """Some nodes can do more than is configured; their CPU shows it."""
    for node in w.nodes[::every]:
        node.capacity = round(node.capacity * share)
        node.kbps *= share


@scenario
def lowconf(seed, scale):
    """A third of the nodes is configured at half of what it can do."""
    w = evening(seed, scale, BUSY)
    configure_low(w, 0.5)
    w.crowd(["berlin", "paris", "london"], 900, 900, 120)
    return w


@scenario
def tiny_lowconf(seed, scale):
    """For the system test: the same on few nodes, and more come than they are
    configured for."""
    names = ("fra1", "ams1", "lon1", "par1", "mil1", "waw1")
    w = World(seed, nodes={n: NODES[n] for n in names}, scale=0.3 * scale,
              run_s=780, warm_s=300)
    w.evening(2150)
    configure_low(w, 0.5, every=2)
    return w


@scenario
def full_lowconf(seed, scale):
    """Nearly full, and half of the nodes are configured at a third of what they can."""
    w = evening(seed, scale, 5400)
    configure_low(w, 0.33, every=2)
    return w


@scenario
def links(seed, scale):
    """Links are what runs out, as they are configured, and CPU is idle."""
    w = evening(seed, scale, BUSY)
    for node in w.nodes:
        node.cpu_full = 35
    w.crowd(["berlin", "paris", "london"], 900, 1600, 120)
    return w


@scenario
def third_by_link(seed, scale):
    """A node's link carries a third; neither CPU nor polls show it."""
    w = evening(seed, scale, BUSY)
    w.set("lon1", 0, true_kbps=w.node["lon1"].kbps / 3, cpu_knows=False)
    return w


@scenario
def past_its_limit(seed, scale):
    """From 900 s a node resets every connection; polls and probes are well."""
    w = evening(seed, scale, BUSY)
    w.set("mil1", 900, full=True)
    w.set("mil1", 1700, full=False)
    return w


@scenario
def takes_nobody(seed, scale):
    """From 900 s a node resets every new connection, while those that it has stay."""
    w = evening(seed, scale, BUSY)
    w.set("par1", 900, closed=True)
    w.set("par1", 1700, closed=False)
    return w


@scenario
def site_silently_bad(seed, scale):
    """All viewers of two small nodes of a site stall."""
    w = World(seed, scale=scale)
    for name in ("sin1", "sin2"):
        w.node[name].resize(round(120 * scale))
        w.set(name, 900, bad=True)
        w.set(name, 1800, bad=False)
    w.evening()
    return w


@scenario
def silently_bad(seed, scale):
    """All viewers of a node stall; its numbers are well."""
    w = evening(seed, scale, BUSY)
    w.set("fra2", 900, bad=True)
    return w


@scenario
def path_breaks(seed, scale):
    """What Berlin has of Frankfurt loses packets for 15 minutes; its viewers, and no
    others, stall there."""
    w = evening(seed, scale, BUSY, run_s=3000)
    w.measured, w.look_at = True, "berlin"
    w.path(["berlin"], ["fra1", "fra2"], 900, 1800, 80, 0.08)
    return w


@scenario
def carriers(seed, scale):
    """A carrier exchanges badly with a node in three cases of ten, for the whole
    evening."""
    w = evening(seed, scale, BUSY)
    w.measured = True
    for node in w.nodes:
        for asn in CARRIERS:
            if w.random.random() < 0.3:
                w.path(list(CITIES), [node.name], 0, None, w.random.uniform(40, 150),
                       w.random.uniform(0, 0.08), [asn])
    return w


@scenario
def loss_on_and_off(seed, scale):
    """On a quarter of the pairs of a carrier and a node, ten minutes in twenty."""
    w = evening(seed, scale, BUSY)
    w.measured = True
    for node in w.nodes:
        for asn in CARRIERS:
            if w.random.random() < 0.25:
                phase = w.random.randrange(1200)
                for at_s in range(phase - 1200, w.run_s, 1200):
                    w.path(list(CITIES), [node.name], max(0, at_s),
                           max(0, at_s + 600), 20, 0.06, [asn])
    return w


@scenario
def frozen(seed, scale):
    """Two nodes repeat their samples, stamps too, while a crowd comes."""
    w = evening(seed, scale)
    w.set("fra1", 680, frozen=True)
    w.set("waw1", 680, frozen=True)
    w.set("fra1", 1400, frozen=None)
    w.set("waw1", 1400, frozen=None)
    w.crowd(["berlin"], 720, 900, 90)
    return w


@scenario
def restarts(seed, scale):
    """Nodes start anew, one after the other: viewers and counters are gone."""
    w = evening(seed, scale, BUSY)
    for i, name in enumerate(("fra1", "lon1", "par1", "ams1", "nyc1", "tyo1")):
        w.dies([name], 700 + 200 * i, 702 + 200 * i, how="refused")
    return w


@scenario
def no_viewers(seed, scale):
    """A third of a node's connections are no viewers of ours."""
    w = evening(seed, scale, BUSY)
    for name in ("ams1", "sin1"):
        w.set(name, 0, extra=w.node[name].capacity // 3)
    w.faulty.clear()
    return w


@scenario
def poller_cut_off(seed, scale):
    """One name server sees no node for ten minutes; a crowd comes."""
    w = evening(seed, scale, servers=3)
    w.cut_off(0, 800, 1400)
    w.crowd(["rome", "milan"], 950, 700, 60)
    return w


@scenario
def cut_off(seed, scale):
    """The same on a full evening."""
    w = evening(seed, scale, BUSY, servers=3)
    w.cut_off(0, 800, 1400)
    return w


@scenario
def third_cut_off(seed, scale):
    """One name server does not reach a third of the nodes for ten minutes."""
    w = evening(seed, scale, BUSY, servers=3)
    w.cut_off(0, 800, 1400, list(w.node)[::3])
    return w


@scenario
def cut_off_by_turns(seed, scale):
    """One name server reaches no node every other minute."""
    w = evening(seed, scale, BUSY, servers=3)
    for at_s in range(600, 1800, 120):
        w.cut_off(0, at_s, at_s + 60)
    return w


@scenario
def dies_while_cut_off(seed, scale):
    """A node dies while one name server reaches none."""
    w = evening(seed, scale, BUSY, servers=3)
    w.cut_off(0, 800, 1400)
    w.dies(["fra1"], 950, 1700)
    return w


@scenario
def two_cut_off(seed, scale):
    """The same, and two of the three name servers reach none."""
    w = dies_while_cut_off(seed, scale)
    w.cut_off(1, 800, 1400)
    return w


@scenario
def one_resolver(seed, scale):
    """Most viewers ask through one resolver, which sends no client subnet."""
    w = World(seed, scale=scale)
    for resolver in w.resolvers:
        resolver.ecs = False
    big = w.public["eu"][1]
    for net in w.nets:
        if CITIES[net.city][2] == "eu" and w.random.random() < 0.75:
            net.resolver = big
    w.evening()
    w.crowd(EUROPE, 900, 900, 120)
    return w


@scenario
def one_resolver_30(seed, scale):
    """The same, and it keeps answers for 30 s at least."""
    w = one_resolver(seed, scale)
    w.public["eu"][1].least_ttl_s = 30
    return w


@scenario
def long_caches(seed, scale):
    """Every resolver keeps answers for 60 s; a crowd comes."""
    w = evening(seed, scale)
    for resolver in w.resolvers:
        resolver.least_ttl_s = 60
    w.crowd(["berlin", "munich", "vienna"], 900, 1000, 90)
    return w


@scenario
def servers_95_5(seed, scale):
    """One of two name servers gets nearly all questions; a crowd comes."""
    w = evening(seed, scale, shares=[0.95, 0.05])
    w.crowd(["berlin"], 900, 1300, 90)
    return w


@scenario
def six_servers(seed, scale):
    w = evening(seed, scale, servers=6)
    w.crowd(["berlin"], 900, 1300, 90)
    return w


@scenario
def sizes_1_to_50(seed, scale):
    w = World(seed, scale=scale)
    sizes = (20, 1000, 50, 500, 100, 400, 300, 1000,
             1000, 20, 800, 600, 700, 20, 500, 250)
    for node, size in zip(w.nodes, sizes):
        node.resize(round(size * scale))
    w.evening(4000)
    return w


@scenario
def bitrates(seed, scale):
    """Viewers of some nodes take twice the bits, of others half."""
    w = evening(seed, scale, BUSY)
    for name in ("lon1", "waw1", "tyo1", "chi1"):
        w.set(name, 0, rate=2.0)
    for name in ("par1", "mad1", "sin2"):
        w.set(name, 0, rate=0.5)
    w.faulty.clear()
    return w


@scenario
def presses(seed, scale):
    """Viewers of good nodes press "switch line", one in twenty minutes."""
    w = evening(seed, scale)
    w.presses_per_h = 3 / 0.6
    return w


@scenario
def streams(seed, scale):
    """Two hundred streams with names of their own."""
    w = World(seed, scale=scale)
    w.streams = 200
    w.evening()
    return w


@scenario
def forged_lines(seed, scale):
    """1 % of networks ask for line 2 a hundred times as often as others."""
    w = evening(seed, scale)
    per_s = len(w.joins) / w.run_s / len(w.nets) * 100
    for net in w.nets[::len(w.nets) // 4][:4]:
        address = net.subnet.replace("0/24", "9")
        w.floods.append((600, 2000, per_s, lambda r, a=address, c=net.city:
                         (2, None, a, c)))
    return w


@scenario
def forged_subnets(seed, scale):
    """One address asks for random client subnets; a crowd comes."""
    w = evening(seed, scale)
    w.floods.append((600, 2000, 50, lambda r: (
        1, f"11.{r.randrange(256)}.{r.randrange(256)}.0/24", "203.0.113.9",
        r.choice(EUROPE))))
    w.crowd(["berlin"], 900, 900, 90)
    return w
