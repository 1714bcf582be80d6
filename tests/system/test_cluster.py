"""Origins, relays and recorders: where streams are, and who may join."""

import contextlib
import http.client
import json

from harness import Test
from srs_standin import Fleet

ROLES = ["origin", "origin", "recorder", "edge"]


def conf_of(fleet, more=""):
    text = ("health: {interval: 0.2, timeout: 0.5}\n"
            "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
            "nodes:\n")
    for node, role in zip(fleet, ROLES):
        text += (f"  {node.name}: {{role: {role}, address: [{node.host}], "
                 f"at: [50, 8], api: \"{node.api_url}\", "
                 f"rtmp: \"{node.address('rtmp')}\", flv: off}}\n")
    return text + ("steer:\n  live.example.com: {pool: [edge]}\n"
                   "  origin.example.com: {pool: [origin]}\n") + more


class Clusters(Test):
    def setUp(self):
        self.fleet = Fleet(4, scale=0.1)
        self.addCleanup(self.fleet.close)
        self.d = self.daemon(conf_of(self.fleet))
        for node in self.fleet:
            self.eventually(lambda: self.d.node(node.name)["state"] == "up")

    def origin(self, stream, method="GET", more=""):
        status, body = self.d.http(
            f"/api/v1/clusters?vhost=__defaultVhost__&ip=x&app=live&stream="
            f"{stream}&coworker=y{more}", method)
        self.assertEqual((status, body["code"]), (200, 0))
        return body["data"]["origin"]

    def where(self, node):
        return {"ip": node.host, "port": node.ports["rtmp"]}

    def is_at(self, stream, node):
        origin = self.origin(stream)
        return origin and all(origin[key] == value
                              for key, value in self.where(node).items())

    def test_owner(self):
        first, second = self.fleet["srs1"], self.fleet["srs2"]
        self.assertIsNone(self.origin("maths"))
        first.set_streams("live/maths")
        second.set_streams("live/music", "other/maths")
        self.eventually(lambda: self.is_at("maths", first))
        self.eventually(lambda: self.is_at("music", second))
        self.assertIsNone(self.origin("mat"))
        # SRS itself posts, with the question in the URL
        posted = self.origin("music", method="POST")
        self.assertEqual(posted["ip"], second.host)
        # the teacher comes back, through the other one
        first.set_streams()
        second.set_streams("live/music", "live/maths")
        self.eventually(lambda: self.is_at("maths", second))

    def test_not_from_others(self):
        """What edges and recorders have, they have from an origin."""
        self.fleet["srs3"].set_streams("live/maths")
        self.fleet["srs4"].set_streams("live/maths")
        self.eventually(lambda: self.d.node("srs3")["streams"] == 1)
        self.assertIsNone(self.origin("maths"))
        self.assertEqual(self.d.node("srs3")["records"], ["/live/maths"])
        self.assertNotIn("records", self.d.node("srs1"))
        listed = self.d.http("/api/v1/streams")[1]
        self.assertEqual([(s["stream"], s["node"], s["role"]) for s in listed],
                         [("/live/maths", "srs3", "recorder")])

    def test_dead_origin(self):
        first, second = self.fleet["srs1"], self.fleet["srs2"]
        first.set_streams("live/maths", clients=9)
        second.set_streams("live/maths")
        self.eventually(lambda: self.is_at("maths", first))
        first.die()
        self.eventually(lambda: self.is_at("maths", second))
        second.die()
        self.eventually(lambda: self.origin("maths") is None)

    def test_vhost(self):
        self.fleet["srs1"].set_streams("live/maths")
        self.eventually(lambda: self.origin("maths"))
        other = self.d.http("/api/v1/clusters?vhost=school.example&app=live"
                            "&stream=maths")[1]
        self.assertIsNone(other["data"]["origin"])

    def test_never_the_caller(self):
        """An origin that is sent to itself would send its client in a circle."""
        first, second = self.fleet["srs1"], self.fleet["srs2"]
        first.set_streams("live/maths")
        second.set_streams("live/music")
        self.eventually(lambda: self.is_at("maths", first))
        self.eventually(lambda: self.is_at("music", second))

        def asked_by_first(stream):
            c = http.client.HTTPConnection(
                "127.0.0.1", self.d.http_port, timeout=10,
                source_address=(first.host, 0))
            with contextlib.closing(c):
                c.request("POST",
                          f"/api/v1/clusters?app=live&stream={stream}")
                return json.loads(c.getresponse().read())["data"]["origin"]
        self.assertIsNone(asked_by_first("maths"))
        self.assertEqual(asked_by_first("music")["ip"], second.host)

    def test_bad_questions(self):
        for query in ("", "?app=live", "?app=live&stream=", "?stream=x",
                      "?app=live&stream=" + "x" * 2000):
            self.assertEqual(self.d.http("/api/v1/clusters" + query)[0], 400)
        self.assertEqual(
            self.d.http("/api/v1/clusters?app=%ff&stream=%fe")[0], 400)
