"""What strangers do on the wire of SIP: limits of discovered partners, torture messages over TLS, scanners, other protocols."""
import contextlib
import re
import ssl
import threading
import time

from support import lab as net
from support.edge import SHARED_PORT
from support.federation import ACCESS, BOB, INNER, ZONES, Federation
from support.lab import ROOT
from support.sip import request
from support.transports import on_both_transports
from support.wait import wait_until

ALICE = "alice@partner.example"
TORTURE = ROOT / "tests/unit/sip"
OUR_VIA = f"Via: SIP/2.0/TLS {INNER}:5061;branch=".encode()
# Whose users send and get the messages of RFC 4475.
DOMAINS = ["contoso.com", "example.com", "example.net", "example.org", "company.com", "registrar.example.com",
           "ift.client.example.net"]


def connected(env, settings=None, zones=ZONES, know=None):
    """(federation, the front end's connection)."""
    world = Federation(env, zones)
    accept = world.party("inside", "fe1.contoso.com").listen(net.HOST4)
    env.edge.set_all(settings or {})
    if know:
        world.know(know)
    else:
        env.edge.commit("strangers")
    inside = accept()
    world.wait_connected()
    return world, inside


def sent(partner, inside, receivers):
    """Status by message, of messages that are sent one after the other."""
    return [status for receiver in receivers for status in sent_together(partner, inside, [receiver])]


def sent_together(partner, inside, receivers):
    """Status by answer, of messages that are sent before the first is answered."""
    for number, receiver in enumerate(receivers):
        partner.send(request("MESSAGE", ALICE, receiver, f"m{time.monotonic_ns()}-{number}", body="Hello"))
    out = []

    def all_answered():
        with contextlib.suppress(TimeoutError):
            inside.send(inside.next(0.02).reply(200))
        with contextlib.suppress(TimeoutError):
            out.append(partner.next(0.02).status)
        return len(out) == len(receivers)
    wait_until(all_answered, 20, f"answers to {len(receivers)} messages")
    return out


@on_both_transports
def test_discovered_partner_is_limited(env):
    """More messages a second than it may, more users than it may, most of them unknown here: each limit, and its end"""
    world, inside = connected(env, {"federation.discovery": ["on"], "federation.discovered-rate": ["5"],
                                    "federation.discovered-contacts": ["3"],
                                    "federation.discovered-verification": ["always-verifiable"]})
    partner = world.party("peer", "sip.partner.example").connect(net.EDGE4, ACCESS)
    users = [f"user{i}@contoso.com" for i in range(4)]
    assert sent(partner, inside, users) == [200, 200, 200, 403], "the fourth user is one too many"
    assert env.edge.counter("policy_contacts") == 1
    time.sleep(1.5)
    assert sent(partner, inside, users[:3]) == [200] * 3, "those it knows go on"
    throttled = sent_together(partner, inside, users[:1] * 20)
    assert throttled.count(504) >= 8 and throttled.count(200) >= 1, throttled
    assert env.edge.counter("policy_rate") == throttled.count(504)

    def listed():
        row, = env.edge.cli("discovered", "list")["rows"]
        return row["domain"] == "partner.example" and row["contacts"] == 3 and row["watch"] and row["limited"]
    wait_until(listed, 15, "the limits to be reported")
    # The way that the limits leave to the operator.
    env.edge.cli("discovered", "promote", "partner.example")
    env.edge.commit("known now")
    answers = sent(partner, inside, [*users, *users, *users])
    assert set(answers) <= {200, 403} and env.edge.counter("policy_contacts") == 1, answers


def torture():
    """{name: (text, what the edge makes of it)}, as the unit tests have it."""
    rows = dict(re.findall(r'\{"(\w+)", "([^"?]+)"\}', (TORTURE / "rfc4475_verdicts.h").read_text()))
    assert len(rows) == 49, rows
    return {name: ((TORTURE / "rfc4475" / f"{name}.dat").read_bytes(), verdict) for name, verdict in rows.items()}


class FrontEnd:
    """Reads whatever comes and counts the requests; no Message holds what these are."""

    def __init__(self, stream):
        self._tls, self.requests = stream.tls, 0
        self._tls.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        rest = b""
        while True:
            more = self._tls.recv(65536)
            if not more:
                return
            text = rest + more
            self.requests += text.count(OUR_VIA)
            # As much as may be the beginning of one more.
            rest = text[max(text.rfind(OUR_VIA) + len(OUR_VIA), len(text) - len(OUR_VIA) + 1):]


class RemoteUser:
    """TLS of its own over a socket: what the edge said before it closed is there, however much was still to be sent."""

    def __init__(self, env, root):
        context = ssl.create_default_context(cafile=root)
        context.set_alpn_protocols(["sip/2"])
        self._socket = env.lab.tcp("client", net.EDGE4, SHARED_PORT)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=ACCESS)
        self.answers, self.closed = [], False
        self._text = b""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._in.write(self._socket.recv(65536))
        self._flush()

    def _flush(self):
        try:
            self._socket.sendall(self._out.read())
        except OSError:  # the edge has had enough; its last words are read
            pass

    def records(self, *pieces):
        """Each in a record of its own."""
        for piece in pieces:
            self._tls.write(piece)
        self._flush()

    def read(self, seconds):
        """Takes what has come, for so long."""
        self._socket.settimeout(seconds)
        try:
            more = self._socket.recv(65536)
            self.closed |= not more
            self._in.write(more)
        except TimeoutError:
            return
        except OSError:
            self.closed = True
        try:
            while more := self._tls.read(65536):
                self._text += more
        except ssl.SSLError:  # nothing more
            pass
        # A record may end in the middle of a status line, and the next one come later.
        self.answers = [int(status) for status in re.findall(rb"^SIP/2\.0 (\d{3}) ", self._text, re.M)]

    def close(self):
        self._socket.close()


class Torture:
    def __init__(self, env, root, front_end):
        self._env, self._root, self._front_end = env, root, front_end

    def check(self, name, verdict, messages, told=True):
        """`messages`: lists of pieces. Each comes to the same. `told`: the answer arrives; what is still on its way when the
        edge closes makes a reset of its end, which may overtake what it said."""
        statuses = [int(word) for word in re.findall(r"\d+", verdict)] if told else []
        relays, ends = verdict.count("relayed"), "closed" in verdict
        # What is behind it on its connection is another matter.
        at_once = 1 if ends or verdict == "waits" else 40
        for first in range(0, len(messages), at_once):
            some = messages[first:first + at_once]
            user, before = RemoteUser(self._env, self._root), self._front_end.requests
            for pieces in some:
                user.records(*pieces)

            def done():
                user.read(0.01)
                return (len(user.answers) >= len(some) * len(statuses) and user.closed >= ends and
                        self._front_end.requests - before >= len(some) * relays)
            wait_until(done, 10, f"{name}: {verdict}")
            assert not told or user.answers == statuses * len(some), (name, user.answers)
            assert self._front_end.requests - before == len(some) * relays, name
            assert user.closed == ends, name
            user.close()


@on_both_transports
def test_rfc4475_over_tls(env):
    """The 49 messages of RFC 4475, an octet to a record, in two records cut anywhere, two in a record: as if they came whole"""
    settings = {"federation.domain": DOMAINS, "sip.options-interval": ["600"]}
    world, inside = connected(env, settings, zones=None)
    check = Torture(env, world.issuer.root, FrontEnd(inside)).check
    for name, (text, verdict) in torture().items():
        alone = "closed" in verdict or verdict == "waits"
        step = max(1, len(text) // 8) if alone else 1
        check(name, verdict, [[bytes([octet]) for octet in text]], told="closed" not in verdict)
        check(name, verdict, [[text[:cut], text[cut:]] for cut in range(1, len(text), step)])
        if not alone:
            check(name, f"{verdict}, {verdict}", [[text + text]])


@on_both_transports
def test_other_protocols(env):
    """HTTP and XMPP within TLS, and without it, at the port for partners; UDP there: closed or dropped, and counted"""
    world, _ = connected(env, know="allowed server")
    party = world.party("peer", "sip.partner.example")
    for text in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                 b"<?xml version='1.0'?><stream:stream to='contoso.com' xmlns='jabber:server'>"):
        before = env.edge.counter("sip_framing")
        tls = party.connect(net.EDGE4, ACCESS).tls
        tls.sendall(text)
        tls.settimeout(5)
        assert not tls.recv(100), text
        assert env.edge.counter("sip_framing") == before + 1, text
        before = env.edge.counter("tls_hello_refused")
        with env.lab.tcp("peer", net.EDGE4, 5061) as plain:
            plain.sendall(text)
            assert closed(plain), text
        wait_until(lambda: env.edge.counter("tls_hello_refused") == before + 1, 5, "the refusal to be counted")
    drops = env.edge.rows("drops")
    with env.lab.udp("peer", net.PEER4) as udp:
        for _ in range(50):
            udp.sendto(b"OPTIONS sip:100@contoso.com SIP/2.0\r\nUser-Agent: friendly-scanner\r\n\r\n", (net.EDGE4, 5061))
        udp.settimeout(0.5)
        try:
            raise AssertionError(f"an answer: {udp.recv(2000)}")
        except TimeoutError:
            pass
    def dropped():
        return sum(row["total"] for row in env.edge.rows("drops")) - sum(row["total"] for row in drops)
    wait_until(lambda: dropped() >= 50, 5, "the datagrams to be counted as drops")


def closed(connection):
    connection.settimeout(5)
    try:
        while connection.recv(1000):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


@on_both_transports
def test_register_flood(env):
    """REGISTER after REGISTER with wrong passwords from one address: cut off, also on new connections; others are served"""
    world, inside = connected(env, {"sip.registrations-failed": ["3"]})
    root = world.issuer.root
    front_end = threading.Thread(target=refuse_registrations, args=(inside,), daemon=True)
    front_end.start()
    tried = 0
    while env.edge.counter("sip_registrations_limited") < 3:
        assert tried < 40, "nobody stops them"
        tried += 1
        try:
            user = RemoteUser(env, root)
        except OSError:
            continue
        for number in range(30):
            user.records(request("REGISTER", BOB, BOB, f"r{tried}-{number}", uri="sip:contoso.com").encode())
            user.read(0.05)
            if user.closed:
                break
        user.close()
    partner = world.party("peer", "sip.partner.example").connect(net.EDGE4, ACCESS)
    env.edge.cli("allow", "domain", "partner.example", "--verification", "always-verifiable")
    env.edge.commit("a partner")
    partner.send(request("MESSAGE", ALICE, BOB, "beside", body="Hello"))
    assert partner.next().status == 200


def refuse_registrations(inside):
    try:
        while True:
            asked = inside.next(60)
            inside.send(asked.reply(403 if asked.method == "REGISTER" else 200))
    except (OSError, AssertionError):
        pass


@on_both_transports
def test_refusal_arrives_while_the_peer_sends_on(env):
    """A message larger than is allowed, of a partner who sends all of it before he reads: the 513, and an end in order"""
    world, _ = connected(env)
    party = world.party("peer", "sip.partner.example")
    framing, cut = (env.edge.counter(name) for name in ("sip_framing", "tcp_linger_limit"))
    for number in range(3):
        partner = party.connect(net.EDGE4, ACCESS)
        partner.send(request("MESSAGE", ALICE, BOB, f"large{number}", body="x" * 6_000_000))
        answer = partner.next()
        assert answer.status == 513 and answer.get("Call-ID") == f"large{number}", answer.start
        assert partner.tls.recv(1) == b"", "close notification"
        partner.close()
    assert env.edge.counter("sip_framing") == framing + 3 and env.edge.counter("tcp_linger_limit") == cut
