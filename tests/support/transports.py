"""Tests that run twice: on the TCP of the cores, and on the kernel's in its place (tcp.kernel-ports)."""
# Of listeners of the edge, and of servers that it connects to.
KERNEL_PORTS = (443, 3478, 5061, 5071, 5099, 5349, 5999)
KERNEL_SUFFIX = "_on_kernel_tcp"


def on_both_transports(function):
    """Marks a test that runs again, under its name with KERNEL_SUFFIX, while the kernel carries its connections."""
    function.on_both_transports = True
    return function


def check_carried_by_kernel(edge):
    """What has been connected to or from KERNEL_PORTS since the dataplane was started."""
    rows = [row for options in ((), ("--ended",)) for row in edge.cli("show", "connections", *options)["rows"]
            if any(int(row[end].rpartition(":")[2]) in KERNEL_PORTS for end in ("local", "remote"))]
    assert rows, "no connection is listed"
    own = [(row["service"], row["local"], row["remote"]) for row in rows if row["transport"] != "kernel"]
    assert not own, f"not by the kernel's TCP: {own}"
