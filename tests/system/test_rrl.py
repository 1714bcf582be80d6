"""Response rate limiting, with networks of loopback."""

import socket

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query

from harness import NETS, WAIT_S, Test
from test_dns import CONF, ZONE
from test_dnstap import metric

FLOOD, OTHER = "127.9.0.", "127.10.0."
TRUSTED = "trusted: [127.0.0.1/32]\n"   # loopback has no limit else


def is_empty(answer):
    return bool(answer.flags & dns.flags.TC) and not answer.answer


class Limits(Test):
    def start(self, rrl):
        return self.daemon(f"rrl: {rrl}\n{TRUSTED}{CONF}",
                           files={"zone": ZONE, "nets.txt": NETS})

    def ask(self, d, source, tcp=False, **more):
        query = d.query("www.example.com", **more)
        how = dns.query.tcp if tcp else dns.query.udp
        return how(query, "127.0.0.1", port=d.port, source=source,
                   timeout=WAIT_S)

    def flood(self, d, n=50):
        """Each from another address and port; no answer is read."""
        wire = d.query("www.example.com").to_wire()
        for i in range(n):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind((f"{FLOOD}{i % 200 + 1}", 0))
                s.sendto(wire, ("127.0.0.1", d.port))

    def test_one_network(self):
        """While one network floods, another has all that it may have."""
        d = self.start("{rate: 20}")
        self.assertEqual(metric(d, "rrl_truncated_total"), 0)

        def flooded():
            self.flood(d)
            return metric(d, "rrl_truncated_total") > 100
        self.eventually(flooded)
        for i in range(20):
            self.flood(d, 20)
            answer = self.ask(d, f"{OTHER}{i + 1}")
            self.assertFalse(answer.flags & dns.flags.TC)
            self.assertEqual(answer.answer[0][0].address, "192.0.2.80")
        self.eventually(lambda: "answers to 127.9.0.0/24 are limited\n"
                        in d.log_text())
        self.assertEqual(d.log_text().count("rrl: "), 1)
        self.assertEqual(metric(d, "rrl_dropped_total"), 0)
        self.assertGreaterEqual(metric(d, "truncated_total"),
                                metric(d, "rrl_truncated_total"))
        self.assertRegex(d.run("ctl", "status"),
                         r"rate limit +20 answers/s to a network; "
                         r"beyond it \d+ had TC, 0 were not sent")

    def test_clients_come_over_tcp(self):
        d = self.start("{rate: 1}")
        query = d.query("www.example.com")

        def limited():
            self.flood(d)
            return is_empty(self.ask(d, FLOOD + "7"))
        self.eventually(limited)
        answer, tcp = dns.query.udp_with_fallback(
            query, "127.0.0.1", port=d.port, source=FLOOD + "7",
            timeout=WAIT_S)
        self.assertEqual(answer.answer[0][0].address, "192.0.2.80")
        client = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")
        answer = self.ask(d, FLOOD + "7", tcp=True, use_edns=0,
                          options=[client])
        cookie = next(o for o in answer.options
                      if o.otype == dns.edns.OptionType.COOKIE)
        for _ in range(20):     # with its cookie it has no limit
            answer = self.ask(d, FLOOD + "7", use_edns=0, options=[cookie])
            self.assertEqual(answer.answer[0][0].address, "192.0.2.80")
        for _ in range(20):     # as a trusted one
            self.assertTrue(self.ask(d, "127.0.0.1").answer)

    def test_reload(self):
        """Another slip and another rate, at once."""
        d = self.start("{rate: 1, slip: 0}")

        def dropped():
            self.flood(d)
            return metric(d, "rrl_dropped_total") > 100
        self.eventually(dropped)
        self.assertEqual(metric(d, "rrl_truncated_total"), 0)
        d.write_conf(d.conf_text().split(d.head)[1]
                     .replace("slip: 0", "slip: 2"))
        d.run("ctl", "reload")

        def every_second():
            self.flood(d)
            return metric(d, "rrl_truncated_total") > 100
        self.eventually(every_second)
        d.write_conf(d.conf_text().split(d.head)[1]
                     .replace("rate: 1", "rate: 0"))
        d.run("ctl", "reload")
        for i in range(50):
            self.assertTrue(self.ask(d, f"{FLOOD}{i + 1}").answer)
        self.assertNotIn("rate limit", d.run("ctl", "status"))
