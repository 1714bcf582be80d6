#!/usr/bin/python3
"""class.py --srs PATH - an evening's class on real SRS servers, and how long things
take. Not part of `make test`: it needs an SRS 5 or 6, built or installed by you.

    two origins, three edges, two relays, a recorder, each in a network of its own,
    with what `dnsd srs` prints and nothing else; ffmpeg as the teacher; viewers;
    dnsd, which all ask for names through a resolver that adds the viewers' subnet

What fails is printed, and makes the exit status 1. Times are seen, not asserted.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))

from class_world import Resolver                        # noqa: E402
from harness import NETS, Daemon                        # noqa: E402

HERE = "198.18.0.1"             # dnsd, the resolver, viewers and the teacher
NODES = {                       # address, role, where
    "oa": ("198.18.1.1", "origin", "22.3, 114.2"),
    "ob": ("198.18.1.2", "origin", "22.3, 114.2"),
    "e1": ("198.18.2.1", "edge", "22.3, 114.2"),
    "e2": ("198.18.2.2", "edge", "1.3, 103.8"),
    "e3": ("198.18.2.3", "edge", "35.7, 139.7"),
    "r1": ("198.18.3.1", "relay", "22.3, 114.2"),
    "r2": ("198.18.3.2", "relay", "1.3, 103.8"),
    "rec": ("198.18.4.1", "recorder", "22.3, 114.2"),
}
# Origins in the other order than edges ask them in: so their first is wrong.
STEER = """steer:
  live.example.com: {pool: [edge], lines: 2}
  push.example.com: {pool: [relay], policy: stable}
  origin.example.com: {pool: [ob, oa], policy: failover, ttl: 1}
"""
# The one override: far below what a node carries, so that a few clients are one
# too many for e1 and not only thousands.
FEW = 30
PATIENCE_S = 90
STREAM = "live/class"
LOOK_S = 0.02


def sh(*words):
    subprocess.run(words, check=True)


def conf():
    nodes = "".join(
        f"  {name}: {{role: {role}, address: [{address}], at: [{at}], "
        f"flv: \"{address}:8080\"}}\n"
        for name, (address, role, at) in NODES.items())
    return (f"public: {{listen: [\"0.0.0.0:8080\"]}}\nnets: nets\n"
            f"zones: {{example.com: {{ns: [\"ns1.example.com {HERE}\"]}}}}\n"
            f"nodes:\n{nodes}{STEER}")


# -- the networks --

def own_networks(folder):
    """A network for each node, joined by a bridge; names from HERE."""
    sh("mount", "-t", "tmpfs", "tmpfs", "/run")
    (folder / "resolv.conf").write_text(f"nameserver {HERE}\n")
    sh("mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf")
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "link", "add", "br0", "type", "bridge")
    sh("ip", "address", "add", HERE + "/16", "dev", "br0")
    sh("ip", "link", "set", "br0", "up")
    for name, (address, _, _) in NODES.items():
        sh("ip", "netns", "add", name)
        sh("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0",
           "netns", name)
        sh("ip", "link", "set", name, "master", "br0", "up")
        for words in (["link", "set", "lo", "up"],
                      ["address", "add", address + "/16", "dev", "eth0"],
                      ["link", "set", "eth0", "up"]):
            sh("ip", "-n", name, *words)


class Srs:
    """One SRS, with what dnsd prints for it."""

    def __init__(self, binary, name, text, folder):
        self.binary, self.name = binary, name
        self.folder = folder / name
        (self.folder / "objs" / "nginx" / "html").mkdir(parents=True)
        (self.folder / "srs.conf").write_text(text)
        self.start()

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.name}", self.binary,
             "-c", "srs.conf"],
            cwd=self.folder, stdout=self.log, stderr=self.log)

    def signal(self, number):
        self.process.send_signal(number)

    def restart(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.start()

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def records(self):
        """Bytes recorded."""
        return sum(path.stat().st_size for path in
                   self.folder.rglob("objs/nginx/html/live/*"))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Teacher:
    """ffmpeg, started again a second after it ends, as by its user."""

    WORDS = ("ffmpeg -nostdin -loglevel error -re -f lavfi -i "
             "testsrc2=size=320x180:rate=15 -f lavfi -i sine=440 -c:v libx264 "
             "-preset ultrafast -tune zerolatency -g 15 -c:a aac -f flv "
             f"rtmp://push.example.com/{STREAM}").split()

    def __init__(self):
        self.stopped = threading.Event()
        self.process, self.starts = None, 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while not self.stopped.is_set():
            self.starts += 1
            self.process = subprocess.Popen(self.WORDS,
                                            stderr=subprocess.DEVNULL)
            self.process.wait()
            self.stopped.wait(1)

    def close(self):
        self.stopped.set()
        self.process.kill()
        self.process.wait()


# -- viewers --

class Player:
    """HTTP-FLV from an address, read as it comes."""

    def __init__(self, address, timeout=5):
        self.socket = socket.create_connection((address, 8080), timeout)
        self.socket.sendall(f"GET /{STREAM}.flv HTTP/1.1\r\n"
                            f"Host: live.example.com\r\n\r\n".encode())
        self.seen = b""

    def read(self, size):
        """False: the stream ended before so many bytes of it came."""
        while len(self.seen) < size:
            piece = self.socket.recv(65536)
            if not piece:
                return False
            self.seen += piece
        return True

    def plays(self):
        """Ten kilobytes of FLV: some seconds of this picture."""
        return self.read(10000) and b"\r\n\r\n" in self.seen \
            and b"FLV\x01" in self.seen

    def goes_on(self):
        self.seen = b""
        return self.read(5000)

    def close(self):
        self.socket.close()


def resolve(name):
    """As a player does: the machine's resolver."""
    found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return found[0][4][0]


def node_of(name):
    address = resolve(name)
    return next(n for n, of in NODES.items() if of[0] == address)


def new_player_plays():
    """Resolves, connects, sees a picture; a new attempt each time."""
    player = None
    try:
        player = Player(resolve("live.example.com"), timeout=2)
        return player.plays()
    except OSError:
        return False
    finally:
        if player:
            player.close()


def other_than(name, node):
    """The node that a name means, unless it is that one."""
    found = node_of(name)
    return found if found != node else None


# -- the evening --

class Class:
    def __init__(self, binary, folder):
        self.binary = binary
        self.failed = 0
        self.daemon = Daemon(conf(), files={"nets": NETS})
        self.resolver = Resolver(self.daemon.port, "0.0.0.0")
        self.srs = {}
        for name in NODES:
            text = self.daemon.run("srs", name)
            if name == "e1":
                text = re.sub(r"max_connections \d+", f"max_connections {FEW}",
                              text)
            self.srs[name] = Srs(binary, name, text, folder)
        self.teacher = None

    def close(self):
        if self.teacher:
            self.teacher.close()
        for srs in self.srs.values():
            srs.close()
        self.daemon.close()

    def wait(self, what, condition, since):
        """Waits for it, and tells how long after since it came true."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                found = condition()
            except OSError:
                found = None
            if found:
                told = f"  ({found})" if isinstance(found, str) else ""
                print(f"{time.monotonic() - since:7.2f} s  {what}{told}",
                      flush=True)
                return found
            time.sleep(LOOK_S)
        print(f"   never   {what}", flush=True)
        self.failed += 1
        return None

    def check(self, what, good):
        print(f"{'     yes' if good else '      NO'}   {what}", flush=True)
        self.failed += not good

    def title(self, text):
        print(f"\n{text}", flush=True)
        return time.monotonic()

    def state(self, name):
        node = self.daemon.node(name)
        return f"{node['state']}, {node['why']}"

    def is_down(self, name):
        state = self.state(name)
        return None if state.startswith("up") else state

    def owner(self):
        """Where dnsd says to a node that the stream is."""
        url = (f"http://{HERE}:8080/api/v1/clusters?vhost=__defaultVhost__"
               "&app=live&stream=class")
        out = subprocess.run(
            ["nsenter", "--net=/run/netns/e3", "curl", "-s", "-m2", url],
            capture_output=True, text=True).stdout
        origin = json.loads(out)["data"]["origin"] if out else None
        return origin and origin["node"]

    def on_origin(self, name):
        """Whether the origin itself says that somebody publishes to it."""
        url = f"http://{NODES[name][0]}:1985/api/v1/streams/"
        with urllib.request.urlopen(url, timeout=2) as answer:
            return any(s["publish"]["active"]
                       for s in json.loads(answer.read())["streams"])

    def back(self, name, since):
        self.wait(f"{name} is up", lambda: self.state(name).startswith("up"),
                  since)
        self.wait(f"live names {name} again",
                  lambda: node_of("live.example.com") == name, since)

    # -- scenes, in order --

    def scene_start(self):
        t = self.title("start")
        for name in NODES:
            self.wait(f"{name} is up",
                      lambda: self.state(name).startswith("up"), t)
        for name, srs in self.srs.items():
            done = subprocess.run([self.binary, "-t", "-c", "srs.conf"],
                                  cwd=srs.folder, capture_output=True)
            self.check(f"SRS finds {name}'s configuration good",
                       done.returncode == 0)

    def scene_push(self):
        t = self.title("the teacher pushes to push.example.com")
        self.relay = node_of("push.example.com")
        self.teacher = Teacher()
        self.wait("an origin has the stream",
                  lambda: self.on_origin("oa") or self.on_origin("ob"), t)
        owner = self.wait("dnsd tells who", self.owner, t)
        self.check("and it is the one that has it",
                   bool(owner) and self.on_origin(owner))

    def scene_play(self):
        t = self.title("a viewer plays live.example.com")
        self.wait("it plays", new_player_plays, t)
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name",
             "-of", "csv=p=0", f"http://live.example.com:8080/{STREAM}.flv"],
            capture_output=True, text=True, timeout=PATIENCE_S)
        self.check("ffprobe sees H.264 and AAC",
                   sorted(done.stdout.split()) == ["aac", "h264"])
        self.check("the edge asked the wrong origin, which sent it on",
                   "redirect in cluster, from=" in self.srs["oa"].log_text()
                   and f"target={NODES['ob'][0]}" in self.srs["oa"].log_text())
        self.wait("the recorder records", lambda: self.srs["rec"].records(), t)

    def scene_kill(self):
        edge = node_of("live.example.com")
        t = self.title(f"{edge}, which live names, is killed")
        self.srs[edge].signal(signal.SIGKILL)
        self.wait("live names another",
                  lambda: other_than("live.example.com", edge), t)
        self.wait("a new viewer plays", new_player_plays, t)
        self.srs[edge].restart()
        self.back(edge, self.title(f"{edge} starts again"))

    def scene_full(self):
        self.title(f"e1 gets more than {FEW} connections")
        players = []
        try:
            for _ in range(FEW + 10):
                players.append(Player(NODES["e1"][0], timeout=2))
        except OSError:
            pass
        t = time.monotonic()
        self.wait("e1 is not up", lambda: self.is_down("e1"), t)
        self.wait("live names another",
                  lambda: other_than("live.example.com", "e1"), t)
        self.wait("a new viewer plays", new_player_plays, t)
        for player in players:
            player.close()
        t = self.title("they leave: e1 looks idle, and takes nobody")
        time.sleep(15)
        self.check(f"after 15 s live still names another "
                   f"({self.state('e1')})",
                   node_of("live.example.com") != "e1")
        self.srs["e1"].restart()
        self.back("e1", self.title("e1 starts again"))

    def scene_hang(self):
        t = self.title("e1 hangs (SIGSTOP)")
        self.srs["e1"].signal(signal.SIGSTOP)
        self.wait("live names another",
                  lambda: other_than("live.example.com", "e1"), t)
        self.wait("a new viewer plays", new_player_plays, t)
        self.srs["e1"].signal(signal.SIGCONT)
        self.back("e1", self.title("e1 goes on (SIGCONT)"))

    def scene_drain(self):
        player = Player(NODES["e1"][0])
        self.check("a viewer plays from e1", player.plays())
        t = self.title("e1 is told to leave gracefully (SIGQUIT)")
        self.srs["e1"].signal(signal.SIGQUIT)
        self.wait("live names another",
                  lambda: other_than("live.example.com", "e1"), t)
        self.wait("a new viewer plays", new_player_plays, t)
        self.check("the old viewer plays on", player.goes_on())
        player.close()
        t = time.monotonic()
        self.wait("the viewer leaves: e1 ends",
                  lambda: self.srs["e1"].process.poll() is not None, t)
        self.srs["e1"].restart()
        self.back("e1", self.title("e1 starts again"))

    def scene_relay(self):
        t = self.title(f"the teacher's relay, {self.relay}, is killed")
        self.srs[self.relay].signal(signal.SIGKILL)
        self.wait("push names another",
                  lambda: other_than("push.example.com", self.relay), t)
        self.wait("an origin has the stream again",
                  lambda: self.teacher.starts > 1 and self.on_origin("ob"), t)
        self.wait("a new viewer plays", new_player_plays, t)
        self.srs[self.relay].restart()
        t = self.title(f"{self.relay} starts again")
        self.wait(f"{self.relay} is up",
                  lambda: self.state(self.relay).startswith("up"), t)
        self.check("push keeps the other: the teacher is not moved",
                   node_of("push.example.com") != self.relay)

    def scene_origin(self):
        t = self.title("ob, the stream's origin, is killed")
        self.srs["ob"].signal(signal.SIGKILL)
        self.wait("origin.example.com names oa",
                  lambda: node_of("origin.example.com") == "oa", t)
        self.wait("oa has the stream", lambda: self.on_origin("oa"), t)
        self.wait("dnsd tells that", lambda: self.owner() == "oa", t)
        self.wait("a new viewer plays", new_player_plays, t)

    def play(self):
        for scene in (self.scene_start, self.scene_push, self.scene_play,
                      self.scene_kill, self.scene_full, self.scene_hang,
                      self.scene_drain, self.scene_relay, self.scene_origin):
            scene()
        print(f"\n{self.failed} failed")
        return 1 if self.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--srs", required=True, metavar="PATH",
                        help="the SRS program, 5 or 6")
    parser.add_argument("--keep", metavar="DIR",
                        help="where configurations, logs and records stay")
    args = parser.parse_args()
    if "DNSD_CLASS" not in os.environ:
        own = ["unshare", "--net", "--mount"]
        if os.geteuid() != 0:
            own += ["--user", "--map-root-user"]
        os.environ["DNSD_CLASS"] = "1"
        os.execvp("unshare", [*own, sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory(prefix="dnsd-srs-") as folder:
        folder = pathlib.Path(args.keep or folder).resolve()
        folder.mkdir(exist_ok=True)
        own_networks(folder)
        evening = Class(os.path.abspath(args.srs), folder)
        try:
            return evening.play()
        finally:
            evening.close()


if __name__ == "__main__":
    sys.exit(main())
