"""Unmodified clients that others wrote, and our own by the RFC's letter. All of it also holds for coturn's server."""
import asyncio
import re

from support import lab as net
from support import stun
from support.edge import PASSWORD, USER
from support.turn_client import TurnClient, TurnError
from support.uclient import assert_lossless, uclient

NEEDS_FEDGE = False


def test_uclient_channel_data(env):
    """turnutils_uclient, ChannelData, IPv4"""
    assert_lossless(uclient(env, "-c", "-e", net.PEER4))


def test_uclient_send_indications(env):
    """turnutils_uclient, Send and Data indications, IPv4"""
    assert_lossless(uclient(env, "-c", "-s", "-e", net.PEER4))


def test_uclient_ipv6_relay(env):
    """turnutils_uclient over IPv4 with an IPv6 relayed address"""
    assert_lossless(uclient(env, "-c", "-x", "-e", net.PEER6))


def test_uclient_ipv6_relay_send_indications(env):
    """turnutils_uclient, Send indications to an IPv6 peer"""
    assert_lossless(uclient(env, "-c", "-s", "-x", "-e", net.PEER6))


def test_uclient_over_ipv6(env):
    """turnutils_uclient reaching the server over IPv6, IPv6 relay"""
    assert_lossless(uclient(env, "-c", "-x", "-e", net.PEER6, server=net.EDGE6))


def test_uclient_over_ipv6_to_ipv4_peer(env):
    """turnutils_uclient reaching the server over IPv6, IPv4 relay"""
    assert_lossless(uclient(env, "-c", "-X", "-e", net.PEER4, server=net.EDGE6))


def test_uclient_rtp_and_rtcp_ports(env):
    """turnutils_uclient with RTP and RTCP: EVEN-PORT with reservation, then RESERVATION-TOKEN"""
    assert_lossless(uclient(env, "-e", net.PEER4))


def test_uclient_client_to_client(env):
    """turnutils_uclient, two clients through their relayed addresses on this server"""
    assert_lossless(uclient(env, "-c", "-y"))


def test_uclient_dont_fragment(env):
    """turnutils_uclient with DONT-FRAGMENT"""
    assert_lossless(uclient(env, "-c", "-s", "-g", "-e", net.PEER4))


def test_uclient_extra_requests(env):
    """turnutils_uclient with repeated CreatePermission and ChannelBind requests"""
    assert_lossless(uclient(env, "-c", "-G", "-e", net.PEER4))


def test_uclient_abrupt_disconnects(env):
    """turnutils_uclient whose sessions break off and come back loses nothing that it counts"""
    assert_lossless(uclient(env, "-c", "-B", "-e", net.PEER4, messages=10, clients=4))


def test_uclient_bad_behaviour(env):
    """turnutils_uclient's negative protocol tests and its quick connect-and-exit leave a server that serves"""
    # -R damages some of the client's own requests. What is no STUN message any more gets no answer (RFC 8489 section 6.3),
    # and this client would wait for one for ever.
    uclient(env, "-c", "-N", "-R", "-G", "-e", net.PEER4, messages=10, give_up=10)
    uclient(env, "-c", "-O", "-e", net.PEER4, messages=10, clients=20)
    assert env.client().binding()[0] == net.CLIENT4
    assert env.allocation().relayed


def test_uclient_wrong_password(env):
    """turnutils_uclient with a wrong password gets no allocation"""
    output = uclient(env, "-c", "-e", net.PEER4, password="wrong", messages=2, clients=1)
    assert "Cannot complete Allocation" in output, output[-1500:]
    assert "Total lost packets" not in output


def test_stunclient(env):
    """turnutils_stunclient sees its own address"""
    for server, own in ((net.EDGE4, net.CLIENT4), (net.EDGE6, net.CLIENT6)):
        output = env.lab.run("client", "timeout", "10", "turnutils_stunclient", "-L", own, server, timeout=20).stdout
        assert re.search(rf"UDP reflexive addr: \[?{re.escape(own)}\]?:\d+", output), output


def test_classic_stun_client(env):
    """stun-client (RFC 3489, without magic cookie) gets a MAPPED-ADDRESS"""
    output = env.lab.run("client", "timeout", "40", "stun", net.EDGE4, "1", "-v", timeout=50).stdout
    assert re.search(rf"mappedAddr\s*=?:?\s*{re.escape(net.CLIENT4)}", output, re.I), output[-800:]


def test_aioice_stun(env):
    """python3-aioice, an independent STUN client, agrees on its address"""
    from aioice import stun as aioice_stun

    async def ask():
        loop = asyncio.get_running_loop()
        message = aioice_stun.Message(aioice_stun.Method.BINDING, aioice_stun.Class.REQUEST)
        socket = env.udp("client", net.CLIENT4)
        socket.setblocking(False)
        await loop.sock_connect(socket, (net.EDGE4, 3478))
        await loop.sock_sendall(socket, bytes(message))
        answer = aioice_stun.parse_message(await asyncio.wait_for(loop.sock_recv(socket, 2048), 5))
        assert answer.transaction_id == message.transaction_id
        return answer.attributes["XOR-MAPPED-ADDRESS"], socket.getsockname()

    seen, own = asyncio.run(ask())
    assert seen == own, f"{seen} is not {own}"


def test_aioice_turn(env):
    """python3-aioice's TURN client: allocation, channel, 50 datagrams there and back, deletion"""
    from aioice import turn

    class Receiver(asyncio.DatagramProtocol):
        def __init__(self):
            self.got = []

        def datagram_received(self, data, _address):
            self.got.append(data)

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data, address)

    async def converse(peer):
        loop = asyncio.get_running_loop()
        echo, _ = await loop.create_datagram_endpoint(Echo, sock=peer)
        transport, receiver = await turn.create_turn_endpoint(Receiver, (net.EDGE4, 3478), USER, PASSWORD)
        relayed = transport.get_extra_info("sockname")
        assert relayed[0] == net.EDGE4 and 50000 <= relayed[1] <= 59999, relayed
        sent = [b"%06d" % i for i in range(50)]
        for data in sent:
            transport.sendto(data, peer.getsockname())
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        transport.close()
        await asyncio.sleep(0.3)
        echo.close()
        assert receiver.got == sent, f"{len(receiver.got)} of {len(sent)} came back"

    peer = env.peer()
    with env.lab.inside("client"):
        asyncio.run(converse(peer))


def test_every_path_carries_both_ways(env):
    """Our client: channel and Send towards the peer, ChannelData and Data indication back"""
    client = env.allocation()
    bound, permitted = env.peer(), env.peer()
    client.bind(0x4001, *bound.getsockname())
    client.send_channel(0x4001, b"by channel")
    data, source = bound.recvfrom(2048)
    assert (data, source) == (b"by channel", client.relayed[0])
    bound.sendto(b"back", source)
    assert client.receive() == ("channel", 0x4001, b"back")

    client.send(*permitted.getsockname(), b"by indication")
    data, source = permitted.recvfrom(2048)
    assert (data, source) == (b"by indication", client.relayed[0])
    permitted.sendto(b"odd", source)
    kind, message = client.receive()
    assert kind == "data" and message.get(stun.DATA_ATTRIBUTE) == b"odd"
    assert message.address(stun.XOR_PEER_ADDRESS) == permitted.getsockname()


def test_payload_sizes(env):
    """Empty, odd and large payloads arrive as they were sent, IPv4 and IPv6"""
    for family, channel, address in ((stun.IPV4, 0x4000, net.PEER4), (stun.IPV6, 0x7FFF, net.PEER6)):
        client = env.allocation((stun.REQUESTED_ADDRESS_FAMILY, family))
        peer = env.peer(address)
        client.bind(channel, *peer.getsockname()[:2])
        for size in (0, 1, 2, 3, 171, 172, 1001, 1400):
            payload = bytes(i & 0xFF for i in range(size))
            client.send_channel(channel, payload)
            data, source = peer.recvfrom(2048)
            assert data == payload, f"{size} bytes to {address}"
            peer.sendto(payload, source)
            assert client.receive() == ("channel", channel, payload), f"{size} bytes from {address}"


def test_no_permission_no_data(env):
    """A peer without permission reaches nobody, also after another peer got one"""
    client = env.allocation()
    peer = env.peer()
    peer.sendto(b"unasked", client.relayed[0])
    assert client.receive(0.4) is None
    client.permit(net.ROUTER4)
    peer.sendto(b"unasked", client.relayed[0])
    assert client.receive(0.4) is None
    client.permit(net.PEER4)
    peer.sendto(b"asked", client.relayed[0])
    kind, message = client.receive()
    assert kind == "data" and message.get(stun.DATA_ATTRIBUTE) == b"asked"


def test_wrong_password_is_challenged(env):
    """Wrong password and unknown user get the same answer, 401"""
    for user, password in ((USER, "wrong"), ("nobody", PASSWORD)):
        client = env.client(user=user, password=password)
        try:
            client.allocate()
            raise AssertionError(f"{user}/{password} got an allocation")
        except TurnError as error:
            assert error.code == 401, error


def test_requested_transport(env):
    """Allocate without REQUESTED-TRANSPORT: 400; for TCP over UDP: refused"""
    client = env.client()
    for attributes, codes in (([], {400}), ([(stun.REQUESTED_TRANSPORT, b"\x06\0\0\0")], {400, 442})):
        try:
            client.request(stun.ALLOCATE, attributes)
            raise AssertionError("allocation without UDP transport")
        except TurnError as error:
            assert error.code in codes, error


def test_unknown_attribute(env):
    """An unknown comprehension-required attribute: 420 with its number"""
    client = env.client()
    try:
        client.allocate((0x7F01, b"what"))
        raise AssertionError("unknown attribute was taken")
    except TurnError as error:
        assert error.code == 420, error
        assert b"\x7f\x01" in error.response.get(stun.UNKNOWN_ATTRIBUTES)


def test_even_port(env):
    """EVEN-PORT gives an even port, and the reservation gives the next one to a second client"""
    first = env.client()
    response = first.allocate((stun.EVEN_PORT, b"\x80"))
    token = response.get(stun.RESERVATION_TOKEN)
    assert first.relayed[0][1] % 2 == 0 and token is not None and len(token) == 8
    second = env.client()
    second.allocate((stun.RESERVATION_TOKEN, token))
    assert second.relayed[0] == (first.relayed[0][0], first.relayed[0][1] + 1)


def test_retransmitted_allocate(env):
    """The same Allocate twice (a lost answer) gives the same relayed address, another transaction gives 437"""
    client = env.client()
    try:
        TurnClient(client.udp, client.server).allocate()
    except TurnError as error:
        client._learn(error.response)
    message = stun.Message(stun.ALLOCATE, attributes=[(stun.REQUESTED_TRANSPORT, stun.UDP)])
    answers = [client.exchange(client._signed(message), message.transaction) for _ in range(2)]
    relayed = [answer.address(stun.XOR_RELAYED_ADDRESS) for answer in answers]
    assert relayed[0] == relayed[1], relayed
    try:
        client.allocate()
        raise AssertionError("two allocations on one 5-tuple")
    except TurnError as error:
        assert error.code == 437, error


def test_fingerprint(env):
    """FINGERPRINT in a request is accepted; a wrong one gets no answer that says success"""
    client = env.client(fingerprint=True)
    assert client.allocate().kind == stun.SUCCESS
    message = stun.Message(stun.BINDING)
    spoiled = bytearray(message.encode(fingerprint=True))
    spoiled[-1] ^= 1
    udp = env.udp("client", net.CLIENT4)
    udp.sendto(spoiled, client.server)
    udp.settimeout(0.5)
    try:
        answer = stun.parse(udp.recv(2048))
        assert answer.kind != stun.SUCCESS, "a message with a wrong FINGERPRINT was served"
    except TimeoutError:
        pass
