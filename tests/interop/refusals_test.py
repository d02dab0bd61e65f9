"""What a federation refuses, and how its users and its operator are told: Kamailio on both sides, and bad strangers."""
import ssl
import tempfile

from support import lab as net
from support.federation import ACCESS, ALICE, BOB, SRV, ZONES, Federation
from support.openssl import Authority
from support.sip import Party, request
from support.transports import on_both_transports
from support.wait import wait_until


def expect(answer, status, code):
    assert answer.status == status, answer.encode()
    assert answer.get("ms-diagnostics-public").startswith(f"{code};reason="), answer.encode()


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
                             "other.example": [f"{SRV} sip", f"sip A {net.PEER4}"]})
    world.partner(*world.know("allowed domain"))
    ours = world.front_end()
    for domain in ("unrelated.example", "nothing.example", "closed.example", "other.example"):
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
            # Its server is there, with a certificate for another domain.
            (bob, "x@other.example", 504, 1046)):
        expect(sender.ask("MESSAGE", receiver), status, code)
    env.edge.cli("set", "federation.enabled", "off")
    env.edge.commit("off")
    expect(bob.ask("MESSAGE", ALICE), 403, 1002)


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
