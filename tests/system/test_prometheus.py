"""The rules for Prometheus and the dashboard for Grafana, by Debian's prometheus over
a dnsd that runs."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request

from etcd_world import Certificates
from harness import Daemon, NETS, ROOT, WAIT_S, Test
from primary_standin import Primary
from patience import PATIENCE_S
from ports import free_port
from srs_standin import Fleet

RULES = ROOT / "conf/prometheus/dnsd.rules.yml"
CASES = ROOT / "tests/data/prometheus/dnsd.test.yml"
DASHBOARD = ROOT / "conf/grafana/dnsd.json"
OPERATIONS = ROOT / "docs/operations.md"
ALERTS = re.findall(r"(?m)^ *- alert: (\w+)$", RULES.read_text())


def promtool(*words):
    done = subprocess.run(["promtool", *words], capture_output=True, text=True,
                          timeout=PATIENCE_S * 3)
    return done.returncode, done.stdout + done.stderr


def targets():
    """(title of the panel, its query) of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def names_in(text):
    return set(re.findall(r"\bdnsd_\w+", text))


class Prometheus:
    """A process of its own, which asks one dnsd all the time."""

    def __init__(self, test, target):
        folder = tempfile.TemporaryDirectory(prefix="dnsd-prometheus-")
        test.addCleanup(folder.cleanup)
        self.url = f"http://127.0.0.1:{free_port()}"
        conf = f"{folder.name}/prometheus.yml"
        with open(conf, "w") as f:
            f.write(f"global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n"
                    f"rule_files: [{RULES}]\nscrape_configs:\n"
                    f"  - job_name: dnsd\n    static_configs: "
                    f"[{{targets: [\"{target}\"]}}]\n")
        self.log = open(f"{folder.name}/log", "wb")
        test.addCleanup(self.log.close)
        process = subprocess.Popen(
            ["prometheus", "--config.file", conf, "--storage.tsdb.path",
             folder.name + "/data", "--web.listen-address", self.url[7:]],
            stdout=self.log, stderr=self.log)
        test.addCleanup(process.wait)
        test.addCleanup(process.kill)

    def call(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}",
                                    timeout=WAIT_S) as answer:
            return json.loads(answer.read())["data"]

    def ask(self, expression):
        return self.call("query", query=expression)["result"]


@unittest.skipUnless(shutil.which("prometheus"), "needs prometheus")
class Rules(Test):
    def test_check(self):
        status, text = promtool("check", "rules", str(RULES))
        self.assertEqual(status, 0, text)
        self.assertIn(f"{len(ALERTS)} rules found", text)

    def test_cases(self):
        """Each alert fires for what it is meant for, and not for the nearest."""
        status, text = promtool("test", "rules", str(CASES))
        self.assertEqual(status, 0, text)
        for alert in ALERTS:
            for case in ("fires", "does not"):
                self.assertRegex(CASES.read_text(), f"name: {alert} {case}")

    def test_broken_rule_is_noticed(self):
        """By the cases: an alert that comes at once, or never."""
        text = RULES.read_text()
        for old, new in (("for: 2m", "for: 0m"), ("> 0.85", "> 1.85")):
            self.assertIn(old, text)
            with tempfile.TemporaryDirectory() as folder:
                with open(folder + "/rules.yml", "w") as f:
                    f.write(text.replace(old, new))
                with open(folder + "/cases.yml", "w") as f:
                    f.write(re.sub(r"rule_files: \[.*\]", "rule_files: [rules.yml]",
                                   CASES.read_text()))
                self.assertNotEqual(
                    promtool("test", "rules", folder + "/cases.yml")[0], 0, new)

    def test_each_says_what_to_do(self):
        """And where it is written: a heading that there is."""
        def headings(document):
            return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
                    for h in re.findall(r"(?m)^#+ (.*)$", (ROOT / document).read_text())}
        for alert in RULES.read_text().split("- alert: ")[1:]:
            self.assertRegex(alert, r"\n +for: \d+[sm]\n")
            self.assertRegex(alert, r"\n +labels: \{severity: (page|ticket)\}\n")
            found = re.findall(r"(docs/\w+\.md)#([\w-]+)", alert)
            self.assertEqual(len(found), 1, alert)
            self.assertIn(found[0][1], headings(found[0][0]))
            self.assertIn(f"`{alert.split()[0]}`", OPERATIONS.read_text())


@unittest.skipUnless(shutil.which("prometheus"), "needs prometheus")
class Scrape(Test):
    """Of a dnsd with etcd, which does not answer, a signed zone, a zone of another name
    server, TLS and two nodes."""

    def setUp(self):
        primary = Primary("@ 300 SOA ns h 1 3600 600 86400 60\n@ 300 NS ns\n"
                          "ns 300 A 127.0.0.1\n", "school.example")
        self.addCleanup(primary.close)
        self.fleet = Fleet(2, scale=0.1)
        self.addCleanup(self.fleet.close)
        nodes = "".join(
            f"  {n.name}: {{address: [{n.host}], at: [22.3, 114.2], capacity: 100, "
            f"api: \"{n.api_url}\", rtmp: off, flv: off}}\n" for n in self.fleet)
        self.d = Daemon(
            f"tls: {{listen: [\"127.0.0.1:{free_port()}\"], cert: ns1.crt, key: ns1.key}}\n"
            "xdp: {interfaces: [lo]}\n"     # is none for it, and is shown
            "nets: nets.txt\nhealth: {interval: 0.2, timeout: 2}\n"
            f"etcd: {{endpoints: [\"http://127.0.0.1:{free_port()}\"], as: ns1}}\n"
            "zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"], "
            "dnssec: {keys: keys}}, school.example: {from: {primary: "
            f"[\"127.0.0.1:{primary.port}\"]}}}}}}\n"
            f"nodes:\n{nodes}steer:\n  live.example.com: {{pool: [edge]}}\n",
            files={"nets.txt": NETS}, start=False)
        self.addCleanup(self.d.close)
        Certificates(self.d.folder).sign("ns1", "serverAuth")
        (self.d.folder / "keys").mkdir()
        self.d.run("keys", "generate", "example.com")
        self.d.start()
        for n in self.fleet:
            self.eventually(lambda: self.d.node(n.name)["state"] == "up")
        self.instance = f"127.0.0.1:{self.d.http_port}"
        self.prometheus = Prometheus(self, self.instance)
        # Rates need two of them.
        self.eventually(lambda: self.prometheus.ask(
            "count_over_time(dnsd_uptime_seconds[1m]) >= 3"), "three scrapes")

    def shown(self, expression):
        """The query as Grafana sends it."""
        return self.prometheus.ask(
            expression.replace("$__rate_interval", "1m").replace("$job", "dnsd")
            .replace("$instance", "127.*"))

    def test_names(self):
        """What rules and dashboard ask for was scraped; the rest of what is scraped
        has its place on the dashboard."""
        scraped = {n for n in self.prometheus.call("label/__name__/values")
                   if n.startswith("dnsd_")}
        on_dashboard = set().union(*(names_in(e) for _, e in targets()))
        in_rules = set().union(*(names_in(r["query"]) for g in self.rules()
                                 for r in g["rules"]))
        self.assertGreater(len(in_rules), 10)
        self.assertEqual(in_rules - scraped, set())
        self.assertEqual(on_dashboard, scraped)

    def rules(self):
        return self.prometheus.call("rules")["groups"]

    def test_no_panel_is_empty(self):
        self.d.ask("live.example.com", subnet="10.1.0.0/24")
        for title, expression in targets():
            self.eventually(lambda: self.shown(expression), f"{title}: {expression}")

    def test_alerts(self):
        """Of a node that dies, by all of the way; etcd never came, and the certificate has
        two days."""
        self.fleet[0].die()
        always = {"DnsdEtcdAway", "DnsdCertificateExpires"}
        wanted = always | {"DnsdNodeDown"}
        expressions = {r["name"]: r["query"] for g in self.rules() for r in g["rules"]}
        self.assertEqual(set(expressions), set(ALERTS))

        def firing():
            return {name for name, e in expressions.items() if self.prometheus.ask(e)}
        self.eventually(lambda: firing() == wanted, "the alerts")
        self.assertEqual(self.prometheus.ask(expressions["DnsdNodeDown"])[0]["metric"]
                         ["node"], self.fleet[0].name)
        self.d.run("ctl", "drain", self.fleet[0].name)
        self.eventually(lambda: firing() == always, "drained")

    def test_snapshot_age(self):
        """Begins anew with each snapshot."""
        self.eventually(lambda: self.prometheus.ask(
            "0 <= dnsd_snapshot_age_seconds < 0.5 * dnsd_uptime_seconds"), "its age")
