"""The edge as an IP host: neighbours, echo, fragments, closed ports, access rules, filters."""
import ipaddress
import socket
import struct
import time

from support import frames, stun
from support import lab as net
from support.fragments import assert_fragments_dropped
from support.turn_client import NoAnswer
from support.wait import wait_until


def ping(env, host, address, count=5):
    output = env.lab.run(host, "ping", "-n", "-q", "-i", "0.2", "-c", count, "-W", "2", address).stdout
    assert f"{count} received" in output, output


def router(env):
    """(raw socket on the router's link to the edge, edge's MAC, router's MAC)"""
    raw = env.cleanup.enter_context(env.lab.raw("net", "edge0"))
    return raw, frames.mac(env.lab.mac("edge", "wan0")), frames.mac(env.lab.mac("net", "edge0"))


def frames_until(raw, seconds):
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        raw.settimeout(left)
        try:
            data, where = raw.recvfrom(4096)
        except TimeoutError:
            return
        if where[2] != socket.PACKET_OUTGOING:
            yield data


def binding_works(env, server, host="client", own=net.CLIENT4):
    client = env.client(server=server)
    client.udp = env.udp(host, own)
    return client.binding()


def test_ping(env):
    """Echo of every address, from the router, from beyond it and from the inside, both families"""
    for host, address in (("net", net.EDGE4), ("net", net.EDGE6), ("client", net.EDGE4), ("client", net.EDGE6),
                          ("inside", net.INSIDE_EDGE4), ("inside", net.INSIDE_EDGE6)):
        ping(env, host, address, count=2)


def test_ping_sizes(env):
    """Echo with odd and MTU-sized payloads"""
    for size in (0, 1, 57, 1472):
        output = env.lab.run("net", "ping", "-n", "-q", "-c", 1, "-W", "2", "-s", size, net.EDGE4).stdout
        assert "1 received" in output, f"{size} bytes: {output}"


def test_arp(env):
    """An ARP request is answered by the edge's MAC; one for a foreign address is not"""
    raw, edge_mac, router_mac = router(env)
    for target, answered in ((net.EDGE4, True), ("192.0.2.77", False)):
        raw.send(frames.arp_request(router_mac, net.ROUTER4, target))
        replies = [f for f in frames_until(raw, 0.7) if f[12:14] == b"\x08\x06" and f[20:22] == b"\0\x02"
                   and f[28:32] == ipaddress.IPv4Address(target).packed]
        assert bool(replies) == answered, f"{target}: {len(replies)} replies"
        if answered:
            assert replies[0][6:12] == edge_mac and replies[0][22:28] == edge_mac


def test_neighbours_are_found_again(env):
    """With the router's caches flushed both families resolve anew, and the edge lists its neighbours"""
    for family, address in (("-4", net.EDGE4), ("-6", net.EDGE6)):
        env.lab.run("net", "ip", family, "neighbour", "flush", "dev", "edge0", check=True)
        ping(env, "net", address, count=2)
        entries = env.lab.run("net", "ip", family, "neighbour", "show", address).stdout
        assert env.lab.mac("edge", "wan0") in entries, entries
    known = {row["address"] for row in env.edge.rows("neighbors")}
    assert net.ROUTER4 in known, known
    assert net.ROUTER6 in known or any(address.startswith("fe80") for address in known), known


def test_fragments_are_dropped_and_counted(env):
    """IPv6 fragments: no answer, one count each (IPv4 ones: restart.af_xdp_port, af_packet's kernel side joins them)"""
    assert_fragments_dropped(env, net.EDGE6, net.CLIENT6)


def test_closed_ports(env):
    """UDP ports without service give nothing but a count; relay ports without allocation too; so is TCP"""
    udp = env.udp("client", net.CLIENT4)
    for ports, reason in (((53, 161, 5000, 3479), "port_closed"), ((50000, 55555, 59999), "relay_port_unused")):
        before = env.edge.drops(reason)
        for port in ports:
            udp.sendto(stun.Message(stun.BINDING).encode(), (net.EDGE4, port))
        wait_until(lambda: env.edge.drops(reason) == before + len(ports), 3, f"{reason} to count {len(ports)}")
    udp.settimeout(0.3)
    try:
        raise AssertionError(f"a closed port answered: {udp.recv(2048).hex()}")
    except (TimeoutError, ConnectionRefusedError):
        pass
    for port in (22, 80, 5061, 8080):
        with env.lab.inside("client"):
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with tcp:
            tcp.settimeout(0.3)
            assert tcp.connect_ex((net.EDGE4, port)) != 0, f"TCP port {port} is open"


def test_inside_is_served_too(env):
    """The internal interface answers STUN to internal hosts"""
    seen = binding_works(env, net.INSIDE_EDGE4, "inside", net.HOST4)
    assert seen[0] == net.HOST4, seen


def test_access_rule(env):
    """A deny rule for a source takes effect with commit and ends with its removal"""
    rule = "access.guest"
    env.edge.set_all({f"{rule}.role": ["external"], f"{rule}.source": ["198.51.100.0/24"], f"{rule}.action": ["deny"],
                      f"{rule}.order": ["10"]})
    env.edge.commit()
    before = env.edge.drops("access_denied")
    try:
        binding_works(env, net.EDGE4)
        raise AssertionError("a denied source was served")
    except NoAnswer:
        pass
    assert env.edge.drops("access_denied") > before
    assert binding_works(env, net.EDGE4, "peer", net.PEER4)[0] == net.PEER4
    for key in ("role", "source", "action", "order"):
        env.edge.cli("unset", f"{rule}.{key}")
    env.edge.commit()
    assert binding_works(env, net.EDGE4)[0] == net.CLIENT4


def test_impossible_sources(env):
    """Our own, multicast and loopback source addresses are dropped by name"""
    raw, edge_mac, router_mac = router(env)
    request = stun.Message(stun.BINDING).encode()
    for source, reason in ((net.EDGE4, "spoofed_own_source"), ("127.0.0.1", "martian_source"),
                           ("224.0.0.5", "martian_source"), ("255.255.255.255", "martian_source"),
                           ("0.0.0.0", "martian_source")):
        before = env.edge.drops(reason)
        raw.send(frames.udp4(edge_mac, router_mac, source, net.EDGE4, 4000, 3478, request))
        wait_until(lambda: env.edge.drops(reason) == before + 1, 3, f"{reason} for {source}")


def test_damaged_frames(env):
    """Wrong checksums, lengths and EtherTypes are dropped by name, and nothing is answered"""
    raw, edge_mac, router_mac = router(env)
    request = stun.Message(stun.BINDING).encode()
    good = frames.udp4(edge_mac, router_mac, net.CLIENT4, net.EDGE4, 4000, 3478, request)

    def damaged(offset, value):
        return good[:offset] + value + good[offset + len(value):]

    cases = ((damaged(24, b"\xde\xad"), "ipv4_checksum"), (damaged(40, b"\xde\xad"), "udp_checksum"),
             (damaged(14, b"\x4f"), "ipv4_malformed"), (damaged(12, b"\x88\xcc"), "ether_type"),
             (damaged(38, struct.pack("!H", 2000)), "udp_malformed"))
    for frame, reason in cases:
        before = env.edge.drops(reason)
        raw.send(frame)
        wait_until(lambda: env.edge.drops(reason) == before + 1, 3, f"{reason} to be counted")
    assert binding_works(env, net.EDGE4)


def test_time_exceeded_path(env):
    """traceroute's way: the edge is an end, never a router; packets to others through it are dropped"""
    raw, edge_mac, router_mac = router(env)
    before = env.edge.drops("not_for_us")
    raw.send(frames.udp4(edge_mac, router_mac, net.CLIENT4, net.HOST4, 4000, 53, b"through"))
    wait_until(lambda: env.edge.drops("not_for_us") == before + 1, 3, "the packet to another host to be dropped")
