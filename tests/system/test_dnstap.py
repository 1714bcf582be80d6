"""dnstap: copies of what was asked and answered, on a unix socket."""

import re
import socket
import struct
import subprocess
import time

import dns.edns

from dnstap import Reader, decode, frames_of
from harness import NETS, PATIENCE_S, WAIT_S, Test
from ports import free_port
from test_record import PLAIN
from test_replace import Replaceable

QUERY, RESPONSE = 1, 2


def metric(d, name):
    text = d.http("/metrics")[1]
    return int(float(re.search(rf"(?m)^dnsd_{re.escape(name)} (\S+)$", text)[1]))


class Dnstap(Test):
    def tapped(self, more="", conf=PLAIN, **options):
        """dnsd with tap.sock in its folder."""
        return self.daemon(f"dnstap: {{socket: tap.sock{more}}}\n" + conf,
                           files={"nets.txt": NETS}, **options)

    def reader(self, d):
        reader = Reader(d.folder / "tap.sock")
        self.addCleanup(reader.close)
        self.eventually(lambda: reader.connections)
        return reader

    def exchange(self, d, message, tcp=False, port=0):
        """(query, response, own port) as octets on the wire."""
        octets = message.to_wire() if not isinstance(message, bytes) else message
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as s:
            s.settimeout(WAIT_S)
            s.bind(("127.0.0.1", port))
            s.connect(("127.0.0.1", d.port))
            port = s.getsockname()[1]
            if not tcp:
                s.send(octets)
                return octets, s.recv(65535), port
            s.sendall(struct.pack("!H", len(octets)) + octets)
            stream = s.makefile("rb")
            length, = struct.unpack("!H", stream.read(2))
            return octets, stream.read(length), port

    def check_frames(self, frames, exchanges, tcps, begin):
        """A frame for the query and one for the response of each exchange.

        Of an exchange are those of its port, its transport and its message ID:
        one port may be of UDP and of TCP, and of one exchange after another.
        """
        found = {(f.kind, f.transport, f.port, (f.query or f.response)[:2]): f
                 for f in frames}
        for (query, response, port), tcp in zip(exchanges, tcps):
            of = "tcp" if tcp else "udp", port, query[:2]
            asked, answered = found[QUERY, *of], found[RESPONSE, *of]
            self.assertEqual(asked.query, query)
            self.assertEqual(answered.response, response)
            self.assertIsNone(asked.response)
            for frame in asked, answered:
                self.assertEqual(frame.address, "127.0.0.1")
                self.assertEqual(frame.family, socket.AF_INET)
                self.assertEqual(frame.transport, "tcp" if tcp else "udp")
                self.assertRegex(frame.version, r"^dnsd \d+\.\d+\.\d+$")
            when = asked.query_s + asked.query_ns / 1e9
            then = answered.response_s + answered.response_ns / 1e9
            self.assertTrue(begin - 1 <= when <= then <= time.time() + 1)
            self.assertEqual((answered.query_s, answered.query_ns),
                             (asked.query_s, asked.query_ns))

    def ask_some(self, d):
        """Over UDP and TCP, steered and not, with a client subnet and without.

        Each over both from one port, as it may happen.
        """
        questions = [d.query("live.example.com", "A", "10.1.2.0/24"),
                     d.query("ns1.example.com"),
                     d.query("nothing.example.com", "AAAA"),
                     d.query("live.example.com", "HTTPS", "2001:db8:1::/48"),
                     d.query("elsewhere.test")]
        tcps = [False, True] * len(questions)
        ports = [port for _ in questions for port in 2 * [free_port()]]
        return [self.exchange(d, questions[i // 2], tcp, ports[i])
                for i, tcp in enumerate(tcps)], tcps

    def test_octets(self):
        d = self.tapped(", identity: ns7")
        reader = self.reader(d)
        begin = time.time()
        exchanges, tcps = self.ask_some(d)
        frames = reader.wait(2 * len(exchanges))
        self.check_frames(frames, exchanges, tcps, begin)
        self.assertEqual({f.identity for f in frames}, {"ns7"})
        self.eventually(lambda: metric(d, "dnstap_frames_total") ==
                        2 * len(exchanges))
        self.assertEqual(metric(d, "dnstap_connected"), 1)
        self.assertEqual(metric(d, "dnstap_dropped_total"), 0)

    def test_debian_reads_it(self):
        """fstrm_capture writes a file that dnstap-read, of BIND, reads."""
        d = self.tapped(conf="server_id: ns8\n" + PLAIN)
        capture = subprocess.Popen(
            ["fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u",
             str(d.folder / "tap.sock"), "-w", str(d.folder / "file")],
            stderr=subprocess.DEVNULL)
        self.addCleanup(capture.kill)
        self.eventually(lambda: metric(d, "dnstap_connected"))
        begin = time.time()
        exchanges, tcps = self.ask_some(d)
        self.eventually(lambda: metric(d, "dnstap_frames_total") ==
                        2 * len(exchanges))
        self.assertEqual(d.stop(), 0)
        # What dnsd has ended, the reader has wholly read and may write.
        capture.terminate()
        self.assertEqual(capture.wait(PATIENCE_S), 0)
        frames = [decode(f) for f in
                  frames_of((d.folder / "file").read_bytes())]
        self.assertEqual(len(frames), 2 * len(exchanges))
        self.check_frames(frames, exchanges, tcps, begin)
        self.assertEqual({f.identity for f in frames}, {"ns8"})
        text = subprocess.run(["dnstap-read", d.folder / "file"], text=True,
                              capture_output=True, check=True).stdout
        lines = text.splitlines()
        self.assertEqual(len(lines), len(frames), text)
        for line, frame in zip(lines, frames):
            self.assertRegex(line, rf" {'AQ' if frame.kind == QUERY else 'AR'} "
                                   rf"127\.0\.0\.1:{frame.port} ")
            self.assertIn("TCP" if frame.transport == "tcp" else "UDP", line)
        self.assertIn("live.example.com/IN/HTTPS", text)

    def test_ipv6(self):
        d = self.tapped(start=False)
        d.head = re.sub("listen: .*", f"listen: [\"[::1]:{d.port}\"]", d.head, 1)
        d.write_conf("dnstap: {socket: tap.sock}\n" + PLAIN)
        d.start()
        reader = self.reader(d)
        d.ask("live.example.com", where="::1")
        self.assertEqual({(f.address, f.family) for f in reader.wait(2)},
                         {("::1", socket.AF_INET6)})

    def test_reader_goes_and_comes(self):
        """What it missed in a moment is kept; it is said once when it goes."""
        d = self.tapped()
        self.eventually(lambda: "dnstap: " in d.log_text())
        early = self.exchange(d, d.query("live.example.com"))
        reader = self.reader(d)
        self.assertEqual(reader.wait(2)[0].query, early[0])
        for _ in range(2):
            before = d.log_text().count("the reader has gone")
            reader.close()
            self.eventually(lambda: d.log_text().count(
                "the reader has gone; answers go on") == before + 1)
            self.eventually(lambda: not metric(d, "dnstap_connected"))
            missed = [self.exchange(d, d.query("live.example.com"), tcp)
                      for tcp in (False, True)]
            reader = self.reader(d)
            self.assertEqual({f.query for f in reader.wait(4)} - {None},
                             {query for query, _, _ in missed})
        self.assertEqual(d.log_text().count("dnstap: connected to"), 3)
        self.assertEqual(d.log_text().count("the reader has gone"), 2)
        self.assertEqual(metric(d, "dnstap_dropped_total"), 0)

    def fill(self, d, enough):
        """Asks with long questions until enough() holds; how many times."""
        query = d.query("live.example.com", options=[
            dns.edns.GenericOption(12, bytes(3800))]).to_wire(max_size=4096)
        asked = 0
        end = time.monotonic() + PATIENCE_S * 3
        while not enough():
            for _ in range(200):
                self.exchange(d, query)
                asked += 1
            self.assertLess(time.monotonic(), end)
        return asked

    def test_no_room(self):
        """Each frame is counted once: as one that is sent, or dropped."""
        d = self.tapped()
        asked = self.fill(d, lambda: metric(d, "dnstap_dropped_total"))
        reader = self.reader(d)
        self.eventually(lambda: metric(d, "dnstap_frames_total") +
                        metric(d, "dnstap_dropped_total") == 2 * asked)
        frames = reader.wait(metric(d, "dnstap_frames_total"))
        self.assertGreater(len(frames), 2 * 1000)
        last = self.exchange(d, d.query("ns1.example.com"))
        self.assertEqual(reader.wait(len(frames) + 2)[-2].query, last[0])

    def test_reader_stalls(self):
        """Answers go on; what comes later is whole."""
        d = self.tapped()
        reader = self.reader(d)
        reader.reads.clear()
        self.fill(d, lambda: metric(d, "dnstap_dropped_total"))
        answer = self.exchange(d, d.query("live.example.com"), True)
        self.assertEqual(answer[0][:2], answer[1][:2])
        reader.reads.set()
        self.eventually(lambda: metric(d, "dnstap_connected"))
        asked = set()

        def one_came():
            asked.add(self.exchange(d, d.query("ns1.example.com"))[0])
            return asked & {f.query for f in reader.frames[-200:]}
        self.eventually(one_came)

    def test_stop_while_it_stalls(self):
        d = self.tapped()
        reader = self.reader(d)
        reader.reads.clear()
        self.fill(d, lambda: metric(d, "dnstap_dropped_total"))
        self.assertEqual(d.stop(), 0)

    def test_other_content(self):
        """A reader of something else is refused by libfstrm, and that is said."""
        d = self.tapped(start=False)
        reader = Reader(d.folder / "tap.sock", content=b"something")
        self.addCleanup(reader.close)
        d.start()
        self.eventually(lambda: "it does not read protobuf:dnstap.Dnstap" in
                        d.log_text())
        self.assertTrue(d.ask("live.example.com").answer)

    def test_sample(self):
        """Half of the answers, and these whole."""
        d = self.tapped(", sample: 0.5")
        reader = self.reader(d)
        for _ in range(200):
            self.exchange(d, d.query("ns1.example.com"))
        self.assertEqual(d.stop(), 0)
        self.eventually(lambda: reader.ended)
        kinds = [f.kind for f in reader.frames]
        self.assertEqual(kinds.count(QUERY), kinds.count(RESPONSE))
        self.assertTrue(50 <= kinds.count(QUERY) <= 150, len(kinds))

    def test_reload(self):
        d = self.daemon(PLAIN, files={"nets.txt": NETS})
        self.exchange(d, d.query("ns1.example.com"))
        self.assertEqual(metric(d, "dnstap_dropped_total"), 0)
        for connections, name in enumerate(("one", "two"), 1):
            d.write_conf(f"dnstap: {{socket: tap.sock, identity: {name}}}\n" + PLAIN)
            d.run("ctl", "reload")
            if name == "one":
                reader = self.reader(d)
            self.eventually(lambda: reader.connections == connections)
            asked = self.exchange(d, d.query("live.example.com"))
            self.eventually(lambda: (asked[0], name) in [
                (f.query, f.identity) for f in reader.frames])
        d.write_conf(PLAIN)
        d.run("ctl", "reload")
        self.eventually(lambda: reader.ended == 2)
        self.eventually(lambda: metric(d, "dnstap_connected") == 0)
        off = self.exchange(d, d.query("live.example.com"))
        d.write_conf("dnstap: {socket: tap.sock}\n" + PLAIN)
        d.run("ctl", "reload")
        self.eventually(lambda: reader.connections == 3)
        asked = self.exchange(d, d.query("live.example.com"))
        self.eventually(lambda: asked[0] in [f.query for f in reader.frames])
        self.assertNotIn(off[0], [f.query for f in reader.frames])
        self.assertEqual({f.identity for f in reader.frames},
                         {"one", "two", socket.gethostname()})

    def test_off(self):
        """What no reader took until then does not come later."""
        d = self.tapped()
        early = self.exchange(d, d.query("live.example.com"))
        on = d.conf_text()[len(d.head):]
        for conf in (PLAIN, on):
            d.write_conf(conf)
            d.run("ctl", "reload")
        self.eventually(lambda: metric(d, "dnstap_dropped_total") == 2)
        reader = self.reader(d)
        late = self.exchange(d, d.query("live.example.com"))
        self.assertEqual(reader.wait(2)[0].query, late[0])
        self.assertNotEqual(early[0], late[0])

    def test_replace(self):
        """The new process has a connection of its own; nothing is missing."""
        d = Replaceable("dnstap: {socket: tap.sock}\n" + PLAIN,
                        files={"nets.txt": NETS})
        self.addCleanup(d.close)
        reader = self.reader(d)
        stream = socket.create_connection(("127.0.0.1", d.port), WAIT_S)
        self.addCleanup(stream.close)
        port = stream.getsockname()[1]
        before = self.exchange(d, d.query("live.example.com"))
        d.replace()
        self.eventually(lambda: reader.connections == 2 and reader.ended == 1)
        query = d.query("live.example.com").to_wire()
        stream.sendall(struct.pack("!H", len(query)) + query)
        self.assertTrue(stream.recv(65535))
        frames = reader.wait(4)
        self.assertEqual([f.query for f in frames if f.query],
                         [before[0], query])
        self.assertEqual(frames[2].port, port)

    def test_wrong(self):
        d = self.daemon(PLAIN, files={"nets.txt": NETS, "plain": ""}, start=False)
        for value, line in (
                ("{sample: 0.5}", "dnstap: socket is missing"),
                ("{socket: plain}", f"dnstap: {d.folder}/plain is no socket"),
                (f"{{socket: /{'x' * 110}}}",
                 f"dnstap: /{'x' * 110} is too long for a socket"),
                ("{socket: a, sample: 2}", "sample: 2 is out of range"),
                (f"{{socket: a, identity: {'i' * 256}}}",
                 "dnstap: identity is longer than 255 octets")):
            d.write_conf(f"dnstap: {value}\n" + PLAIN)
            done = d.run("check", check=False)
            self.assertEqual(done.returncode, 1, value)
            self.assertRegex(done.stderr, r"dnsd\.yaml:\d+: " + re.escape(line))
