#!/usr/bin/python3
"""The demonstration behind `make run`: a small fleet of SRS stand-ins whose load
moves, viewers in five places who ask dnsd where to go, and dnsd itself.

Every minute and a half a node dies for half a minute; a class begins in Hong
Kong now and then. Ctrl-C ends it.
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

NAMES = ["hk1", "hk2", "jp1", "de1", "us1", "relay1"]
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
  dig @127.0.0.1 -p 5300 _why.live.example.com TXT +short +subnet=10.1.0.0/24
  dig @127.0.0.1 -p 5300 hk1.example.com +short
  curl '{PAGE}api/v1/lines?name=live.example.com&client=10.1.0.7&stream=live/class'
  curl -X POST -H 'Authorization: Bearer demo' {PAGE}api/v1/nodes/hk1/drain

hk1 is 127.0.0.10, hk2 .11, jp1 .12, de1 .13, us1 .14. Ctrl-C ends it all.
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
        self.usual = Viewers(fleet, DNS, "live.example.com", everywhere, 60, 12)
        self.klass = Viewers(fleet, DNS, "live.example.com", hong_kong, 40, 25)
        self.victim = None

    def step(self, now, seconds):
        self.usual.step(seconds)
        self.klass.per_s = 25 if 20 < now % 80 < 50 else 0
        self.klass.step(seconds)
        for node in self.fleet:
            follow(node)
        if self.victim is None and now % 90 > 60:
            self.victim = random.choice(self.fleet.nodes[:5])
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
                                 for n in self.fleet) + busy)


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
            sys.exit(f"the demonstration needs 127.0.0.10..15, ports {BASE_PORT}"
                     f" to {BASE_PORT + 2}, and port {CLASS_PORT}: {error}")
        for node, name in zip(fleet, NAMES):
            node.name = name
            node.set_streams("live/class")
        server = subprocess.Popen([binary, "run", "-c",
                                   str(ROOT / "conf" / "demo.yaml")])
        try:
            print(TEXT, flush=True)
            play(Crowd(fleet), server)
        except KeyboardInterrupt:
            pass
        finally:
            server.terminate()
            server.wait()
            fleet.close()
    return server.returncode


sys.exit(main())
