"""SIP through the edge: requests per CPU second beside Kamailio on the same veths, cycles per message of a whole core in
memory, a crowd of 50,000 connections, a flood of scanners, and cold starts."""
import pathlib
import resource
import tempfile
import time

from perf.support.machine import Link, hugepages
from perf.support.rows import measure
from perf.support.sip_servers import FedgeSip, Kamailio, LargeFedge, Load, People, serve

PROGRAMS = {"load": "perf/sip/perf-sip-load", "cycles": "perf/sip/perf-sip-cycles", "fedge": "appliance/cli/fedge",
            "fedge-control": "control/fedge-control", "fedge-dataplane": "dataplane/core/fedge-dataplane"}
WINDOW = 200
HELD = 4096  # of one partner: half of sip.hold-messages, without settings
BEYOND = 100
USUAL = 8192  # pools.connections-per-core, without settings
SHOWN_WITHIN = 2.0  # seconds that a command may take while the crowd is there
SIP_SHOWN_WITHIN = 0.2  # show sip counts nobody one by one


def run(programs, quick):
    with tempfile.TemporaryDirectory(prefix="fedge-perf-") as directory:
        place = pathlib.Path(directory)
        people = People(place / "people")
        ours = figures(FedgeSip, programs, place, people, quick)
        theirs = figures(Kamailio, programs, place, people, quick)
        crowd = crowd_rows(programs, place, people, 3_000 if quick else 50_000, ours["resident"])
    with hugepages(1400):
        cycles = measure(programs["cycles"], 20_000 if quick else 100_000)
    return [
        *(versus(kind, ours[kind], theirs[kind]) for kind in ("message", "invite")),
        {"metric": "sip.message.rate", "value": round(ours["message"]["rate"]), "unit": "1/s",
         "against": f"Kamailio {theirs['message']['rate']:,.0f}; the load's CPU is a limit",
         "ratio": round(ours["message"]["rate"] / theirs["message"]["rate"], 3)},
        *cold_rows(ours, theirs),
        *crowd,
        *(dict(row, metric=f"sip.{name}") for name, row in cycles.items() if name != "tsc_hz"),
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
            if kind is FedgeSip:
                out["resident"] = server.resident()
            idle = busy_while_idle(server)
            # As many as are held, and some more, which are refused: whoever is neither sent nor refused is lost.
            out["cold"] = Load(server, "cold", HELD + BEYOND, *((BEYOND, 6) if kind is FedgeSip else (0, 0))).end()
            if kind is FedgeSip:
                out["cold-outward"] = Load(server, "cold-outward", HELD + BEYOND, BEYOND, 0).end()
            for what, count in (("message", 10_000 if quick else 100_000), ("invite", 3_000 if quick else 30_000)):
                out[what] = rate(server, idle, what, count)
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
    done = load.end()
    spent = server.cpu() - before - idle * done["seconds"]
    if done["failed"]:
        raise SystemExit(f"perf/run: {done['failed']} of {count} requests failed through {type(server).__name__}")
    return {"rate": count / done["seconds"], "per_cpu": count / spent}


def cold_rows(ours, theirs):
    def lost(cold):
        return cold["failed"] - cold["unavailable"]

    for way in ("cold", "cold-outward"):
        if ours[way]["unavailable"] != BEYOND:
            raise SystemExit(f"perf/run: {way}: {ours[way]['unavailable']} of {HELD + BEYOND} requests were refused by 503, "
                             f"and {HELD} can be held")
    unit = f"of {HELD + BEYOND} requests"
    return [{"metric": "sip.cold_start.lost", "value": lost(ours["cold"]), "unit": unit,
             "against": f"Kamailio {theirs['cold']['failed']}; {BEYOND} more than are held, refused by 503",
             "ratio": round(lost(ours["cold"]) / HELD, 3)},
            {"metric": "sip.cold_start.outward.lost", "value": lost(ours["cold-outward"]), "unit": unit,
             "against": f"to a partner who is looked up first; {BEYOND} refused by 503",
             "ratio": round(lost(ours["cold-outward"]) / HELD, 3)}]


class Crowd:
    """So many connections, half of them of partners, half of remote users, by as many processes as they have sockets for."""

    def __init__(self, server, count):
        sockets = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100
        processes = -(-count // sockets)
        half = count // processes // 2
        self.count = 2 * half * processes
        # The front end is with the first of them.
        self.loads = [Load(server, "crowd", half, half, 20, int(i == 0)) for i in range(processes)]

    def speak(self):
        """Messages through some of the connections."""
        said = [load.ask() for load in self.loads]
        if failed := sum(one["failed"] for one in said):
            raise SystemExit(f"perf/run: {failed} messages through a crowd failed")
        return max(one["slowest_ms"] for one in said)

    def leave(self):
        for load in self.loads:
            load.end()


def crowd_rows(programs, place, people, count, usual):
    """What a connection costs of the dataplane's memory: what the process grows by when they come, and what room for one
    more takes from the beginning. `usual`: bytes of a process with pools as they are without settings."""
    with Link() as link:
        server = serve(LargeFedge, link, programs, place / "large", people)
        try:
            empty = server.resident()
            crowd = Crowd(server, count)
            full = server.resident()
            accepted = next(row["total"] for row in server.show("counters")["rows"] if row["name"] == "sip_accepted")
            if accepted != crowd.count:
                raise SystemExit(f"perf/run: {accepted} of {crowd.count} connections were accepted")
            show_sip = timed(server, "sip")
            slowest_show = max(timed(server, "connections"), timed(server, "status"))
            slowest_message = crowd.speak()
            crowd.leave()
            server.wait(lambda: nobody_there(server), "connections stay when the far end has gone", 60)
            again = Crowd(server, count // 5)
            again.leave()
            kept = server.resident()
        finally:
            server.stop()
    each = (full - empty) / crowd.count + (empty - usual) / (LargeFedge.CONNECTIONS - USUAL)
    return [{"metric": "sip.bytes_per_idle_connection", "value": round(each), "unit": "bytes",
             "against": f"20 KiB; {crowd.count:,} connections, half of partners, half of remote users", "ratio": round(each / 20480, 3)},
            {"metric": "sip.crowd.slowest_message", "value": round(slowest_message, 1), "unit": "ms",
             "against": "100 ms, while the crowd is there", "ratio": round(slowest_message / 100, 3)},
            {"metric": "sip.crowd.slowest_show", "value": round(1000 * slowest_show), "unit": "ms",
             "against": f"{1000 * SHOWN_WITHIN:,.0f} ms: show connections, show status", "ratio": round(slowest_show / SHOWN_WITHIN, 3)},
            {"metric": "sip.crowd.show_sip", "value": round(1000 * show_sip), "unit": "ms",
             "against": f"{1000 * SIP_SHOWN_WITHIN:,.0f} ms", "ratio": round(show_sip / SIP_SHOWN_WITHIN, 3)},
            {"metric": "sip.crowd.grown_by_next", "value": round((kept - full) / crowd.count), "unit": "bytes",
             "against": "of each connection, when others come after the crowd has gone", "ratio": round((kept - full) / (full - empty), 3)}]


def nobody_there(server):
    return not any(server.show("connections", "--service", kind, "--limit", "1")["rows"] for kind in ("sip-partner", "sip-client"))


def timed(server, *what):
    begin = time.monotonic()
    server.show(*what)
    return time.monotonic() - begin
