"""Federation policy at a million domains: look-ups in verdict tables, their size, and how long a change takes."""
import contextlib
import http.client
import json
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from perf.support.dns_lookups import lookups
from perf.support.machine import Link
from perf.support.rows import measure
from perf.support.turn_servers import Fedge

PROGRAMS = {"table": "perf/policy/perf-policy-table", "discovery": "perf/discovery/perf-discovery", "fedge": "appliance/cli/fedge",
            "fedge-control": "control/fedge-control", "fedge-dataplane": "dataplane/core/fedge-dataplane"}
DOMAINS = 1_000_000


def goal(metric, value, unit, most):
    """Ratio: of what is allowed, so that more than 1 misses the goal."""
    return {"metric": metric, "value": value, "unit": unit, "against": f"goal: at most {most:g}",
            "ratio": round(value / most, 3)}


def run(programs, quick):
    table = measure(programs["table"], DOMAINS, 30 if quick else 300)
    value = {name: row["value"] for name, row in table.items()}
    return [
        goal("policy.lookup_ns.1m", value["lookup_cold"], "ns", 200),
        {"metric": "policy.lookup_vs_memory", "value": value["lookup_cold"], "unit": "ns",
         "against": "one read of that memory", "ratio": round(value["lookup_cold"] / value["memory_cold"], 2)},
        goal("policy.lookup_unknown_ns.1m", value["lookup_cold_unknown"], "ns", 200),
        goal("policy.lookup_warm_ns.1m", max(value["lookup_warm"], value["lookup_warm_unknown"]), "ns", 50),
        goal("policy.bytes_per_domain", value["bytes_per_domain"], "bytes", 128),
        goal("policy.publish_ms.1m", value["build"] + value["verify"], "ms", 2000),
        *changes(programs, 10 if quick else 50),
        lookups(programs["discovery"], quick),
    ]


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None):
        self.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"perf/run: {method} {path}: {text[-300:]}")
        return json.loads(text) if text else {}


class Edge(Fedge):
    """One core that sleeps when it is idle, so that both daemons have a CPU; a core that polls sees a change sooner."""
    IDLE = "backoff"


def commit_beside(socket_path, api):
    """Commits the million; milliseconds that each of the requests for the status took meanwhile."""
    commit = threading.Thread(target=lambda: Connection(socket_path).ask("POST", "/v1/commit", {"comment": "a million"}))
    commit.start()
    waits = []
    while commit.is_alive():
        begin = time.monotonic()
        api.ask("GET", "/v1/status")
        waits.append((time.monotonic() - begin) * 1000)
        time.sleep(0.02)
    commit.join()
    return waits


def changes(programs, rounds):
    """From the request to commit one domain more to its answer: stored, published, adopted by every core."""
    with tempfile.TemporaryDirectory(prefix="fedge-perf-") as directory, Link() as link, contextlib.ExitStack() as stack:
        work = pathlib.Path(directory)
        edge = Edge(link, programs, work)
        stack.callback(edge.stop)
        edge.start()
        path = work / "million.csv"
        with open(path, "w") as file:
            file.write("name,list\n")
            file.writelines(f"partner-{number:06}.example,allow\n" for number in range(DOMAINS))
        begin = time.monotonic()
        subprocess.run([programs["fedge"], "partner", "import", str(path)], check=True, timeout=280,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env={"FEDGE_SOCKET": str(work / "run/control.sock")})
        imported = time.monotonic() - begin
        api = Connection(work / "run/control.sock")
        waits = commit_beside(work / "run/control.sock", api)
        edge.wait(edge._adopted, "the million domains do not come into force", 120)
        times = []
        for number in range(rounds):
            edge.check("block", "domain", f"new-{number}.example")
            begin = time.monotonic()
            answer = api.ask("POST", "/v1/commit", {"comment": "one more"})
            times.append((time.monotonic() - begin) * 1000)
            if not answer.get("adopted"):
                raise SystemExit(f"perf/run: a change was not adopted: {answer}")
        return [goal("policy.delta_publish_ms", round(statistics.median(times), 2), "ms", 50),
                goal("policy.delta_publish_max_ms", round(max(times), 2), "ms", 50),
                goal("policy.status_beside_commit_max_ms.1m", round(max(waits), 2), "ms", 200),
                {"metric": "policy.import_per_second", "value": round(DOMAINS / imported), "unit": "domains/s",
                 "against": "-", "ratio": 1.0}]
