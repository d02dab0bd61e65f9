"""Discovery of partners against a DNS server in a namespace of its own, every name another one."""
import json
import subprocess
import tempfile

from perf.support.knot import ADDRESS, Knot

NAMESPACE, ZONE = "fedge-perf-dns", "perf.example"
UNDER_WAY = 128  # the default of discovery.concurrent


def lookups(program, quick):
    """The row of perf-discovery (perf/discovery/perf-discovery)."""
    count = 3_000 if quick else 20_000
    records = [line for i in range(count)
               for line in (f"_sipfederationtls._tcp.d{i} SRV 0 0 5061 sip.d{i}", f"sip.d{i} A 198.51.{i // 250 % 250}.{i % 250 + 1}")]
    with tempfile.TemporaryDirectory(prefix="fedge-perf-") as work:
        try:
            _ip("netns", "add", NAMESPACE)
            _ip("-n", NAMESPACE, "link", "set", "lo", "up")
            with Knot(NAMESPACE, work, ZONE, records) as server:
                return _measure(server, program, count)
        finally:
            subprocess.run(["ip", "netns", "del", NAMESPACE], stderr=subprocess.DEVNULL, check=False)


def _measure(server, program, count):
    done = subprocess.run(server.inside(program, ADDRESS, ZONE, count, UNDER_WAY), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"perf/run: perf-discovery: {done.stderr.strip()}")
    return dict(json.loads(done.stdout), metric="discovery.lookups_per_second")


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
