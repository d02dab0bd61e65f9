"""TLS of a core in memory: handshakes, bulk and idle memory; OpenSSL alone with the same parameters in the same run."""
import pathlib
import tempfile

from perf.support.machine import Link, hugepages
from perf.support.rows import measure
from perf.support.tls_servers import compared

PROGRAMS = {"tls": "perf/tls/perf-tls", "shift": "perf/tls/perf-media-shift", "fedge": "appliance/cli/fedge",
            "fedge-control": "control/fedge-control", "fedge-dataplane": "dataplane/core/fedge-dataplane"}


def run(programs, quick):
    program = programs["tls"]
    handshakes = measure(program, "handshakes", 2_000 if quick else 20_000)
    bulk = measure(program, "bulk", 1_000 if quick else 10_000)
    idle = measure(program, "idle", 5_000 if quick else 50_000)
    slower = min(bulk["bulk_send"], bulk["bulk_receive"], key=lambda row: row["ratio"])
    itself = bulk["bulk_send_openssl"]["value"]
    return [
        dict(handshakes["handshakes"], metric="tls.handshakes.vs_openssl"),
        dict(handshakes["resumed"], metric="tls.resumed.vs_openssl"),
        dict(bulk["bulk_send"], metric="tls.bulk.send"),
        dict(bulk["bulk_receive"], metric="tls.bulk.receive"),
        {"metric": "tls.bulk.over_openssl", "value": bulk["bulk_send"]["value"], "unit": "Gbit/s",
         "against": "SSL_write to memory", "ratio": round(bulk["bulk_send"]["ratio"] / itself, 3)},
        dict(slower, metric="tls.bulk.vs_openssl"),
        dict(idle["bytes_per_idle_connection"], metric="tls.bytes_per_idle_connection"),
        *beside_haproxy(programs, 3 if quick else 10),
        *beside_media(programs["shift"], 6 if quick else 30),
    ]


def beside_haproxy(programs, seconds):
    with tempfile.TemporaryDirectory(prefix="fedge-perf-") as work:
        return compared(programs, Link(), pathlib.Path(work), seconds)


def beside_media(program, seconds):
    """What handshakes on a signalling core do to media on the core beside it; see perf/tls/media_shift.cpp."""
    with hugepages(1400):
        return list(measure(program, seconds).values())
