"""What a federation refuses, and how its users and its operator are told: Kamailio on both sides, and bad strangers."""
import socket
import ssl
import tempfile
import threading
import time

from support import lab as net
from support.federation import ACCESS, ALICE, BOB, PEER4_B, SRV, ZONES, Federation
from support.openssl import Authority
from support.sip import Party, request
from support.sip_server import USERS_PORT
from support.transports import on_both_transports
from support.wait import wait_until


def expect(answer, status, code):
    assert answer.status == status, answer.encode()
    assert answer.get("ms-diagnostics-public").startswith(f"{code};reason="), answer.encode()


@on_both_transports
def test_from_partners(env):
    """Our own domain as sender, targets that are not ours, users without policy, types of request, federation off"""
    world = Federation(env, ZONES)
    world.front_end()
    partner = world.partner(*world.know("allowed domain"))
    world.wait_connected()
    env.edge.cli("policy", "user", "set", "carol@contoso.com", "nothing")
    env.edge.commit("carol stays inside")
    alice, eve = partner.phone(ALICE), partner.phone("eve@contoso.com")
    for sender, method, receiver, status, code in (
            (eve, "MESSAGE", BOB, 403, 1002), (alice, "MESSAGE", "bob@elsewhere.example", 404, 1005),
            (alice, "MESSAGE", "carol@contoso.com", 404, 1003), (alice, "INVITE", "carol@contoso.com", 404, 1003),
            (alice, "SERVICE", BOB, 403, 1027), (alice, "PUBLISH", BOB, 403, 1027)):
        # What its own domain is, the partner's server would keep.
        expect(sender.ask(method, receiver, headers=[("Event", "presence")]), status, code)
    env.edge.cli("set", "federation.enabled", "off")
    env.edge.commit("off")
    expect(alice.ask("MESSAGE", BOB), 403, 1002)


@on_both_transports
def test_without_an_answer(env):
    """Blocked, unknown and unproved domains learn nothing; each is counted by its reason"""
    world = Federation(env, {**ZONES, "stranger.example": [f"{SRV} sip", f"sip A {net.PEER4}"],
                             "thief.example": [f"{SRV} sip", "sip A 203.0.113.9"]})
    partner = world.partner(*world.know("allowed domain"))
    env.edge.cli("block", "domain", "evil.example")
    env.edge.cli("allow", "domain", "thief.example", "--verification", "always-verifiable")
    env.edge.commit("a list")
    for sender, counter in (("x@evil.example", "policy_blocked"), ("x@it.evil.example", "policy_blocked"),
                            ("x@stranger.example", "policy_not_allowed"), ("x@thief.example", "policy_certificate")):
        before = env.edge.counter(counter)
        phone = partner.phone(sender)
        phone.send(phone.request("MESSAGE", BOB))
        wait_until(lambda: env.edge.counter(counter) > before, 5, f"{counter} for {sender}")
        assert phone.silent(0.5), sender


@on_both_transports
def test_to_partners(env):
    """Blocked and unknown domains, users without policy, foreign senders, and each fault of DNS and of connections"""
    world = Federation(env, {**ZONES,
                             "unrelated.example": [f"{SRV} sip.partner.example."],
                             "nothing.example": ["www A 203.0.113.9"],
                             "closed.example": ["_sipfederationtls._tcp SRV 0 0 5099 sip", f"sip A {net.PEER4}"],
                             "plain.example": ["_sipfederationtls._tcp SRV 0 0 5098 sip", f"sip A {net.PEER4}"],
                             "other.example": [f"{SRV} sip", f"sip A {net.PEER4}"]})
    no_tls = speak_plainly(env, 5098)
    world.partner(*world.know("allowed domain"))
    ours = world.front_end()
    for domain in ("unrelated.example", "nothing.example", "closed.example", "plain.example", "other.example"):
        env.edge.cli("allow", "domain", domain)
    env.edge.cli("allow", "domain", "direct.example", "--via", "sip.nothing.example")
    env.edge.cli("block", "domain", "evil.example")
    env.edge.cli("policy", "user", "set", "carol@contoso.com", "nothing")
    env.edge.commit("a list")
    bob, carol, mallory = (ours.phone(f"{user}") for user in (BOB, "carol@contoso.com", "mallory@elsewhere.example"))
    for sender, receiver, status, code in (
            (bob, "x@evil.example", 404, 1005), (bob, "x@stranger.example", 404, 1005), (carol, ALICE, 403, 1002),
            (mallory, ALICE, 403, 1012), (bob, "x@nothing.example", 504, 1008), (bob, "x@unrelated.example", 504, 1009),
            (bob, "x@direct.example", 504, 1014), (bob, "x@closed.example", 504, 1046),
            (bob, "x@plain.example", 504, 1047),
            # Its server is there, with a certificate for another domain.
            (bob, "x@other.example", 504, 1010)):
        expect(sender.ask("MESSAGE", receiver), status, code)
    no_tls.join(5)
    told = bob.ask("MESSAGE", "x@other.example").get("ms-diagnostics-public")
    assert told.endswith(';ErrorType="the certificate of the peer proves another name";fqdn="sip.other.example";'
                         f'address="{net.PEER4}:5061"'), told
    told = bob.ask("MESSAGE", "x@nothing.example").get("ms-diagnostics-public")
    assert told.endswith(';domain="nothing.example"'), told
    # The same in what operators see.
    failed = {row["name"]: row for row in env.edge.cli("show", "sip")["next_hops"] if row["failed"]}
    assert failed["closed.example"]["code"] == 1046 and failed["plain.example"]["code"] == 1047, failed
    assert failed["other.example"]["code"] == 1010 and "certificate was refused" in failed["other.example"]["error"], failed
    wait_until(lambda: "1010" in env.edge.fedge("test", "discovery", "other.example").stdout, 5, "discovery to tell")
    env.edge.cli("set", "federation.enabled", "off")
    env.edge.commit("off")
    expect(bob.ask("MESSAGE", ALICE), 403, 1002)


def speak_plainly(env, port):
    """A partner's server that answers whoever comes in words, not in TLS; ends with the first."""
    with env.lab.inside("peer"):
        listener = socket.create_server((net.PEER4, port))
    listener.settimeout(20)
    env.cleanup.callback(listener.close)

    def serve():
        stream, _ = listener.accept()
        with stream:
            stream.recv(4096)
            stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            stream.recv(4096)
    return started(serve)


def started(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def refused(party, name=ACCESS):
    """Whether the edge ends the handshake, or the connection right after it (TLS 1.3)."""
    try:
        stream = party.connect(net.EDGE4, name)
        stream.send(request("OPTIONS", ALICE, BOB, "o1"))
        return not stream.tls.recv(1000)
    except (ssl.SSLError, ConnectionError):
        return True


@on_both_transports
def test_certificates(env):
    """No certificate, one of another authority, one that is over; one for clients only is enough unless we are strict"""
    world = Federation(env, ZONES)
    world.know("allowed domain")
    bare = world.party("peer", "sip.partner.example")
    with env.lab.tcp("peer", net.EDGE4, 5061) as plain:
        context = ssl.create_default_context(cafile=bare.root)
        try:
            tls = context.wrap_socket(plain, server_hostname=ACCESS)
            tls.sendall(request("OPTIONS", ALICE, BOB, "o1").encode())
            assert not tls.recv(1000), "served without a certificate"
        except (ssl.SSLError, ConnectionError):
            pass
    before = env.edge.counter("tls_handshake_failed")
    with tempfile.TemporaryDirectory(prefix="fedge-interop-ca-") as folder:
        stranger = Party(env, Authority(folder), "peer", "sip.partner.example")
        stranger.root = bare.root
        assert refused(stranger), "served with a certificate of an unknown authority"
    assert env.edge.counter("tls_handshake_failed") > before
    for usages in ("serverAuth", "clientAuth", "serverAuth,clientAuth"):
        assert not refused(world.party("peer", "sip.partner.example", usages=usages)), usages


@on_both_transports
def test_own_certificate_without_client_purpose(env):
    """Public authorities issue for servers alone; a server that insists on clientAuth refuses us, and we say so at once"""
    world = Federation(env, ZONES, usages="serverAuth")
    world.partner(*world.know("allowed domain"))
    bob = world.front_end().phone(BOB)
    since = time.monotonic()
    answer = bob.ask("MESSAGE", ALICE)
    assert time.monotonic() - since < 3, "it came with somebody's timer"
    expect(answer, 504, 1010)
    assert "unsupported certificate" in answer.get("ms-diagnostics-public"), answer.encode()
    ended = [row["tls_error"] for row in env.edge.cli("show", "connections", "--ended")["rows"]
             if row["remote"] == f"{net.PEER4}:5061"]
    assert ended and "unsupported certificate" in ended[0], ended


@on_both_transports
def test_first_server_refuses_our_certificate(env):
    """In TLS 1.3 it does so when the message is on its way already: the message goes to the next server, once"""
    # On a port of its own: an address where something has failed lately would be tried last.
    world = Federation(env, {"partner.example": [
        "_sipfederationtls._tcp SRV 0 0 5062 first", "_sipfederationtls._tcp SRV 10 0 5061 sip2",
        f"first A {net.PEER4}", f"sip2 A {PEER4_B}"]})
    world.know("allowed domain")
    second = world.partner("sip2.partner.example", address=PEER4_B)
    bob, alice = world.front_end().phone(BOB), second.phone(ALICE, USERS_PORT)
    with tempfile.TemporaryDirectory(prefix="fedge-interop-ca-") as folder:
        first = world.party("peer", "first.partner.example")
        first.root = Authority(folder).root
        accept, refusals = first.listen(net.PEER4, 5062), []

        def refuse():
            try:
                accept()
            except ssl.SSLError as error:
                refusals.append(error)
        refuses = started(refuse)
        before = env.edge.counter("sip_sent_again")
        bob.send(bob.request("MESSAGE", ALICE, "Hello"))
        got = alice.next()
        assert got.body == "Hello", got.encode()
        alice.send(got.reply(200))
        assert bob.next().status == 200
        refuses.join(5)
    assert refusals, "the first server was not asked, or took the certificate"
    assert env.edge.counter("sip_sent_again") == before + 1
    assert alice.silent(0.5), "it came twice"
