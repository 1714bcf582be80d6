"""`dnsd ctl replace`: another process goes on where this one stops."""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess

import dns.message

import harness
from harness import DNSD, Daemon, NETS, PATIENCE_S, Test
from srs_standin import Fleet
from test_steer import HK, conf_of

STEADY = pathlib.Path(DNSD).with_name("steady")
REMEMBERS = ("steer:\n  live.example.com: {pool: [edge], lines: 3, "
             "ttl: [60, 60]}\n")


# What a new process hears and says, in turn: the numbers of control/handover.h.
STEPS = [("hear", 1), ("say", 3), ("hear", 5), ("say", 6), ("hear", 7), ("say", 8),
         ("hear", 10)]
DIES = """#!/usr/bin/python3
import socket, struct
channel = socket.socket(fileno=3)
def hear(kind):
    while struct.unpack("=IIQ", channel.recvmsg(16, 8192)[0])[1] != kind:
        pass
def say(kind):
    channel.send(struct.pack("=IIQ", 1, kind, 0))
for what, kind in {steps}:
    globals()[what](kind)
"""


class Successor:
    """A process that is no child of ours, as subprocess.Popen has it."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None
        self._fd = os.pidfd_open(pid)

    def poll(self):
        if self.returncode is None and select.select([self._fd], [], [], 0)[0]:
            self.returncode = 0     # whatever it was: init has it
        return self.returncode

    def wait(self, timeout):
        if not select.select([self._fd], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("dnsd", timeout)
        return self.poll()

    def send_signal(self, number):
        signal.pidfd_send_signal(self._fd, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def __del__(self):
        os.close(self._fd)


class Replaceable(Daemon):
    """A daemon that runs from a copy of the program, in its folder."""

    def start(self, wait=True):
        self.program = self.folder / "program" / "dnsd"
        if not self.program.exists():
            self.program.parent.mkdir()
            self.install(harness.DNSD)
        before, harness.DNSD = harness.DNSD, str(self.program)
        try:
            return super().start(wait)
        finally:
            harness.DNSD = before

    def install(self, path):
        """As a package manager does: another file, put in its place."""
        other = self.program.with_name("other")
        shutil.copy(path, other)
        other.rename(self.program)

    def replace(self, *words):
        """What it says; the process is the new one then."""
        said = self.run("ctl", "replace", *words)
        assert self.process.wait(PATIENCE_S) == 0, self.log_text()
        self.process = Successor(int(re.search(r"process (\d+)", said)[1]))
        return said

    def refused(self):
        done = self.run("ctl", "replace", check=False)
        assert done.returncode == 1, done.stdout
        return done.stderr


class Replace(Test):
    def setUp(self):
        self.fleet = Fleet(4, scale=0.1)
        self.addCleanup(self.fleet.close)
        for node in self.fleet:
            node.set_load(conns=100)
        self.d = Replaceable(conf_of(self.fleet, steer=REMEMBERS),
                             files={"nets.txt": NETS})
        self.addCleanup(self.d.close)
        self.hosts = {n.host: n.name for n in self.fleet}
        for node in self.fleet:
            self.eventually(lambda: self.d.node(node.name)["state"] == "up")

    def pick(self, net, line=1):
        name = "live.example.com" if line == 1 else f"line{line}.live.example.com"
        return self.hosts[self.d.address(name, net)]

    def steady(self, rate):
        """Asks at a rate, until it is asked for its sums."""
        process = subprocess.Popen(
            [STEADY, str(self.d.port), str(rate), "4", "4",
             "live.example.com"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return lambda: json.loads(process.communicate("")[0])

    def total(self):
        text = self.d.http("/metrics")[1]
        return sum(float(n) for n in re.findall(
            r"(?m)^dnsd_queries_total\S* (\S+)", text))

    def test_no_question_is_lost(self):
        sums = self.steady(2000)
        self.eventually(lambda: self.total() > 100)
        for _ in range(5):
            before = self.total()
            self.d.replace()
            self.assertGreaterEqual(self.total(), before)
        got = sums()
        self.assertGreater(min(got["udp"], got["tcp"]), 1000)
        self.assertEqual((got["udp_lost"], got["tcp_lost"], got["closed"]),
                         (0, 0, 0), got)

    def test_what_clients_were_sent_to(self):
        """While its TTL runs a client net is sent where the other process sent it, and
        its other lines are other nodes."""
        self.d.run("ctl", "drain", "srs1")
        nets = [f"10.1.{i}.0/24" for i in range(32)]
        for net in nets:
            self.assertEqual(self.pick(net), "srs2")
        self.d.run("ctl", "undrain", "srs1")
        self.d.replace()
        fresh = {self.pick(f"10.1.{i}.0/24") for i in range(100, 164)}
        self.assertIn("srs1", fresh)
        self.assertEqual({self.pick(net) for net in nets}, {"srs2"})
        for net in nets:
            self.assertEqual(len({self.pick(net, n) for n in (1, 2, 3)}), 3)

    def test_states_go_on(self):
        self.fleet["srs4"].die()
        self.eventually(lambda: self.d.node("srs4")["state"] == "down")
        self.d.run("ctl", "drain", "srs3")
        before = {n: self.d.node(n) for n in ("srs3", "srs4")}
        self.d.replace()
        for name, node in before.items():
            self.assertEqual(self.d.node(name)["state"], node["state"])
            self.assertNotIn("before", self.d.node(name)["why"])
        self.assertNotIn("take-over", self.d.log_text())

    def test_connections_of_tcp(self):
        """Idle, and with half a question."""
        def connect():
            s = socket.create_connection(("127.0.0.1", self.d.port), PATIENCE_S)
            self.addCleanup(s.close)
            return s

        query = dns.message.make_query("ns1.example.com", "A").to_wire()
        frame = struct.pack("!H", len(query)) + query
        idle, half = connect(), connect()
        for s in (idle, half):
            s.sendall(frame)
            self.heard(s)
        half.sendall(frame[:7])
        self.d.replace()
        half.sendall(frame[7:])
        idle.sendall(frame)
        for s in (idle, half):
            self.assertEqual(len(self.heard(s).answer), 1)

    @staticmethod
    def heard(s):
        with s.makefile("rb") as f:
            size, = struct.unpack("!H", f.read(2))
            return dns.message.from_wire(f.read(size))

    def test_http_goes_on(self):
        """Who is about to ask is answered, by one process or the other."""
        with socket.create_connection(("127.0.0.1", self.d.http_port),
                                      PATIENCE_S) as s:
            s.sendall(b"GET /api/v1/nodes HTTP/1.1\r\n")
            said = subprocess.Popen(
                [harness.DNSD, "ctl", "-c", self.d.conf, "replace"],
                stdout=subprocess.PIPE, text=True)
            self.addCleanup(said.stdout.close)
            s.sendall(b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
            self.assertIn(b" 200 ", s.makefile("rb").readline())
            pid = re.search(r"process (\d+)", said.communicate()[0])[1]
        self.d.process.wait(PATIENCE_S)
        self.d.process = Successor(int(pid))
        self.assertEqual(self.d.http("/api/v1/nodes")[0], 200)

    # -- it cannot ---------------------------------------------------------

    def test_a_configuration_that_does_not_hold(self):
        good = self.d.conf_text()
        pathlib.Path(self.d.conf).write_text(good + "nonsense: 1\n")
        line = len(good.splitlines()) + 1
        self.assertRegex(self.d.refused(),
                         rf"this process goes on: {self.d.conf}:{line}: .*nonsense")
        self.assertTrue(self.d.address("live.example.com", HK))
        self.assertIsNone(self.d.process.poll())
        pathlib.Path(self.d.conf).write_text(good)
        self.d.replace()
        self.assertTrue(self.d.address("live.example.com", HK))

    def test_a_program_that_is_none(self):
        sums = self.steady(500)
        self.d.install("/bin/false")
        self.assertRegex(self.d.refused(), "exit status 1")
        self.d.program.write_text("")
        self.assertRegex(self.d.refused(), "Exec format error|has ended")
        self.d.program.unlink()
        self.assertRegex(self.d.refused(), "No such file")
        self.d.install(harness.DNSD)
        self.assertEqual(self.d.http("/api/v1/nodes")[0], 200)
        self.d.replace()
        got = sums()
        self.assertEqual((got["udp_lost"], got["tcp_lost"], got["closed"]),
                         (0, 0, 0), got)

    def test_a_program_that_dies_on_the_way(self):
        """After each step: what was begun is undone."""
        sums = self.steady(500)
        other = self.d.write("other", "")
        for steps in range(len(STEPS) + 1):
            other.write_text(DIES.format(steps=STEPS[:steps]))
            other.chmod(0o755)
            self.d.install(other)
            self.d.refused()
            self.assertTrue(self.d.address("live.example.com", HK))
            self.assertEqual(self.d.http("/api/v1/nodes")[0], 200)
            self.d.run("ctl", "drain", "srs4")
            self.d.run("ctl", "undrain", "srs4")
        self.d.install(harness.DNSD)
        self.d.replace()
        got = sums()
        self.assertEqual((got["udp_lost"], got["tcp_lost"], got["closed"]),
                         (0, 0, 0), got)

    def test_only_if_it_is_new(self):
        before = self.d.process.pid
        self.d.run("ctl", "replace", "--if-new")
        self.assertEqual(self.d.process.pid, before)
        self.assertIsNone(self.d.process.poll())
        self.d.install(harness.DNSD)
        self.d.replace("--if-new")
        self.assertNotEqual(self.d.process.pid, before)


if __name__ == "__main__":
    import unittest
    unittest.main()
