"""What the demonstrations share: a small cluster of SRS stand-ins of all roles, and
viewers in five places who ask dnsd where to go and are the load of the edges.

Every minute and a half an edge dies for half a minute; a class begins in Hong Kong now
and then.
"""

import pathlib
import random
import re
import time

from srs_standin import Fleet, Viewers, follow

EDGES = ["hk1", "hk2", "jp1", "de1", "us1"]
# As SRS has it: what a relay forwards is published at an origin too, and what an
# origin forwards at a recorder.
PUBLISHED = {"relay1": ["live/class"], "relay2": ["live/maths"],
             "origin1": ["live/class"], "origin2": ["live/maths"],
             "recorder1": ["live/class", "live/maths"]}
CONF = pathlib.Path(__file__).resolve().parents[2] / "conf" / "demo.yaml"
CAPACITY = {name: int(conns) for name, conns in re.findall(
    r"(?m)^  (\w+): \{.*\bcapacity: (\d+)", CONF.read_text())}
STRANGER = "br1"
STRANGER_ADDRESS = "192.0.2.9"      # approved nodes are never on loopback
NAMES = [*EDGES, *PUBLISHED, STRANGER]
PLACES = {"Hong Kong": "10.1.{}.7", "Tokyo": "10.2.{}.7", "Berlin": "10.3.{}.7",
          "Los Angeles": "10.4.{}.7", "Shanghai": "10.5.{}.7"}
BASE_PORT = 19850


class Crowd:
    """Viewers of all places, and what happens to the fleet."""

    def __init__(self, fleet, servers):
        self.fleet = fleet
        everywhere = [p.format(i) for p in PLACES.values()
                      for i in range(0, 256, 16)]
        hong_kong = [PLACES["Hong Kong"].format(i) for i in range(0, 256, 16)]
        self.edges = [fleet[name] for name in EDGES]
        self.usual = Viewers(fleet, servers, "live.example.com", everywhere, 60, 12)
        self.klass = Viewers(fleet, servers, "live.example.com", hong_kong, 40, 25)
        for viewers in (self.usual, self.klass):
            viewers.by_address[STRANGER_ADDRESS] = fleet[STRANGER]
        self.victim = None

    def step(self, now, seconds):
        self.usual.step(seconds)
        self.klass.per_s = 25 if 20 < now % 80 < 50 else 0
        self.klass.step(seconds)
        for node in self.fleet:
            follow(node)
        if self.victim is None and now % 90 > 60:
            self.victim = random.choice(self.edges)
            self.victim.die()
            self.victim.set_load(conns=0)
            self.tell(now, f"{self.victim.name} dies")
        if self.victim is not None and now % 90 < 30:
            self.victim.revive()
            self.tell(now, f"{self.victim.name} is back")
            self.victim = None

    @staticmethod
    def tell(now, text):
        print(f"{now:5.0f} s  {text}", flush=True)

    def line(self, now):
        busy = "  (a class begins in Hong Kong)" if self.klass.per_s else ""
        self.tell(now, "load  " + "  ".join(
            f"{n.name} {self.load(n)}" for n in self.edges) + busy)

    def load(self, node):
        """As wide for each, so that lines stand below each other."""
        if node is self.victim:
            return "dead "
        return f"{100 * node.conns / CAPACITY[node.name]:3.0f} %"


def cast(heartbeat):
    """The fleet, with everybody's part; the stranger reports to this URL."""
    fleet = Fleet(len(NAMES), base_port=BASE_PORT)
    for node, name in zip(fleet, NAMES):
        node.name = node.device_id = name
        node.set_streams(*PUBLISHED.get(name, ["live/class"]))
        node.set_load(conns=len(PUBLISHED.get(name, [])))
        if name in EDGES:
            node.pulls = [fleet[NAMES.index(n)] for n in ("origin1", "origin2")]
    stranger = fleet[STRANGER]
    stranger.set_streams()
    stranger.set_load(conns=20)
    stranger.heartbeat, stranger.heartbeat_s = heartbeat, 5
    return fleet


def play(crowd, goes_on):
    """Until goes_on() is false."""
    start = last = time.monotonic()
    told = 0.0
    while goes_on():
        time.sleep(0.25)
        now = time.monotonic()
        crowd.step(now - start, now - last)
        last = now
        if now - told >= 5:
            told = now
            crowd.line(now - start)
