"""TURN relaying: cycles per packet on ring ports beside a MAC swap and testpmd, and the same real load on one veth through
Debian's coturn and through fedge."""
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from perf.support import turn_servers
from perf.support.machine import Link, cpu_seconds, hugepages

PROGRAMS = {
    "cycles": "perf/relay/perf-relay-cycles",
    "load": "perf/relay/perf-turn-load",
    "fedge-dataplane": "dataplane/core/fedge-dataplane",
    "fedge-control": "control/fedge-control",
    "fedge": "appliance/cli/fedge",
}


def run(programs, quick):
    with hugepages(2600) as megabytes:
        if megabytes < 2600:
            print(f"note: only {megabytes} MB of hugepages; figures of large tables include address translation")
        results = cycles(programs["cycles"], 10_000, 400_000 if quick else 4_000_000, "10k")
        results += cycles(programs["cycles"], 1_000_000, 200_000 if quick else 4_000_000, "1m")
    results = [rename(r) for r in results if keep(r)]
    results += testpmd(results, 2 if quick else 4.5)
    results += against_coturn(programs, quick)
    return results


def cycles(program, allocations, packets, suffix):
    done = subprocess.run([program, str(allocations), str(packets), suffix], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"perf/run: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def keep(result):
    """Figures that do not depend on the number of allocations stand once."""
    return result["metric"] not in ("turn.bytes_per_allocation.10k", "turn.allocations_per_second.1m")


def rename(result):
    short = {"relay.limit_ratio.10k": "relay.limit_ratio", "turn.bytes_per_allocation.1m": "turn.bytes_per_allocation",
             "turn.allocations_per_second.10k": "turn.allocations_per_second"}
    return dict(result, metric=short.get(result["metric"], result["metric"]))


def testpmd(results, seconds):
    """testpmd swapping MAC addresses of the frames that circle in one ring port."""
    program = shutil.which("dpdk-testpmd")
    if not program:
        print("note: no dpdk-testpmd (package dpdk-dev); its line is left out")
        return []
    command = [program, "--no-huge", "-m", "256", "--no-pci", "--file-prefix", "fedge-perf-testpmd", "-l", "0,1",
               "--vdev", "net_ring0", "--log-level=error", "--", "--forward-mode=macswap", "--nb-cores=1", "--tx-first",
               "--total-num-mbufs=8192", "--txpkts=214", "--stats-period=1", "--no-mlockall"]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        time.sleep(seconds)
        process.terminate()
        process.wait(10)
        output.seek(0)
        rates = [int(n) for n in re.findall(r"Rx-pps:\s+(\d+)", output.read())]
    if not rates or max(rates) == 0:
        print("note: testpmd forwarded nothing over its ring port; its line is left out")
        return []
    hz = tsc_hz()
    per_packet = hz / max(rates)
    relay = next(r["value"] for r in results if r["metric"] == "relay.cycles_per_packet.10k")
    return [{"metric": "relay.testpmd_macswap", "value": round(per_packet, 1), "unit": "cycles", "against": "relay",
             "ratio": round(per_packet / relay, 3)}]


def tsc_hz():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    return float(re.search(r"cpu MHz\s*:\s*([0-9.]+)", text).group(1)) * 1e6


def against_coturn(programs, quick):
    seconds, clients = (0.2, 50) if quick else (3, 100)
    figures, rate = {}, None
    for make in (turn_servers.Coturn, turn_servers.Fedge):
        with tempfile.TemporaryDirectory(prefix="fedge-perf-") as work, Link() as link:
            server = make(link, programs, pathlib.Path(work))
            try:
                server.start()
                figures[make.__name__] = measure(server, link, programs["load"], seconds, clients, rate)
                rate = figures[make.__name__]["latency_rate"]
            finally:
                server.stop()
    coturn, fedge = figures["Coturn"], figures["Fedge"]
    ratio = lambda key: round(fedge[key] / coturn[key], 3) if coturn[key] else 0.0  # noqa: E731
    results = [
        {"metric": "relay.vs_coturn.pps", "value": fedge["pps"], "unit": "packets/s", "against": f"coturn {coturn['pps']:,.0f}",
         "ratio": ratio("pps")},
        {"metric": "relay.vs_coturn.cpu_per_packet", "value": fedge["cpu_us"], "unit": "us",
         "against": f"coturn {coturn['cpu_us']:.2f}", "ratio": ratio("cpu_us")},
    ]
    for key in ("p50_us", "p99_us", "p999_us"):
        results.append({"metric": f"relay.vs_coturn.{key}", "value": fedge[key], "unit": "us",
                        "against": f"coturn {coturn[key]:.1f} at the same {rate:,} packets/s", "ratio": ratio(key)})
    return results


def measure(server, link, program, seconds, clients, latency_rate):
    """Highest rate without loss, CPU time per packet at nine tenths of it, latency at `latency_rate`, or at half of the highest
    rate: what coturn carries with ease, fedge is measured at too."""
    common = [program, "--device", "net_af_xdp0,iface=load0", "--cpu", "1", "--server", turn_servers.SERVER, "--own",
              turn_servers.LOAD, "--user", turn_servers.USER, "--password", turn_servers.PASSWORD, "--clients", clients]
    ports = itertools.count(10_000, 1_000)  # an allocation lives on after its run, so no run reuses a client's port

    def load(*more):
        done = link.run(link.load, *common, "--first-port", next(ports), *more, timeout=240, check=False)
        if done.returncode != 0:
            raise SystemExit(f"perf/run: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    best = load("--seconds", seconds, "--search", "40000,1400000")[-1]["best"]
    before, begin = cpu_seconds(server.pid()), time.monotonic()
    trial = load("--seconds", 2 * seconds, "--rates", int(best * 0.9))[-1]
    spent = cpu_seconds(server.pid()) - before - server.idle_cpu(time.monotonic() - begin - 2 * seconds)
    latency_rate = latency_rate or int(best / 2)
    latency = load("--seconds", max(2 * seconds, 1), "--rates", latency_rate)[-1]
    return {"pps": best, "latency_rate": latency_rate, "cpu_us": round(max(spent, 0) * 1e6 / max(trial["sent"], 1), 2),
            **{key: latency[key] for key in ("p50_us", "p99_us", "p999_us")}}
