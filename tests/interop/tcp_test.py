"""Our TCP against the Linux kernel's over a veth, as client and as server, over IPv4 and IPv6."""
import socket
import threading
import time

from support import lab as net
from support.tcp_lab import (DISCARD, ECHO, FAMILIES, OURS4, SECONDS, SOURCE, TcpLab, content, endpoint, exchange,
                             receive_all, reset, sha256)
from support.wait import wait_until

MIB = 1 << 20


def clean(counters):
    """Nothing is left behind in our TCP but TIME-WAIT."""
    memory = counters["memory"]
    assert memory["connections"] == 0 and memory["blocks_used"] == 0 and memory["half_open"] == 0, memory
    return counters


def serve_once(lab, address, act, **options):
    """A kernel server for one connection on a thread. (port, function that joins and returns what act returned)"""
    listener, port = lab.listener(address, **options)
    result = []

    def run():
        try:
            result.append(act(lab.accept(listener)))
        except Exception as problem:  # shown by join
            result.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(SECONDS)
        assert result, "the kernel peer is stuck"
        if isinstance(result[0], Exception):
            raise AssertionError(f"kernel peer: {result[0]!r}") from result[0]
        return result[0]
    return port, join


def bulk_as_server(lab, server, size, families=FAMILIES):
    """Up, down and both ways; every byte compared by hash or by itself."""
    for ours, theirs in families:
        data = content(size)
        client = lab.connect(theirs, ours, DISCARD)
        assert exchange(client, data) == b""
        report = server.event("stream", service="discard", remote=endpoint(*client.getsockname()[:2]))
        assert report["received"] == size and report["received_sha256"] == sha256(data), report
        assert report["closed"] == "finished", report

        client = lab.connect(theirs, ours, SOURCE)
        received = exchange(client, b"")
        report = server.event("stream", service="source", remote=endpoint(*client.getsockname()[:2]))
        assert len(received) == report["sent"] and sha256(received) == report["sent_sha256"], (len(received), report)
        assert report["closed"] == "finished", report

        received = exchange(lab.connect(theirs, ours, ECHO), data)
        assert received == data, f"echo returned {len(received)} of {size} bytes, or others"


def bulk_as_client(lab, size, *arguments, families=FAMILIES):
    for _, theirs in families:
        data = content(size, seed=2)
        port, join = serve_once(lab, theirs, lambda peer: exchange(peer, data))
        client = lab.start("tcp", "--exchange", endpoint(theirs, port), "--bytes", size, *arguments)
        report = client.event("stream")
        received = join()
        assert report["received"] == size and report["received_sha256"] == sha256(data), report
        assert sha256(received) == report["sent_sha256"] and len(received) == size, report
        assert report["closed"] == "finished", report
        assert client.finish() == 0
        clean(client.counters())


def test_bulk_as_server(env):
    """16 MiB up, down and there and back, content compared"""
    lab = TcpLab(env)
    server = lab.server("--bytes", 16 * MIB)
    bulk_as_server(lab, server, 16 * MIB)
    clean(server.counters())


def test_bulk_as_client(env):
    """16 MiB in both directions at once to a kernel server, content compared"""
    bulk_as_client(TcpLab(env), 16 * MIB)


def test_short_connections_as_server(env):
    """10,000 connections of a kernel client with a request and a reply each"""
    lab = TcpLab(env)
    server = lab.server()
    for (ours, _), count in zip(FAMILIES, (5000, 5000)):
        client = lab.start("client", "--requests", endpoint(ours, ECHO), "--connections", count, "--at-once", 200)
        assert client.finish() == 0, client.process.tail()
        requests = client.event("requests")
        assert requests["finished"] == count and requests["wrong"] == 0, requests
    counters = clean(server.counters())
    assert counters["tcp_accepted"] == 10000, counters


def test_short_connections_as_client(env):
    """10,000 connections to a kernel server with a request and a reply each"""
    lab = TcpLab(env)
    lab.start("client", "--echo", ECHO)
    for (_, theirs), count in zip(FAMILIES, (5000, 5000)):
        client = lab.start("tcp", "--requests", endpoint(theirs, ECHO), "--connections", count, "--at-once", 200)
        assert client.finish() == 0, client.process.tail()
        requests = client.event("requests")
        assert requests["finished"] == count and requests["wrong"] == 0, requests
        assert clean(client.counters())["memory"]["time_wait"] == count


def test_half_close(env):
    """Either side ends its direction first and goes on reading"""
    lab = TcpLab(env)
    server = lab.server("--bytes", 300000)
    for ours, theirs in FAMILIES:
        client = lab.connect(theirs, ours, SOURCE)  # ends its direction long before it has read ours
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        assert len(receive_all(client)) == 300000
        client = lab.connect(theirs, ours, SOURCE)  # goes on sending after ours has ended
        assert len(receive_all(client)) == 300000
        client.sendall(b"late")
        client.shutdown(socket.SHUT_WR)
        report = server.event("stream", service="source", remote=endpoint(*client.getsockname()[:2]))
        assert report["received"] == 4 and report["closed"] == "finished", report
    clean(server.counters())
    for _, theirs in FAMILIES:
        def answer_after_end(peer):
            received = receive_all(peer)
            peer.sendall(received[::-1])
            peer.close()
            return received
        port, join = serve_once(lab, theirs, answer_after_end)
        client = lab.start("tcp", "--exchange", endpoint(theirs, port), "--bytes", 1000)
        report = client.event("stream")
        assert report["received_sha256"] == sha256(join()[::-1]) and report["closed"] == "finished", report


def test_reset(env):
    """A reset by either side is seen by the other as one"""
    lab = TcpLab(env)
    server = lab.server("--abort-after", 100000, "--bytes", 0)
    for ours, theirs in FAMILIES:
        client = lab.connect(theirs, ours, DISCARD)
        client.sendall(b"so far")
        time.sleep(0.05)
        reset(client)
        report = server.event("stream", count=1, closed="reset by peer", local=endpoint(ours, DISCARD))
        assert report["received"] == 6, report

        client = lab.connect(theirs, ours, DISCARD)  # ours resets when it has seen enough
        try:
            client.sendall(content(4 * MIB))
            receive_all(client)
            raise AssertionError("no reset arrived")
        except (ConnectionResetError, BrokenPipeError):
            pass
    clean(server.counters())


def test_refused(env):
    """A closed port refuses, ours and the kernel's"""
    lab = TcpLab(env)
    server = lab.server()
    for ours, theirs in FAMILIES:
        try:
            lab.connect(theirs, ours, 4711)
            raise AssertionError("a closed port of ours took a connection")
        except ConnectionRefusedError:
            pass
    clean(server.counters())
    for _, theirs in FAMILIES:
        client = lab.start("tcp", "--exchange", endpoint(theirs, 4711))
        assert client.event("stream")["closed"] == "refused by peer"
        clean(client.counters())


def test_zero_window(env):
    """A reader that stops and goes on: probes keep the stream alive, and every byte arrives"""
    lab = TcpLab(env)
    server = lab.server("--bytes", 4 * MIB, "--pause-after", 50000, "--pause", 1.5)
    readers = []
    for ours, theirs in FAMILIES:  # the kernel stops reading
        client = lab.connect(theirs, ours, SOURCE, receive_buffer=20000)
        client.shutdown(socket.SHUT_WR)
        readers.append(client)
    time.sleep(1.5)
    for client in readers:
        received = receive_all(client)
        report = server.event("stream", service="source", remote=endpoint(*client.getsockname()[:2]))
        assert sha256(received) == report["sent_sha256"] and len(received) == 4 * MIB, (len(received), report)
    for ours, theirs in FAMILIES:  # ours does
        data = content(2 * MIB)
        client = lab.connect(theirs, ours, DISCARD)
        begin = time.monotonic()
        assert exchange(client, data) == b""
        assert time.monotonic() - begin > 1.4, "our reader did not stop"
        report = server.event("stream", service="discard", remote=endpoint(*client.getsockname()[:2]))
        assert report["received_sha256"] == sha256(data), report
    assert clean(server.counters())["tcp_window_probes"] >= 2


def test_our_restart(env):
    """kill -9 of ours: its peer learns by a reset at its next segment, and the new one serves at once"""
    lab = TcpLab(env)
    for ours, theirs in FAMILIES:
        server = lab.server()
        client = lab.connect(theirs, ours, ECHO)
        client.sendall(b"before")
        assert client.recv(100) == b"before"
        server.process.kill()
        server = lab.server()
        client.sendall(b"after")
        try:
            assert client.recv(100) == b"never", "the connection outlived its TCP"
        except ConnectionResetError:
            pass
        again = lab.connect(theirs, ours, ECHO)
        again.sendall(b"again")
        assert again.recv(100) == b"again"
        reset(again)
        server.remove()


def test_kernel_restart(env):
    """A peer that has lost the connection without a word: its reset ends ours"""
    lab = TcpLab(env)
    for _, theirs in FAMILIES:
        port, join = serve_once(lab, theirs, lambda peer: (peer.recv(1000), peer)[1], receive_buffer=20000)
        client = lab.start("tcp", "--exchange", endpoint(theirs, port), "--bytes", MIB)
        peer = join()
        lab.nft("client", "chain out { type filter hook output priority 0; tcp sport %d drop; }" % port)
        reset(peer)
        time.sleep(0.2)
        assert not client.events("stream"), "the reset was to be lost"
        lab.free("client")
        assert client.event("stream")["closed"] == "reset by peer"
        clean(client.counters())


def random_loss(lab, percent):
    """The router drops so many TCP segments of ours and to ours."""
    lab.nft("net", "chain forward { type filter hook forward priority 0; meta l4proto tcp "
                   f"numgen random mod 1000 < {percent * 10} drop; }}")


def test_loss_by_the_router(env):
    """2 % of all segments vanish in both directions: bulk both ways, and short connections"""
    lab = TcpLab(env)
    random_loss(lab, 2)
    server = lab.server("--bytes", 2 * MIB)
    bulk_as_server(lab, server, 2 * MIB)
    counters = clean(server.counters())
    assert counters["tcp_retransmits"] > 10 and counters["tcp_recoveries"] > 0, counters
    bulk_as_client(lab, 2 * MIB)
    server = lab.server()
    client = lab.start("client", "--requests", endpoint(OURS4, ECHO), "--connections", 300, "--at-once", 300)
    assert client.finish() == 0, client.process.tail()
    clean(server.counters())


def test_loss_and_reordering_by_our_wire(env):
    """2 % lost, 2 % overtaken by those behind, 5 ms each way, CUBIC and NewReno"""
    lab = TcpLab(env)
    impaired = ("--loss", 0.02, "--reorder", 0.02, "--delay", 5)
    server = lab.server("--bytes", MIB // 2, *impaired)
    bulk_as_server(lab, server, MIB // 2)
    counters = clean(server.counters())
    assert counters["impaired_wire_lost"] > 10 and counters["tcp_retransmits"] > 5, counters
    bulk_as_client(lab, MIB // 2, "--newreno", *impaired)


def small_path(lab, mtu):
    """The router's link to the kernel peer takes only so much."""
    lab.lab.run("net", "ip", "link", "set", "client0", "mtu", mtu, check=True)
    lab.cleanup.callback(lab.lab.run, "net", "ip", "link", "set", "client0", "mtu", 1500, check=True)


def test_path_mtu(env):
    """A smaller MTU behind the router: its ICMP messages make our segments smaller"""
    lab = TcpLab(env)
    small_path(lab, 1300)
    server = lab.server("--bytes", 2 * MIB)
    for ours, theirs in FAMILIES:
        begin = time.monotonic()
        received = exchange(lab.connect(theirs, ours, SOURCE), b"")
        assert len(received) == 2 * MIB and time.monotonic() - begin < 3, f"{time.monotonic() - begin:.1f} s"
    assert clean(server.counters())["tcp_path_mtu_lowered"] >= 2


def test_black_hole(env):
    """The same with the ICMP messages lost: segments become smaller by themselves"""
    lab = TcpLab(env)
    small_path(lab, 1300)
    lab.nft("net", "chain out { type filter hook output priority 0; icmp type destination-unreachable drop; "
                   "icmpv6 type packet-too-big drop; }")
    server = lab.server("--bytes", MIB)
    readers = [lab.connect(theirs, ours, SOURCE) for ours, theirs in FAMILIES]
    for client in readers:
        assert len(exchange(client, b"")) == MIB
    assert clean(server.counters())["tcp_black_holes"] >= 2


def test_many_at_once(env):
    """1,000 connections open at the same time with 50 requests each"""
    lab = TcpLab(env)
    server = lab.server()
    client = lab.start("client", "--requests", endpoint(OURS4, ECHO), "--connections", 1000, "--at-once", 1000,
                       "--requests-each", 50)
    assert client.finish() == 0, client.process.tail()
    assert client.event("requests")["replies"] == 50000
    clean(server.counters())


def test_silent_peer(env):
    """A peer that is cut off: ours gives up after its user timeout and says so"""
    lab = TcpLab(env)
    server = lab.server("--bytes", MIB, "--user-timeout", 2)
    client = lab.connect(net.CLIENT4, OURS4, SOURCE)
    wait_until(lambda: client.recv(1000), SECONDS, "the first bytes")
    lab.nft("net", "chain forward { type filter hook forward priority 0; meta l4proto tcp drop; }")
    assert server.event("stream", service="source")["closed"] == "timed out"
    clean(server.counters())
