"""What messages and calls live through: a cold start, media through TURN, and the loss of whatever can be lost."""
import socket
import struct
import time

from support import lab as net
from support.federation import ALICE, BOB, HOST4_B, PEER4_B, SRV, ZONES, Federation
from support.phone import Dialog
from support.sip_server import USERS_PORT
from support.transports import on_both_transports
from support.wait import wait_until

PACKETS = 50


def offer(address, port):
    return f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


def place(body):
    """Where a session description wants its audio."""
    lines = body.split("\r\n")
    address = next(line for line in lines if line.startswith("c=")).split()[2]
    return address, int(next(line for line in lines if line.startswith("m=audio ")).split()[1])


def call(caller, callee, offered="", answered=""):
    """(dialog of the caller, dialog of the callee, the INVITE as it came, the answer as it came)."""
    kind = [("Content-Type", "application/sdp")]
    caller.send(caller.request("INVITE", callee.address, offered, kind if offered else ()))
    asked = callee.next()
    assert asked.method == "INVITE", asked.encode()
    reply = asked.reply(200, ("Contact", callee.contact), *(kind if answered else ()))
    reply.body = answered
    callee.send(reply)
    answer = caller.next()
    assert answer.status == 200, answer.encode()
    calling = Dialog.calling(caller, answer)
    calling.send("ACK", cseq=1)
    assert callee.next().method == "ACK"
    return calling, Dialog.called(callee, asked, reply), asked, answer


def passes(dialog, other, method="INFO"):
    """A request within the dialog arrives and is answered."""
    dialog.send(method)
    asked = other.next()
    assert asked.method == method, asked.encode()
    other.send(asked.reply(200))
    answer = dialog.phone.next()
    assert answer.status == 200, answer.encode()


def message(sender, receiver):
    """Whether a message arrives and is answered."""
    sent = sender.request("MESSAGE", receiver.address, "Hello")
    sender.send(sent)

    def of_this(phone):
        while True:
            got = phone.next(3)
            if got.get("Call-ID") == sent.get("Call-ID"):
                return got
    try:
        receiver.send(of_this(receiver).reply(200))
        return of_this(sender).status == 200
    except socket.timeout:
        return False


def two(env, **settings):
    """(federation, front end, partner, phone of bob, phone of alice)."""
    world = Federation(env, ZONES)
    env.edge.set_all(settings)
    ours, partner = world.front_end(), world.partner(*world.know("allowed domain"))
    world.wait_connected()
    return world, ours, partner, ours.phone(BOB, USERS_PORT), partner.phone(ALICE, USERS_PORT)


@on_both_transports
def test_cold_start(env):
    """200 messages at once while nothing is connected yet: all arrive, either way"""
    world = Federation(env, ZONES)
    partner = world.partner(*world.know("allowed domain"))
    ours = world.front_end()
    world.wait_connected()
    for sender, receiver, addresses in ((ours, partner, (BOB, ALICE)), (partner, ours, (ALICE, BOB))):
        receiver.answers("message")
        sender.calls("message", *addresses, 200, rate=2000, at_once=200).finish()
    assert env.edge.counter("sip_held") > 0


@on_both_transports
def test_media_through_turn(env):
    """RTP both ways between a partner and a relayed address that the callee's answer names, while the call stands"""
    _, _, _, bob, alice = two(env)
    relay = env.allocation()
    relay.permit(net.PEER4)
    relay.bind(0x4000, net.PEER4, 40000)
    media = env.peer(net.PEER4, 40000)
    calling, _, asked, answer = call(alice, bob, offer(net.PEER4, 40000), offer(*relay.relayed[0]))
    assert place(asked.body) == (net.PEER4, 40000), asked.encode()
    assert place(answer.body) == tuple(relay.relayed[0]), answer.encode()
    for number in range(PACKETS):
        packet = struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + bytes(160)
        media.sendto(packet, place(answer.body))
        assert relay.receive() == ("channel", 0x4000, packet), number
        relay.send_channel(0x4000, packet)
        assert media.recvfrom(2000) == (packet, place(answer.body)), number
    passes(calling, bob, "BYE")


@on_both_transports
def test_control_is_killed(env):
    """kill -9 of control during a call: the call and new ones go on; its return changes nothing"""
    _, _, _, bob, alice = two(env)
    calling, called, *_ = call(alice, bob)
    env.edge.control.kill()
    passes(calling, bob)
    passes(called, alice)
    more, *_ = call(bob, alice)
    assert message(alice, bob)
    env.edge.start_control()
    env.edge.wait_ready()
    passes(more, alice, "BYE")
    passes(called, alice, "BYE")


@on_both_transports
def test_dataplane_is_killed(env):
    """kill -9 of the dataplane during calls: they are ended in order by either side when it is back"""
    world, _, _, bob, alice = two(env)
    calls = [call(alice, bob), call(alice, bob), call(bob, alice), call(bob, alice)]
    env.edge.dataplane.kill()
    env.edge.start_dataplane()
    env.edge.wait_ready()
    world.wait_connected()
    # The servers learn that their connections are gone when they use them.
    for sender, receiver in ((alice, bob), (bob, alice)):
        wait_until(lambda: message(sender, receiver), 20, f"messages of {sender.address}")
    for calling, called, *_ in calls[::2]:
        passes(calling, called.phone, "BYE")
    for calling, called, *_ in calls[1::2]:
        passes(called, calling.phone, "BYE")


@on_both_transports
def test_partner_is_lost(env):
    """The partner's server ends and comes back during calls: what is sent meanwhile is refused, the calls go on"""
    _, _, partner, bob, alice = two(env)
    calls = [call(alice, bob), call(bob, alice)]
    partner.stop()
    wait_until(lambda: not any(row["service"] == "sip-partner" for row in env.edge.rows("connections")), 10,
               "the edge to notice")
    refusal = bob.ask("MESSAGE", ALICE)
    assert refusal.status == 504 and refusal.get("ms-diagnostics-public").startswith("1046;"), refusal.encode()
    partner.start()
    wait_until(lambda: message(bob, alice), 15, "messages to the partner")
    wait_until(lambda: message(alice, bob), 15, "messages from the partner")
    for calling, called, *_ in calls:
        passes(calling, called.phone)
        passes(called, calling.phone, "BYE")


@on_both_transports
def test_partner_moves(env):
    """The partner's server gets another address: calls find it there when DNS says so, also those that stood before"""
    world, _, partner, bob, alice = two(env, **{"dns.ttl-min": ["1"]})
    calling, called, *_ = call(bob, alice)
    partner.stop()
    world.partner("sip.partner.example", address=PEER4_B)
    world.dns.replace("partner.example", [f"{SRV} sip", f"sip A {PEER4_B}"])
    wait_until(lambda: message(bob, alice), 20, "messages to the new address")
    assert message(alice, bob)
    call(bob, alice)
    passes(calling, alice)
    passes(called, bob, "BYE")


@on_both_transports
def test_front_end_is_lost(env):
    """One of two front ends ends: its share goes to the other at once, calls there go on; it gets calls when it is back"""
    world = Federation(env, ZONES)
    env.edge.set_all({"front-end.fe2.host": ["fe2.contoso.com"], "front-end.fe2.address": [HOST4_B]})
    servers = world.front_end(), world.front_end("fe2.contoso.com", HOST4_B, "127.0.0.2")
    partner = world.partner(*world.know("allowed domain"))
    world.wait_connected(2)
    alice = partner.phone(ALICE)
    bobs = [server.phone(BOB, USERS_PORT) for server in servers]

    def receiver(sent):
        """The phone that it comes to, and what came."""
        alice.send(sent)
        for _ in range(300):
            for phone in bobs:
                try:
                    return phone, phone.next(0.02)
                except socket.timeout:
                    pass
        raise AssertionError(f"nobody got {sent.start}")

    def answered(method="MESSAGE"):
        phone, asked = receiver(alice.request(method, BOB))
        reply = asked.reply(200, ("Contact", phone.contact))
        phone.send(reply)
        answer = alice.next()
        assert answer.status == 200, answer.encode()
        if method == "INVITE":
            Dialog.calling(alice, answer).send("ACK", cseq=1)
            assert phone.next().method == "ACK"
        return phone, Dialog.calling(alice, answer)

    assert {answered()[0] for _ in range(30)} == set(bobs), "both get a share"
    calls = [answered("INVITE") for _ in range(12)]
    before = env.edge.counter("sip_front_end_down")
    servers[0].stop()
    wait_until(lambda: env.edge.counter("sip_front_end_down") > before, 5, "the edge to notice")
    assert {answered()[0] for _ in range(20)} == {bobs[1]}, "the other one gets all"
    for phone, dialog in calls:
        if phone is bobs[1]:
            passes(dialog, phone, "BYE")

    def failed():
        return max(row["failed"] for row in env.edge.cli("show", "sip")["next_hops"] if row["kind"] == "front-end")
    tries = failed()
    wait_until(lambda: failed() >= tries + 4, 15, "the edge to have tried it for a while")
    servers[0].start()
    since = time.monotonic()
    world.wait_connected(2)
    assert time.monotonic() - since < 4, "long after it is back"
    assert {answered()[0] for _ in range(30)} == set(bobs), "both get a share again"
