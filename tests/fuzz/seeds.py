#!/usr/bin/python3
"""Writes the seed corpora of fuzz_packet, fuzz_frame, fuzz_tcp, fuzz_proxy, fuzz_tsig,
fuzz_in, fuzz_keys and fuzz_zonefile.

    tests/fuzz/seeds.py [DIR]      default: tests/data/fuzz

Few and small: the fuzzer finds the rest. Run again when a target's input
format changes.
"""
import os
import struct
import sys

TYPES = dict(A=1, NS=2, CNAME=5, SOA=6, MX=15, TXT=16, AAAA=28, SRV=33, DS=43,
             SVCB=64, HTTPS=65, IXFR=251, AXFR=252, ANY=255)


def name(text):
    labels = [label for label in text.encode().split(b".") if label]
    return b"".join(bytes([len(x)]) + x for x in labels) + b"\0"


def query(qname, qtype, additional=b"", count=0, flags=0x100, qclass=1):
    return (struct.pack("!HHHHHH", 0x1234, flags, 1, 0, 0, count) +
            name(qname) + struct.pack("!HH", TYPES[qtype], qclass) +
            additional)


def opt(*options, size=1232, version=0, flags=0):
    data = b"".join(struct.pack("!HH", c, len(d)) + d for c, d in options)
    return (b"\0" + struct.pack("!HHBBHH", 41, size, 0, version, flags,
                                len(data)) + data)


def tsig(mac, key="ns2.example", algorithm="hmac-sha256", other=b""):
    data = (name(algorithm) + struct.pack("!HIHH", 0, 1700000000, 300, len(mac))
            + mac + struct.pack("!HHH", 0x1234, 0, len(other)) + other)
    return name(key) + struct.pack("!HHIH", 250, 255, 0, len(data)) + data


ECS4 = (8, b"\0\1\x18\0\x0a\1\2")
ECS6 = (8, b"\0\2\x30\0\x20\1\x0d\xb8\0\1")
COOKIE = (10, b"12345678")
SERVER = (10, b"12345678" + b"\1\0\0\0\x5f\x5e\x10\0" + b"abcdefgh")

PACKETS = {
    "a": query("a.example.com", "A"),
    "nxdomain": query("nothing.example.com", "A"),
    "chain": query("c.example.com", "AAAA"),
    "loop": query("l.example.com", "A"),
    "wildcard": query("p.x.w.example.com", "A"),
    "dname": query("p.e.example.com", "A"),
    "grow": query("p.f.example.com", "A"),
    "referral": query("x.k.example.com", "A"),
    "ds": query("k.example.com", "DS"),
    "srv": query("s.example.com", "SRV"),
    "svcb": query("v.example.com", "SVCB"),
    "any": query("live.example.com", "ANY"),
    "stream": query("cam.live.example.com", "A", opt(ECS4), 1),
    "steered": query("cl.example.com", "AAAA", opt(ECS6, COOKIE), 1),
    "why": query("_why.live.example.com", "TXT"),
    "cookie": query("a.example.com", "A", opt(SERVER, (3, b"")), 1),
    "badvers": query("a.example.com", "A", opt(version=1), 1),
    "do": query("example.com", "SOA", opt(flags=0x8000), 1),
    "chaos": query("version.bind", "TXT", qclass=3),
    "notify": query("example.com", "SOA", flags=0x2400),
    "bare": struct.pack("!HHHHHH", 1, 0, 0, 0, 0, 1) + opt(COOKIE),
}

TSIGS = {
    "query": b"\0" + query("example.com", "SOA", tsig(b"m" * 32), 1),
    "opt": b"\1" + query("example.com", "SOA", opt() + tsig(
        b"m" * 64, algorithm="hmac-sha512"), 2),
    "cut": b"\0" + query("example.com", "SOA", tsig(b"m" * 16), 1),
    "badtime": b"\0" + query("example.com", "SOA", tsig(
        b"m" * 32, other=b"\0" * 6), 1, flags=0x8009),
    "unsigned": b"\0" + query("example.com", "SOA"),
    "opcode": b"\0" + query("example.com", "SOA", tsig(b"m" * 16), 1,
                            flags=0x2400) + b"\0\0",
    "unknown": b"\0" + query("example.com", "IXFR", tsig(
        b"", "k", "hmac-md5.sig-alg.reg.int"), 1),
}
PACKETS["tsig"] = TSIGS["query"][1:]


def record(owner, qtype, rdata):
    return owner + struct.pack("!HHIH", qtype, 1, 300, len(rdata)) + rdata


APEX = b"\xc0\x0c"             # the question's name
SOA = record(APEX, 6, name("ns1") + name("h") + struct.pack("!5I", 7, 1, 1, 1, 1))


def reply(records, question=True, qtype="AXFR"):
    """A frame of a transfer."""
    message = struct.pack("!HHHHHH", 0x1234, 0x8400, question, len(records), 0, 0)
    if question:
        message += name("example.com") + struct.pack("!HH", TYPES[qtype], 1)
    message += b"".join(records)
    return struct.pack("!H", len(message)) + message


INS = {
    "whole": b"\0" + reply([
        SOA, record(APEX, 2, b"\3ns1" + APEX), record(b"\3ns1" + APEX, 1, b"\1\2\3\4"),
        record(b"\1*" + APEX, 15, b"\0\1\4mail" + APEX),
        record(b"\1t" + APEX, 16, b"\3x\"\\"), record(b"\1u" + APEX, 65400, b"ab"),
        record(APEX, 46, b"\0\1\x0d\2" + bytes(14) + b"\0ab"), SOA]),
    "two": b"\0" + reply([SOA, record(APEX, 2, b"\3ns1" + APEX)]) + reply(
        [record(name("a.example.com"), 28, bytes(16)), record(
            name("s.example.com"), 64, b"\0\1\0\0\1\0\3\2h2"),
         SOA.replace(APEX, name("example.com"), 1)], False),
    "outside": b"\0" + reply([SOA, record(name("example.net"), 1, b"\1\2\3\4"), SOA]),
    "empty": b"\0" + reply([record(APEX, 6, b""), SOA]),
    "soa": b"\1" + reply([SOA], qtype="SOA"),
}
PACKETS["unknown"] = TSIGS["unknown"][1:]

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = b"\xc0\0\2\7\xc0\0\2\1\x30\x39\0\x35"
V6 = (b"\x20\1\x0d\xb8" + b"\0" * 11 + b"\7") * 2 + b"\x30\x39\0\x35"
PROXIES = {
    "udp4": SIGNATURE + b"\x21\x12\0\x0c" + V4 + b"query",
    "tcp6": SIGNATURE + b"\x21\x21\0\x24" + V6,
    "local": SIGNATURE + b"\x20\0\0\0",
    "tlv": SIGNATURE + b"\x21\x11\0\x11" + V4 + b"\xe0\0\2xy",
    "unix": SIGNATURE + b"\x21\x31\0\xd8" + b"\0" * 216,
}

def checksum(octets):
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H",
                              octets + b"\0" * (len(octets) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~total & 0xffff)


def frame(payload, v6=False, tag=b""):
    """To and from documentation addresses."""
    ends = (b"\x20\1\x0d\xb8" + b"\0" * 11 + b"\7") * 2 if v6 else b"\xc0\0\2\7" * 2
    udp = struct.pack("!HHH", 4242, 53, 8 + len(payload))
    udp += checksum(ends + struct.pack("!HH", 17, 8 + len(payload)) + udp +
                    b"\0\0" + payload) + payload
    if v6:
        ip = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + ends
    else:
        head = struct.pack("!BBHIBB", 0x45, 0, 20 + len(udp), 0, 64, 17)
        ip = head + checksum(head + b"\0\0" + ends) + ends
    return b"\2" * 12 + tag + (b"\x86\xdd" if v6 else b"\x08\0") + ip + udp


FRAMES = {"v4": frame(PACKETS["a"]), "v6": frame(PACKETS["a"], True),
          "vlan4": frame(b"", tag=b"\x81\0\0\7"),
          "vlan6": frame(PACKETS["any"], True, b"\x81\0\0\7")}

HEAD = "$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n"
ZONES = {
    "plain": HEAD + "www 1h IN A 192.0.2.2\n  AAAA 2001:db8::1\n",
    "tree": HEAD + "*.w MX 1 ns\nd DNAME w\nc CNAME d\nk NS ns.k\n"
                   "ns.k A 192.0.2.3\na.b.c.d.e TXT x\n",
    "syntax": HEAD + "$ORIGIN sub\n@ TXT ( \"a;b\" ; c\n \\\"d )\n"
                     "a\\.b\\065 IN 5 TXT x\n",
    "types": HEAD + "a SRV 1 2 3 ns\nb SVCB 1 . port=1\nc HTTPS 0 ns\n"
                    "e CAA 0 issue \"x\"\nf TYPE65280 \\# 2 0102\n"
                    "g NAPTR 1 1 \"s\" \"x\" \"\" .\n",
    "errors": HEAD + "x CNAME y\nx A 192.0.2.1\n@ SOA a b 1 2 3 4 5\n"
                     "y CH TXT x\n( z\n",
}

# The keys of RFC 6979 A.2.5 and RFC 8080 6.1.
PUBLIC = {13: "YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk"
              "8vGyDC1+n1F3o8KU1EYimQ==",
          15: "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="}
PRIVATE = {13: "ya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyE=",
           15: "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI="}


def key_pair(algorithm, flags=257, of="example.com. 3600 IN DNSKEY ", times="",
        public=None):
    return (bytes([algorithm == 13]) + f"; a comment\n{of}{flags} 3 {algorithm} "
            f"{public or PUBLIC[algorithm]}\n\0Private-key-format: v1.3\nAlgorithm: "
            f"{algorithm} (X)\nPrivateKey: {PRIVATE[algorithm]}\n{times}".encode())


KEYS = {
    "ecdsa": key_pair(13), "ed25519": key_pair(15),
    "zsk": key_pair(13, 256, "example.com. IN DNSKEY "),
    "times": key_pair(15, times="Created: 20261130104149\nPublish: 20261130104149\n"
                           "Activate: 20261130104149\nInactive: 20270101000000\n"
                           "Delete: 20270102000000\n"),
    "folded": key_pair(13, public=f"( {PUBLIC[13][:44]} {PUBLIC[13][44:]} )"),
    "misfit": key_pair(15).replace(b"ODIy", b"ODIz"),
    "alone": key_pair(13).split(b"\0")[0][:60],
    "long": key_pair(13, times="x" * 3990),
}


def write(folder, files):
    os.makedirs(folder, exist_ok=True)
    for key, data in files.items():
        with open(os.path.join(folder, key), "wb") as f:
            f.write(data)


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "../data/fuzz")
    write(os.path.join(top, "packet"),
          {key: b"\0" + data for key, data in PACKETS.items()})
    write(os.path.join(top, "proxy"), PROXIES)
    write(os.path.join(top, "frame"), FRAMES)
    write(os.path.join(top, "tsig"), TSIGS)
    write(os.path.join(top, "in"), INS)
    write(os.path.join(top, "keys"), KEYS)
    frames = {key: struct.pack("!H", len(data)) + data
              for key, data in PACKETS.items()}
    write(os.path.join(top, "tcp"), {
        "one": b"\x10\xff" + frames["a"],
        "octets": b"\0\x55" + frames["steered"] + frames["cookie"],
        "many": b"\xff\0" + frames["any"] * 60,
        "all": b"\x08\x11" + b"".join(frames.values()),
        "short": b"\x20\xff" + frames["a"] + b"\0\3abc" + frames["a"]})
    write(os.path.join(top, "zonefile"),
          {key: text.encode() for key, text in ZONES.items()})


main()
