"""Zones of other name servers: how they come, what is kept, when they are not answered
from; BIND, Knot and NSD as primaries."""

import os
import socket
import time

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.zone

from harness import Test
from name_servers import SECRET, NameServers, bind, key, knot, nsd
from ports import free_port
from primary_standin import Primary
from test_dnstap import metric
from test_replace import Replaceable
from test_transfer import OTHER, lines

ZONE = """$TTL 300
@ 3600 SOA ns1 hostmaster %d 3600 600 86400 60
@ NS ns1
ns1 A 192.0.2.1
mail A 192.0.2.25
www CNAME mail
"""
MORE = "".join(f"host{i} A 192.0.2.{i}\n" for i in range(1, 60))


def rrset(line):
    """Of "x A 192.0.2.1", in example.com."""
    owner, rdtype, rdata = line.split(" ", 2)
    return dns.rrset.from_text(owner + ".example.com.", 300, "IN", rdtype, rdata)


class Secondaries(Test):
    def primary(self, text=ZONE % 1, **options):
        primary = Primary(text, **options)
        self.addCleanup(primary.close)
        return primary

    def secondary(self, *primaries, key="", more="", options=None, start=True,
                  daemon=None):
        """dnsd with example.com from these ports."""
        ports = ", ".join(f'"127.0.0.1:{p}"' for p in primaries)
        text = f"""
tsig: {{ns2: {{secret: "{SECRET}"}}, other: {{secret: "{OTHER}"}}}}
zones:
  example.com:
    from: {{primary: [{ports}]{key and f', key: {key}'}}}
{more}nodes: {{a: {{address: [192.0.2.11], at: [1, 1], api: off, rtmp: off}}}}
steer: {{live.example.com: {{pool: [edge]}}}}
"""
        if daemon:
            daemon.write_conf(text)
            return daemon
        self.d = self.daemon(text, start=start, **(options or {}))
        return self.d

    def file(self):
        return self.d.folder / "dnsd.zones/example.com.zone"

    def serial(self):
        answer = self.d.ask("example.com", "SOA")
        return answer.answer[0][0].serial if answer.answer else None

    def has(self, serial):
        self.eventually(lambda: self.serial() == serial, f"serial {serial}")

    def status(self, zone="example.com"):
        return next((z for z in self.d.http("/api/v1/status")[1]["secondaries"]
                     if z["zone"] == zone), {"here": False, "why": ""})

    def failed(self, why):
        self.eventually(lambda: self.assertIn(why, self.status()["why"]) is None)

    def said(self, pattern):
        self.eventually(lambda: self.assertRegex(
            self.d.run("ctl", "status"), pattern) is None)

    def refresh(self, *words):
        self.d.run("ctl", "refresh", *words)

    def not_here(self):
        for name in "example.com", "www.example.com", "live.example.com":
            answer = self.d.ask(name, use_edns=0, ednsflags=0)
            self.assertEqual(answer.rcode(), dns.rcode.SERVFAIL)
            self.assertEqual([o.code for o in answer.options], [14])
            self.assertFalse(answer.flags & dns.flags.AA)

    def notify(self, name="example.com", rdtype="SOA", by=None, source=None,
               rdclass="IN"):
        query = dns.message.make_query(name, rdtype, rdclass)
        query.set_opcode(dns.opcode.NOTIFY)
        query.flags = (query.flags | dns.flags.AA) & ~dns.flags.RD
        if by:
            query.use_tsig(by)
        answer = dns.query.udp(query, "127.0.0.1", 5, self.d.port, source=source)
        self.assertEqual(answer.opcode(), dns.opcode.NOTIFY)
        return answer


class Comes(Secondaries):
    def test_at_the_start(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        self.assertEqual(self.d.addresses("www.example.com"), ["192.0.2.25"])
        self.assertEqual(self.d.addresses("live.example.com"), ["192.0.2.11"])
        self.assertEqual(self.d.addresses("a.example.com"), ["192.0.2.11"])
        self.eventually(lambda: self.status()["here"])
        status = self.status()
        self.assertEqual(
            (status["here"], status["serial"], status["transfers"], status["why"],
             status["primary"]),
            (True, 1, 1, "", f"127.0.0.1:{primary.port}"))
        self.assertGreater(status["expires_in_s"], 86400 - 600)
        self.assertGreater(status["asked_in_s"], 3000)
        self.said(r"secondary example.com +from 127.0.0.1:\d+: serial 1, current ")
        self.assertGreater(metric(
            self.d, 'secondary_left_seconds{zone="example.com"}'), 86000)

    def test_not_yet(self):
        port = free_port()
        self.secondary(port)
        self.not_here()
        self.assertEqual(self.d.ask("example.com", "AXFR", tcp=True).rcode(),
                         dns.rcode.SERVFAIL)
        self.failed("Connection refused")
        self.said("secondary example.com .*it has not come yet; .*refused")
        self.eventually(lambda: "secondary_left" in self.d.http("/metrics")[1])
        self.assertEqual(metric(
            self.d, 'secondary_left_seconds{zone="example.com"}'), 0)

    def test_kept_over_a_restart(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        self.d.stop()
        primary.close()
        self.d.start()
        self.assertEqual(self.serial(), 1)
        self.assertEqual(self.d.addresses("live.example.com"), ["192.0.2.11"])
        self.failed("Connection refused")
        self.assertEqual(self.serial(), 1)
        self.assertIn("mail.example.com.", self.file().read_text())

    def test_check_needs_no_primary(self):
        self.secondary(free_port(), start=False)
        self.assertIn("ok", self.d.run("check"))

    def test_newer(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        primary.text = ZONE % 2 + "new A 192.0.2.77\n"
        self.refresh()
        self.has(2)
        self.assertEqual(self.d.addresses("new.example.com"), ["192.0.2.77"])
        self.assertEqual(primary.asked, ["AXFR", "SOA", "AXFR"])
        # By the SOA alone nothing is transferred again, and the file is current.
        before = time.time() - 1000
        os.utime(self.file(), (before, before))
        self.refresh("example.com")
        self.eventually(lambda: self.file().stat().st_mtime > before + 500)
        self.assertEqual(primary.asked[3:], ["SOA"])

    def test_serials_wrap(self):
        primary = self.primary(ZONE % 4294967295)
        self.secondary(primary.port)
        self.has(4294967295)
        primary.text = ZONE % 3
        self.refresh()
        self.has(3)

    def test_older(self):
        primary = self.primary(ZONE % 7)
        self.secondary(primary.port)
        self.has(7)
        primary.text = ZONE % 6 + "new A 192.0.2.77\n"
        self.refresh()
        self.eventually(lambda: "serial 6, older than 7" in self.d.log_text())
        self.assertEqual(self.serial(), 7)
        self.refresh("--force")
        self.has(6)

    def test_refresh_is_for_zones_of_others(self):
        self.secondary(free_port(), more="  other.example: {ns: "
                                         "[\"ns1.other.example 192.0.2.1\"]}\n")
        for words in (("other.example",), ("x.example",), ("a", "b")):
            done = self.d.run("ctl", "refresh", *words, check=False)
            self.assertNotEqual(done.returncode, 0)

    def test_the_second_of_two(self):
        primary = self.primary()
        self.secondary(free_port(), primary.port)
        self.has(1)
        self.assertIn("Connection refused", self.d.log_text())

    def test_the_newer_of_two(self):
        first, second = self.primary(), self.primary(ZONE % 1)
        self.secondary(first.port, second.port)
        self.has(1)
        second.text = ZONE % 2
        self.refresh()
        self.has(2)
        self.assertEqual(self.status()["primary"], f"127.0.0.1:{second.port}")

    def test_by_the_soa_after_refresh(self):
        zone = ZONE.replace("3600 600", "1 1")
        primary = self.primary(zone % 1)
        self.secondary(primary.port)
        self.has(1)
        primary.text = zone % 2
        self.has(2)

    def test_many_messages(self):
        primary = self.primary(ZONE % 1 + "".join(
            f"host{i} TXT \"{'x' * 200}\"\n" for i in range(3000)), key=key())
        self.secondary(primary.port, key="ns2")
        self.has(1)
        self.assertEqual(lines(self.transferred()), lines(primary.rrsets()[:-1]))

    def transferred(self):
        """What the file holds."""
        zone = dns.zone.from_text(self.file().read_text(), "example.com",
                                  relativize=False)
        return [dns.rrset.from_rdata_list(name, r.ttl, list(r))
                for name, r in zone.iterate_rdatasets()]

    def test_other_zones_are_not_held_up(self):
        stalls = self.primary()
        stalls.spoil = lambda query, wires: []
        other = self.primary(origin="school.example")
        self.secondary(stalls.port, more=f"""  school.example:
    from: {{primary: ["127.0.0.1:{other.port}"]}}
""")
        self.eventually(lambda: self.d.ask("school.example", "SOA").answer)
        self.not_here()

    def test_signed_here(self):
        primary = self.primary()
        self.secondary(primary.port, start=False)
        (self.d.folder / "keys").mkdir(exist_ok=True)
        self.secondary(primary.port, more="    dnssec: {keys: keys}\n", daemon=self.d)
        self.d.run("keys", "generate", "example.com")
        self.d.start()
        self.has(1)
        answer = self.d.ask("www.example.com", want_dnssec=True)
        self.assertEqual([r.rdtype for r in answer.answer].count(dns.rdatatype.RRSIG),
                         2)

    def test_signatures_of_the_primary_are_left_out(self):
        rrsig = ("RRSIG A 13 3 300 20370101000000 20260101000000 1 example.com. "
                 + "A" * 86 + "==")
        primary = self.primary(ZONE % 1 + f"mail {rrsig}\nmail NSEC ns1 A\n")
        self.secondary(primary.port)
        self.has(1)
        self.assertNotIn("RRSIG", self.file().read_text())
        self.assertIn("2 records of that are left out", self.d.log_text())
        self.assertEqual(self.d.addresses("mail.example.com"), ["192.0.2.25"])


class Notified(Secondaries):
    def serve(self, **options):
        self.other = self.primary(**options)
        self.secondary(self.other.port, key="ns2" if options else "")
        self.has(1)
        self.other.text = ZONE % 2

    def test_by_address(self):
        self.serve()
        answer = self.notify()
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertTrue(answer.flags & dns.flags.AA)
        self.has(2)

    def test_by_key(self):
        self.serve(key=key())
        answer = self.notify(by=key(), source="127.0.0.7")
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertTrue(answer.had_tsig)
        self.has(2)

    def test_not_by_others(self):
        self.serve(key=key())
        self.assertEqual(self.notify(source="127.0.0.7").rcode(), dns.rcode.REFUSED)
        self.assertEqual(self.notify(by=key("other", OTHER), source="127.0.0.7")
                         .rcode(), dns.rcode.REFUSED)
        for name, rdtype in (("www.example.com", "SOA"), ("example.net", "SOA"),
                             ("example.com", "A")):
            self.assertEqual(self.notify(name, rdtype).rcode(), dns.rcode.NOTAUTH)
        with self.assertRaises(dns.tsig.PeerBadSignature):
            self.notify(by=key("ns2", OTHER))
        # What is asked after that is answered with what was here.
        self.assertEqual((self.serial(), self.other.asked), (1, ["AXFR"]))

    def test_without_such_zones(self):
        self.d = self.daemon("zones: {example.com: {ns: [\"ns1.example.com "
                             "192.0.2.1\"]}}\n")
        self.assertEqual(self.notify().rcode(), dns.rcode.NOTIMP)

    def test_while_it_asks(self):
        """A change that is notified while the SOA is asked for is not missed."""
        self.serve()

        def answer_late(query, wires):
            self.other.spoil = None
            self.other.text = ZONE % 3
            self.notify()
            return wires
        self.other.spoil = answer_late
        self.notify()
        self.has(3)


class Bad(Secondaries):
    """What was here goes on; why is said."""

    def test_not_taken(self):
        def edit(change):
            def spoil(query, wires):
                if query.question[0].rdtype != dns.rdatatype.AXFR:
                    return wires
                messages = [dns.message.from_wire(w, xfr=True) for w in wires]
                change(messages)
                return [m.to_wire(max_size=65535) for m in messages]
            return spoil

        def rcode(m):
            m[0].set_rcode(dns.rcode.REFUSED)
            m[0].answer = []

        def last_soa(m):
            m[-1].answer[-1] = dns.rrset.from_text(
                "example.com.", 3600, "IN", "SOA", "ns1.example.com. h. 9 1 1 1 1")

        def outside(m):
            m[0].answer.insert(1, dns.rrset.from_text("example.net.", 1, "IN", "A",
                                                      "192.0.2.9"))

        def two(m):
            m[-1].answer.append(m[0].answer[1])

        def truncated(m):
            m[0].flags |= dns.flags.TC

        def other_question(m):
            m[0].question[0].name = dns.name.from_text("example.net")

        def other_class(m):
            m[0].answer.insert(1, dns.rrset.from_text("mail.example.com.", 1, "CH",
                                                      "TXT", "x"))
        for n, (spoil, why) in enumerate((
                (edit(rcode), "answers REFUSED"),
                (edit(last_soa), "the SOA at the end is another one"),
                (edit(outside), "example.net is not in the zone"),
                (edit(two), "behind the last SOA"),
                (edit(truncated), "truncated"),
                (edit(other_question), "to another question"),
                (edit(other_class), "not of class IN"),
                (edit(lambda m: m[0].answer.pop(0)), "the first record is no SOA"),
                (edit(lambda m: setattr(m[0], "id", m[0].id ^ 1)), "no answer"),
                (edit(lambda m: setattr(m[0], "answer", [])), "without records"),
                (lambda q, w: [w[0][:-30]], "malformed"),
                (lambda q, w: [w[0][:8]], "no answer to the question"),
                (lambda q, w: [w[0][:12] + b"\xc0\x0c" + w[0][14:]],
                 "another question"))):
            with self.subTest(why):
                primary = self.primary()
                self.secondary(primary.port)
                self.has(1)
                primary.text = ZONE % (2 + n)
                only_axfr = spoil
                primary.spoil = lambda q, w: only_axfr(q, w) if \
                    q.question[0].rdtype == dns.rdatatype.AXFR else w
                self.refresh()
                self.failed(why)
                self.assertEqual(self.serial(), 1)
                self.assertEqual(self.d.addresses("www.example.com"), ["192.0.2.25"])
                self.assertEqual(os.listdir(self.file().parent), ["example.com.zone"])
                self.assertEqual(metric(
                    self.d, 'secondary_transfers_total{zone="example.com",'
                    'result="failed"}'), 1)
                # It is taken when it is right.
                primary.spoil = None
                self.refresh()
                self.has(2 + n)
                self.eventually(lambda: self.status()["why"] == "")
                self.d.stop()

    def test_ends_before_the_zone(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        primary.text = ZONE % 2 + MORE

        def end(query, wires):
            if len(wires) > 1:
                primary.close()
                return []
            return wires
        primary.spoil = end
        self.refresh()
        self.failed("the connection ended before the zone did")
        self.assertEqual(self.serial(), 1)

    def test_zones_that_cannot_be(self):
        """As a file they would be refused; what is steered stands on top."""
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        for serial, (more, why) in enumerate((
                (["live A 192.0.2.66"], "live.example.com"),
                (["x CNAME mail.example.com.", "x A 192.0.2.1"], "CNAME"),
                (["d DNAME mail.example.com.", "below.d A 192.0.2.1"], "DNAME"),
                (["live NS ns1.example.com."], "cut")), 2):
            with self.subTest(more):
                primary.text = ZONE % serial
                primary.more = [rrset(line) for line in more]
                self.refresh()
                self.failed(why)
                self.assertEqual(self.serial(), 1)
                self.assertEqual(self.d.addresses("live.example.com"), ["192.0.2.11"])
        self.d.run("ctl", "reload")
        self.assertEqual(self.serial(), 1)
        primary.more = []
        primary.text = ZONE % 9
        self.refresh()
        self.has(9)

    def test_shrinks(self):
        primary = self.primary(ZONE % 1 + MORE)
        self.secondary(primary.port)
        self.has(1)
        primary.text = ZONE % 2
        self.refresh()
        self.failed("5 records came, less than half of the 64 here")
        self.assertEqual(self.d.addresses("host9.example.com"), ["192.0.2.9"])
        # Also after a restart.
        self.d.stop()
        self.d.start()
        self.failed("less than half of the 64")
        self.refresh("example.com", "--force")
        self.has(2)
        self.assertEqual(self.d.ask("host9.example.com").rcode(), dns.rcode.NXDOMAIN)

    def test_the_configuration_is_broken_meanwhile(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        good = self.d.conf_text()
        self.d.write("dnsd.yaml", good + "nonsense: 1\n")
        primary.text = ZONE % 2
        self.refresh()
        self.failed("unknown key 'nonsense'")
        self.assertEqual(self.serial(), 1)
        self.d.write("dnsd.yaml", good)
        self.refresh()
        self.has(2)

    def test_what_is_kept_is_broken(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        self.d.stop()
        self.file().write_text("nonsense\n")
        self.d.start()
        self.has(1)
        self.assertIn("is transferred again", self.d.log_text())
        # While it is in service, a reload does not lose it.
        self.file().write_text("nonsense\n")
        self.assertNotEqual(self.d.run("ctl", "reload", check=False).returncode, 0)
        self.assertEqual(self.serial(), 1)

    def test_conflicts_of_a_new_configuration(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        self.d.write_conf(self.d.conf_text().replace(self.d.head, "")
                          .replace("live.example.com", "mail.example.com"))
        done = self.d.run("ctl", "reload", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("mail.example.com", done.stderr)
        self.assertEqual(self.d.addresses("live.example.com"), ["192.0.2.11"])


class Keys(Secondaries):
    def test_signed(self):
        for sign_each in 1, 3:
            primary = self.primary(ZONE % 1 + MORE * 1, key=key(),
                                   sign_each=sign_each)
            self.secondary(primary.port, key="ns2")
            self.has(1)
            primary.text = ZONE % 2 + MORE
            self.refresh()
            self.has(2)
            self.d.stop()

    def refused(self, key_here, by, why, spoil=None, **options):
        primary = self.primary(ZONE % 1 + MORE, key=by, **options)
        primary.spoil = spoil
        self.secondary(primary.port, key=key_here)
        self.failed(why)
        self.not_here()
        self.assertEqual(os.listdir(self.file().parent), [])
        self.d.stop()

    def test_not_signed(self):
        """The primary does not know of keys."""
        def plain(query, wires):
            query.tsig, query.keyring = None, None
            return [dns.message.make_response(query).to_wire()]
        self.refused("ns2", key(), "is not signed", plain)

    def test_a_message_in_between_is_changed(self):
        def change(query, wires):
            at = wires[1].index(b"\xc0\x00\x02", 1)      # 192.0.2.
            wires[1] = wires[1][:at] + b"\xc1" + wires[1][at + 1:]
            return wires
        for sign_each in 1, 9:
            self.refused("ns2", key(), "BADSIG", change, sign_each=sign_each)

    def test_a_message_in_between_is_left_out(self):
        self.refused("ns2", key(), "BADSIG", lambda q, w: [w[0], *w[2:]])

    def test_the_last_is_not_signed(self):
        def strip(query, wires):
            at = wires[-1].rindex(b"\3ns2\0\0\xfa")     # its TSIG
            return [*wires[:-1], wires[-1][:10] + b"\0\0" + wires[-1][12:at]]
        self.refused("ns2", key(), "the last message is not signed", strip)

    def test_another_secret(self):
        primary = self.primary(key=key("ns2", OTHER))

        def refuse(query, wires):
            return wires
        primary.spoil = refuse
        self.secondary(primary.port, key="ns2")
        self.failed("the connection ended")
        self.not_here()

    def test_signed_without_a_key_here(self):
        port = free_port()
        self.secondary(port, start=False)
        done = self.d.run("check", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_key_changes(self):
        primary = self.primary(key=key("other", OTHER))
        self.secondary(primary.port, key="ns2")
        self.failed("the connection ended")
        self.secondary(primary.port, key="other", daemon=self.d)
        self.d.run("ctl", "reload")
        self.has(1)


class Expires(Secondaries):
    ZONE = ZONE.replace("3600 600 86400", "1 1 3")

    def test_and_comes_back(self):
        primary = self.primary(self.ZONE % 1)
        self.secondary(primary.port)
        self.has(1)
        primary.spoil = lambda query, wires: []
        self.eventually(lambda: self.serial() is None)
        self.not_here()
        self.assertIn("example.com has expired", self.d.log_text())
        self.said("secondary example.com .*it has expired")
        self.eventually(lambda: "secondary_left" in self.d.http("/metrics")[1])
        self.eventually(lambda: metric(
            self.d, 'secondary_left_seconds{zone="example.com"}') == 0)
        primary.spoil = None
        for connection in list(primary.connections):
            connection.shutdown(socket.SHUT_RDWR)
        self.has(1)

    def test_while_it_does_not_run(self):
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        self.d.stop()
        primary.close()
        long_ago = time.time() - 86400
        os.utime(self.file(), (long_ago, long_ago))
        self.d.start()
        self.not_here()
        os.utime(self.file(), (long_ago + 600, long_ago + 600))
        self.d.stop()
        self.d.start()
        self.assertEqual(self.serial(), 1)


class Reloads(Secondaries):
    def test_another_primary(self):
        first, second = self.primary(), self.primary(ZONE % 2)
        self.secondary(first.port)
        self.has(1)
        self.secondary(second.port, daemon=self.d)
        self.d.run("ctl", "reload")
        self.has(2)

    def test_it_becomes_a_file(self):
        """The file that is kept can be used as it is, when the primary is gone."""
        primary = self.primary()
        self.secondary(primary.port)
        self.has(1)
        primary.close()
        self.d.write_conf(f"zones: {{example.com: {{file: {self.file()}}}}}\n")
        self.d.run("ctl", "reload")
        self.assertEqual(self.serial(), 1)
        self.eventually(
            lambda: self.d.http("/api/v1/status")[1]["secondaries"] == [])

    def test_bad(self):
        for key_words, why in (
                ('from: {primary: ["x"]}', "'x' is not ADDRESS"),
                ('from: {primary: ["127.0.0.1:1"], key: none}', "no key of tsig"),
                ('from: {key: ns2}', "no file, no ns, no from"),
                ('{from: {primary: ["127.0.0.1:1"]}, ns: ["a 192.0.2.1"]}',
                 "from, and file or ns as well")):
            self.secondary(free_port(), start=False)
            text = self.d.conf_text()
            at, end = text.index("from: {"), text.index("\n", text.index("from: {"))
            self.d.write("dnsd.yaml", text[:at] + key_words.strip("{}") + (
                "}" if key_words[0] != "{" else "") + text[end:])
            if key_words[0] == "{":
                self.d.write("dnsd.yaml", text[:at].rstrip() + " " + key_words
                             + text[end:])
            done = self.d.run("check", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(why, done.stderr)


class Replaced(Secondaries):
    def test_goes_on(self):
        primary = self.primary()
        ports = f'"127.0.0.1:{primary.port}"'
        self.d = Replaceable(
            f"zones: {{example.com: {{from: {{primary: [{ports}]}}}}}}\n")
        self.addCleanup(self.d.close)
        self.has(1)
        self.d.replace()
        self.assertEqual(self.serial(), 1)
        primary.text = ZONE % 2
        self.refresh()
        self.has(2)


TYPES = ZONE + """
cut NS ns.cut
cut DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.cut A 192.0.2.7
ns1 AAAA 2001:db8::1
a.b.ent TXT "x" "y z" "quote \\" back \\\\ slash" "\\000\\255;"
*.wild MX 1 mail
d DNAME www
_sip._tcp SRV 1 2 5060 www
svc SVCB 1 mail port=853 alpn=dot
@ HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
unknown TYPE65400 \\# 4 01020304
@ CAA 0 issue "ca.example.net"
n NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp
sshfp SSHFP 4 2 0000000000000000000000000000000000000000000000000000000000000000
tlsa TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m
hinfo HINFO "a b" "c"
rp RP mail.example.com. text
afsdb AFSDB 1 mail
uri URI 10 1 "https://example.com/"
odd\\.dot A 192.0.2.30
odd\\032space A 192.0.2.31
UPPER A 192.0.2.32
"""


class Real(NameServers, Secondaries):
    """A program of others as primary, by a key, which notifies."""

    def check(self, program, conf):
        """conf(folder, its port, dnsd's): its configuration."""
        port = free_port()
        self.secondary(port, key="ns2", more="    transfer: {to: [127.0.0.1]}\n",
                       start=False)
        self.d.write("zone", "$ORIGIN example.com.\n" + TYPES.replace("%d", "1"))
        server = self.start_server(program, conf(self.d.folder, port, self.d.port))
        self.d.start()
        self.until(lambda: self.serial() == 1, "serial 1", server)
        self.assertEqual(self.zone_at(self.d.port) - self.ours,
                         self.zone_at(port, key()))
        self.d.write("zone", "$ORIGIN example.com.\n" + ZONE % 2 + MORE)
        server.again()
        self.until(lambda: self.serial() == 2, "serial 2", server)
        self.assertEqual(self.d.addresses("host9.example.com"), ["192.0.2.9"])

    # What this configuration adds.
    ours = {"live.example.com. 5 IN A 192.0.2.11",
            "line1.live.example.com. 5 IN A 192.0.2.11",
            "a.example.com. 60 IN A 192.0.2.11"}

    @staticmethod
    def zone_at(port, by=None):
        """All records, the SOA once."""
        options = {"keyring": {by.name: by}, "keyname": by.name} if by else {}
        found = set()
        for message in dns.query.xfr("127.0.0.1", "example.com", port=port,
                                     relativize=False, **options):
            for rrset in message.answer:
                for r in rrset:
                    found.add(f"{rrset.name.to_text().lower()} {rrset.ttl} IN "
                              f"{dns.rdatatype.to_text(r.rdtype)} {r.to_text()}")
        return found

    def test_bind(self):
        self.check("named", lambda folder, port, dnsd: bind(
            folder, port, "check-names primary ignore;",
            'type primary; file "zone"; allow-transfer { key ns2; }; '
            f"notify explicit; also-notify {{ 127.0.0.1 port {dnsd} key ns2; }};"))

    def test_knot(self):
        self.check("knotd", lambda folder, port, dnsd: knot(
            folder, port, dnsd, [["key: ns2", "action: transfer"]],
            ["file: zone", "notify: dnsd"]))

    def test_nsd(self):
        self.check("nsd", lambda folder, port, dnsd: nsd(
            folder, port, ["zonefile: zone", "provide-xfr: 127.0.0.1 ns2",
                           f"notify: 127.0.0.1@{dnsd} ns2"]))
