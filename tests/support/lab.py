"""The laboratory of scripts/lab seen from Python: addresses, commands and sockets in its namespaces."""
import contextlib
import ctypes
import os
import pathlib
import socket
import subprocess

from .process import Process

ROOT = pathlib.Path(__file__).resolve().parents[2]

EDGE4, EDGE6 = "192.0.2.10", "2001:db8:0:1::10"
INSIDE_EDGE4, INSIDE_EDGE6 = "192.0.2.130", "2001:db8:0:4::130"
ROUTER4, ROUTER6 = "192.0.2.1", "2001:db8:0:1::1"
CLIENT4, CLIENT6 = "198.51.100.2", "2001:db8:0:2::2"
PEER4, PEER6 = "203.0.113.2", "2001:db8:0:3::2"
HOST4, HOST6 = "192.0.2.140", "2001:db8:0:4::140"

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Lab:
    def __init__(self, name):
        self.name = name
        self._environment = dict(os.environ, FEDGE_LAB=name)

    def _script(self, *arguments):
        done = subprocess.run([ROOT / "scripts/lab", *arguments], env=self._environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"scripts/lab {' '.join(arguments)}: {done.stdout.strip()}")

    def up(self, kernel_addresses=False):
        self._script("up", *(["--kernel-addresses"] if kernel_addresses else []))

    def down(self):
        self._script("down")

    def command(self, host, *arguments):
        return ["ip", "netns", "exec", f"{self.name}-{host}", *[str(a) for a in arguments]]

    def run(self, host, *arguments, timeout=60, check=False, stdin=""):
        """Runs to the end; returns subprocess.CompletedProcess with standard output and error in one text."""
        done = subprocess.run(self.command(host, *arguments), input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, arguments))} ended with {done.returncode}: {done.stdout[-1000:]}")
        return done

    def start(self, host, *arguments, log):
        return Process(self.command(host, *arguments), log)

    @contextlib.contextmanager
    def inside(self, host):
        """Sockets that this thread opens meanwhile belong to the host's namespace, and stay there afterwards."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}-{host}") as away:
            _enter(away.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def udp(self, host, address, port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.inside(host):
            opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        opened.bind((address, port))
        return opened

    def tcp(self, host, address, port, timeout=5.0):
        with self.inside(host):
            opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        opened.settimeout(timeout)
        opened.connect((address, port))
        return opened

    def raw(self, host, device):
        """An AF_PACKET socket: whole Ethernet frames in and out."""
        with self.inside(host):
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        opened.bind((device, 3))
        return opened

    def mac(self, host, device):
        return self.run(host, "cat", f"/sys/class/net/{device}/address", check=True).stdout.strip()
