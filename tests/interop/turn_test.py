"""What RFC 8489 and RFC 8656 ask beyond what common clients use, and the limits an operator sets."""
import base64
import hashlib
import hmac
import struct
import time

from support import lab as net
from support import stun
from support.edge import PASSWORD, REALM, USER
from support.turn_client import NoAnswer, TurnError
from support.uclient import assert_lossless, uclient
from support.wait import wait_until


def refused(code, call, *arguments):
    try:
        call(*arguments)
    except TurnError as error:
        assert error.code == code, f"{error}, not {code}"
        return error
    raise AssertionError(f"{call.__name__} succeeded instead of {code}")


def test_sha256(env):
    """PASSWORD-ALGORITHMS are offered behind the nonce cookie; SHA-256 and MD5 keys both authenticate"""
    for algorithm in (stun.SHA256, stun.MD5):
        client = env.client(algorithm=algorithm)
        client.allocate()
        assert client.nonce.startswith(b"obMatJos2"), client.nonce
        assert struct.pack("!HH", stun.SHA256, 0) in client.algorithms
        peer = env.peer()
        client.bind(0x4000, *peer.getsockname())
        client.send_channel(0x4000, b"signed")
        assert peer.recv(100) == b"signed"


def test_sha256_bid_down(env):
    """PASSWORD-ALGORITHMS echoed with SHA-256 struck out (bid-down): refused, RFC 8489 section 9.2.4"""
    client = env.client(algorithm=stun.MD5)
    refused(401, env.client(user=None).allocate)
    client.allocate()
    client.algorithms = struct.pack("!HH", stun.MD5, 0)
    refused(400, client.refresh)


def test_userhash(env):
    """USERHASH instead of USERNAME: the name never crosses the wire"""
    client = env.allocation(algorithm=stun.SHA256, anonymous=True)
    assert client.relayed
    row, = env.edge.rows("allocations")
    assert row["user"] == USER, row


def test_rest_credentials(env):
    """Time-limited credentials of a shared secret: taken while fresh, by any of several secrets, not once expired"""
    secrets = [env.edge.cli("turn", "secret", "add") for _ in range(2)]
    try:
        for secret in secrets:
            for lifetime, good in ((600, True), (-600, False)):
                name = f"{int(time.time()) + lifetime}:bob"
                mac = hmac.new(secret["secret"].encode(), name.encode(), hashlib.sha1).digest()
                client = env.client(user=name, password=base64.b64encode(mac).decode())
                if good:
                    client.allocate()
                else:
                    refused(401, client.allocate)
        assert_lossless(uclient(env, "-c", "-e", net.PEER4, "-W", secrets[0]["secret"], messages=10, clients=1))
    finally:
        for secret in secrets:
            env.edge.cli("turn", "secret", "remove", str(secret["id"]))
    name = f"{int(time.time()) + 600}:bob"
    mac = hmac.new(secrets[0]["secret"].encode(), name.encode(), hashlib.sha1).digest()
    refused(401, env.client(user=name, password=base64.b64encode(mac).decode()).allocate)


def test_dual_allocation(env):
    """ADDITIONAL-ADDRESS-FAMILY: one allocation, one relayed address of each family, both relay"""
    client = env.dual()
    assert sorted(address for address, _ in client.relayed) == sorted([net.EDGE4, net.EDGE6])
    for channel, address in ((0x4000, net.PEER4), (0x4001, net.PEER6)):
        peer = env.peer(address)
        client.bind(channel, *peer.getsockname()[:2])
        client.send_channel(channel, b"dual")
        data, source = peer.recvfrom(100)
        assert data == b"dual" and source[:2] in client.relayed
        peer.sendto(b"back", source)
        assert client.receive() == ("channel", channel, b"back")


def test_peer_family_mismatch(env):
    """An IPv6 peer on an IPv4 allocation: 443"""
    client = env.allocation()
    refused(443, client.permit, net.PEER6)
    refused(443, client.bind, 0x4000, net.PEER6, 9)


def test_channel_rules(env):
    """Channel numbers that RFC 5766 and RFC 8656 both exclude, a channel or a peer bound twice: 400"""
    client = env.allocation()
    for number in (0, 0x3FFF, 0x8000, 0xFFFF):
        refused(400, client.bind, number, net.PEER4, 4000)
    client.bind(0x4000, net.PEER4, 4000)
    client.bind(0x4000, net.PEER4, 4000)  # refreshes
    refused(400, client.bind, 0x4000, net.PEER4, 4001)
    refused(400, client.bind, 0x4001, net.PEER4, 4000)


def test_deleted_allocation_is_gone(env):
    """After a Refresh with lifetime 0 the relayed port is closed at once, and the 5-tuple answers 437"""
    client = env.allocation()
    assert client.refresh(1200).number(stun.LIFETIME) == 1200
    peer = env.peer()
    client.permit(net.PEER4)
    assert client.refresh(0).number(stun.LIFETIME) == 0
    before = env.edge.drops("relay_port_unused")
    peer.sendto(b"late", client.relayed[0])
    assert client.receive(0.5) is None
    wait_until(lambda: env.edge.drops("relay_port_unused") > before, 3, "the drop to be counted")
    refused(437, client.permit, net.PEER4)
    assert env.edge.rows("allocations") == []


def test_other_user_cannot_touch_an_allocation(env):
    """Valid credentials of another user on the allocation's 5-tuple: 441"""
    env.edge.add_user("mallory", "other-password")
    client = env.allocation()
    client.user, client.password = "mallory", "other-password"
    refused(441, client.refresh)
    refused(441, client.permit, net.PEER4)


def test_user_quota(env):
    """The third allocation of a user with a quota of two: 486; deleting one makes room"""
    env.edge.configure(quota_user=2)
    first, second = env.allocation(), env.allocation()
    refused(486, env.client().allocate)
    first.refresh(0)
    env.allocation()
    assert second.refresh().kind == stun.SUCCESS


def test_total_quota(env):
    """One allocation beyond the total: 486 or 508"""
    env.edge.configure(quota_total=2)
    kept = [env.allocation(), env.allocation()]
    try:
        env.client().allocate()
        raise AssertionError("allocation beyond the total quota")
    except TurnError as error:
        assert error.code in (486, 508), error
    assert all(client.refresh().kind == stun.SUCCESS for client in kept)


def test_permission_cap(env):
    """More permissions than turn.max-permissions: 508, those before it stay"""
    env.edge.configure(max_permissions=4)
    client = env.allocation()
    for last in range(3):
        client.permit(f"203.0.113.{100 + last}")
    client.permit(net.PEER4)
    refused(508, client.permit, "203.0.113.200")
    peer = env.peer()
    peer.sendto(b"still", client.relayed[0])
    assert client.receive()[0] == "data"


def test_bandwidth_cap(env):
    """An allocation far above its bandwidth loses what is beyond, counted, and not less"""
    env.edge.configure(bandwidth_allocation_kbps=200)
    client = env.allocation()
    peer = env.peer()
    client.bind(0x4000, *peer.getsockname())
    before = env.edge.drops("bandwidth_allocation")
    sent = 0
    begin = time.monotonic()
    while (elapsed := time.monotonic() - begin) < 2.0:
        if sent < elapsed * 250:  # 250 x 1000 bytes: 2000 kbit/s, ten times the cap
            client.send_channel(0x4000, bytes(1000))
            sent += 1
        else:
            time.sleep(0.001)
    received = 0
    peer.settimeout(0.5)
    try:
        while True:
            received += len(peer.recv(2048))
    except TimeoutError:
        pass
    kbps = received * 8 / 2.0 / 1000
    assert 100 <= kbps <= 500, f"{kbps:.0f} kbit/s came through a cap of 200"
    assert env.edge.drops("bandwidth_allocation") - before == sent - received // 1000


def test_port_unreachable_reaches_the_client(env):
    """ICMP port unreachable from the peer: Data indication with ICMP attribute, RFC 8656 sections 11.5 and 18.13"""
    for address, icmp_type, code in ((net.PEER4, 3, 3), (net.PEER6, 1, 4)):
        client = env.dual()
        closed = env.udp("peer", address)
        port = closed.getsockname()[1]
        closed.close()
        client.permit(address)
        client.send(address, port, b"anyone?")
        event = client.receive(2.0)
        assert event and event[0] == "data", f"no Data indication for {address}: {event}"
        message = event[1]
        value = message.get(stun.ICMP)
        assert value is not None and len(value) == 8, message.attributes
        assert struct.unpack_from("!H", value, 2)[0] == icmp_type << 9 | code, value.hex()
        assert message.get(stun.DATA_ATTRIBUTE) is None
        assert message.address(stun.XOR_PEER_ADDRESS)[0] == address


def test_nonce_is_bound_to_its_source(env):
    """A nonce seen by one source does not authenticate another: 438 or 401 with a new one"""
    first = env.allocation()
    thief = env.client()
    thief.realm, thief.nonce = first.realm, first.nonce
    message = stun.Message(stun.ALLOCATE, attributes=[(stun.REQUESTED_TRANSPORT, stun.UDP)])
    answer = thief.exchange(thief._signed(message), message.transaction)
    assert answer.error() and answer.error()[0] in (401, 438), answer.error()
    assert answer.get(stun.NONCE) not in (None, first.nonce)


def test_realm_and_silence(env):
    """The challenge names the configured realm; garbage on the port gets no answer at all"""
    error = refused(401, env.client(user=None).allocate)
    assert error.response.get(stun.REALM) == REALM.encode()
    udp = env.udp("client", net.CLIENT4)
    udp.settimeout(0.3)
    for garbage in (b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", bytes(20), b"\x40\x01\xff\xff", bytes(range(256)) * 4):
        udp.sendto(garbage, (net.EDGE4, 3478))
    try:
        data = udp.recv(2048)
        raise AssertionError(f"garbage was answered with {data.hex()}")
    except TimeoutError:
        pass


def test_impossible_attribute_lengths(env):
    """A known attribute of an impossible length: 400 for whoever has proved itself, nothing for a Binding request"""
    client = env.allocation()
    for attribute in ((stun.LIFETIME, bytes(8)), (stun.LIFETIME, b"")):
        refused(400, lambda: client.request(stun.REFRESH, [attribute]))
    assert client.refresh().kind == stun.SUCCESS
    refused(400, lambda: env.client().request(stun.ALLOCATE, [(stun.REQUESTED_TRANSPORT, b"\x11")]))
    udp = env.udp("client", net.CLIENT4)
    udp.settimeout(0.3)
    dropped = env.edge.drops("stun_malformed")
    udp.sendto(stun.Message(stun.BINDING, attributes=[(stun.LIFETIME, b"")]).encode(), (net.EDGE4, 3478))
    wait_until(lambda: env.edge.drops("stun_malformed") == dropped + 1, 3, "the Binding request to be dropped")


def test_credentials_of_a_removed_user(env):
    """A removed user's allocation cannot be refreshed, a new one cannot be made"""
    env.edge.add_user("leaver", PASSWORD)
    client = env.allocation(user="leaver")
    env.edge.cli("turn", "user", "remove", "leaver")
    refused(401, client.refresh)
    refused(401, env.client(user="leaver").allocate)
