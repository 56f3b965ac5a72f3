# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""dashboard.py DASHBOARD RULES TEXT...: whether the dashboard is put together well, and
whether it and the alerts speak of metrics that are there, as the exporter's TEXT has
them. For the queries themselves there is ask(), which a test with a Prometheus calls.
"""
import http.client
import itertools
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

# What other exporters tell, and Prometheus itself.
FOREIGN = {"up", "node_textfile_mtime_seconds"}


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def queries(dashboard):
    """(panel's title, query) of all panels."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def metrics(expression):
    """Names of metrics in a query; they all have an underscore, or are up."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\b(by|without|on)\s*\([^)]*\)|\{[^}]*\}", "", bare)
    return {name for name in re.findall(r"\b([a-z][a-z0-9_]*)\b(?!\s*\()", bare)
            if name.startswith(("memstate_", "node_")) or name == "up"}


def overlap(a, b):
    return (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and
            a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


def complaints(dashboard):
    """What is wrong with it by itself."""
    panels = dashboard["panels"]
    variables = {v["name"] for v in dashboard["templating"]["list"]} | {"__rate_interval"}
    if len({panel["id"] for panel in panels}) != len(panels):
        yield "two panels have one id"
    for a, b in itertools.combinations(panels, 2):
        if overlap(a["gridPos"], b["gridPos"]):
            yield f"{a['title']} lies over {b['title']}"
    for panel in panels:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{panel['title']} is too wide"
        targets = panel.get("targets", [])
        if panel["type"] != "row" and not targets:
            yield f"{panel['title']} has no query"
        if len({target["refId"] for target in targets}) != len(targets):
            yield f"{panel['title']}: two queries have one name"
        for target in targets:
            if target["datasource"]["uid"] != "${datasource}":
                yield f"{panel['title']}: another data source"
            if 'instance=~"$instance"' not in target["expr"]:
                yield f"{panel['title']}: not of the instances that are chosen"
            for name in re.findall(r"\$\{?(\w+)", target["expr"]):
                if name not in variables:
                    yield f"{panel['title']}: no variable {name}"
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and not (variable["multi"] and variable["includeAll"]):
            yield f"{variable['name']}: several cannot be chosen"


def get(url, path, **parameters):
    """What Prometheus answers, or its error."""
    query = urllib.parse.urlencode(parameters, doseq=True)
    try:
        with urllib.request.urlopen(f"{url}{path}?{query}", timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return {"status": "error", "error": error.read().decode()}
    except (OSError, http.client.HTTPException) as error:
        return {"status": "error", "error": f"{error!r}"}


def ask(url, expression):
    """(status, number of series) of a panel's query by a real Prometheus."""
    for name, value in (("__rate_interval", "60s"), ("instance", ".*"), ("group", ".*"),
                        ("top", "10")):
        expression = expression.replace(f"${name}", value)
    answer = get(url, "/api/v1/query", query=expression)
    return (answer.get("error", answer["status"]),
            len(answer.get("data", {}).get("result", ())))


def main():
    dashboard = load(sys.argv[1])
    known = set(FOREIGN)
    for path in sys.argv[3:]:
        with open(path, encoding="utf-8") as f:
            known |= set(re.findall(r"^(\w+)", re.sub(r"(?m)^#.*$", "", f.read()), re.M))
    wrong = list(complaints(dashboard))
    with open(sys.argv[2], encoding="utf-8") as f:
        rules = f.read()
    expressions = [rule.replace("\n", " ") for rule in
                   re.findall(r"^ +expr: (?:>-)?((?:.|\n)*?)\n +(?:for|labels):", rules, re.M)]
    alerts = re.findall(r"- alert: (\w+)", rules)
    if len(expressions) != len(alerts):
        wrong.append(f"{len(alerts)} alerts, {len(expressions)} expressions")
    used = set()
    for where, expression in itertools.chain(queries(dashboard), zip(alerts, expressions)):
        names = metrics(expression)
        used |= names
        if not names or names - known:
            wrong.append(f"{where}: {names - known or 'no metric'} in {expression}")
    print("\n".join(wrong))
    print(f"{len(used)} metrics used, {len(known)} known, {len(wrong)} complaints")
    sys.exit(1 if wrong or len(used) < 20 else 0)


if __name__ == "__main__":
    main()
