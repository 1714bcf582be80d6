#!/usr/bin/python3
"""The demonstration behind `make run-cluster`: three name servers that share a registry
and their views of the nodes by three members of etcd, one fleet of SRS stand-ins, and
viewers who ask the three in turn.

Each name server has its own links to etcd and to the nodes, so that it can be cut off.
Prints what to try. Ctrl-C ends it.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

from demo_world import (BASE_PORT, STRANGER, STRANGER_ADDRESS,  # noqa: E402
                        Crowd, cast, play)
from etcd_world import Etcd  # noqa: E402
from link import Link  # noqa: E402
from website import Website  # noqa: E402

PREFIX = "/dnsd/demo"
CONTROL_PORT = 8060     # of the demonstration itself
STOP_S = 10

HEAD = """\
listen: ["{dns}"]
server_id: {name}
control: {folder}/{name}.sock
store: {folder}/{name}.db
nets: {root}/conf/demo-nets.txt
health: {{interval: 1.0, timeout: 0.5}}
http: {{listen: ["{page}"], token: demo}}
public: {{listen: ["{api}"]}}
heartbeat_from: [127.0.0.0/8]
etcd: {{endpoints: {endpoints}, prefix: {prefix}, as: {name}}}

zones:
  example.com: {{ns: ["ns1.example.com 127.0.0.1", "ns2.example.com 127.0.0.1", "ns3.example.com 127.0.0.1"]}}

"""

TEXT = """
ns1 answers on 127.0.0.1:5301, its page is http://127.0.0.1:8061/
ns2 answers on 127.0.0.1:5302, its page is http://127.0.0.1:8062/
ns3 answers on 127.0.0.1:5303, its page is http://127.0.0.1:8063/

A drain on ns1, and what ns3 says then:
  {dnsd} ctl -c {folder}/ns1.yaml drain hk1
  dig @127.0.0.1 -p 5303 live.example.com +short +subnet=10.1.0.0/24
  dig @127.0.0.1 -p 5303 _why.live.example.com TXT +short +subnet=10.1.0.0/24
  {dnsd} ctl -c {folder}/ns2.yaml undrain hk1

What each knows of the others:
  for n in 1 2 3; do {dnsd} ctl -c {folder}/ns$n.yaml status; done
  for n in 1 2 3; do {dnsd} ctl -c {folder}/ns$n.yaml nodes; done
  {dnsd} try -c {folder}/ns2.yaml live.example.com 10.1.0.7

{stranger} reports to ns1. Approved there, all three know it:
  {dnsd} ctl -c {folder}/ns1.yaml approve {stranger} --role edge \\
    --at -23.5,-46.6 --address {stranger_address} --capacity 300 --api off --rtmp off
  dig @127.0.0.1 -p 5302 {stranger}.example.com +short

One member of etcd stops, and goes on:
  kill -STOP {m0}
  kill -CONT {m0}
Two stop: a drain is in force where it is given, and waits for the others:
  kill -STOP {m0} {m1}
  kill -CONT {m0} {m1}
Or they are killed, and started again with their data:
  kill -9 {m0} {m1}
  curl {demo}/start

ns2 is frozen, and goes on:
  kill -STOP {ns2}
  kill -CONT {ns2}
It is killed, and started again:
  kill -9 {ns2}
  curl {demo}/start

ns2 is cut off from all nodes: its own polls time out, its answers stay right:
  curl '{demo}/cut?ns=ns2&from=nodes'
  curl {demo}/mend
It is cut off from etcd, and from both:
  curl '{demo}/cut?ns=ns2&from=etcd'
  curl '{demo}/cut?ns=ns2&from=all'
  curl {demo}/mend

The registry and the views, as etcd has them; a node by another program:
  export ETCDCTL_ENDPOINTS={endpoints}
  {etcdctl} endpoint status -w table
  {etcdctl} get --prefix --keys-only {prefix}/1/
  {etcdctl} get --prefix {prefix}/1/drains/
  {etcdctl} put {prefix}/1/nodes/sg1 \\
    '{{"role":"edge","at":[1.3,103.8],"address":["192.0.2.10"],"capacity":300,"api":"off","rtmp":"off"}}'
  dig @127.0.0.1 -p 5303 sg1.example.com +short

hk1 is 127.0.0.10, hk2 .11, jp1 .12, de1 .13, us1 .14, relay1 .15, relay2 .16,
origin1 .17, origin2 .18, recorder1 .19. Ctrl-C ends it all.
"""


class NameServer:
    """One of the three: its process, what it says behind its name, its links. It sees
    the node at 127.0.0.10 as 127.1.NUMBER.10."""

    def __init__(self, number, binary, folder, fleet, etcd):
        self.name, self.binary = f"ns{number}", binary
        self.dns = f"127.0.0.1:{5300 + number}"
        self.process = None
        self.nodes, self.etcd = Link(), etcd.link()
        for node in fleet:
            address = node.host.replace("127.0.0.", f"127.1.{number}.")
            for port in filter(None, node.ports.values()):
                self.nodes.to(node.host, port, address, port)
        self.conf = folder / f"{self.name}.yaml"
        self.conf.touch(mode=0o600)
        self.conf.write_text(self.text(number, folder))

    def text(self, number, folder):
        """The nodes and names of demo.yaml, asked by the links."""
        one = (ROOT / "conf" / "demo.yaml").read_text()
        nodes = re.sub(r'"(http://)?127\.0\.0\.', rf'"\g<1>127.1.{number}.',
                       one[one.index("nodes:\n"):])
        return HEAD.format(
            name=self.name, folder=folder, root=ROOT, dns=self.dns,
            page=f"127.0.0.1:{8060 + number}", api=f"127.0.0.1:{8070 + number}",
            endpoints=json.dumps(self.etcd.endpoints), prefix=PREFIX) + nodes

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        if self.runs:
            return
        self.process = subprocess.Popen(
            [self.binary, "run", "-c", str(self.conf)], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        threading.Thread(target=self.tell, args=(self.process,),
                         daemon=True).start()

    def tell(self, process):
        for line in process.stdout:
            print(f"{self.name}  {line}", end="", flush=True)
        print(f"{self.name}  ended with status {process.wait()}", flush=True)

    def ask_to_end(self):
        if self.runs:
            self.process.terminate()
            self.process.send_signal(signal.SIGCONT)    # it may be frozen

    def close(self):
        if self.process:
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.nodes.close()


class Control:
    """What `curl` asks of the demonstration."""

    def __init__(self, servers, etcd):
        self.servers, self.etcd = {s.name: s for s in servers}, etcd

    def calls(self):
        return {"/cut": self.cut, "/mend": self.mend, "/start": self.start}

    def cut(self, ns="", **where):
        """As if packets were lost, from now on."""
        server = self.servers.get(ns)
        links = {"nodes": ["nodes"], "etcd": ["etcd"],
                 "all": ["nodes", "etcd"]}.get(where.get("from"))
        if not server or not links:
            return "/cut?ns=ns1|ns2|ns3&from=nodes|etcd|all"
        for link in links:
            getattr(server, link).freeze()
        return f"{ns} is cut off from {' and '.join(links)}"

    def mend(self, **_):
        for server in self.servers.values():
            server.nodes.mend()
            server.etcd.mend()
        return "all links work"

    def start(self, **_):
        """Whatever has ended, with its data."""
        self.etcd.start(wait=False)
        for server in self.servers.values():
            server.start()
        return "; ".join(
            f"{one.name} is process {one.process.pid}"
            for one in [*self.etcd.members, *self.servers.values()])


def text_to_try(binary, folder, servers, etcd):
    def short(path):
        return os.path.relpath(path)

    return TEXT.format(
        dnsd=short(binary), folder=folder, stranger=STRANGER,
        stranger_address=STRANGER_ADDRESS, m0=etcd.members[0].pid,
        m1=etcd.members[1].pid, ns2=servers[1].process.pid, prefix=PREFIX,
        demo=f"http://127.0.0.1:{CONTROL_PORT}",
        endpoints=",".join(etcd.endpoints), etcdctl=short(etcd.ctl_words()[0]))


def run(binary, folder, etcd):
    try:
        fleet = cast("http://127.0.0.1:8071/api/v1/servers")
    except OSError as error:
        sys.exit(f"the demonstration needs 127.0.0.10..20, ports {BASE_PORT}"
                 f" to {BASE_PORT + 2}: {error}")
    servers = []
    try:
        for number in (1, 2, 3):
            servers.append(NameServer(number, binary, folder, fleet, etcd))
        try:
            Website(folder, {}, port=CONTROL_PORT,
                    calls=Control(servers, etcd).calls())
        except OSError as error:
            sys.exit(f"the demonstration needs port {CONTROL_PORT}: {error}")
        for server in servers:
            server.start()
        print(text_to_try(binary, folder, servers, etcd), flush=True)
        play(Crowd(fleet, [server.dns for server in servers]),
             lambda: any(server.runs for server in servers))
    finally:
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, signal.SIG_IGN)      # nothing is left behind
        for server in servers:
            server.ask_to_end()
        for server in servers:
            server.close()
        fleet.close()
    print("no name server is left", file=sys.stderr)
    return 1


def main():
    binary = os.path.abspath(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with tempfile.TemporaryDirectory(prefix="dnsd-demo-") as folder:
            etcd = Etcd()
            try:
                return run(binary, pathlib.Path(folder), etcd)
            finally:
                etcd.close()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
