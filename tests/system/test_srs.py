"""`dnsd srs`: the configuration of each role, by SRS's own rules."""

import re

from harness import Test

# What SRS 5 and 6 accept, of what a node here may need. SRS refuses to start at
# any other word. A value is a pattern that each of its words must match.
SWITCH, NUMBER, WORD = "on|off", r"\d+", r"[^\s{};\"']+"
PLACE = r"([\w.-]+|\[[0-9a-f:]+\]):\d+"
GRAMMAR = {
    "listen": NUMBER, "max_connections": NUMBER, "daemon": SWITCH,
    "srs_log_tank": "console|file", "server_id": WORD,
    "stats": {"enabled": SWITCH, "network": NUMBER},
    "heartbeat": {"enabled": SWITCH, "interval": NUMBER, "url": "https?://.+",
                  "device_id": WORD, "summaries": SWITCH, "ports": SWITCH},
    "http_api": {"enabled": SWITCH, "listen": NUMBER, "crossdomain": SWITCH},
    "http_server": {"enabled": SWITCH, "listen": NUMBER, "dir": WORD,
                    "crossdomain": SWITCH},
    "rtc_server": {"enabled": SWITCH, "listen": NUMBER,
                   "candidate": r"[0-9a-f.:]+", "api_as_candidates": SWITCH},
    "srt_server": {"enabled": SWITCH, "listen": NUMBER},
    "vhost __defaultVhost__": {
        "rtc": {"enabled": SWITCH, "rtmp_to_rtc": SWITCH},
        "srt": {"enabled": SWITCH, "srt_to_rtmp": SWITCH},
        "http_remux": {"enabled": SWITCH, "mount": r"\[vhost\]/.+\.flv"},
        "http_hooks": {"enabled": SWITCH},
        "cluster": {"mode": "local|remote", "origin": PLACE,
                    "origin_cluster": SWITCH, "coworkers": PLACE},
        "forward": {"enabled": SWITCH, "destination": PLACE},
        "dvr": {"enabled": SWITCH, "dvr_plan": "session|segment",
                "dvr_path": r".+\[stream\].+\.flv"},
    },
}
SEVERAL = {"origin", "coworkers", "destination"}    # take more than one word


def blocks_of(text):
    """`name words;` or `name words { ... }`, # starts a comment. {"name": [words]}
    and {"name words": {...}}; nothing twice."""
    tokens = re.findall(r"[{};]|[^\s{};]+", re.sub(r"#.*", "", text))

    def block(nested):
        found, words = {}, []
        while tokens:
            token = tokens.pop(0)
            if token == ";":
                key, value = words[0], words[1:]
                assert value, f"{key} has no value"
            elif token == "{":
                key, value = " ".join(words), block(True)
            elif token == "}":
                assert nested and not words
                return found
            else:
                words.append(token)
                continue
            assert key not in found, f"{key} twice"
            found[key], words = value, []
        assert not nested and not words, "ends in the middle"
        return found
    return block(False)


def check(found, grammar=None, where="top"):
    """Every word is one that SRS knows at that place."""
    grammar = GRAMMAR if grammar is None else grammar
    for key, value in found.items():
        assert key in grammar, f"{key} in {where}"
        if isinstance(value, dict):
            check(value, grammar[key], key)
            continue
        assert len(value) == 1 or key in SEVERAL, f"{key} {value}"
        for word in value:
            assert re.fullmatch(grammar[key], word), f"{key} {word}"
    return found


NODES = """
nodes:
  oa: {role: origin, address: [192.0.2.1], at: [1, 1]}
  ob: {role: origin, address: [192.0.2.2], at: [1, 1], api: "http://u:hush@192.0.2.2:9091"}
  e1: {role: edge, address: ["2001:db8::3"], at: [1, 1], capacity: 3000}
  r1: {role: relay, address: [192.0.2.4], at: [1, 1], rtmp: "192.0.2.4:19370"}
  rec: {role: recorder, address: [192.0.2.5], at: [1, 1], overcommit: 1}
"""
ZONE = "zones: {example.com: {ns: [%s]}}"
TWO = "\"ns1.example.com 203.0.113.5 2001:db8::5\", \"ns2.example.com 203.0.113.6\""


class Srs(Test):
    def text(self, node, public=None, ns=TWO, more="", names=""):
        steer = ("steer: {live.example.com: {pool: [edge]}, "
                 "push.example.com: {pool: [relay]}%s}\n" % names)
        conf = (f"public: {{listen: {public}}}\n" if public else "") + more
        d = self.daemon(conf + ZONE % ns + NODES + steer, start=False)
        return d.run("srs", node)

    def blocks(self, *words, **keys):
        return check(blocks_of(self.text(*words, **keys)))

    def coworkers(self, *words, **keys):
        found = self.blocks("oa", *words, **keys)
        return found["vhost __defaultVhost__"]["cluster"]["coworkers"]

    def test_every_role(self):
        for node in ("oa", "ob", "e1", "r1", "rec"):
            found = self.blocks(node, public="[\"0.0.0.0:8080\"]")
            self.assertEqual(found["server_id"], [node])
            self.assertEqual(found["stats"],
                             {"enabled": ["on"], "network": ["0"]})
            self.assertEqual(found["heartbeat"]["summaries"], ["on"])
            self.assertEqual(found["heartbeat"]["device_id"], [node])
            self.assertEqual(found["http_api"]["enabled"], ["on"])
            self.assertEqual(found["http_server"]["enabled"], ["on"])
            vhost = found["vhost __defaultVhost__"]
            self.assertEqual(vhost["http_remux"]["enabled"], ["on"])
            self.assertEqual(vhost["http_hooks"], {"enabled": ["off"]})

    def test_origin(self):
        found = self.blocks("oa")
        self.assertEqual(found["listen"], ["1935"])
        vhost = found["vhost __defaultVhost__"]
        self.assertEqual(vhost["cluster"]["mode"], ["local"])
        self.assertEqual(vhost["cluster"]["origin_cluster"], ["on"])
        self.assertEqual(vhost["forward"]["destination"], ["192.0.2.5:1935"])

    def test_dnsd_is_the_coworker(self):
        """All name servers behind "any"; the address of the listener else."""
        self.assertEqual(self.coworkers("[\"0.0.0.0:8080\"]"),
                         ["203.0.113.5:8080", "203.0.113.6:8080"])
        self.assertEqual(self.coworkers("[\"[::]:81\"]"), ["[2001:db8::5]:81"])
        self.assertEqual(self.coworkers("[\"198.51.100.7:90\"]"),
                         ["198.51.100.7:90"])
        self.assertEqual(
            self.coworkers("[\"127.0.0.1:8080\", \"198.51.100.7:90\"]"),
            ["198.51.100.7:90"])

    def test_each_other(self):
        """Where dnsd can't be asked by plain HTTP."""
        each_other = ["192.0.2.2:9091"]
        self.assertEqual(self.coworkers(), each_other)
        for listen in ("127.0.0.1:8080", "127.9.9.9:8080", "[::1]:8080"):
            self.assertEqual(self.coworkers(f"[\"{listen}\"]"), each_other)
        self.assertEqual(
            self.coworkers("[\"0.0.0.0:80\"]", ns="ns1.example.com"), each_other)
        self.assertEqual(
            self.coworkers("[\"0.0.0.0:80\"]", ns="\"n.example.com 127.0.0.1\""),
            each_other)
        tls = ("public: {listen: [\"0.0.0.0:443\"], cert: site.crt, "
               "key: site.key}\n")
        self.assertEqual(self.coworkers(more=tls), each_other)
        self.assertEqual(self.blocks("oa", more=tls)["heartbeat"]["url"],
                         ["https://203.0.113.5:443/api/v1/servers"])

    def test_heartbeat(self):
        found = self.blocks("e1", public="[\"0.0.0.0:8080\"]")
        self.assertEqual(found["heartbeat"]["url"],
                         ["http://203.0.113.5:8080/api/v1/servers"])
        found = self.blocks("e1", public="[\"[::]:8080\"]")
        self.assertEqual(found["heartbeat"]["url"],
                         ["http://[2001:db8::5]:8080/api/v1/servers"])
        self.assertNotIn("heartbeat", self.blocks("e1"))
        self.assertIn("# No heartbeat", self.text("e1"))

    def test_heartbeat_here(self):
        """A node on loopback reaches a listener there."""
        d = self.daemon(ZONE % TWO + """
nodes:
  here: {role: origin, address: [127.0.0.9], at: [1, 1]}
  there: {role: origin, address: [192.0.2.9], at: [1, 1]}
steer: {live.example.com: {pool: [origin]}}
""", start=False)
        found = check(blocks_of(d.run("srs", "here")))
        self.assertEqual(found["heartbeat"]["url"],
                         [f"http://127.0.0.1:{d.http_port}/api/v1/servers"])
        self.assertIn("# No heartbeat", d.run("srs", "there"))

    def test_edge(self):
        found = self.blocks("e1")
        self.assertGreaterEqual(int(found["max_connections"][0]), 2 * 3000)
        self.assertEqual(found["vhost __defaultVhost__"]["cluster"],
                         {"mode": ["remote"],
                          "origin": ["192.0.2.1:1935", "192.0.2.2:1935"]})

    def test_play_more(self):
        """An edge with whep or srt is fed by the origins, and pulls no more."""
        nodes = NODES.replace("capacity: 3000}", "capacity: 3000, "
                              'whep: "http://[2001:db8::3]:1985"}\n'
                              "  e2: {address: [192.0.2.6], at: [1, 1], "
                              'rtmp: "192.0.2.6:19", srt: "192.0.2.6:10090"}\n'
                              "  e3: {address: [192.0.2.7], at: [1, 1]}")
        d = self.daemon(ZONE % TWO + nodes, start=False)
        e1, e2, e3, oa, rec = (check(blocks_of(d.run("srs", n)))
                               for n in ("e1", "e2", "e3", "oa", "rec"))
        self.assertEqual(e1["rtc_server"], {
            "enabled": ["on"], "listen": ["8000"], "candidate": ["2001:db8::3"],
            "api_as_candidates": ["off"]})
        vhost = "vhost __defaultVhost__"
        self.assertEqual(e1[vhost]["rtc"],
                         {"enabled": ["on"], "rtmp_to_rtc": ["on"]})
        self.assertNotIn("srt_server", e1)
        self.assertEqual(e2["srt_server"],
                         {"enabled": ["on"], "listen": ["10090"]})
        self.assertNotIn("rtc_server", e2)
        for fed in e1, e2:
            self.assertNotIn("cluster", fed[vhost])
            self.assertNotIn("forward", fed[vhost])
        self.assertEqual(e3[vhost]["cluster"]["mode"], ["remote"])
        self.assertEqual(oa[vhost]["forward"]["destination"],
                         ["192.0.2.5:1935", "[2001:db8::3]:1935", "192.0.2.6:19"])
        self.assertNotIn("forward", rec[vhost])

    def test_relay(self):
        found = self.blocks("r1")
        self.assertEqual(found["listen"], ["19370"])
        self.assertEqual(
            found["vhost __defaultVhost__"]["forward"]["destination"],
            ["192.0.2.1:1935"])
        found = self.blocks("r1", names=", origin.example.com: {pool: [origin]}")
        self.assertEqual(
            found["vhost __defaultVhost__"]["forward"]["destination"],
            ["origin.example.com:1935"])

    def test_recorder(self):
        found = self.blocks("rec")
        self.assertEqual(found["vhost __defaultVhost__"]["dvr"]["enabled"],
                         ["on"])

    def test_no_password(self):
        text = self.text("ob")
        self.assertNotIn("hush", text)
        self.assertIn("asks for a password", text)
        self.assertNotIn("password", self.text("oa"))

    def test_no_token(self):
        """Of SRS 8: the environment has them, the file does not know them."""
        more = "heartbeat_token: hush\npublic: {listen: [\"0.0.0.0:8080\"]}\n"
        d = self.daemon(more + ZONE % TWO + NODES.replace(
            'api: "http://u:hush@192.0.2.2:9091"', "api_token: hush"), start=False)
        text = d.run("srs", "ob")
        self.assertNotIn("hush", text)
        self.assertNotIn("password", text)
        self.assertIn("SRS_HTTP_API_AUTH_TOKEN=", text)
        self.assertIn("SRS_HEARTBEAT_AUTH_TOKEN=", text)
        check(blocks_of(text))
        self.assertNotIn("SRS_HTTP_API_AUTH", d.run("srs", "oa"))
        self.assertNotIn("_AUTH_", self.text("oa"))

    def test_without_origins(self):
        d = self.daemon("zones: {example.com: {ns: [n.example.com]}}\n"
                        "nodes: {e: {address: [192.0.2.1], at: [1, 1]}}\n",
                        start=False)
        done = d.run("srs", "e", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no origin", done.stderr)
        self.assertIn("no node 'x'", d.run("srs", "x", check=False).stderr)
