"""The same edge on other kinds of DPDK device, by the same configuration key."""
from scapy.all import ARP, Ether, PcapReader, wrpcap

from support import lab as net
from support.edge import PASSWORD, USER
from support.load import RelayLoad
from support.turn_client import TurnClient
from support.wait import wait_until

ROUTER_MAC = "02:00:00:00:00:01"


def restart(env, wan):
    env.edge.dataplane.stop()
    env.edge.start_dataplane(wan=wan)
    env.cleanup.callback(env.edge.dataplane.stop)
    env.edge.wait_ready()


def test_tap(env):
    """tap: the kernel of the same namespace is the router's side"""
    restart(env, "net_tap0,iface=fedge-tap")
    env.lab.run("edge", "ip", "address", "add", f"{net.ROUTER4}/26", "dev", "fedge-tap", check=True)
    done = env.lab.run("edge", "ping", "-n", "-q", "-c", "3", "-i", "0.2", net.EDGE4)
    assert " 0% packet loss" in done.stdout, done.stdout
    client = TurnClient(env.udp("edge", net.ROUTER4), (net.EDGE4, 3478), USER, PASSWORD)
    client.allocate()
    assert len(env.edge.rows("allocations")) == 1


def test_memif(env):
    """memif: testpmd carries the packets between the wire and the edge's shared memory"""
    socket_path = env.edge.work / "memif.sock"
    restart(env, f"net_memif0,role=server,socket={socket_path},socket-abstract=no")
    bridge = env.start("edge", "dpdk-testpmd", "--no-huge", "-m", "256", "--no-pci", "--file-prefix",
                       f"{env.edge.prefix}-memif", "-l", "0,1",
                       f"--vdev=net_memif0,role=client,socket={socket_path},socket-abstract=no",
                       "--vdev=net_af_packet0,iface=wan0", "--", "--total-num-mbufs=8192", "--auto-start",
                       "--forward-mode=io", "--stats-period=5", log=env.edge.work / "testpmd.log")
    # The edge announced its address before anybody was at the other end.
    env.lab.run("net", "ip", "neighbor", "flush", "to", net.EDGE4, check=True)
    ping = ("ping", "-n", "-q", "-c", "1", "-W", "1", net.EDGE4)
    wait_until(lambda: env.lab.run("client", *ping).returncode == 0, 20, f"a way through testpmd ({bridge.log})")
    load = RelayLoad(env.allocation(), env.peer(), per_second=200).start()
    wait_until(lambda: load.sent > 200, 10, "200 packets to be sent")
    lost = load.stop()
    assert lost == 0, f"{lost} of {load.sent} packets lost"


def test_pcap(env):
    """pcap: frames from a file, answers into another"""
    asked, answered = env.edge.work / "asked.pcap", env.edge.work / "answered.pcap"
    ask = Ether(src=ROUTER_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=ROUTER_MAC, psrc=net.ROUTER4, pdst=net.EDGE4)
    wrpcap(str(asked), [ask])
    # The file is read again and again: what comes before the configuration is in force is dropped.
    restart(env, f"net_pcap0,rx_pcap={asked},tx_pcap={answered},infinite_rx=1")
    wait_until(lambda: env.edge.counter("arp_replies_sent") > 3, 10, "ARP replies")
    env.edge.dataplane.stop()
    with PcapReader(str(answered)) as frames:
        reply = next(f for f in frames if ARP in f and f[ARP].op == 2)
    assert reply[ARP].psrc == net.EDGE4 and reply.dst == ROUTER_MAC, reply
