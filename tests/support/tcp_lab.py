"""Our TCP in the laboratory: a namespace of its own behind the router, tcp-host in it, and kernel peers elsewhere.

    NAME-tcp  tcp0 192.0.2.74/26 ------ router .65 (tcp0 of NAME-net)     2001:db8:0:5::10, ::1
"""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

from . import lab as net
from .edge import find_program
from .wait import wait_until

OURS4, OURS6 = "192.0.2.74", "2001:db8:0:5::10"
ROUTER4, ROUTER6 = "192.0.2.65", "2001:db8:0:5::1"
ECHO, DISCARD, SOURCE = 7, 9, 19
# (our address, the kernel peer's address)
FAMILIES = ((OURS4, net.CLIENT4), (OURS6, net.CLIENT6))
SECONDS = 20  # for anything that a test waits for


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def namespace(lab):
    return f"{lab.name}-tcp"


@contextlib.contextmanager
def wire(lab):
    """The namespace and its cable to the router, as scripts/lab makes them."""
    def ip(*arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"

    ours, router = namespace(lab), f"{lab.name}-net"
    ip("netns", "add", ours)
    try:
        ip("link", "add", "tcp0", "netns", ours, "type", "veth", "peer", "name", "tcp0", "netns", router)
        for host in ("tcp", "net"):
            lab.run(host, "ethtool", "-K", "tcp0", "tx", "off", "tso", "off", "gso", "off", "gro", "off", "rx", "off",
                    "txvlan", "off", "rxvlan", "off", check=True)
        lab.run("net", "sysctl", "-qw", "net.ipv6.conf.tcp0.accept_dad=0", "net.ipv6.conf.tcp0.accept_ra=0", check=True)
        lab.run("tcp", "sysctl", "-qw", "net.ipv6.conf.tcp0.disable_ipv6=1", check=True)
        ip("-n", router, "address", "add", f"{ROUTER4}/26", "dev", "tcp0")
        ip("-n", router, "address", "add", f"{ROUTER6}/64", "dev", "tcp0")
        ip("-n", router, "link", "set", "tcp0", "up")
        ip("-n", ours, "link", "set", "tcp0", "up")
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", ours], capture_output=True, timeout=20)


class TcpHost:
    """A running tcp-host and what it has printed."""
    _count = 0

    def __init__(self, lab, program, work, host, *arguments):
        TcpHost._count += 1
        self.log = work / f"tcp-host-{TcpHost._count}.log"
        self.prefix = f"{lab.name}-tcp-{os.getpid()}-{TcpHost._count}"
        if host == "tcp":
            arguments = ("--transport", "own", "--device", "net_af_packet0,iface=tcp0", "--file-prefix", self.prefix,
                         "--address", f"{OURS4}/26", "--address", f"{OURS6}/64", "--gateway", ROUTER4,
                         "--gateway", ROUTER6, *arguments)
        else:
            arguments = ("--transport", "kernel", *arguments)
        self.process = lab.start(host, program, *arguments, log=self.log)

    def events(self, kind, **fields):
        """The lines of one kind whose fields have these values."""
        found = []
        for line in self.log.read_text().splitlines():
            if not line.endswith("}"):
                continue  # still being written, or no JSON
            event = json.loads(line)
            if event["event"] == kind and all(event[key] == value for key, value in fields.items()):
                found.append(event)
        return found

    def event(self, kind, seconds=SECONDS, count=1, **fields):
        """The count-th event of a kind, waited for."""
        def there():
            events = self.events(kind, **fields)
            if len(events) >= count:
                return events
            assert self.process.running() or len(self.events(kind, **fields)) >= count, \
                f"tcp-host ended without {kind}: {self.process.tail()}"
            return None
        try:
            return wait_until(there, seconds, f"tcp-host to print {kind} {fields}")[count - 1]
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.process.tail()}") from None

    def finish(self, seconds=SECONDS):
        """Waits for a client to end by itself; its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.stop()
            raise AssertionError(f"tcp-host did not end within {seconds} s: {self.process.tail()}") from None

    def counters(self):
        """Stops it first when it still runs."""
        self.process.stop()
        return self.event("counters")["counters"]

    def remove(self):
        self.process.stop()
        shutil.rmtree(f"/var/run/dpdk/{self.prefix}", ignore_errors=True)


class TcpLab:
    """What a test of tcp_test.py gets."""

    def __init__(self, env):
        self.lab = env.lab
        self.program = find_program(env.edge.programs["fedge"].parents[2], "tcp-host")
        self.work = pathlib.Path(env.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fedge-tcp-")))
        env.cleanup.enter_context(wire(env.lab))
        self.cleanup = env.cleanup

    def start(self, host, *arguments):
        """tcp-host with our TCP in "tcp", with the kernel's elsewhere; ready when this returns."""
        started = TcpHost(self.lab, self.program, self.work, host, *[str(a) for a in arguments])
        self.cleanup.callback(started.remove)
        started.event("ready")
        return started

    def server(self, *arguments):
        """Ours, with all services."""
        return self.start("tcp", "--echo", ECHO, "--discard", DISCARD, "--source", SOURCE, *arguments)

    def nft(self, host, *rules):
        """Loads the rules of table inet fedge-tcp in a namespace; replaces those of an earlier call."""
        self.lab.run(host, "nft", "-f", "-", check=True,
                     stdin="table inet fedge-tcp\ndelete table inet fedge-tcp\ntable inet fedge-tcp {\n" +
                           "\n".join(rules) + "\n}\n")
        self.cleanup.callback(self.free, host)

    def free(self, host):
        self.lab.run(host, "nft", "-f", "-", stdin="table inet fedge-tcp\ndelete table inet fedge-tcp\n", check=True)

    def socket(self, address, host="client", receive_buffer=None):
        """A kernel TCP socket bound to an address of a host."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.lab.inside(host):
            opened = socket.socket(family, socket.SOCK_STREAM)
        self.cleanup.callback(opened.close)
        opened.settimeout(SECONDS)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        opened.bind((address, 0))
        return opened

    def connect(self, own, remote, port, **options):
        opened = self.socket(own, **options)
        opened.connect((remote, port))
        return opened

    def listener(self, address, **options):
        """(socket, port)"""
        opened = self.socket(address, **options)
        opened.listen(16)
        return opened, opened.getsockname()[1]

    def accept(self, listener):
        accepted, _ = listener.accept()
        self.cleanup.callback(accepted.close)
        accepted.settimeout(SECONDS)
        return accepted


def reset(opened):
    """Closes a kernel socket with a RST."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.close()


def receive_all(opened):
    """Everything up to the peer's end."""
    pieces = []
    while piece := opened.recv(1 << 18):
        pieces.append(piece)
    return b"".join(pieces)


def exchange(opened, data):
    """Sends data and its end while receiving up to the peer's; what came."""
    problems = []

    def send():
        try:
            opened.sendall(data)
            opened.shutdown(socket.SHUT_WR)
        except OSError as problem:
            problems.append(problem)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    received = receive_all(opened)
    sender.join(SECONDS)
    assert not sender.is_alive() and not problems, f"sending: {problems or 'stuck'}"
    return received
