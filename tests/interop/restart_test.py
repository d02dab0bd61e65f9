"""Death and return of the dataplane, and the tools that look into the running process."""
import json
import pathlib
import subprocess
import tempfile
import time

from support import lab as net
from support.environment import Skipped
from support.fragments import assert_fragments_dropped
from support.load import RelayLoad
from support.turn_client import NoAnswer, TurnError
from support.wait import wait_until

WORKING_WITHIN = 2.0


def first_allocation(env, seconds):
    """Seconds until a client gets an allocation, asking again and again."""
    begin = time.monotonic()

    def served():
        try:
            return env.allocation(timeout=0.1)
        except (NoAnswer, TurnError):
            return None
    wait_until(served, seconds, "an allocation")
    return time.monotonic() - begin


def test_kill_dataplane(env):
    """kill -9 of the dataplane: a working edge, configured by control, within two seconds of its restart"""
    env.allocation()
    for _ in range(3):
        env.edge.dataplane.kill()
        wait_until(lambda: not env.edge.connected(), 3, "control to notice")
        assert env.edge.fedge("show", "allocations").returncode == 4
        env.edge.start_dataplane()
        took = first_allocation(env, 10)
        assert took <= WORKING_WITHIN, f"the edge worked {took:.2f} s after the restart"
    env.edge.wait_ready()
    assert len(env.edge.rows("allocations")) >= 1


def test_stop_and_start(env):
    """SIGTERM ends both daemons cleanly and soon; started again they serve"""
    for process in (env.edge.dataplane, env.edge.control):
        assert process.stop(), f"{process.command[4]} had to be killed:\n{process.tail()}"
    env.edge.start_dataplane()
    env.edge.start_control()
    env.edge.wait_ready()
    env.allocation()


def test_af_xdp_port(env):
    """The same edge on AF_XDP instead of af_packet: relay both ways, IPv4 fragments dropped and counted"""
    env.edge.dataplane.stop()
    env.edge.start_dataplane(driver="net_af_xdp")
    for device in ("wan0", "lan0"):
        # A program that stays attached would take the packets from the next test's ports.
        env.cleanup.callback(env.lab.run, "edge", "ip", "link", "set", device, "xdp", "off")
    env.cleanup.callback(env.edge.dataplane.stop)
    env.edge.wait_ready()
    load = RelayLoad(env.allocation(), env.peer(), per_second=200).start()
    wait_until(lambda: load.sent > 400, 10, "400 packets to be sent")
    lost = load.stop()
    assert lost == 0, f"{lost} of {load.sent} packets lost"
    assert_fragments_dropped(env, net.EDGE4, net.CLIENT4)


def test_telemetry(env):
    """dpdk-telemetry.py works on the running process"""
    done = subprocess.run(["dpdk-telemetry.py", "-f", env.edge.prefix], input="/ethdev/list\n/ethdev/info,0\nquit\n",
                          capture_output=True, text=True, timeout=20)
    assert '"/ethdev/list"' in done.stdout, done.stdout + done.stderr
    assert "net_af_packet" in done.stdout, done.stdout


def reserve_huge_pages(env, count):
    """Takes `count` more 2 MiB pages than others use until the test is over."""
    folder = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
    try:
        total, free = (int((folder / name).read_text()) for name in ("nr_hugepages", "free_hugepages"))
        if free >= count:
            return
        (folder / "nr_hugepages").write_text(str(total - free + count))
    except OSError as error:
        raise Skipped(f"no hugepages: {error}") from None
    env.cleanup.callback((folder / "nr_hugepages").write_text, str(total))
    got = int((folder / "free_hugepages").read_text())
    if got < count:
        raise Skipped(f"the kernel gave {got} of {count} hugepages")


def release_huge_pages(prefix):
    """DPDK leaves the files of its pages to the next process of the same prefix."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        where, kind = line.split()[1:3]
        if kind == "hugetlbfs":
            for file in pathlib.Path(where).glob(f"{prefix}map_*"):
                file.unlink()


def test_secondary_tools_with_hugepages(env):
    """dpdk-proc-info and dpdk-dumpcap attach to a dataplane that runs on hugepages"""
    reserve_huge_pages(env, 512)
    mounts = pathlib.Path("/proc/mounts").read_text().splitlines()
    if not any(line.split()[2] == "hugetlbfs" for line in mounts):
        mount = tempfile.mkdtemp(prefix="fedge-huge-")
        done = subprocess.run(["mount", "-t", "hugetlbfs", "none", mount], capture_output=True, text=True)
        if done.returncode != 0:
            raise Skipped(f"no hugetlbfs: {done.stderr.strip()}")
        env.cleanup.callback(subprocess.run, ["umount", "-l", mount])
    env.edge.dataplane.stop()
    env.edge.start_dataplane(huge="yes")
    env.cleanup.callback(release_huge_pages, env.edge.prefix)
    env.cleanup.callback(env.edge.dataplane.stop)
    env.edge.wait_ready(seconds=60)  # the kernel clears every page first
    assert env.edge.cli("show", "status")["dataplane"]["hugepages"] is True

    # Secondary processes map the memory of the one that runs: same prefix, same namespace.
    info = env.lab.run("edge", "dpdk-proc-info", f"--file-prefix={env.edge.prefix}", "--", "--stats", timeout=30)
    assert "RX-packets" in info.stdout, info.stdout[-1500:]

    capture = env.edge.work / "capture.pcapng"
    tool = env.start("edge", "dpdk-dumpcap", f"--file-prefix={env.edge.prefix}", "-i", "net_af_packet0", "-c", "20",
                     "-w", capture, log=env.edge.work / "dumpcap.log")
    time.sleep(1.0)
    env.lab.run("client", "ping", "-n", "-q", "-i", "0.2", "-c", "30", net.EDGE4)
    wait_until(lambda: not tool.running(), 10, "dpdk-dumpcap to catch 20 packets")
    assert capture.exists() and capture.stat().st_size > 20 * 60, tool.tail()


def test_boot_errors_name_key_and_fix(env):
    """A wrong boot configuration ends the dataplane with an error that names the key"""
    for line, key in (("[cores]\nmedia = 99\n", "cores.media"), ("[eal]\nhuge = maybe\n", "eal.huge"),
                      ("[port.wan]\nspeed = 10\n", "port.wan.speed"), ("nonsense = 1\n", "nonsense")):
        config = env.edge.work / "bad.ini"
        config.write_text(line + ("" if "[port" in line else "[port.wan]\ndevice = net_null0\n"))
        done = env.lab.run("edge", env.edge.programs["fedge-dataplane"], "--config", config, timeout=20)
        assert done.returncode != 0 and key in done.stdout, f"{key}: exit {done.returncode}: {done.stdout[-500:]}"


def test_json_everywhere(env):
    """Every show command prints JSON, and a text without it"""
    for what in ("status", "interfaces", "cores", "allocations", "streams", "neighbors", "counters", "drops", "config",
                 "revisions", "audit"):
        done = env.edge.fedge("show", what, "--json")
        assert done.returncode == 0, f"{what}: {done.stderr}"
        json.loads(done.stdout)
        text = env.edge.fedge("show", what)
        assert text.returncode == 0 and text.stdout.strip() and not text.stdout.startswith("{"), f"{what}: {text.stdout}"
