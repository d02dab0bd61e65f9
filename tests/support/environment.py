"""What a test gets: the laboratory, the edge, and clients and peers that are closed when the test ends."""
import contextlib

from . import lab as net
from . import stun
from .edge import PASSWORD, USER
from .turn_client import TurnClient

TURN_PORT = 3478


class Skipped(Exception):
    """The machine lacks something; the text names it."""


class Environment:
    def __init__(self, lab, edge):
        self.lab, self.edge = lab, edge
        self.cleanup = contextlib.ExitStack()

    def udp(self, host, address, port=0):
        return self.cleanup.enter_context(self.lab.udp(host, address, port))

    def peer(self, address=net.PEER4, port=0, host="peer"):
        """A bound UDP socket of the peer."""
        opened = self.udp(host, address, port)
        opened.settimeout(1.0)
        return opened

    def stream(self, address, port, host="client"):
        """A TCP connection from the outer client host to the edge."""
        return self.lab.tcp(host, address, port)

    def client(self, user=USER, password=PASSWORD, server=net.EDGE4, **options):
        """A TURN client at the outer client host that has not sent anything yet."""
        own = net.CLIENT6 if ":" in server else net.CLIENT4
        return TurnClient(self.udp("client", own), (server, TURN_PORT), user, password, **options)

    def allocation(self, *attributes, **options):
        client = self.client(**options)
        client.allocate(*attributes)
        return client

    def start(self, host, *arguments, log):
        process = self.lab.start(host, *arguments, log=log)
        self.cleanup.callback(process.stop)
        return process

    def dual(self, **options):
        """A client with an IPv4 and an IPv6 relayed address."""
        return self.allocation((stun.ADDITIONAL_ADDRESS_FAMILY, stun.IPV6), **options)
