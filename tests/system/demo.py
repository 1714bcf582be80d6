#!/usr/bin/python3
"""The demonstration behind `make run`: a small cluster of SRS stand-ins, viewers in
five places who ask dnsd where to go and are the load of the edges, and dnsd itself.

Two teachers publish to relays, which forward to origins; one node reports and is
not known. Every minute and a half an edge dies for half a minute; a class begins
in Hong Kong now and then. Ctrl-C ends it.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

from srs_standin import Fleet, Viewers, follow  # noqa: E402
from website import Website  # noqa: E402

EDGES = ["hk1", "hk2", "jp1", "de1", "us1"]
# As SRS has it: what a relay forwards is published at an origin too, and what an
# origin forwards at a recorder.
PUBLISHED = {"relay1": ["live/class"], "relay2": ["live/maths"],
             "origin1": ["live/class"], "origin2": ["live/maths"],
             "recorder1": ["live/class", "live/maths"]}
STRANGER = "br1"
STRANGER_ADDRESS = "192.0.2.9"      # approved nodes are never on loopback
NAMES = [*EDGES, *PUBLISHED, STRANGER]
PLACES = {"Hong Kong": "10.1.{}.7", "Tokyo": "10.2.{}.7", "Berlin": "10.3.{}.7",
          "Los Angeles": "10.4.{}.7", "Shanghai": "10.5.{}.7"}
DNS, PAGE = "127.0.0.1:5300", "http://127.0.0.1:8053/"
API, CLASS_PORT = "http://127.0.0.1:8055/", 8054
BASE_PORT = 19850

TEXT = f"""
dnsd answers on {DNS}; its page is {PAGE}
a class with buttons 线路1 线路2 线路3: http://127.0.0.1:{CLASS_PORT}/

  dig @127.0.0.1 -p 5300 live.example.com +subnet=10.1.0.0/24        # Hong Kong
  dig @127.0.0.1 -p 5300 live.example.com +subnet=10.2.0.0/24        # Tokyo
  dig @127.0.0.1 -p 5300 live.example.com +subnet=10.3.0.0/24        # Berlin
  dig @127.0.0.1 -p 5300 line2.live.example.com +subnet=10.1.0.0/24  # switch line
  dig @127.0.0.1 -p 5300 push.example.com +short                     # a teacher
  dig @127.0.0.1 -p 5300 origin.example.com +short                   # a relay
  dig @127.0.0.1 -p 5300 record.example.com +short                   # to be recorded
  dig @127.0.0.1 -p 5300 _why.live.example.com TXT +short +subnet=10.1.0.0/24
  dig @127.0.0.1 -p 5300 hk1.example.com +short
  curl '{PAGE}api/v1/lines?name=live.example.com&client=10.1.0.7&stream=live/class'
  curl '{PAGE}api/v1/clusters?vhost=__defaultVhost__&app=live&stream=maths'
  curl {PAGE}api/v1/streams
  curl '{PAGE}api/v1/nodes?name=recorder1'
  curl -X POST -H 'Authorization: Bearer demo' {PAGE}api/v1/nodes/hk1/drain

{STRANGER} reports and is not known. It waits on the page until it is approved, there or by
one of the first two of these (off: nothing listens at that address):

  curl -X POST -H 'Authorization: Bearer demo' {PAGE}api/v1/nodes/{STRANGER}/approve \\
    -d '{{"role":"edge","at":[-23.5,-46.6],"address":["{STRANGER_ADDRESS}"],"capacity":300,"api":"off","rtmp":"off"}}'
  export DNSD_DEMO=%(folder)s
  %(dnsd)s ctl -c %(conf)s approve {STRANGER} --role edge \\
    --at -23.5,-46.6 --address {STRANGER_ADDRESS} --capacity 300 --api off --rtmp off
  %(dnsd)s ctl -c %(conf)s nodes
  %(dnsd)s try -c %(conf)s push.example.com 10.1.0.7

hk1 is 127.0.0.10, hk2 .11, jp1 .12, de1 .13, us1 .14, relay1 .15, relay2 .16,
origin1 .17, origin2 .18, recorder1 .19. Ctrl-C ends it all.
"""


# By address: a browser on this machine does not ask our DNS.
CLASS = {"title": "直播课堂", "places": [["香港", "10.1.0.7"], ["东京", "10.2.0.7"],
                                     ["柏林", "10.3.0.7"], ["洛杉矶", "10.4.0.7"],
                                     ["上海", "10.5.0.7"]],
         "player": {"name": "live.example.com", "stream": "live/class",
                    "api": API, "by": "address", "client": "10.1.0.7"}}


class Crowd:
    """Viewers of all places, and what happens to the fleet."""

    def __init__(self, fleet):
        self.fleet = fleet
        everywhere = [p.format(i) for p in PLACES.values()
                      for i in range(0, 256, 16)]
        hong_kong = [PLACES["Hong Kong"].format(i) for i in range(0, 256, 16)]
        self.edges = [fleet[name] for name in EDGES]
        self.usual = Viewers(fleet, DNS, "live.example.com", everywhere, 60, 12)
        self.klass = Viewers(fleet, DNS, "live.example.com", hong_kong, 40, 25)
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
        busy = " (a class begins in Hong Kong)" if self.klass.per_s else ""
        self.tell(now, "  ".join(f"{n.name} {n.conns:3d}"
                                 for n in self.edges) + busy)


def cast(fleet):
    """Gives everybody its part."""
    for node, name in zip(fleet, NAMES):
        node.name = node.device_id = name
        node.set_streams(*PUBLISHED.get(name, ["live/class"]))
        node.set_load(conns=len(PUBLISHED.get(name, [])))
        if name in EDGES:
            node.pulls = [fleet[NAMES.index(n)] for n in ("origin1", "origin2")]
    stranger = fleet[STRANGER]
    stranger.set_streams()
    stranger.set_load(conns=20)
    stranger.heartbeat, stranger.heartbeat_s = API + "api/v1/servers", 5


def play(crowd, server):
    start = last = time.monotonic()
    told = 0.0
    while server.poll() is None:
        time.sleep(0.25)
        now = time.monotonic()
        crowd.step(now - start, now - last)
        last = now
        if now - told >= 5:
            told = now
            crowd.line(now - start)
    print(f"dnsd ended with status {server.returncode}", file=sys.stderr)


def main():
    binary = os.path.abspath(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="dnsd-demo-") as folder:
        os.environ["DNSD_DEMO"] = folder
        try:
            fleet = Fleet(len(NAMES), base_port=BASE_PORT)
            Website(pathlib.Path(binary).parent / "page" / "player" / "demo",
                    CLASS, port=CLASS_PORT)
        except OSError as error:
            sys.exit(f"the demonstration needs 127.0.0.10..20, ports {BASE_PORT}"
                     f" to {BASE_PORT + 2}, and port {CLASS_PORT}: {error}")
        cast(fleet)
        conf = ROOT / "conf" / "demo.yaml"
        server = subprocess.Popen([binary, "run", "-c", str(conf)])
        try:
            print(TEXT % {"folder": folder, "dnsd": os.path.relpath(binary),
                          "conf": os.path.relpath(conf)}, flush=True)
            play(Crowd(fleet), server)
        except KeyboardInterrupt:
            pass
        finally:
            server.terminate()
            server.wait()
            fleet.close()
    return server.returncode


sys.exit(main())
