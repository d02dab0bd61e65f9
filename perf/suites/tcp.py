"""TCP of a core on ring ports: requests, bulk, memory, a SYN flood; and the kernel's TCP under the same users."""
from perf.support.machine import hugepages
from perf.support.rows import measure

PROGRAMS = {"tcp": "perf/tcp/perf-tcp"}


def run(programs, quick):
    program = programs["tcp"]
    count = 150_000 if quick else 1_500_000
    with hugepages(1400) as megabytes:
        if megabytes < 1400:
            print(f"note: only {megabytes} MB of hugepages; figures of many connections include address translation")
        few = measure(program, "requests", 100, count)
        paused = measure(program, "requests", 100, count, 50)
        many = measure(program, "requests", 10_000, count)
        most = measure(program, "requests", 100_000, count)
        bulk = measure(program, "bulk", 500 if quick else 5000)
        flood = measure(program, "flood", 1000, count, 1_000_000)
        kernel = measure(program, "kernel", 1000, count)
    scaling = most["cycles_per_request"]["value"] / few["cycles_per_request"]["value"]
    alike = most["cycles_per_request"]["value"] / paused["cycles_per_request"]["value"]
    return [
        named("tcp.requests_per_second.100", few["requests_per_second"]),
        named("tcp.requests_per_second.10k", many["requests_per_second"]),
        named("tcp.requests_per_second.100k", most["requests_per_second"]),
        {"metric": "tcp.scaling.100k_over_100", "value": round(scaling, 3), "unit": "x", "against": "limit 1.5",
         "ratio": round(scaling / 1.5, 3)},
        # A hundred thousand users pause between their requests and acknowledge each answer by itself. Beside the figure
        # that counts, the one for a hundred users who do so too.
        {"metric": "tcp.scaling.100k_over_100_with_pauses", "value": round(alike, 3), "unit": "x", "against": "",
         "ratio": 0},
        named("tcp.segments_per_request.100", few["segments_received_per_request"]),
        named("tcp.segments_per_request.100_with_pauses", paused["segments_received_per_request"]),
        named("tcp.segments_per_request.100k", most["segments_received_per_request"]),
        named("tcp.bytes_per_idle_connection", most["bytes_per_idle_connection"]),
        named("tcp.bulk_gbit", bulk["bulk_gbit"]),
        named("tcp.vs_kernel.requests", kernel["vs_kernel.requests"]),
        named("tcp.synflood.kept", flood["synflood.kept"]),
    ]


def named(metric, row):
    return dict(row, metric=metric)
