"""TLS of a core in memory: handshakes, bulk and idle memory; OpenSSL alone with the same parameters in the same run."""
import json
import subprocess

PROGRAMS = {"tls": "perf/tls/perf-tls"}


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
    ]


def measure(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"perf/run: {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["metric"]: row for row in rows}
