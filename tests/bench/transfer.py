#!/usr/bin/python3
"""transfer.py [--records N] [--readers N] - how long an AXFR of a zone of so many names takes,
to readers that do nothing with it, without and with TSIG, and to a second dnsd, which
answers from it then; and what memory that costs.

    DNSD=$PWD/build/dnsd python3 tests/bench/transfer.py
"""
import argparse
import os
import pathlib
import re
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import dns.message
import dns.tsig
from harness import Daemon

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CONF = f"""
tsig: {{ns2: {{secret: "{SECRET}"}}}}
zones:
  example.com: {{file: example.com.zone, transfer: {{to: [127.0.0.0/8]}}}}
"""
ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A 192.0.2.1
"""


def read(port, key, sums):
    """Reads all of one; it is over when the other side has nothing more to say."""
    query = dns.message.make_query("example.com", "AXFR")
    if key:
        query.use_tsig(key)
    wire = query.to_wire()
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        s.shutdown(socket.SHUT_WR)
        octets = messages = 0
        with s.makefile("rb", 1 << 20) as f:
            while head := f.read(2):
                octets += 2 + len(f.read(struct.unpack("!H", head)[0]))
                messages += 1
    sums.append((octets, messages))


def memory(pid):
    """VmRSS and VmHWM in MiB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return [int(line.split()[1]) / 1024 for line in text.splitlines()
            if line.startswith(("VmRSS", "VmHWM"))][::-1]


def second(first):
    """Has the zone from the first one."""
    d = Daemon(f"""
tsig: {{ns2: {{secret: "{SECRET}"}}}}
zones:
  example.com: {{from: {{primary: ["127.0.0.1:{first.port}"], key: ns2}}}}
""", http=False, start=False)
    try:
        begin = time.monotonic()
        d.start()
        while "in service" not in d.log_text():
            time.sleep(0.01)
        taken = time.monotonic() - begin
        came, = re.findall(r"records in .* octets, ([\d.]+) s", d.log_text())
        cpu = sum(map(int, open(f"/proc/{d.process.pid}/stat").read()
                      .rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        print("a second dnsd: in service after %.1f s, transferred in %s s; "
              "%.1f s of a core; VmRSS %.0f MiB, VmHWM %.0f MiB" %
              (taken, came, cpu, *memory(d.process.pid)))
    finally:
        d.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--records", type=int, default=1000000)
    p.add_argument("--readers", type=int, default=1)
    args = p.parse_args()
    zone = ZONE + "".join(f"n{i} A 192.0.2.{i % 256}\n"
                          for i in range(args.records))
    d = Daemon(CONF, files={"example.com.zone": zone}, http=False)
    try:
        print("before: VmRSS %.0f MiB, VmHWM %.0f MiB" %
              tuple(memory(d.process.pid)))
        for what, key in ("plain", None), ("TSIG", dns.tsig.Key("ns2", SECRET)):
            sums = []
            readers = [threading.Thread(target=read, args=(d.port, key, sums))
                       for _ in range(args.readers)]
            begin = time.monotonic()
            for r in readers:
                r.start()
            for r in readers:
                r.join()
            taken = time.monotonic() - begin
            print("%s: %d readers, %.2f s, each %d octets in %d messages; "
                  "VmRSS %.0f MiB, VmHWM %.0f MiB" %
                  (what, args.readers, taken, *sums[0],
                   *memory(d.process.pid)))
        second(d)
    finally:
        d.close()


main()
