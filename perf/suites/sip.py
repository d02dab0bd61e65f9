"""SIP through the edge: requests per CPU second beside Kamailio on the same veths, cycles per message of a whole core in
memory, memory of idle connections, a flood of scanners, and a cold start."""
import pathlib
import tempfile
import time

from perf.support.machine import Link, hugepages
from perf.support.rows import measure
from perf.support.sip_servers import FedgeSip, Kamailio, Load, People, serve

PROGRAMS = {"load": "perf/sip/perf-sip-load", "cycles": "perf/sip/perf-sip-cycles", "fedge": "appliance/cli/fedge",
            "fedge-control": "control/fedge-control", "fedge-dataplane": "dataplane/core/fedge-dataplane"}
WINDOW = 200


def run(programs, quick):
    with tempfile.TemporaryDirectory(prefix="fedge-perf-") as directory:
        place = pathlib.Path(directory)
        people = People(place / "people")
        ours = figures(FedgeSip, programs, place, people, quick)
        theirs = figures(Kamailio, programs, place, people, quick)
    with hugepages(1400):
        cycles = measure(programs["cycles"], 20_000 if quick else 100_000)
    return [
        *(versus(kind, ours[kind], theirs[kind]) for kind in ("message", "invite")),
        {"metric": "sip.message.rate", "value": round(ours["message"]["rate"]), "unit": "1/s",
         "against": f"Kamailio {theirs['message']['rate']:,.0f}; the load's CPU is a limit",
         "ratio": round(ours["message"]["rate"] / theirs["message"]["rate"], 3)},
        {"metric": "sip.cold_start.lost", "value": ours["cold"], "unit": f"of {WINDOW} requests",
         "against": f"Kamailio {theirs['cold']}", "ratio": round(ours["cold"] / WINDOW, 3)},
        {"metric": "sip.bytes_per_idle_connection", "value": ours["idle"], "unit": "bytes", "against": "20 KiB",
         "ratio": round(ours["idle"] / 20480, 3)},
        *(dict(row, metric=f"sip.{name}") for name, row in cycles.items()),
        versus_cycles(cycles, theirs["message"]),
    ]


def versus(kind, ours, theirs):
    return {"metric": f"sip.{kind}.vs_kamailio", "value": round(ours["per_cpu"]), "unit": "per CPU second",
            "against": f"Kamailio {theirs['per_cpu']:,.0f}", "ratio": round(ours["per_cpu"] / theirs["per_cpu"], 3)}


def versus_cycles(cycles, kamailio):
    """Kamailio's CPU time as cycles of the same counter; a MESSAGE and its answer are two messages."""
    theirs = cycles["tsc_hz"]["value"] / kamailio["per_cpu"] / 2
    own = cycles["cycles_per_message"]["value"]
    return {"metric": "sip.cycles.vs_kamailio", "value": round(own), "unit": "cycles",
            "against": f"Kamailio {theirs:,.0f} (with the kernel's TCP)", "ratio": round(own / theirs, 3)}


def figures(kind, programs, place, people, quick):
    out = {}
    with Link() as link:
        server = serve(kind, link, programs, place / kind.__name__, people)
        try:
            idle = busy_while_idle(server)
            out["cold"] = Load(server, "cold", WINDOW).go()["failed"]
            for what, count in (("message", 10_000 if quick else 100_000), ("invite", 3_000 if quick else 30_000)):
                out[what] = rate(server, idle, what, count)
            if kind is FedgeSip:
                out["idle"] = idle_bytes(server, 600 if quick else 7_000)
        finally:
            server.stop()
    return out


def busy_while_idle(server):
    """CPU seconds per second while nothing comes."""
    before = server.cpu()
    time.sleep(1)
    return server.cpu() - before


def rate(server, idle, what, count):
    load = Load(server, what, count, WINDOW)
    before = server.cpu()
    done = load.go()
    spent = server.cpu() - before - idle * done["seconds"]
    if done["failed"]:
        raise SystemExit(f"perf/run: {done['failed']} of {count} requests failed through {type(server).__name__}")
    return {"rate": count / done["seconds"], "per_cpu": count / max(spent, 0.01)}


def idle_bytes(server, count):
    """What the dataplane's memory grew by, for each remote user who connected over TLS and says nothing."""
    warm = Load(server, "idle", 100, port=443)
    before = server.resident_kib()
    load = Load(server, "idle", count, port=443)
    grown = server.resident_kib() - before
    load.go()
    warm.go()
    return round(grown * 1024 / count)
