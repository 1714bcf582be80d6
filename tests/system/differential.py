#!/usr/bin/python3
"""Random zones on dnsd, NSD and Knot: the same questions, the same answers.

    tests/system/differential.py [--dnsd "build/dnsd run -c"] [--rounds N]
        [--queries N] [--seed N] [--peers DIR] [--keep] [--signed]

Every round makes a zone from a seed (wildcards at any depth, cuts with and
without glue, DNAME, CNAME chains and loops, empty non-terminals, unknown
types, mixed case; sometimes a child zone on the same server), serves it with
all three and compares rcode, AA, TC and the RR sets of every section. With
--signed dnsd signs the zones, the peers serve what dnsd transfers, and most
questions ask for signatures. The peers are Debian's packages, unpacked under --peers (build/peers), never
installed, on loopback and without root's rights. Exit 1 at a difference that
docs/differential.md does not allow, with the seed to see it again.
"""
import argparse
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from ports import free_port

PACKAGES = ["nsd", "knot", "libknot13", "libdnssec9", "libzscanner4",
            "libxdp1", "libbpf1", "libfstrm0", "libprotobuf-c1", "libedit2",
            "liblmdb0", "liburcu8", "libcap-ng0"]
LABELS = ["a", "b", "c", "d", "e", "www", "Mail", "x1", "_tcp", "long-label",
          "sp\\032ce", "do\\.t"]
QTYPES = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME", "DNAME", "SRV",
          "SVCB", "HTTPS", "DS", "PTR", "CAA", "TYPE65280", "TYPE65281", "ANY"]
QTYPES_SIGNED = QTYPES + ["NSEC", "RRSIG", "DNSKEY", "CDS", "CDNSKEY", "DS",
                          "TYPE65280"]
TTL_MAX = 3600


# -- random zones --

class Zone:
    """Owner names (text below the apex, "" the apex) to {type: [rdata]}."""

    def __init__(self, rng, apex, parent=None):
        self.rng = rng
        self.apex = apex
        self.data = {}
        self.cuts = []
        self.ns = parent
        self.fill()

    def absolute(self, owner):
        if self.apex == ".":
            return (owner or "") + "."
        return (owner + "." if owner else "") + self.apex

    def random_owner(self, depth=4):
        n = self.rng.choice([1, 1, 1, 2, 2, 3, depth])
        return ".".join(self.rng.choice(LABELS) for _ in range(n))

    def target(self):
        """A name for RDATA: existing, missing, or outside."""
        r = self.rng.random()
        if r < 0.65 and self.data:
            owner = self.rng.choice(sorted(self.data))
            if owner.startswith("*."):
                owner = owner.replace("*", self.rng.choice(LABELS), 1)
            return self.absolute(self.mixed(owner))
        if r < 0.85:
            return self.absolute(self.random_owner())
        return self.rng.choice(["a.example.net.", "b.example.net.",
                                "Example.org.", "."])

    def mixed(self, text):
        if self.rng.random() < 0.8 or "\\" in text:
            return text
        return "".join(self.rng.choice([c.upper(), c]) for c in text)

    def rdata(self, rtype):
        r = self.rng
        n = r.randrange(256)
        return {
            "A": lambda: f"192.0.2.{n}",
            "AAAA": lambda: f"2001:db8::{n:x}",
            "TXT": lambda: f'"{"t" * r.choice([1, 20, 200])}{n}"',
            "MX": lambda: f"{r.randrange(3)} {self.target()}",
            "SRV": lambda: f"0 {n} 443 {self.target()}",
            "SVCB": lambda: r.choice([f"0 {self.target()}",
                                      f"1 {self.target()} port={n}",
                                      f"2 . port={n}"]),
            "HTTPS": lambda: f"1 {self.target()} alpn=h2",
            "PTR": self.target,
            "CAA": lambda: f'0 issue "ca{n}"',
            "HINFO": lambda: f'"x{n}" "y"',
            "NAPTR": lambda: f'{n} 1 "s" "x" "" {self.target()}',
            "TYPE65280": lambda: f"\\# 2 {n:02x}00",
        }[rtype]()

    def add(self, owner, rtype, rdata):
        values = self.data.setdefault(owner, {}).setdefault(rtype, [])
        if rdata.lower() not in [v.lower() for v in values]:
            values.append(rdata)

    def fill(self):
        r = self.rng
        self.add("", "SOA", f"{self.absolute('ns1')} "
                 f"{self.absolute('Host.Master')} 1 7200 900 1209600 "
                 f"{r.choice([60, 300, 86400])}")
        for host in ["ns1", "ns2"]:
            self.add("", "NS", self.absolute(host))
            self.add(host, "A", self.rdata("A"))
        if r.random() < 0.5:
            self.add("", "NS", "ns.example.net.")
        if r.random() < 0.5:
            self.add("", "MX", f"1 {self.target()}")
        for _ in range(r.randrange(10, 60)):
            self.add_plain()
        for _ in range(r.randrange(0, 15)):
            self.add_alone("CNAME")
        for _ in range(r.randrange(0, 5)):
            self.add_alone("DNAME")
        for _ in range(r.randrange(0, 6)):
            self.add_cut()
        if r.random() < 0.3:
            for i in range(r.randrange(20, 60)):
                self.add("big", "TXT", f'"{i} {"x" * r.randrange(40)}"')
        self.prune()

    def add_plain(self):
        r = self.rng
        owner = self.random_owner()
        if r.random() < 0.25:
            owner = "*." + owner if r.random() < 0.8 else "*"
        for _ in range(r.choice([1, 1, 2, 3])):
            rtype = r.choice(["A", "A", "AAAA", "TXT", "MX", "SRV", "SVCB",
                              "HTTPS", "PTR", "CAA", "HINFO", "NAPTR",
                              "TYPE65280"])
            for _ in range(r.choice([1, 1, 2, 5])):
                self.add(owner, rtype, self.rdata(rtype))

    def add_alone(self, rtype):
        owner = self.random_owner()
        if rtype == "CNAME" and self.rng.random() < 0.3:
            owner = "*." + owner
        if owner in self.data:
            return
        target = self.target()
        if rtype == "DNAME" and target == ".":
            return
        self.add(owner, rtype, target)
        if rtype == "DNAME" and self.rng.random() < 0.5:
            self.add(owner, "TXT", '"beside"')

    def add_cut(self):
        r = self.rng
        owner = self.random_owner(2)
        if owner in self.data:
            return
        self.cuts.append(owner)
        for _ in range(r.choice([1, 2, 3, 8])):
            host = r.choice([f"ns{r.randrange(9)}.{owner}", "ns1",
                             self.random_owner(), None])
            name = self.absolute(host) if host else "ns.example.net."
            self.add(owner, "NS", name)
            if host and host.endswith(owner) and r.random() < 0.8:
                self.add(host, "A", self.rdata("A"))
                if r.random() < 0.5:
                    self.add(host, "AAAA", self.rdata("AAAA"))
        if r.random() < 0.4:
            self.add(owner, "DS", f"1 8 2 {'00' * 32}")

    def child(self, cut):
        """The zone below a cut. It has the glue's names as well: for NSD a
        name exists in both zones if one of them has it."""
        child = Zone(self.rng, self.absolute(cut))
        for owner in self.data:
            if owner.lower().endswith("." + cut.lower()):
                host = owner[:-len(cut) - 1]
                if host.lower() not in [o.lower() for o in child.data]:
                    child.add(host, "A", self.rdata("A"))
        child.prune()
        return child

    def prune(self):
        """Only what a master file may hold."""
        def above(owner, tops):
            lower = owner.lower()
            return any(lower.endswith("." + t.lower()) for t in tops)

        dnames = [o for o, s in self.data.items() if "DNAME" in s]
        for owner in list(self.data):
            sets = self.data[owner]
            if above(owner, dnames):
                del self.data[owner]
            elif "CNAME" in sets and len(sets) > 1:
                del sets["CNAME"]
            elif above(owner, self.cuts):
                for rtype in list(sets):
                    if rtype not in ("A", "AAAA"):
                        del sets[rtype]
        # the same name in two spellings
        seen = {}
        for owner in list(self.data):
            if seen.setdefault(owner.lower(), owner) != owner:
                del self.data[owner]
        self.data = {o: s for o, s in self.data.items() if s}
        self.cuts = [c for c in self.cuts if c in self.data and
                     "NS" in self.data[c] and not above(c, self.cuts)]

    def text(self):
        lines = ["$TTL 300"]
        owners = [""] + sorted(o for o in self.data if o)
        for owner in owners:
            ttl = self.rng.choice([5, 300, TTL_MAX])
            for rtype, values in self.data[owner].items():
                for value in values:
                    lines.append(f"{self.absolute(self.mixed(owner))} {ttl} "
                                 f"IN {rtype} {value}")
        return "\n".join(lines) + "\n"


# -- the servers --

def fetch_peers(top):
    if not os.path.exists(os.path.join(top, "usr/sbin/knotd")):
        os.makedirs(top, exist_ok=True)
        for package in PACKAGES:
            subprocess.run(["apt-get", "download", "-q", package], cwd=top,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=True)
        for deb in os.listdir(top):
            if deb.endswith(".deb"):
                subprocess.run(["dpkg", "-x", deb, "."], cwd=top, check=True)
    libraries = [os.path.join(top, d) for d in
                 ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu",
                  "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu")]
    return dict(os.environ, LD_LIBRARY_PATH=":".join(libraries))


def dnsd_config(folder, port, zones, more=""):
    lines = [f'listen: ["127.0.0.1:{port}"]',
             f"control: {folder}/dnsd.sock", f"store: {folder}/dnsd.db",
             "zones:"]
    lines += [f"  '{apex}': {{file: {path}{more}}}"
              for apex, path in zones.items()]
    return "\n".join(lines) + "\n"


def dnsd_config_signed(folder, port, zones):
    return dnsd_config(folder, port, zones, f", dnssec: {{keys: {folder}}}, "
                       "transfer: {to: [127.0.0.1]}")


def nsd_config(folder, port, zones):
    text = f"""server:
  ip-address: 127.0.0.1@{port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  logfile: "{folder}/nsd.log"
  server-count: 1
  minimal-responses: yes
  refuse-any: no
  rrl-ratelimit: 0
  ipv4-edns-size: 1232
remote-control:
  control-enable: no
"""
    for apex, path in zones.items():
        text += f'zone:\n  name: "{apex}"\n  zonefile: "{path}"\n'
    return text


def knot_config(folder, port, zones):
    text = f"""server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
    tcp-reuseport: off
database:
    storage: "{folder}"
log:
  - target: stderr
    any: warning
template:
  - id: default
    journal-content: none
    zonefile-sync: -1
zone:
"""
    for apex, path in zones.items():
        text += f'  - domain: "{apex}"\n    file: "{path}"\n'
    return text


class KnotHangs(Exception):
    """Knot 3.2 does at some signed RRsets with additional data of wildcards."""


class Server:
    def __init__(self, name, folder, zones, command, config, env, prepare=None):
        self.name = name
        self.port = free_port()
        self.folder = folder = os.path.join(folder, name)
        os.mkdir(folder)
        path = os.path.join(folder, "conf")
        with open(path, "w") as f:
            f.write(config(folder, self.port, zones))
        self.log = os.path.join(folder, "log")
        self.command = command + [path]
        self.env = env
        if prepare:
            prepare(path)
        self.start()

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self.env,
                start_new_session=True)
        self.tcp = None
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.connect(("127.0.0.1", self.port))
        self.udp.settimeout(2)

    def wait(self, apex):
        wire = dns.message.make_query(apex, "SOA").to_wire()
        for _ in range(100):
            try:
                self.tcp = socket.create_connection(("127.0.0.1", self.port), 2)
                reply = dns.message.from_wire(self.ask_tcp(wire))
                if reply.rcode() == 0 and reply.answer:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.die(f"does not serve {apex}")

    def die(self, what):
        if self.name == "knot" and what == "does not answer":
            raise KnotHangs
        with open(self.log) as f:
            sys.exit(f"{self.name} {what}:\n{f.read()}")

    def transfer(self, apex, path):
        """Writes the zone as it is sent into a file."""
        with open(path, "w") as f:
            first = True
            for message in dns.query.xfr("127.0.0.1", apex, port=self.port,
                                         lifetime=20, relativize=False):
                for rrset in message.answer:
                    # the second SOA only ends it
                    if first or rrset.rdtype != dns.rdatatype.SOA:
                        f.write(rrset.to_text() + "\n")
                    first = False

    def ask(self, wire, tcp):
        if not tcp:
            return self.ask_udp(wire)
        for _ in range(2):  # closed after idling or many queries
            try:
                if not self.tcp:
                    self.tcp = socket.create_connection(
                        ("127.0.0.1", self.port), 2)
                return self.ask_tcp(wire)
            except OSError:
                self.tcp = None
        self.die("does not answer")

    def ask_udp(self, wire):
        for _ in range(3):
            try:
                self.udp.send(wire)
                while True:
                    reply = self.udp.recv(65535)
                    if reply[:2] == wire[:2]:
                        return reply
            except socket.timeout:
                continue
            except ConnectionRefusedError:
                break
        self.die("does not answer")

    def ask_tcp(self, wire):
        self.tcp.sendall(struct.pack("!H", len(wire)) + wire)
        n, = struct.unpack("!H", self.read(2))
        return self.read(n)

    def read(self, n):
        out = b""
        while len(out) < n:
            more = self.tcp.recv(n - len(out))
            if not more:
                raise OSError("closed")
            out += more
        return out

    def stop(self):
        self.udp.close()
        if self.tcp:
            self.tcp.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


# -- questions --

def random_name(rng, zone, child, qtypes):
    """A name in, near or outside the data, and a type to ask for."""
    source = child if child and rng.random() < 0.3 else zone
    owner = rng.choice(sorted(source.data))
    qtype = rng.choice(qtypes if rng.random() < 0.6 else
                       sorted(source.data[owner]))
    if "big" in source.data and rng.random() < 0.03:
        return source.absolute("big"), "TXT"
    r = rng.random()
    if owner.startswith("*") and r < 0.8:
        owner = owner.replace("*", rng.choice(LABELS + ["q"]), 1)
    if r < 0.25:
        owner = ".".join(filter(None, [source.random_owner(2), owner]))
    elif r < 0.35:
        owner = owner.partition(".")[2]
    elif r < 0.45:
        owner = source.random_owner()
    elif r < 0.47:
        return "outside.example.net.", qtype
    elif r < 0.48:
        owner = ".".join(["y" * 60] * 3 + [owner] if owner else ["y" * 60])
    return source.absolute(source.mixed(owner)), qtype


def random_query(rng, zone, child, signed):
    query = None
    qtypes = QTYPES_SIGNED if signed else QTYPES
    while query is None:
        try:
            name, qtype = random_name(rng, zone, child, qtypes)
            query = dns.message.make_query(name, qtype)
        except dns.exception.DNSException:
            continue
    if rng.random() < (0.9 if signed else 0.5):
        do = dns.flags.DO if signed and rng.random() < 0.8 else 0
        query.use_edns(0, do, rng.choice([512, 700, 1232, 4096]))
    query.flags = rng.choice([0, dns.flags.RD])
    query.id = rng.randrange(65536)
    return query, rng.random() < 0.3


# -- comparing --

def section(rrsets):
    """{(owner, type, type that an RRSIG covers): (ttl, {rdata})}, names without
    case."""
    out = {}
    for rrset in rrsets:
        key = (rrset.name.canonicalize().to_text(), rrset.rdtype, rrset.covers)
        values = {rdata.to_text().lower() for rdata in rrset}
        ttl, old = out.get(key, (rrset.ttl, set()))
        out[key] = (min(ttl, rrset.ttl), old | values)
    return out


class Answer:
    def __init__(self, wire):
        self.size = len(wire)
        m = self.message = dns.message.from_wire(wire)
        self.rcode = dns.rcode.to_text(m.rcode())
        self.aa = bool(m.flags & dns.flags.AA)
        self.tc = bool(m.flags & dns.flags.TC)
        self.answer = section(m.answer)
        self.authority = section(m.authority)
        self.additional = section(m.additional)

    def is_referral(self):
        return any(t == dns.rdatatype.NS for _, t, _ in self.authority) and \
            not any(t == dns.rdatatype.SOA for _, t, _ in self.authority)


def servers_named(answer, below):
    """Targets of the referral's NS; below: those in the delegated domain."""
    out = set()
    for rrset in answer.message.authority:
        if rrset.rdtype == dns.rdatatype.NS:
            for rdata in rrset:
                inside = rdata.target.is_subdomain(rrset.name)
                if inside or not below:
                    out.add(rdata.target.canonicalize().to_text())
    return out


def udp_limit(query):
    return 512 if query.edns < 0 else max(512, min(query.payload, 1232))


def compare(ours, theirs, query):
    """What differs and may not (docs/differential.md), or None."""
    if query.question[0].rdtype in (dns.rdatatype.ANY, dns.rdatatype.RRSIG):
        return compare_any(ours, theirs)
    if ours.rcode != theirs.rcode:
        return f"rcode {ours.rcode} / {theirs.rcode}"
    if ours.aa != theirs.aa:
        return f"AA {ours.aa} / {theirs.aa}"
    if ours.answer != theirs.answer:
        return "answer"
    if ours.authority != theirs.authority:
        return "authority"
    if ours.is_referral():
        inside = servers_named(ours, True)
        for key in set(ours.additional) ^ set(theirs.additional):
            if key[0] in inside:
                return f"glue {key}"
    for key in set(ours.additional) & set(theirs.additional):
        if ours.additional[key] != theirs.additional[key]:
            return f"additional {key}"
    return None


def goes_further(ours, theirs):
    """Their chain begins as ours."""
    return (any(t == dns.rdatatype.CNAME for _, t, _ in ours.answer) and
            all(theirs.answer.get(k) == v for k, v in ours.answer.items()))


def grows(answer):
    """It holds a DNAME that leads below itself."""
    return any(rrset.rdtype == dns.rdatatype.DNAME and
               rrset[0].target.is_subdomain(rrset.name)
               for rrset in answer.message.answer)


def nsd_drops_glue(theirs, what, limit):
    """NSD leaves out glue without TC if some of it did fit; its message is
    then about full."""
    return what.startswith("glue") and theirs.additional and \
        theirs.size + 96 > limit


def without_nsec(authority):
    """Without NSEC records and their signatures."""
    return {k: v for k, v in authority.items()
            if dns.rdatatype.NSEC not in k[1:]}


def nsd_proves_another(ours, theirs, what):
    """Of a name that a DNAME led to NSD denies the one it came to last."""
    return (what == "authority" and
            any(t == dns.rdatatype.DNAME for _, t, _ in ours.answer) and
            without_nsec(ours.authority) == without_nsec(theirs.authority))


def is_own_proof(ours, theirs, query):
    """An NSEC that a wildcard gave is the answer, and the one that covers the name
    is the wildcard's own: Knot does not write it twice."""
    return (query.question[0].rdtype == dns.rdatatype.NSEC and
            not theirs.authority and
            all(key[0].startswith("*.") for key in ours.authority) and
            [v for _, v in sorted(ours.authority.items())] ==
            [v for _, v in sorted(ours.answer.items())])


def compare_any(ours, theirs):
    """ANY and RRSIG. Everybody picks one RRset (RFC 8482), not the same one; that
    ours is right is asked by its type, and of RRSIG NSD has all."""
    if ours.rcode != theirs.rcode or ours.aa != theirs.aa:
        return "ANY: rcode or AA"
    if bool(ours.answer) != bool(theirs.answer):
        return "ANY: data"
    for key in set(ours.answer) & set(theirs.answer):
        if ours.answer[key] != theirs.answer[key]:
            return f"ANY: {key}"
    if not ours.answer and ours.authority != theirs.authority:
        return "ANY: authority"
    return None


class Run:
    def __init__(self, options):
        self.options = options
        self.env = fetch_peers(os.path.abspath(options.peers))
        self.asked = self.differences = self.truncated = self.allowed = 0
        self.hangs = 0

    def start(self, folder, zones, servers):
        self.apexes = list(zones)
        top = os.path.abspath(self.options.peers)
        if self.options.signed:
            servers.append(Server(
                "dnsd", folder, zones, self.options.dnsd.split(),
                dnsd_config_signed, os.environ, self.make_keys(zones)))
            zones = self.transfer(servers[0], zones)
        else:
            servers.append(Server(
                "dnsd", folder, zones, self.options.dnsd.split(), dnsd_config,
                os.environ))
        servers.append(Server(
            "nsd", folder, zones, [f"{top}/usr/sbin/nsd", "-d", "-c"],
            nsd_config, self.env))
        servers.append(Server(
            "knot", folder, zones, [f"{top}/usr/sbin/knotd", "-c"],
            knot_config, self.env))
        for server in servers:
            for apex in zones:
                server.wait(apex)

    def make_keys(self, zones):
        """For the folder of a configuration."""
        program = self.options.dnsd.split()[0]

        def prepare(conf):
            for i, apex in enumerate(zones):
                subprocess.run(
                    [program, "keys", "-c", conf, "--algorithm",
                     ["13", "15"][i % 2], "generate", apex],
                    stdout=subprocess.DEVNULL, check=True)
        return prepare

    def transfer(self, server, zones):
        """The signed zones, as files for the peers."""
        files = {}
        for i, apex in enumerate(zones):
            server.wait(apex)
            files[apex] = os.path.join(server.folder, f"{i}.signed")
            server.transfer(apex, files[apex])
        return files

    def answers(self, servers, wire, tcp):
        out = []
        for server in servers:
            try:
                out.append(Answer(server.ask(wire, tcp)))
            except dns.exception.DNSException:
                # Knot 3.2 may point forward where RRsets are left out
                if server.name != "knot" or tcp:
                    raise
                self.allowed += 1
                out.append(Answer(server.ask(wire, True)))
        return out

    def check(self, servers, query, tcp, seed, zones):
        """One question to all."""
        try:
            self.check_answers(servers, query, tcp, seed, zones)
        except KnotHangs:
            self.hangs += 1
            servers[2].stop()
            servers[2].start()
            for apex in self.apexes:
                servers[2].wait(apex)

    def check_answers(self, servers, query, tcp, seed, zones):
        wire = query.to_wire()
        answers = self.answers(servers, wire, tcp)
        self.asked += 1
        if any(a.tc for a in answers):
            self.truncated += 1
            self.check_truncation(servers[0], wire, query, answers[0], seed)
            answers = self.answers(servers, wire, True)
            tcp = True
        limit = 65535 if tcp else udp_limit(query)
        ours, nsd, knot = answers
        whats = [compare(ours, theirs, query) for theirs in (nsd, knot)]
        # each as narrow as can be: docs/differential.md
        if whats[0] and not whats[1] and (
                (zones > 1 and goes_further(ours, nsd)) or
                nsd_proves_another(ours, nsd, whats[0]) or
                nsd_drops_glue(nsd, whats[0], limit)):
            self.allowed += 1
            whats[0] = None
        if query.question[0].rdtype == dns.rdatatype.RRSIG and \
                not set(ours.answer) <= set(nsd.answer):
            whats[0] = "RRSIG"
        if whats[1] and not whats[0] and (
                (grows(ours) and goes_further(ours, knot)) or
                is_own_proof(ours, knot, query)):
            self.allowed += 1
            whats[1] = None
        for server, answer, what in zip(servers[1:], (nsd, knot), whats):
            if what:
                self.report(seed, server.name, what, query, ours, answer)
        if query.question[0].rdtype == dns.rdatatype.ANY and not tcp:
            for _, rtype, _ in ours.answer:
                again = dns.message.make_query(query.question[0].name, rtype)
                self.check(servers, again, False, seed, zones)

    def check_truncation(self, server, wire, query, udp, seed):
        """TC exactly when what must be sent does not fit."""
        limit = udp_limit(query)
        whole = Answer(server.ask(wire, True))
        if udp.size > limit or (udp.tc and whole.size <= limit):
            self.report(seed, "itself", "size or TC", query, udp, whole)

    def report(self, seed, peer, what, query, ours, theirs):
        self.differences += 1
        if self.differences <= self.options.show:
            print(f"== seed {seed}: {query.question[0]} edns "
                  f"{query.payload if query.edns >= 0 else 'none'}\n"
                  f"-- {peer} differs: {what}\n{ours.message}\n"
                  f"-- {peer}:\n{theirs.message}\n", flush=True)

    def round(self, seed):
        rng = random.Random(seed)
        apex = rng.choice(["zone.test.", "zone.test.", "deep.in.the.test.",
                           "test."] + ["."] * self.options.root)
        zone = Zone(rng, apex)
        child = None
        cuts = [c for c in zone.cuts if "\\" not in c]
        if cuts and rng.random() < 0.5:
            child = zone.child(rng.choice(cuts))
        folder = tempfile.mkdtemp(prefix="differential-")
        zones = {}
        for i, z in enumerate(filter(None, [zone, child])):
            path = zones[z.apex] = os.path.join(folder, f"{i}.zone")
            with open(path, "w") as f:
                f.write(z.text())
        servers = []
        try:
            self.start(folder, zones, servers)
            for _ in range(self.options.queries):
                query, tcp = random_query(rng, zone, child,
                                          self.options.signed)
                self.check(servers, query, tcp, seed, len(zones))
        finally:
            codes = {s.name: s.stop() for s in servers}
            if self.options.keep:
                print(folder)
            else:
                shutil.rmtree(folder)
        if codes.get("dnsd") not in (0, -signal.SIGTERM):
            self.differences += 1
            print(f"seed {seed}: dnsd ended with {codes['dnsd']}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--dnsd", default="build/dnsd run -c")
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--queries", type=int, default=1000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--peers", default="build/peers")
    p.add_argument("--show", type=int, default=5)
    p.add_argument("--keep", action="store_true")
    p.add_argument("--signed", action="store_true",
                   help="zones that dnsd signs")
    p.add_argument("--root", action="store_true",
                   help="also zones at the root")
    run = Run(p.parse_args())
    for i in range(run.options.rounds):
        run.round(run.options.seed + i)
    print(f"{run.asked} questions, {run.truncated} truncated somewhere, "
          f"{run.hangs} that Knot hangs at, {run.allowed} allowed, {run.differences} forbidden differences")
    return 1 if run.differences else 0


if __name__ == "__main__":
    sys.exit(main())
