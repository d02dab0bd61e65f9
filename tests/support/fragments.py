"""Requests too long for one packet."""
from . import stun
from .wait import wait_until


def assert_fragments_dropped(env, server, own):
    """The client's kernel sends a request in two fragments: both are counted, neither is answered."""
    before = env.edge.drops("fragment")
    udp = env.udp("client", own)
    udp.sendto(stun.Message(stun.BINDING, attributes=[(0x8FFF, bytes(2800))]).encode(), (server, 3478))
    wait_until(lambda: env.edge.drops("fragment") == before + 2, 3, f"two fragments to {server} to be counted")
    udp.settimeout(0.3)
    try:
        raise AssertionError(f"a fragmented request was answered: {udp.recv(2048).hex()}")
    except TimeoutError:
        pass
