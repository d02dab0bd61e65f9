"""A remote user of ours: baresip over TLS on the shared port, registered at the front end through the edge."""
from support import lab as net
from support.baresip import Baresip
from support.dns_server import DnsServer
from support.federation import ACCESS, ALICE, BOB, ZONES, Federation
from support.phone import Dialog
from support.sip_server import USERS_PORT
from support.transports import on_both_transports
from support.wait import wait_until


def remote_user(env, settings=None, **options):
    """(federation, front end, baresip of bob)."""
    world = Federation(env, ZONES)
    env.edge.set_all(settings or {})
    ours = world.front_end()
    world.know("allowed domain")
    world.wait_connected()
    dns = DnsServer(env.lab, "client", env.edge.work / "client-dns", {"contoso.com": [f"access A {net.EDGE4}"]})
    env.cleanup.callback(dns.stop)
    dns.start()
    world.client_dns = dns.address
    return world, ours, Baresip(env, world.issuer.root, "bob", "contoso.com", ACCESS, dns.address, **options)


@on_both_transports
def test_registration_and_calls(env):
    """Digest authentication, a call that comes back by Path, one to a partner and one from there"""
    world, ours, user = remote_user(env)
    user.wait_registered()
    clients = [row for row in env.edge.rows("connections") if row["service"] == "sip-client"]
    assert len(clients) == 1, clients

    partner = world.partner("sip.partner.example")
    for phone in (ours.phone("carol@contoso.com", USERS_PORT), partner.phone(ALICE, USERS_PORT)):
        invite = phone.request("INVITE", BOB, OFFER, [("Content-Type", "application/sdp")])
        phone.send(invite)
        user.event("CALL_INCOMING")
        user.command("accept")
        answer = phone.next()
        while answer.status < 200:
            answer = phone.next()
        assert answer.status == 200, answer.encode()
        dialog = Dialog.calling(phone, answer)
        dialog.send("ACK", cseq=1)
        user.event("CALL_ESTABLISHED")
        dialog.send("BYE")
        assert phone.next().status == 200
        user.event("CALL_CLOSED")

        user.command("dial", f"sip:{phone.address}")
        asked = phone.next()
        assert asked.method == "INVITE", asked.encode()
        reply = asked.reply(200, ("Contact", phone.contact), ("Content-Type", "application/sdp"))
        reply.body = OFFER
        phone.send(reply)
        assert phone.next().method == "ACK"
        user.event("CALL_ESTABLISHED")
        Dialog.called(phone, asked, reply).send("BYE")
        assert phone.next().status == 200
        user.event("CALL_CLOSED")


OFFER = "v=0\r\no=- 1 1 IN IP4 203.0.113.2\r\ns=-\r\nc=IN IP4 203.0.113.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


def test_keepalive(env):
    """RFC 5626 section 4.4.1: baresip's are answered"""
    before = env.edge.counter("sip_keepalives")
    _, _, user = remote_user(env)
    user.wait_registered()
    wait_until(lambda: env.edge.counter("sip_keepalives") > before, 30, "a keepalive to be answered")


@on_both_transports
def test_connection_is_lost(env):
    """The dataplane is killed: 430 (Flow Failed) for who is not there, and not somebody else; he is when he comes back"""
    world, ours, user = remote_user(env)
    user.wait_registered()
    carol = ours.phone("carol@contoso.com", USERS_PORT)
    assert carol.ask("OPTIONS", BOB).status == 200
    env.edge.dataplane.kill()
    # While nothing listens: he could register again, and then not any more.
    user.process.kill()
    env.edge.start_dataplane()
    env.edge.wait_ready()
    world.wait_connected()

    def failed():
        try:
            return carol.ask("OPTIONS", BOB, seconds=2).status == 430
        except TimeoutError:
            return False
    # The server learns that its connection is gone when it uses it; what it sends there is lost.
    wait_until(failed, 30, "430 (Flow Failed)")
    Baresip(env, world.issuer.root, "bob", "contoso.com", ACCESS, world.client_dns).wait_registered()
    assert carol.ask("OPTIONS", BOB).status == 200


def test_wrong_password(env):
    """Registrations that fail again and again end the connection"""
    remote_user(env, {"sip.registrations-failed": ["2"]}, password="wrong", interval=1)
    wait_until(lambda: env.edge.counter("sip_registrations_limited") > 0, 20, "the connection to be ended")


@on_both_transports
def test_not_allowed_outside(env):
    """Without a policy that lets them outside, users are refused before the front end hears of them"""
    before = env.edge.counter("policy_user")
    _, _, user = remote_user(env, {"policy.global.outside": ["off"]})
    user.wait_registered("403 Forbidden")
    assert env.edge.counter("policy_user") > before
