"""deploy/prometheus and deploy/grafana: every figure they name is told by a running metergate, and promtool finds no fault."""

import json
import re
import subprocess
from pathlib import Path

import wanting
from homeserver import Homeserver
from place import DEPLOY, Check, make_folder, plain_environment, run, start_metergate
from stage.matrix import ask

HERE = Path(__file__).resolve().parent
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "metergate.json"
UPLOAD = "/_matrix/media/v3/upload"
MORE = """\
[policy]
default_group = "free"

[policy.groups.free]
media_bytes = "1kB/month"

[[notify]]
url = "http://127.0.0.1:9/"
secret = "whsec_aHVudGVyMi1odW50ZXIyLWh1bnRlcjI="
"""

#: What Prometheus itself adds to every series.
ADDED = {"instance", "job"}
NAME = re.compile(r"\bmetergate_\w+")
SELECTOR = re.compile(r"\b(metergate_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPED = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
SAID = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
SERIES = re.compile(r"^(metergate_\w+)(?:\{(.*)\})? \S+$")


class Monitoring(Check):
    """One metergate that has seen an upload, a refusal and a failure; and what is written about it."""

    @classmethod
    def setUpClass(cls):
        cls.promtool = wanting.tool("promtool", "deploy/prometheus and deploy/grafana")
        cls.folder = make_folder(cls)
        cls.homeserver = Homeserver()
        cls.addClassCleanup(cls.homeserver.close)
        cls.metergate = start_metergate(cls, cls.folder, cls.homeserver.url, MORE)
        for size in (100, 2000):
            headers = {"Authorization": "Bearer alice"}
            ask(cls.metergate.url, "POST", UPLOAD, bytes(size), headers)
        cls.text = ask(cls.metergate.admin_url, "GET", "/metrics").body.decode()
        cls.series = told(cls.text)

    def test_the_figures_are_as_prometheus_wants_them(self):
        checked = subprocess.run(
            [self.promtool, "check", "metrics"],
            input=self.text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=plain_environment(),
            timeout=60,
        )
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_the_rules_are_rules_and_say_what_they_should(self):
        for words in (("check", "rules", ALERTS), ("test", "rules", HERE / "alerts_test.yml")):
            done = run(self.promtool, *words, folder=self.folder)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_every_rule_is_tried(self):
        tried = set(re.findall(r"alertname: (\w+)", (HERE / "alerts_test.yml").read_text()))
        declared = set(re.findall(r"- alert: (\w+)", ALERTS.read_text()))
        self.assertEqual(declared, tried)

    def test_the_example_is_a_configuration(self):
        token, rules = self.folder / "token", self.folder / "alerts.yml"
        token.write_text("s3cret")
        rules.write_text(ALERTS.read_text())
        example = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        named = "/etc/metergate/admin-token"
        self.assertIn(named, example)
        config = self.folder / "prometheus.yml"
        config.write_text(example.replace(named, str(token)))
        done = run(self.promtool, "check", "config", config, folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_every_figure_of_the_rules_is_told(self):
        text = ALERTS.read_text()
        self.are_told(text.split("- alert:"), SAID.findall(text))

    def test_every_figure_of_the_dashboard_is_told(self):
        panels, expressions = dashboard()
        said = [word for target in targets(panels) for word in SAID.findall(target.get("legendFormat", ""))]
        self.are_told(expressions, said)

    def test_the_expressions_of_the_dashboard_are_expressions(self):
        _, expressions = dashboard()
        self.assertGreater(len(expressions), 30)
        for variable, value in (("$__rate_interval", "5m"), ("$instance", ".*")):
            expressions = [expression.replace(variable, value) for expression in expressions]
        rules = [{"record": f"panel:{number}", "expr": it} for number, it in enumerate(expressions)]
        file = self.folder / "panels.yml"
        # JSON is YAML.
        file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
        done = run(self.promtool, "check", "rules", file, folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_dashboard_can_be_brought_in_anywhere(self):
        read = json.loads(DASHBOARD.read_text())
        names = [variable["name"] for variable in read["templating"]["list"]]
        self.assertEqual(names, ["datasource", "instance"])
        panels = [panel for panel in read["panels"] if panel["type"] != "row"]
        self.assertEqual(len({panel["id"] for panel in read["panels"]}), len(read["panels"]))
        for panel in panels:
            self.assertEqual(panel["datasource"]["uid"], "${datasource}", panel["title"])
            self.assertTrue(panel["description"], panel["title"])
            for target in panel["targets"]:
                self.assertIn('instance=~"$instance"', target["expr"], panel["title"])
        taken = set()
        for panel in read["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            taken |= cells

    def are_told(self, expressions, said):
        """That the figures, labels and values in these expressions, and labels `said` elsewhere, are told."""
        labels = {label for series in self.series.values() for label in series} | ADDED
        for expression in expressions:
            for name in NAME.findall(expression):
                self.assertIn(name, self.series, expression)
            for name, selector in SELECTOR.findall(expression):
                for label, _, value in MATCHER.findall(selector):
                    if label not in ADDED:
                        self.assertIn(label, self.series[name], expression)
                        for word in value.split("|"):
                            self.assertIn(word, self.series[name][label], expression)
            for group in GROUPED.findall(expression):
                for label in filter(None, (word.strip() for word in group.split(","))):
                    known = set().union(*(self.series[name] for name in NAME.findall(expression)))
                    self.assertIn(label, known | ADDED, expression)
        for label in said:
            self.assertIn(label, labels | {"value"}, said)


def told(text):
    """Every name with its labels, and the values of each."""
    series = {}
    for line in text.splitlines():
        found = SERIES.match(line)
        if found:
            labels = series.setdefault(found[1], {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', found[2] or ""):
                labels.setdefault(label, set()).add(value)
    return series


def dashboard():
    """Its panels, and every expression in it."""
    read = json.loads(DASHBOARD.read_text())
    panels = read["panels"]
    expressions = [target["expr"] for target in targets(panels)]
    expressions += [note["expr"] for note in read["annotations"]["list"]]
    return panels, expressions


def targets(panels):
    return [target for panel in panels for target in panel.get("targets", [])]
