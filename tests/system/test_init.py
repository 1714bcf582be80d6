"""`dnsd init`: a configuration from a list of nodes, of which some answer."""

import errno
import pathlib
import random
import subprocess
import tempfile

from harness import DNSD, ROOT, Daemon, Test
from patience import PATIENCE_S
from srs_standin import StandIn

OFF = "api=off,rtmp=off,flv=off"
VENDOR = str(ROOT / "tests/data/geo/vendor.mmdb")   # no address of it is asked


def init(*words, geoip="none", **more):
    return subprocess.run(
        [DNSD, "init", "--geoip", geoip, *words], capture_output=True, text=True,
        timeout=PATIENCE_S * 3, **more)


def word(node, *more):
    """The --node of a stand-in."""
    host = f"[{node.host}]" if ":" in node.host else node.host
    ports = node.ports
    return ",".join([
        f"--node={node.name}={node.host}", f"api=http://{host}:{ports['api']}",
        f"rtmp={host}:{ports['rtmp']}", f"flv={host}:{ports['flv']}", *more])


class Init(Test):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dnsd-init-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def stand_in(self, name, **more):
        node = StandIn(name, **more)
        node.start()
        self.addCleanup(node.close)
        return node

    def written(self, *words, **more):
        """What init writes, which check passes; and what it said."""
        path = self.folder / f"{random.randrange(10 ** 9)}.yaml"
        done = init(*words, "-o", str(path), **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        checked = subprocess.run([DNSD, "check", "-c", str(path)],
                                 capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        return path.read_text(), done.stderr

    def line_of(self, said, node):
        lines = [l for l in said.splitlines() if l.startswith(node + ": ")]
        self.assertEqual(len(lines), 1, said)
        return lines[0]

    def test_run(self):
        """dnsd serves what was written."""
        hk = self.stand_in("hk1")
        jp = self.stand_in("jp1", version="5.0.213")
        jp.set_load(conns=7)
        jp.sample_now()
        relay = self.stand_in("in1")
        text, said = self.written(
            word(hk, "at=22.3,114.2"), word(jp, "at=35.7,139.7", "capacity=300"),
            word(relay, "role=relay", "at=22.3,114.2"),
            "--zone", "class.example", "--ns", "ns1=127.0.0.1,::1")
        self.assertIn("SRS 6.0.157", self.line_of(said, "hk1"))
        self.assertIn("SRS 5.0.213", self.line_of(said, "jp1"))
        self.assertIn("7 connections", self.line_of(said, "jp1"))
        self.assertIn("capacity: 300\n", text)
        daemon = Daemon("", start=False)
        self.addCleanup(daemon.close)
        mine = daemon.head.splitlines()
        http = [l for l in mine if l.startswith("http:")]
        text = text.replace('listen: ["0.0.0.0:53", "[::]:53"]',
                            "\n".join(l for l in mine if l not in http), 1)
        text = text.replace('"127.0.0.1:8053"',
                            f'"127.0.0.1:{daemon.http_port}"', 1)
        daemon.write("dnsd.yaml", text)
        daemon.start()
        for name in ("hk1", "jp1", "in1"):
            self.eventually(lambda: daemon.node(name)["state"] == "up", name)
        for name in ("live", "line2.live", "push"):
            self.assertEqual(daemon.address(name + ".class.example"), "127.0.0.1")
        self.assertEqual(daemon.address("ns1.class.example"), "127.0.0.1")
        self.assertEqual(daemon.addresses("ns1.class.example", rdtype="AAAA"), ["::1"])

    def test_silent(self):
        """Who does not answer is named, with the reason, and written all the same."""
        dead = self.stand_in("dead")
        dead.close_port("api", "rtmp", "flv")
        mute = self.stand_in("mute")
        mute.hang()
        odd = self.stand_in("odd")
        odd.garbage("html")
        shut = self.stand_in("shut", auth="admin:sesame")
        text, said = self.written(*(
            word(node) for node in (dead, mute, odd, shut)))
        lines = said.splitlines()
        api = {node.name: next(l for l in lines if l.startswith(
            f"{node.name}: http://127.0.0.1:{node.ports['api']}: "))
            for node in (dead, mute, odd, shut)}
        self.assertIn("refused", api["dead"])
        self.assertIn("no answer in time", api["mute"])
        self.assertIn("no SRS", api["odd"])
        self.assertIn("401", api["shut"])
        self.assertIn("user and a password", api["shut"])
        self.assertTrue([l for l in lines if l.startswith(
            f"dead: RTMP probe of 127.0.0.1:{dead.ports['rtmp']}: ")], said)
        for node in (dead, mute, odd, shut):
            self.assertRegex(text, f"(?m)^  {node.name}: +# did not answer: .")
            self.assertIn(f"{node.name}: its place is not known", said)

    def test_password(self):
        """It is asked with, written, and never said."""
        shut = self.stand_in("shut", auth="admin:ses@me")
        api = f"http://admin:ses%40me@127.0.0.1:{shut.ports['api']}"
        text, said = self.written(
            f"--node=shut=127.0.0.1,api={api},rtmp=off,flv=off,at=1,2")
        self.assertIn("SRS 6.0.157", said)
        self.assertIn(f'api: "{api}"', text)
        shut.close_port("api")
        text, said2 = self.written(
            f"--node=shut=127.0.0.1,api={api},rtmp=off,flv=off,at=1,2")
        self.assertIn("refused", said2)
        self.assertNotIn("ses", said + said2)
        written = next(self.folder.glob("*.yaml"))
        self.assertEqual(written.stat().st_mode & 0o007, 0)

    def test_usual_ports(self):
        """Ports that were not named are tried."""
        host = f"127.{random.randrange(64, 127)}.{random.randrange(256)}.7"
        node = StandIn("hk1", host=host, api=1985, rtmp=1935, flv=8080)
        try:
            node.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            self.skipTest("a program of this machine has the ports")
        self.addCleanup(node.close)
        text, said = self.written(f"--node=hk1={host},at=22.3,114.2")
        self.assertIn(f"SRS 6.0.157 at http://{host}:1985", said)
        self.assertIn(f'flv: "{host}:8080"', text)
        node.close_port("flv", "rtmp")
        text, said = self.written(f"--node=hk1={host},at=22.3,114.2")
        self.assertNotIn("flv:", text)
        self.assertIn("flv=ADDRESS:PORT", said)
        self.assertIn("rtmp=ADDRESS:PORT", said)

    def test_ipv6(self):
        node = self.stand_in("v6", host="::1")
        text, said = self.written(word(node, "at=1,-2.5"))
        self.assertIn("SRS 6.0.157", self.line_of(said, "v6"))
        self.assertIn('address: ["::1"]', text)
        text, _ = self.written(f"--node=both=192.0.2.1,2001:db8::1,{OFF}",
                               "--ns", "ns1.example.com=192.0.2.9,2001:db8::9")
        self.assertIn('address: [192.0.2.1, "2001:db8::1"]', text)
        self.assertIn('ns: ["ns1.example.com 192.0.2.9 2001:db8::9"]', text)

    def test_places(self):
        """By the database; what is given counts more."""
        text, said = self.written(
            f"--node=cn=192.0.2.1,{OFF}", f"--node=fr=198.51.100.200,{OFF}",
            f"--node=own=192.0.2.2,at=1.5,2.5,{OFF}",
            f"--node=lost=100.64.1.1,{OFF}", geoip=VENDOR)
        self.assertIn(f'geoip: ["{VENDOR}"]', text)
        self.assertRegex(text, r"at: \[43.90, 125.30\] +# of geoip, CN")
        self.assertRegex(text, r"at: \[48.86, 2.35\] +# of geoip, FR")
        self.assertIn("at: [1.5, 2.5]\n", text)
        self.assertEqual(text.count("\n    at: "), 3)
        self.assertIn("lost: its place is not known", said)
        self.assertEqual(said.count("its place"), 1)

    def test_kept(self):
        """What is there is not overwritten."""
        node = f"--node=a=127.0.0.1,{OFF}"
        mine = self.folder / "mine.yaml"
        mine.write_text("mine\n")
        link = self.folder / "link.yaml"
        link.symlink_to(self.folder / "nowhere")
        for path in (mine, link):
            done = init(node, "-o", str(path))
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{path}: is there; it is not overwritten", done.stderr)
        self.assertEqual(mine.read_text(), "mine\n")
        self.assertFalse((self.folder / "nowhere").exists())
        done = init(node, "-o", str(self.folder / "no" / "way.yaml"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)

    def test_arguments(self):
        """What is wrong is named, and nothing is written."""
        good = f"--node=a=192.0.2.1,{OFF}"
        for words, said in (
                ((), "no --node"),
                ((good, "more"), "'more' is no option")):
            done = init(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
        for words, said in (
                (["--node=a"], "--node a: NAME=ADDRESS is expected"),
                (["--node=a=x"], "--node a: 'x' is not an IP address"),
                (["--node=a=192.0.2.1:1935"], "--node a: '192.0.2.1:1935' is not"),
                ([good, "--node=A=192.0.2.2"], "--node A is there twice"),
                ([good + ",site=x,site=y"], "--node a: site is there twice"),
                ([good + ",nest=x"], "--node a: unknown key 'nest'"),
                ([good + ",role=nurse"], "--node a: role: 'nurse' is not one of"),
                ([good + ",at=91,2"], "--node a: at (latitude): 91 is out of range"),
                ([good, f"--node=b=192.0.2.2,{OFF},capacity=lots"],
                 "--node b: capacity: 'lots' is not a number"),
                ([good, "--ns=ns1=1.2.3"], "--ns ns1: '1.2.3' is not an IP"),
                ([good, "--ns=ns 1=192.0.2.1"], "--zone, --ns: "),
                ([good, "--zone=a..b"], "--zone, --ns: 'a..b' is not a DNS name"),
                ([good, f"--node=b=2001:db8::1,{OFF}"],
                 "live.example.com: in the pool, a has an IPv4 address and b has")):
            path = self.folder / "never.yaml"
            done = init(*words, "-o", str(path))
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("dnsd init: " + said, done.stderr)
            self.assertNotIn("/proc", done.stderr)
            self.assertFalse(path.exists())
        done = init(good, geoip="/nowhere.mmdb")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--geoip /nowhere.mmdb: No such file", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_quoting(self):
        """Words stay what they are, whatever YAML makes of such ones."""
        odd = "a: #{b}\"\\'[x] & *y"
        text, _ = self.written(f"--node=a=192.0.2.1,site={odd},provider=no,{OFF}")
        self.assertIn("provider: no\n", text)
        self.assertIn('site: "a: #{b}\\"\\\\\'[x] & *y"\n', text)
