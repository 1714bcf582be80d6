#!/usr/bin/python3
"""road_world.py CASE - viewers who download from two nodes over roads that change, and
a name server that is told by `dnsd measure` on the nodes. Runs in namespaces of its own,
which test_road.py makes:

    name server - carrier (road.py) - node `near`, with dnsd measure
                                    - node `far`, with dnsd-measure
                                    - viewers of NETWORKS networks

The root of the agent at `far` has nothing else than what an agent needs on a system that
is not its own: it asks the name server for its address, and trusts it, by that.

All connections are the kernel's own. Viewers stay with both nodes, whatever DNS says, so
that both paths go on being measured.
"""

import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

from harness import DNSD, DNSD_MEASURE, NETS, PATIENCE_S, Test
from road import Roads
from srs_standin import StandIn

SERVER = "203.0.113.1"
NODES = {"near": "198.51.100.1", "far": "198.51.100.2"}
NETWORKS = 8
VIEWERS = [f"10.1.{i}.7" for i in range(NETWORKS)]      # Hong Kong, as NETS says
EACH = 2            # connections of a network to a node
API, RTMP, FLV, HTTP, HTTPS, DNS = 1985, 1935, 8080, 8000, 8443, 5300
EVERY_S = 6         # the least of dnsd measure
NAME, STREAM = "live.example.com", "live/class"
HOST = "ns1.example.com"

CONF = f"""nets: nets.txt
public: {{listen: ["{SERVER}:{HTTPS}"], cert: site.crt, key: site.key}}
http: {{listen: ["{SERVER}:{HTTP}", "127.0.0.1:{HTTP}"], token: sesame}}
health: {{interval: 0.3, timeout: 5}}
zones: {{example.com: {{ns: [{HOST} {SERVER}]}}}}
nodes:
""" + "".join(f"""  {name}: {{address: [{address}], at: {at},
    api: "http://{address}:{API}", rtmp: "{address}:{RTMP}", flv: "{address}:{FLV}"}}
""" for (name, address), at in zip(NODES.items(), ("[22.3, 114.2]", "[35.7, 139.7]")))
CONF += f"steer: {{{NAME}: {{pool: [edge], ttl: [1, 1]}}}}\n"

# None that says which authorities OpenSSL trusts.
ENVIRONMENT = {key: value for key, value in os.environ.items()
               if not key.startswith("SSL_CERT_")}
# What a node's agent has of root's rights: none.
UNPRIVILEGED = ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]


# -- what runs at the other places --

def be_node(name):
    node = StandIn(name, NODES[name], API, RTMP, FLV, scale=0.1).start()
    node.set_streams(STREAM)
    print("ready", flush=True)
    threading.Event().wait()


def be_viewers():
    """Reads for ever. What ends a connection ends all of them, which the test sees."""
    viewers = selectors.DefaultSelector()
    for address in VIEWERS:
        for node in list(NODES.values()) * EACH:
            viewer = socket.create_connection((node, FLV),
                                              source_address=(address, 0))
            viewer.sendall(f"GET /{STREAM}.flv HTTP/1.1\r\nHost: {node}\r\n\r\n"
                           .encode())
            viewers.register(viewer, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in viewers.select():
            if not key.fileobj.recv(65536):
                sys.exit("a node has ended a connection")


# -- what is tested --

class Cases(Test):
    def setUp(self):
        self.roads = Roads({"server": [SERVER], "viewers": VIEWERS,
                            **{name: [at] for name, at in NODES.items()}})
        self.addCleanup(self.roads.close)
        self.programs, self.agents = {"carrier": self.roads.carrier}, []

    def begin(self, **round_trip):
        self.round_trip(**round_trip)
        for name in NODES:
            self.start(name, name, [sys.executable, __file__, "node", name])
        self.d = self.daemon(CONF, http=False, start=False,
                             files={"nets.txt": NETS},
                             listen=[f"127.0.0.1:{DNS}", f"{SERVER}:53"])
        self.d.port, self.d.http_port = DNS, HTTP
        self.root()
        self.d.start()
        self.start("viewers", "viewers", [sys.executable, __file__, "viewers"])

    def root(self):
        """The name server's certificate, and a root for the agent of `far`."""
        folder = self.d.folder
        self.far_root = folder / "far"
        trusted = self.far_root / "etc" / "pki" / "tls" / "certs" / "ca-bundle.crt"
        trusted.parent.mkdir(parents=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
             "-keyout", folder / "site.key", "-out", folder / "site.crt"],
            check=True, capture_output=True)
        shutil.copy(folder / "site.crt", trusted)
        shutil.copy(DNSD_MEASURE, self.far_root)
        (self.far_root / "etc" / "resolv.conf").write_text(
            f"nameserver {SERVER}\n")

    def start(self, program, place, words, stream="stdout", says="ready", root="/"):
        """A program that has said so."""
        process = self.roads.popen(place, words, root, text=True, env=ENVIRONMENT,
                                   **{stream: -1})
        out = getattr(process, stream)
        self.programs[program] = process
        for step in (out.close, process.wait, process.kill):
            self.addCleanup(step)
        self.assertIn(says, out.readline())
        return process

    def start_agents(self):
        def start(name, *words, **options):
            return self.start(
                name + "'s agent", name, [
                    *words, "--node", name, "--ports", str(FLV), "--every",
                    str(EVERY_S)], "stderr", "reports to", **options)
        self.agents = [
            start("near", *UNPRIVILEGED, DNSD, "measure", "--to",
                  f"http://{SERVER}:{HTTP}"),
            start("far", "/dnsd-measure", "--to", f"https://{HOST}:{HTTPS}",
                  root=self.far_root)]

    def stop_agents(self):
        for agent in self.agents:
            agent.send_signal(signal.SIGTERM)
            self.assertEqual(agent.stderr.read(), "")
            self.assertEqual(agent.wait(), 0)

    def round_trip(self, near, far, near_loss=0.0):
        """ms between viewers and nodes; loss: of what the node sends."""
        for node, ms, loss in (("near", near, near_loss), ("far", far, 0)):
            self.roads.set("viewers", node, ms / 2)
            self.roads.set(node, "viewers", ms / 2, loss)
        self.changed = self.reports() if self.agents else 0

    def eventually(self, condition, what="", patience=3 * PATIENCE_S):
        for name, process in self.programs.items():
            self.assertIsNone(process.poll(), name + " has ended")
        return super().eventually(condition, what, patience)

    def path(self, node):
        paths = self.d.http("/api/v1/paths?node=" + node)[1]
        self.assertEqual([p["networks"] for p in paths], [NETWORKS])
        return paths[0]

    def goes_to(self, node):
        self.eventually(lambda: {
            self.d.address(NAME, viewer + "/32") for viewer in VIEWERS
        } == {NODES[node]}, "an answer of " + node)

    def is_measured(self, node, ms):
        """As it is, within 15 %."""
        def measured():
            self.assertAlmostEqual(self.path(node)["path_ms"], ms,
                                   delta=0.15 * ms)
            return True
        self.eventually(measured, f"a path to {node}")

    def reports(self):
        text = self.d.http("/metrics")[1]
        return int(re.search(r"(?m)^dnsd_path_reports_taken_total (\d+)", text)[1])

    def is_lost(self, node, share, about):
        """By a report all of which is of the time since the roads changed: the second
        one. With the third it is in answers."""
        before, each = self.changed, len(NODES) * NETWORKS
        self.eventually(lambda: self.reports() >= before + 3 * each, "reports")
        def lost():
            self.assertAlmostEqual(self.path(node)["loss"], share, delta=about)
            return True
        self.eventually(lost, f"a loss of {share} to {node}")

    def test_slow(self):
        """A road that gets longer, and short again."""
        self.begin(near=60, far=120)
        self.goes_to("near")
        self.start_agents()
        self.is_measured("near", 60)
        self.is_measured("far", 120)
        self.goes_to("near")
        self.round_trip(near=240, far=120)
        self.goes_to("far")
        self.is_measured("near", 240)
        self.is_measured("far", 120)
        self.round_trip(near=60, far=120)
        self.goes_to("near")
        self.is_measured("near", 60)
        self.stop_agents()

    def test_lossy(self):
        """A network sends some 240 segments from report to report, so 7 % of them are
        lost with a deviation of 1.6 %: 0.6 % of eight networks without the extremes, of
        which four are allowed."""
        self.begin(near=100, far=120)
        self.goes_to("near")
        self.start_agents()
        self.is_measured("near", 100)
        self.is_measured("far", 120)
        self.goes_to("near")
        self.round_trip(near=100, far=120, near_loss=0.07)
        self.goes_to("far")
        self.is_lost("near", 0.07, about=0.025)
        self.is_lost("far", 0, about=0.01)
        self.is_measured("near", 100)
        self.round_trip(near=100, far=120)
        self.goes_to("near")
        self.is_lost("near", 0, about=0.01)
        self.stop_agents()


def end_with_caller():
    """stdin is a pipe of the test, which closes when that ends, however it does."""
    sys.stdin.read()
    os._exit(1)


def main():
    if sys.argv[1] == "node":
        be_node(sys.argv[2])
    elif sys.argv[1] == "viewers":
        be_viewers()
    else:
        # Namespaces are a thread's: those of the test are made in the first one.
        threading.Thread(target=end_with_caller, daemon=True).start()
        unittest.main(argv=[sys.argv[0], "-v", "Cases.test_" + sys.argv[1]])


if __name__ == "__main__":
    main()
