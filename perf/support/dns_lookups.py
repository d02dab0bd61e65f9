"""Discovery of partners against a DNS server (Knot) in a namespace of its own, every name another one."""
import json
import pathlib
import subprocess
import tempfile
import time

NAMESPACE, PORT, ZONE = "fedge-perf-dns", 5300, "perf.example"
UNDER_WAY = 128  # the default of discovery.concurrent


def lookups(program, quick):
    """The row of perf-discovery (perf/discovery/perf-discovery)."""
    count = 3_000 if quick else 20_000
    with tempfile.TemporaryDirectory(prefix="fedge-perf-") as work:
        config = _write(pathlib.Path(work), count)
        try:
            _ip("netns", "add", NAMESPACE)
            _ip("-n", NAMESPACE, "link", "set", "lo", "up")
            server = subprocess.Popen(_inside("knotd", "-c", config), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            try:
                _wait()
                return _measure(program, count)
            finally:
                server.terminate()
                server.wait(10)
        finally:
            subprocess.run(["ip", "netns", "del", NAMESPACE], stderr=subprocess.DEVNULL, check=False)


def _measure(program, count):
    done = subprocess.run(_inside(program, f"127.0.0.1:{PORT}", ZONE, count, UNDER_WAY), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"perf/run: perf-discovery: {done.stderr.strip()}")
    return dict(json.loads(done.stdout), metric="discovery.lookups_per_second")


def _write(work, count):
    records = [f"$ORIGIN {ZONE}.", "$TTL 3600", "@ SOA ns hostmaster 1 3600 600 86400 3600", "@ NS ns", "ns A 127.0.0.1"]
    for i in range(count):
        records += [f"_sipfederationtls._tcp.d{i} SRV 0 0 5061 sip.d{i}", f"sip.d{i} A 198.51.{i // 250 % 250}.{i % 250 + 1}"]
    (work / "zone").write_text("\n".join(records) + "\n")
    config = work / "knot.conf"
    config.write_text(f'server:\n    rundir: "{work}"\n    user: root:root\n    listen: 127.0.0.1@{PORT}\n    udp-workers: 1\n'
                      f'database:\n    storage: "{work}"\nlog:\n  - target: stderr\n    any: error\n'
                      f'zone:\n  - domain: {ZONE}\n    file: "{work}/zone"\n    zonefile-sync: -1\n    journal-content: none\n')
    return config


def _wait():
    for _ in range(200):
        done = subprocess.run(_inside("kdig", "@127.0.0.1", "-p", PORT, "+short", "+time=1", "+retry=0", ZONE, "SOA"),
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if "hostmaster" in done.stdout:
            return
        time.sleep(0.1)
    raise SystemExit("perf/run: knotd does not start")


def _inside(*command):
    return ["ip", "netns", "exec", NAMESPACE, *[str(c) for c in command]]


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
