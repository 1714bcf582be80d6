"""Who wants to take the service from others: descriptors, connections, memory.
Everything is on loopback and bounded."""

import contextlib
import os
import resource
import socket

from harness import NETS, Test
import test_dns
from test_dns import CONF, ZONE


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_s(pid):
    """Processor time of a process so far."""
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Attack(Test):
    def start(self, conf="", **more):
        return self.daemon(conf + CONF, files={"zone": ZONE, "nets.txt": NETS},
                           **more)


class Descriptors(Attack):
    """None is left: what happens at the listeners is said once, costs nothing,
    and is over when there is room."""

    def fill(self, d, port, n=8, kind=socket.AF_INET):
        """Connections that nobody accepts."""
        waiting = []
        for _ in range(n):
            s = socket.socket(kind)
            s.settimeout(10)
            s.connect(port)
            waiting.append(s)
            self.addCleanup(s.close)
        return waiting

    def starve(self, d):
        """As if other parts of the program had taken all descriptors."""
        before = resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE,
                         (descriptors(d.process.pid), before[1]))
        return lambda: resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE,
                                        before)

    def check(self, where, kind, answers, line):
        d = self.start()
        self.assertTrue(answers(d))
        give_back = self.starve(d)
        waiting = self.fill(d, where(d), kind=kind)
        self.eventually(lambda: line in d.log_text())
        # UDP goes on; the processor is not busy with what cannot be done
        before, start = cpu_s(d.process.pid), os.times().elapsed
        while os.times().elapsed < start + 2:
            self.assertEqual(d.address("www.example.com"), "192.0.2.80")
            with contextlib.suppress(OSError):
                waiting[0].settimeout(0.1)
                waiting[0].recv(1)
        self.assertLess(cpu_s(d.process.pid) - before, 1)
        self.assertLess(len(d.log_text().splitlines()), 100)
        self.assertEqual(d.log_text().count(line), 1)
        give_back()
        self.eventually(lambda: answers(d))

    def test_tcp(self):
        self.check(lambda d: ("127.0.0.1", d.port), socket.AF_INET,
                   lambda d: d.address("www.example.com", tcp=True,
                                       timeout=1),
                   "TCP: no connection can be accepted: Too many open files")

    def test_http(self):
        self.check(lambda d: ("127.0.0.1", d.http_port), socket.AF_INET,
                   lambda d: d.http("/api/v1/status")[0] == 200,
                   "http: no connection can be accepted: Too many open files")

    def test_control(self):
        self.check(lambda d: str(d.folder / "dnsd.sock"), socket.AF_UNIX,
                   lambda d: d.run("ctl", "status"),
                   "control socket: no connection can be accepted: "
                   "Too many open files")
