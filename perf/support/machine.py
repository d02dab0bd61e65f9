"""What a benchmark borrows from the machine and gives back: hugepages, a pair of namespaces, CPU time of a process."""
import contextlib
import os
import pathlib
import subprocess

_HUGEPAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")


@contextlib.contextmanager
def hugepages(megabytes):
    """Reserves 2 MiB pages; yields how many megabytes there are, which may be fewer. Gives back what it added."""
    before = int(_HUGEPAGES.read_text()) if _HUGEPAGES.exists() else 0
    wanted = megabytes // 2
    mounted = None
    try:
        if _HUGEPAGES.exists() and wanted > before:
            _HUGEPAGES.write_text(str(wanted))
            if "hugetlbfs" not in pathlib.Path("/proc/mounts").read_text():
                mounted = "/dev/hugepages"
                os.makedirs(mounted, exist_ok=True)
                subprocess.run(["mount", "-t", "hugetlbfs", "nodev", mounted], check=True)
        yield 2 * int(_HUGEPAGES.read_text()) if _HUGEPAGES.exists() else 0
    finally:
        # DPDK leaves the files of its pages behind when it ends, and with them the pages.
        for line in pathlib.Path("/proc/mounts").read_text().splitlines():
            where, kind = line.split()[1:3]
            if kind == "hugetlbfs":
                for file in pathlib.Path(where).glob("fedge-perf*map_*"):
                    file.unlink()
        if mounted:
            subprocess.run(["umount", mounted], check=False)
        if _HUGEPAGES.exists():
            _HUGEPAGES.write_text(str(before))


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Link:
    """Two namespaces and one veth: `edge0` in NAME-edge, `load0` in NAME-load. The kernel is silent on both ends."""

    def __init__(self, name="fedge-perf"):
        self.edge, self.load = f"{name}-edge", f"{name}-load"

    def __enter__(self):
        self.__exit__()
        for namespace in (self.edge, self.load):
            _ip("netns", "add", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", self.edge, "link", "add", "edge0", "type", "veth", "peer", "name", "load0", "netns", self.load)
        for namespace, device in ((self.edge, "edge0"), (self.load, "load0")):
            self.run(namespace, "sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
            self.run(namespace, "ethtool", "-K", device, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")
            _ip("-n", namespace, "link", "set", device, "up")
        return self

    def __exit__(self, *_):
        for namespace in (self.edge, self.load):
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL, check=False)

    def inside(self, namespace, *command):
        return ["ip", "netns", "exec", namespace, *[str(c) for c in command]]

    def run(self, namespace, *command, timeout=120, check=True):
        return subprocess.run(self.inside(namespace, *command), check=check, timeout=timeout, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def cpu_seconds(pid):
    """Time on a CPU of a process and all its threads, to the nanosecond (/proc/PID/stat counts ticks of 10 ms)."""
    spent = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9
