"""What the name servers tell each other of the nodes, as those do that share an etcd:
by each one's own polls and probes, with the delays of the real way.

It stands between the engine and the policy of each name server. Views always come,
so none grows old."""

EVERY_MS = 2500             # a server says all it believes
CHANGED_MS = 500            # what has changed sooner, but no sooner than this
HOP_MS = 300                # from one name server through etcd to another
FALL = 2                    # failures in a row: down
ROUNDS = 2                  # of polls: timeouts of so long ago still count
# As many that time out at once, and more than half of all: its own network is suspect.
SUSPECT_NODES, SUSPECT_SITES = 4, 3


class Word:
    """What a name server found of a node."""

    def __init__(self):
        self.fails = self.probe_fails = 0
        self.good_ms = self.timeout_ms = None
        self.state = "unknown"

    def renew(self):
        """Whether it is another now."""
        before = self.state
        if max(self.fails, self.probe_fails) >= FALL:
            self.state = "down"
        elif self.good_ms is not None and not self.fails + self.probe_fails:
            self.state = "up"
        return self.state != before


class Sharing:
    """One name server: gives its policy what its poller sees and what others say."""

    def __init__(self, policy, w, after, others):
        self.policy, self.world, self.after = policy, w, after
        self.others = others     # all name servers, this one too
        self.words = {n.name: Word() for n in w.nodes}
        self.views = {}          # by name server: the last one that came
        self.told = {}           # by node: what the policy heard last
        self.said_ms = -EVERY_MS
        self.due = False         # a change waits to be said

    def __getattr__(self, name):
        return getattr(self.policy, name)

    # -- what it sees ------------------------------------------------------

    def load(self, ms, node, *sample):
        word = self.words[node.name]
        word.fails, word.good_ms = 0, ms
        self.policy.load(ms, node, *sample)
        self.renew(ms, word)

    def fail(self, ms, node, how):
        word = self.words[node.name]
        word.fails += 1
        word.timeout_ms = ms if how == "timeout" else None
        self.policy.fail(ms, node, how)
        self.renew(ms, word)

    def probe(self, ms, node, how):
        word = self.words[node.name]
        word.probe_fails = 0 if how == "ok" else word.probe_fails + 1
        self.policy.probe(ms, node, how)
        self.renew(ms, word)

    def renew(self, ms, word):
        if word.renew() and not self.due:
            self.due = True
            wait = max(0, self.said_ms + CHANGED_MS - ms)
            self.after(wait, self.say_change, ms + wait)

    def is_suspect(self, ms):
        """As docs/steering.md has it."""
        w = self.world
        since = ms - ROUNDS * (w.poll_ms + w.poll_ms / 2)
        silent = [n for n in w.nodes if self.words[n.name].fails
                  and (self.words[n.name].timeout_ms or 0) > since]
        return (len(silent) >= SUSPECT_NODES and len(silent) * 2 > len(w.nodes)
                and len({n.site for n in silent}) >= SUSPECT_SITES)

    # -- what it says ------------------------------------------------------

    def begin(self, ms):
        self.say(ms)
        self.after(EVERY_MS, self.begin, ms + EVERY_MS)

    def say_change(self, ms):
        if self.due:
            self.say(ms)

    def say(self, ms):
        """(state, age of the last good sample) of each node; no word of nodes that a
        server with a suspect network does not reach."""
        self.due, self.said_ms = False, ms
        suspect = self.is_suspect(ms)
        view = {name: (word.state, ms - word.good_ms
                       if word.good_ms is not None else None)
                for name, word in self.words.items()
                if word.state == "up" or not suspect}
        for other in self.others:
            if other is not self:
                self.after(HOP_MS, other.hear, ms + HOP_MS, self, view)

    # -- what it hears -----------------------------------------------------

    def hear(self, ms, server, view):
        self.views[server] = (ms, view)
        for node in self.world.nodes:
            said = [(at, *v[node.name]) for at, v in self.views.values()
                    if node.name in v]
            goods = [at - age for at, state, age in said if state == "up"]
            heard = (len(said), len(goods),
                     sum(state == "down" for _, state, _ in said),
                     max(goods, default=None))
            if heard != self.told.get(node.name):
                self.told[node.name] = heard
                self.policy.heard(ms, node, *heard)
