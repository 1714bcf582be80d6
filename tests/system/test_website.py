"""The website's example: dnsd's answer, and what it does without one."""

import contextlib
import importlib.util
import io
import json
import socket
import signal
import sys
import threading

from harness import NETS, ROOT, Test

EXAMPLE = ROOT / "docs" / "examples" / "lines_wsgi.py"
# Nobody is at the addresses: a node is down only after many failures of probes.
CONF = """nets: nets
health: {interval: 3600, fall: 10}
zones: {example.com: {ns: ["ns1.example.com 127.0.0.1"]}}
nodes:
  hk: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off, flv: "192.0.2.1:8080", srt: "192.0.2.1", whep: "http://192.0.2.1:1985"}
  gb: {address: [192.0.2.2], at: [51.5, -0.1], api: off, rtmp: off, flv: "192.0.2.2:8080", srt: "192.0.2.2:10090", whep: "https://192.0.2.2/", public_url: {flv: "https://gb.example.net/", srt: "srt://gb.example.net:1"}}
steer:
  live.example.com: {pool: [edge], lines: 2}
"""
HK, GB = "10.1.0.7", "10.3.0.7"


class Silent:
    """Accepts and sends a text, perhaps none; then waits."""

    def __init__(self, text=b""):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.text, self.kept = text, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.kept.append(self.socket.accept()[0])
                self.kept[-1].sendall(self.text)
                if self.text:
                    self.kept[-1].shutdown(socket.SHUT_WR)

    @property
    def url(self):
        return "http://127.0.0.1:%d/lines" % self.socket.getsockname()[1]

    def close(self):
        for each in self.kept + [self.socket]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Website(Test):
    def setUp(self):
        self.d = self.daemon(CONF, files={"nets": NETS})
        self.d.write("site_settings.py", self.d.run(
            "lines", "--stream", "app/stream", "--format", "site_settings",
            "live.example.com", GB))
        self.example = self.load()
        self.example.API = \
            f"http://127.0.0.1:{self.d.http_port}/api/v1/lines"

    def load(self):
        """The example as a site has it: beside its site_settings.py."""
        sys.path.insert(0, str(self.d.folder))
        self.addCleanup(sys.path.remove, str(self.d.folder))
        self.addCleanup(sys.modules.pop, "site_settings", None)
        spec = importlib.util.spec_from_file_location("lines_wsgi", EXAMPLE)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def get(self, path, client=HK):
        """(status, lines) as a WSGI server asks."""
        started = []
        body = self.example.application(
            {"PATH_INFO": path, "REMOTE_ADDR": client,
             "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()},
            lambda status, headers: started.append(status))
        return started[0], json.loads(b"".join(body))["lines"]

    def nodes(self, client=HK):
        return [line["node"] for line in self.get("/maths", client)[1]]

    def test_from_dnsd(self):
        status, lines = self.get("/maths")
        self.assertEqual(status, "200 OK")
        self.assertEqual([l["node"] for l in lines], ["hk", "gb"])
        self.assertEqual(lines[0]["flv"],
                         "http://live.example.com:8080/live/maths.flv")
        self.assertEqual(lines[0]["srt"], "srt://live.example.com:10080"
                         "?streamid=#!::r=live/maths,m=request")
        self.assertEqual(lines[0]["whep"], "http://live.example.com:1985"
                         "/rtc/v1/whep/?app=live&stream=maths")
        self.assertEqual(lines[1]["rtmp"],
                         "rtmp://line2.live.example.com/live/maths")
        self.assertEqual(lines[1]["whep"], "https://line2.live.example.com"
                         "/rtc/v1/whep/?app=live&stream=maths")
        self.is_public(lines[1], "live/maths")
        self.assertEqual(self.nodes(GB), ["gb", "hk"])
        self.assertEqual(self.get("/nothing"), ("404 Not Found", []))

    def is_public(self, line, stream):
        """gb, behind what its public_url names; HLS comes where FLV does."""
        self.assertEqual(line["flv"], f"https://gb.example.net/{stream}.flv")
        self.assertEqual(line["hls"], f"https://gb.example.net/{stream}.m3u8")
        self.assertEqual(line["srt"], "srt://gb.example.net:1"
                         f"?streamid=#!::r={stream},m=request")

    def is_saved(self):
        """What was true for GB when site_settings.py was made, for HK too."""
        status, lines = self.get("/music")
        self.assertEqual(status, "200 OK")
        self.assertEqual([l["node"] for l in lines], ["gb", "hk"])
        self.assertEqual(lines[0]["rtmp"],
                         "rtmp://live.example.com/live/music")
        self.is_public(lines[0], "live/music")
        self.assertEqual(lines[1]["whep"], "http://line2.live.example.com:1985"
                         "/rtc/v1/whep/?app=live&stream=music")

    def test_stopped_and_back(self):
        self.example.REST_S = 0.1
        self.d.stop()
        self.is_saved()
        self.d.start()
        self.eventually(lambda: self.nodes() == ["hk", "gb"])

    def test_hangs(self):
        """No answer in time; and then it is left alone for a while."""
        self.example.REST_S = 3600
        self.d.process.send_signal(signal.SIGSTOP)
        try:
            self.is_saved()
        finally:
            self.d.process.send_signal(signal.SIGCONT)
        self.is_saved()
        self.example.rest_until = 0
        self.assertEqual(self.nodes(), ["hk", "gb"])

    def test_is_something_else(self):
        """Whoever answers there instead, the page gets its lines."""
        for text in (b"", b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>",
                     b"HTTP/1.1 500 Sorry\r\n\r\n{}",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
                     b"HTTP/1.1 200 OK\r\n\r\n{\"lines\": 5}",
                     b"HTTP/1.1 200 OK\r\n\r\n{\"lines\": [{}]}",
                     b"HTTP/1.1 200 OK\r\n\r\n[]"):
            silent = Silent(text)
            self.addCleanup(silent.close)
            self.example.API, self.example.rest_until = silent.url, 0
            self.is_saved()
            self.assertTrue(silent.kept, text)

    def test_refused(self):
        """dnsd itself says no."""
        self.example.site_settings.DNSD_NAME = "nothing.example.com"
        self.is_saved()

    def test_documented(self):
        """What website.md shows is what the example does."""
        shown = (ROOT / "docs" / "website.md").read_text()
        heart = shown.split("```python\n")[1].split("```")[0]
        for line in heart.splitlines():
            self.assertIn(line.split("  #")[0].rstrip(), EXAMPLE.read_text())
