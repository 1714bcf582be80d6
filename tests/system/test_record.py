"""Recording: what a running server writes, and that replay reads it."""

import re
import signal
import subprocess

from harness import DNSD, NETS, PATIENCE_S, Test
from srs_standin import Fleet
from test_steer import conf_of

PLAIN = """zones: {example.com: {ns: ["ns1.example.com 127.0.0.1"]}}
nets: nets.txt
nodes:
  a: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off, site: "x y"}
  b: {address: [192.0.2.2], at: [51.5, -0.1], api: off, rtmp: off}
  p: {role: relay, address: [192.0.2.3], at: [51.5, -0.1], api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge], lines: 3, ttl: [1, 5], streams: true}
  push.example.com: {pool: [relay], policy: stable}
"""
NAMES = ("live.example.com", "line2.live.example.com",
         "a7.live.example.com", "push.example.com")


class Recording(Test):
    def lines(self, d, name="record"):
        return (d.folder / name).read_text().splitlines()

    def verbs(self, lines, verb):
        return [l.split() for l in lines if l.startswith(verb + " ")]

    def replay(self, d, text):
        return subprocess.run([DNSD, "replay", "--stats", "-c", d.conf],
                              input=text, text=True, capture_output=True,
                              timeout=6 * PATIENCE_S)

    def check_form(self, lines):
        """A whole file: begins, ends, and time does not go back."""
        self.assertRegex(lines[0], r"^hello dnsd/\S+ ns=0/1 ")
        self.assertTrue(lines[1].startswith("node 0 "), lines[1])
        self.assertTrue(lines[-1].startswith("end "), lines[-1])
        times = [int(l.split()[1]) for l in lines[1:]
                 if not l.startswith("answer ")]
        self.assertEqual(times, sorted(times))
        numbers = [int(q[2]) for q in self.verbs(lines, "query")]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_a_day(self):
        """Replay decides again as the server did, for every question."""
        d = self.daemon("record: {file: record}\n" + PLAIN,
                        files={"nets.txt": NETS})
        self.eventually(lambda: d.address(
            "push.example.com", "10.3.0.0/24") == "192.0.2.3")
        asked = 1
        for i in range(0, 64, 16):
            for net in ("10.1", "10.2", "10.3"):
                for name in NAMES:
                    d.ask(name, "A", f"{net}.{i}.77/32")
                    d.ask(name, "AAAA", f"{net}.{i}.77/32", tcp=True)
                    asked += 2
        d.ask("live.example.com", subnet="2001:db8:1:2:3::9/128")
        d.ask("live.example.com")
        self.assertEqual(
            d.http("/resolve?name=live.example.com&ip=10.3.0.7")[0], 200)
        asked += 3
        d.run("ctl", "drain", "b")
        d.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: "reload: done" in d.log_text())
        d.ask("live.example.com", "A", "10.3.5.0/24")
        asked += 1
        d.stop()

        lines = self.lines(d)
        self.check_form(lines)
        queries = self.verbs(lines, "query")
        answers = self.verbs(lines, "answer")
        self.assertGreaterEqual(len(queries), asked)
        self.assertEqual([q[2] for q in queries], [a[1] for a in answers])
        self.assertEqual({q[3] for q in queries}, set(NAMES))
        # Nothing is finer than /24 or /48.
        # Over HTTP whoever is trusted asks for the network that he names.
        self.assertEqual({q[5] for q in queries}, {"127.0.0.0", "10.3.0.0"})
        for net in {q[4] for q in queries} - {"-"}:
            self.assertRegex(net, r"^10\.[123]\.\d+\.0/2\d$|"
                                  r"^2001:db8:1::/4\d$")
        self.assertNotIn(".77", "\n".join(lines))
        self.assertIn("via=http", "\n".join(lines))
        self.assertIn("domain=x_y", "\n".join(lines))
        self.assertTrue(any(l[2:] == ["b", "drain"]
                            for l in self.verbs(lines, "state")))
        # Twice: at the beginning (and with geography), and after the reload.
        self.assertGreaterEqual(
            len([n for n in self.verbs(lines, "node") if n[2] == "a"]), 2)

        done = self.replay(d, "\n".join(lines) + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        again = self.verbs(done.stdout.splitlines(), "answer")
        for query, now, then in zip(queries, again, answers):
            self.assertEqual(now[:3], then[:3], query)
        self.assertIn(f"{len(queries)} queries, ", done.stderr)
        self.assertRegex(done.stderr, r"(?m)^ +replayed +recorded$")

    def test_loads_and_probes(self):
        fleet = Fleet(2, scale=0.1)
        self.addCleanup(fleet.close)
        fleet[0].set_load(conns=123, cpu=0.5)
        d = self.daemon("record: {file: record}\n" + conf_of(fleet),
                        files={"nets.txt": NETS})
        self.eventually(lambda: d.node("srs1")["connections"] == 123)
        fleet[1].die()
        self.eventually(lambda: d.node("srs2")["state"] == "down")
        self.eventually(lambda: self.verbs(self.lines(d), "time"))
        for verb, what in (("loadfail", ["srs2", "refused"]),
                           ("probe", ["srs1", "rtmp", "ok"]),
                           ("probe", ["srs2", "flv", "failed"])):
            self.eventually(lambda: what in [
                l[2:] for l in self.verbs(self.lines(d), verb)], what)
        d.stop()
        lines = self.lines(d)
        self.check_form(lines)
        self.assertTrue(any(l[2] == "srs1" and l[4] == "123"
                            for l in self.verbs(lines, "load")))
        # Of a replay, the hottest node is what was sampled.
        done = self.replay(d, "\n".join(lines) + "\n")
        self.assertRegex(done.stderr, r"hottest node srs1, \d+\.\d\d % full")

    def test_rotation(self):
        """Each file can be read alone."""
        d = self.daemon("record: {file: record, size: 10K}\n" + PLAIN,
                        files={"nets.txt": NETS})
        self.eventually(lambda: d.run("ctl", "drain", "a"))
        for i in range(150):
            d.ask("live.example.com", "A", f"10.{1 + i % 3}.16.0/24")
        self.eventually(lambda: (d.folder / "record.1").exists())
        d.stop()
        for name in ("record.1", "record"):
            lines = self.lines(d, name)
            self.check_form(lines)
            self.assertIn(["a", "drain"],
                          [l[2:] for l in self.verbs(lines, "state")])
            done = self.replay(d, "\n".join(lines) + "\n")
            self.assertEqual(done.stdout.count("answer "),
                             len(self.verbs(lines, "query")))
            self.assertNotIn(" - ttl=", done.stdout)

    def test_share(self):
        """Half of the nets, and those whole."""
        d = self.daemon("record: {file: record, share: 0.5}\n" + PLAIN,
                        files={"nets.txt": NETS})
        for round_ in range(3):
            for i in range(100):
                d.ask("live.example.com", "A", f"20.{i}.16.0/24")
        d.stop()
        counts = {}
        for query in self.verbs(self.lines(d), "query"):
            counts[query[4]] = counts.get(query[4], 0) + 1
        self.assertEqual(set(counts.values()), {3})
        self.assertTrue(25 <= len(counts) <= 75, len(counts))

    def test_reload_switches(self):
        d = self.daemon(PLAIN, files={"nets.txt": NETS})
        d.ask("live.example.com", "A", "10.1.0.0/24")
        d.write_conf("record: {file: record}\n" + PLAIN)
        d.run("ctl", "reload")
        d.ask("live.example.com", "A", "10.2.0.0/24")
        d.write_conf(PLAIN)
        d.run("ctl", "reload")
        d.ask("live.example.com", "A", "10.3.0.0/24")
        self.eventually(lambda: self.lines(d)[-1].startswith("end "))
        lines = self.lines(d)
        self.check_form(lines)
        self.assertEqual([q[4][:5] for q in self.verbs(lines, "query")],
                         ["10.2."])

    def test_cannot_write(self):
        """It is said, and counted; serving goes on."""
        d = self.daemon("record: {file: /proc/nowhere/record}\n" + PLAIN,
                        files={"nets.txt": NETS})
        for i in range(20):
            d.ask("live.example.com", "A", f"10.1.{i}.0/24")
        self.eventually(lambda: re.search(
            r"(?m)^dnsd_record_dropped_total 20$", d.http("/metrics")[1]))
        self.assertEqual(d.log_text().count("cannot open"), 1)
        self.assertIn("dnsd_record_bytes_total 0\n", d.http("/metrics")[1])

    def test_wrong(self):
        d = self.daemon("record: {size: 1K}\n" + PLAIN,
                        files={"nets.txt": NETS}, start=False)
        done = d.run("check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"dnsd\.yaml:\d+: size: 1K is out of range")
        self.assertRegex(done.stderr, r"dnsd\.yaml:\d+: record: file is missing")
