#!/usr/bin/python3
"""The demonstration behind `make run`: a small cluster of SRS stand-ins, viewers in
five places who ask dnsd where to go and are the load of the edges, and dnsd itself.

Two teachers publish to relays, which forward to origins; one node reports and is
not known. Every minute and a half an edge dies for half a minute; a class begins
in Hong Kong now and then. Ctrl-C ends it.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

from demo_world import (BASE_PORT, STRANGER, STRANGER_ADDRESS,  # noqa: E402
                        Crowd, cast, play)
from website import Website  # noqa: E402

DNS, PAGE = "127.0.0.1:5300", "http://127.0.0.1:8053/"
API, CLASS_PORT = "http://127.0.0.1:8055/", 8054

TEXT = f"""
dnsd answers on {DNS}; its page is {PAGE}
%(lesson)s

  dig @127.0.0.1 -p 5300 live.example.com +subnet=10.1.0.0/24        # Hong Kong
  dig @127.0.0.1 -p 5300 live.example.com +subnet=10.2.0.0/24        # Tokyo
  dig @127.0.0.1 -p 5300 live.example.com +subnet=10.3.0.0/24        # Berlin
  dig @127.0.0.1 -p 5300 line2.live.example.com +subnet=10.1.0.0/24  # switch line
  dig @127.0.0.1 -p 5300 push.example.com +short                     # a teacher
  dig @127.0.0.1 -p 5300 origin.example.com +short                   # a relay
  dig @127.0.0.1 -p 5300 record.example.com +short                   # to be recorded
  dig @127.0.0.1 -p 5300 _why.live.example.com TXT +short +subnet=10.1.0.0/24
  dig @127.0.0.1 -p 5300 hk1.example.com +short
  curl '{PAGE}api/v1/lines?name=live.example.com&client=10.1.0.7&stream=live/class'
  curl '{PAGE}api/v1/clusters?vhost=__defaultVhost__&app=live&stream=maths'
  curl {PAGE}api/v1/streams
  curl '{PAGE}api/v1/nodes?name=recorder1'
  curl -X POST -H 'Authorization: Bearer demo' {PAGE}api/v1/nodes/hk1/drain

{STRANGER} reports and is not known. It waits on the page until it is approved, there or by
one of the first two of these (off: nothing listens at that address):

  curl -X POST -H 'Authorization: Bearer demo' {PAGE}api/v1/nodes/{STRANGER}/approve \\
    -d '{{"role":"edge","at":[-23.5,-46.6],"address":["{STRANGER_ADDRESS}"],"capacity":300,"api":"off","rtmp":"off"}}'
  export DNSD_DEMO=%(folder)s
  %(dnsd)s ctl -c %(conf)s approve {STRANGER} --role edge \\
    --at -23.5,-46.6 --address {STRANGER_ADDRESS} --capacity 300 --api off --rtmp off
  %(dnsd)s ctl -c %(conf)s nodes
  %(dnsd)s try -c %(conf)s push.example.com 10.1.0.7

hk1 is 127.0.0.10, hk2 .11, jp1 .12, de1 .13, us1 .14, relay1 .15, relay2 .16,
origin1 .17, origin2 .18, recorder1 .19. Ctrl-C ends it all.
"""

LESSON = f"a class with buttons 线路1 线路2 线路3: http://127.0.0.1:{CLASS_PORT}/"
NO_LESSON = "no class page: PAGE=plain builds no player"

# By address: a browser on this machine does not ask our DNS.
CLASS = {"title": "直播课堂", "places": [["香港", "10.1.0.7"], ["东京", "10.2.0.7"],
                                     ["柏林", "10.3.0.7"], ["洛杉矶", "10.4.0.7"],
                                     ["上海", "10.5.0.7"]],
         "player": {"name": "live.example.com", "stream": "live/class",
                    "api": API, "by": "address", "client": "10.1.0.7"}}


def configuration(folder):
    """The demonstration's, with the databases of `make geo` if they are there."""
    conf = ROOT / "conf" / "demo.yaml"
    databases = sorted((ROOT / "build" / "geo").glob("*.mmdb"))
    if not databases:
        print("real addresses have no place here: make geo brings data", flush=True)
        return conf
    text = conf.read_text().replace(
        "nets: demo-nets.txt", f"nets: {conf.parent}/demo-nets.txt\n"
        f"geoip: {json.dumps([str(d) for d in databases])}")
    with_places = pathlib.Path(folder) / "demo.yaml"
    with_places.write_text(text)
    print(f"real addresses have a place by {ROOT}/build/geo, under the terms of"
          " licences/ there; try +subnet= with one of yours", flush=True)
    return with_places


def main():
    binary = os.path.abspath(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="dnsd-demo-") as folder:
        os.environ["DNSD_DEMO"] = folder
        try:
            fleet = cast(API + "api/v1/servers")
            site = pathlib.Path(binary).parent / "page" / "player" / "demo"
            if site.exists():       # not with PAGE=plain
                Website(site, CLASS, port=CLASS_PORT)
        except OSError as error:
            sys.exit(f"the demonstration needs 127.0.0.10..20, ports {BASE_PORT}"
                     f" to {BASE_PORT + 2}, and port {CLASS_PORT}: {error}")
        conf = configuration(folder)
        server = subprocess.Popen([binary, "run", "-c", str(conf)])
        try:
            print(TEXT % {"lesson": LESSON if site.exists() else NO_LESSON,
                          "folder": folder, "dnsd": os.path.relpath(binary),
                          "conf": os.path.relpath(conf)}, flush=True)
            play(Crowd(fleet, [DNS]), lambda: server.poll() is None)
            print(f"dnsd ended with status {server.returncode}", file=sys.stderr)
        except KeyboardInterrupt:
            pass
        finally:
            server.terminate()
            server.wait()
            fleet.close()
    return server.returncode


sys.exit(main())
