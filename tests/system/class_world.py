#!/usr/bin/python3
"""class_world.py CASE - the world of a class page, and one case of
tests/browser/class.mjs in it. Runs in a network namespace of its own (test_class.py
makes it), where the browser resolves names through dnsd, as a viewer's does:

    Chromium - resolv.conf - resolver on 127.0.0.1:53 (adds the client's subnet) - dnsd

Four nodes on four sites, all with port 8080 for pictures; a public listener for the
lines API; a website, http://class.example.com:8054/, whose calls let the browser's
script kill nodes and see who has the player.
"""

import os
import pathlib
import socket
import subprocess
import sys
import threading

import dns.edns
import dns.exception
import dns.message
import dns.query

from harness import DNSD, NETS, ROOT, Daemon
from srs_standin import StandIn
from website import Website

# Where viewers are, for the resolver as for the public listener, which takes nobody
# else's word for it.
CLIENT = "127.0.0.1"
CLIENT_NET = "127.0.0.0"
SITE_PORT, API_PORT, FLV_PORT = 8054, 8055, 8080
NODES = {"hk1": ("127.0.1.1", "hk-a"), "hk2": ("127.0.1.2", "hk-b"),
         "hk3": ("127.0.1.3", "hk-c"), "hk4": ("127.0.1.4", "hk-d")}
ZONE = """$TTL 5
@ SOA ns1 hostmaster 1 3600 600 86400 5
@ NS ns1
ns1 A 127.0.0.1
class A 127.0.0.1
dns A 127.0.0.1
"""


def own_network():
    """Loopback up, names from 127.0.0.1."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    conf = pathlib.Path(os.environ["CLASS_WORLD"]) / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", conf, "/etc/resolv.conf"], check=True)


class Resolver:
    """Forwards questions to dnsd with the viewers' subnet; caches nothing."""

    def __init__(self, port, host="127.0.0.1"):
        self.port = port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 53))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            packet, peer = self.socket.recvfrom(4096)
            try:
                self.socket.sendto(self.forward(packet), peer)
            except (dns.exception.DNSException, OSError) as error:
                print(f"resolver: {error}", file=sys.stderr)

    def forward(self, packet):
        query = dns.message.from_wire(packet)
        query.use_edns(0, payload=1232,
                       options=[dns.edns.ECSOption(CLIENT_NET, 24)])
        answer = dns.query.udp(query, "127.0.0.1", 5, self.port)
        answer.use_edns(-1)
        answer.flags |= dns.flags.RA
        return answer.to_wire()


class World:
    def __init__(self, options, whep):
        self.whep = whep
        self.nodes = {name: StandIn(name, host, flv=FLV_PORT, scale=0.1).start()
                      for name, (host, _) in NODES.items()}
        for node in self.nodes.values():
            node.set_streams("live/class")
        self.daemon = Daemon(self.conf(), files={"zone": ZONE, "nets": NETS + f"{CLIENT_NET}/8 22.3,114.2 HK\n"})
        self.resolver = Resolver(self.daemon.port)
        self.site = Website(
            pathlib.Path(DNSD).parent / "page" / "player" / "demo",
            {"title": "高等数学 第一讲", "player": {"lang": "zh", **options}}, port=SITE_PORT,
            calls={"/world/" + call.__name__: call for call in (
                self.players, self.die, self.revive, self.hang, self.resolve,
                self.metric, self.states, self.site_of)})

    def conf(self):
        nodes = "".join(
            f"  {n.name}: {{address: [{n.host}], at: [22.3, 114.2], "
            f"site: {NODES[n.name][1]}, api: \"{n.api_url}\", "
            f"rtmp: \"{n.address('rtmp')}\", flv: \"{n.address('flv')}\""
            + (f", whep: \"{n.api_url}\"" if self.whep else "") + "}\n"
            for n in self.nodes.values())
        return (f"public: {{listen: [\"127.0.0.1:{API_PORT}\"]}}\n"
                "nets: nets\nhealth: {interval: 0.3, timeout: 3}\n"
                "zones: {example.com: {file: zone}}\n"
                f"nodes:\n{nodes}steer:\n"
                "  live.example.com: {pool: [edge], lines: 3, ttl: 3}\n")

    # -- what the browser's script calls --

    def players(self):
        """Who has players: HTTP-FLV now, segments of HLS so far."""
        return {name: {"flv": n.players, "segments": n.seen["segments"]}
                for name, n in self.nodes.items()}

    def die(self, node):
        self.nodes[node].die()

    def revive(self, node):
        self.nodes[node].revive()

    def hang(self, node):
        self.nodes[node].hang()

    def resolve(self, line):
        """The node that a line's name means now."""
        host = "live.example.com"
        host = host if line == "1" else f"line{line}.{host}"
        address = self.daemon.address(host, f"{CLIENT_NET}/24")
        return next(name for name, at in NODES.items() if at[0] == address)

    def site_of(self, node):
        return NODES[node][1]

    def metric(self, name):
        text = self.daemon.http("/metrics")[1]
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.split("{")[0].split(" ")[0] == name)

    def states(self):
        return {n["name"]: n["state"]
                for n in self.daemon.http("/api/v1/nodes")[1]}

    def close(self):
        self.site.close()
        self.daemon.close()
        for node in self.nodes.values():
            node.close()


def main():
    case = sys.argv[1]
    own_network()
    options = {"name": "live.example.com", "stream": "live/class",
               "api": f"http://dns.example.com:{API_PORT}/",
               "client": CLIENT, "stall_s": 3}
    if case == "address":
        options["by"] = "address"
    if case == "hls":
        options["format"] = "hls"
    if case == "hosts":
        del options["api"], options["client"]
    world = World(options, "whep" in case)
    try:
        return subprocess.run(
            ["node", ROOT / "tests" / "browser" / "class.mjs", case,
             f"http://class.example.com:{SITE_PORT}/"]).returncode
    finally:
        world.close()


if __name__ == "__main__":
    sys.exit(main())
