"""The certificates of strangers: the whole set of good and bad ones, of servers that come to the edge and of those that it
connects to."""
import socket
import ssl
import tempfile
import threading
import time

from support import lab as net
from support.certificate_set import SIP_DOMAIN, CertificateAuthority, encoded_names
from support.federation import ACCESS, BOB, Federation
from support.sip import Message, Party, Stream, request
from support.transports import on_both_transports
from support.wait import wait_until

ZONE = "set.example"
PAST, LATER = ("200101000000Z", "210101000000Z"), ("400101000000Z", "410101000000Z")
TAKEN, HANDSHAKE, POLICY = "taken", "refused in the handshake", "refused by policy"
SERVER_OR_CLIENT, STRICT, SIP = "server-or-client", "client-strict", "sip-domain"


class Row:
    """A certificate for sip.NAME.set.example, and what becomes of who shows it: as a client of the edge, and as a server."""

    def __init__(self, name, came, served, purpose=SERVER_OR_CLIENT, revoked=False, stranger=False, depth=0, **issued):
        self.name, self.came, self.served, self.purpose = name, came, served, purpose
        self.revoked, self.stranger, self.depth, self.issued = revoked, stranger, depth, issued
        self.domain = f"{name}.{ZONE}"
        self.host = f"sip.{self.domain}"


def rows():
    def sip(name):
        return f"sip.{name}.{ZONE}"
    return [
        Row("good", TAKEN, TAKEN),
        Row("expired", HANDSHAKE, HANDSHAKE, start=PAST[0], end=PAST[1]),
        Row("early", HANDSHAKE, HANDSHAKE, start=LATER[0], end=LATER[1]),
        Row("revoked", HANDSHAKE, HANDSHAKE, revoked=True),
        Row("unknown-ca", HANDSHAKE, HANDSHAKE, stranger=True),
        Row("wildcard", POLICY, HANDSHAKE, names=f"DNS:*.wildcard.{ZONE}"),
        Row("cn-only", TAKEN, TAKEN, names=""),
        Row("cn-beside-names", POLICY, HANDSHAKE, names=f"DNS:www.cn-beside-names.{ZONE}"),
        Row("nul", HANDSHAKE, HANDSHAKE, names=encoded_names(f"{sip('nul')}\0.evil.example".encode())),
        Row("user-uri", HANDSHAKE, HANDSHAKE, names=f"URI:sip:user@{sip('user-uri')}"),
        Row("domain-uri", TAKEN, TAKEN, names=f"URI:sip:{sip('domain-uri')}"),
        Row("idn", POLICY, HANDSHAKE, names=f"DNS:sip.xn--dn-7lc.{ZONE}"),
        Row("server-auth", TAKEN, TAKEN, usage="serverAuth"),
        Row("client-auth", TAKEN, TAKEN, usage="clientAuth"),
        Row("no-eku", TAKEN, TAKEN, usage=""),
        Row("sip-eku", POLICY, HANDSHAKE, usage=SIP_DOMAIN),
        Row("other-eku", HANDSHAKE, HANDSHAKE, usage="codeSigning"),
        Row("strict-server-auth", POLICY, TAKEN, STRICT, usage="serverAuth"),
        Row("strict-client-auth", TAKEN, HANDSHAKE, STRICT, usage="clientAuth"),
        Row("strict-both", TAKEN, TAKEN, STRICT, usage="serverAuth,clientAuth"),
        Row("strict-no-eku", POLICY, HANDSHAKE, STRICT, usage=""),
        Row("sip-sip-eku", TAKEN, TAKEN, SIP, usage=SIP_DOMAIN),
        Row("sip-server-auth", POLICY, HANDSHAKE, SIP, usage="serverAuth"),
        Row("rsa-1024", HANDSHAKE, HANDSHAKE, key="RSA-1024"),
        Row("rsa-2048", TAKEN, TAKEN, key="RSA-2048"),
        Row("sha-1", HANDSHAKE, HANDSHAKE, digest="sha1"),
        Row("depth-3", TAKEN, TAKEN, depth=3),
        Row("depth-20", HANDSHAKE, HANDSHAKE, depth=20),
        Row("10000-names", HANDSHAKE, HANDSHAKE,
            names=",".join(f"DNS:{host}" for host in [sip("10000-names"), *(f"n{i}.{ZONE}" for i in range(9999))])),
        Row("megabyte", HANDSHAKE, HANDSHAKE, more="1.2.3.4=ASN1:UTF8:" + "x" * 1_000_000),
    ]


class World:
    """The edge knows a partner for each row, at one address."""

    def __init__(self, env):
        self.rows = rows()
        self.env = env
        directory = env.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fedge-interop-set-"))
        root, stranger = (CertificateAuthority(directory, name) for name in ("Root", "Stranger"))
        deep = [root]
        for level in range(20):
            deep.append(CertificateAuthority(directory, f"Authority{level}", deep[-1]))
        self.federation = Federation(env, {ZONE: [f"sip.{row.name} A {net.PEER4}" for row in self.rows]})
        revoked = None
        for row in self.rows:
            issuer = stranger if row.stranger else deep[row.depth]
            row.chain, row.key = issuer.issue(row.host, **row.issued)
            env.edge.cli("allow", "domain", row.domain, "--via", row.host, "--verification", "always-verifiable",
                         "--purpose", row.purpose)
            if row.revoked:
                revoked = root.revoke(row.chain)
        env.edge.cli("cert", "trust", "add", "set", "--file", str(root.certificate))
        env.cleanup.callback(env.edge.cli, "cert", "trust", "remove", "set")
        env.edge.cli("cert", "crl", "import", "--file", str(revoked))
        env.cleanup.callback(env.edge.cli, "cert", "crl", "remove", "CN=Root")
        accept = self.federation.party("inside", "fe1.contoso.com").listen(net.HOST4)
        env.edge.commit("a partner for each certificate")
        self.inside = accept()
        self.federation.wait_connected()

    def context(self, row, purpose):
        context = ssl.SSLContext(purpose)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # what is weak is for the edge to refuse
        context.load_cert_chain(row.chain, row.key)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context



def came(world, row):
    """What becomes of a partner who connects to the edge and sends a message."""
    edge = world.env.edge
    before = {name: edge.counter(name) for name in ("tls_handshake_failed", "policy_certificate")}
    plain = world.env.lab.tcp("peer", net.EDGE4, 5061)
    try:
        stream = Stream(world.context(row, ssl.PROTOCOL_TLS_CLIENT).wrap_socket(plain, server_hostname=ACCESS))
        stream.send(request("MESSAGE", f"alice@{row.domain}", BOB, f"in-{row.name}", via=row.host, body="Hello"))
    except OSError:  # of TLS 1.2 or a fast refusal; of TLS 1.3 it comes with the first answer
        pass
    outcome = []

    def known():
        if edge.counter("tls_handshake_failed") > before["tls_handshake_failed"]:
            outcome.append(HANDSHAKE)
        elif edge.counter("policy_certificate") > before["policy_certificate"]:
            outcome.append(POLICY)
        else:
            world.inside.tls.settimeout(0.05)
            try:
                message = world.inside.next(0.05)
                assert message.get("Call-ID") == f"in-{row.name}", message.encode()
                world.inside.send(message.reply(200))
                assert stream.next().status == 200
                outcome.append(TAKEN)
            except TimeoutError:
                pass
        return outcome
    wait_until(known, 10, f"a word on {row.name}")
    plain.close()
    return outcome[0]


@on_both_transports
def test_of_who_comes(env):
    """Every kind of certificate of a partner that connects to the edge: taken, refused, or not enough for its domain"""
    world = World(env)
    begun = time.monotonic()
    found = {row.name: came(world, row) for row in world.rows}
    assert found == {row.name: row.came for row in world.rows}, found
    assert time.monotonic() - begun < 30, "the worst of them took too long"


class Servers:
    """All of them at one address: each is shown who asks for its name. Messages are answered."""

    def __init__(self, world):
        self._contexts = {row.host: world.context(row, ssl.PROTOCOL_TLS_SERVER) for row in world.rows}
        self._shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._shown.sni_callback = self._choose
        with world.env.lab.inside("peer"):
            self._listener = socket.create_server((net.PEER4, 5061))
        world.env.cleanup.callback(self._listener.close)
        world.env.cleanup.callback(self._listener.shutdown, socket.SHUT_RDWR)  # wakes who accepts
        threading.Thread(target=self._accept, daemon=True).start()

    def _choose(self, tls, name, _context):
        tls.context = self._contexts[name]

    def _accept(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            plain.settimeout(30)
            stream = Stream(self._shown.wrap_socket(plain, server_side=True))
            while True:
                stream.send(stream.next(30).reply(200))
        except (OSError, AssertionError):
            plain.close()


@on_both_transports
def test_of_whom_we_connect_to(env):
    """Every kind of certificate of a partner that the edge connects to: a message arrives, or its sender is told 504"""
    world = World(env)
    Servers(world)
    begun = time.monotonic()
    for row in world.rows:
        world.inside.send(request("MESSAGE", BOB, f"alice@{row.domain}", f"out-{row.name}", via="fe1.contoso.com", body="Hello"))
    answers = {}
    while len(answers) < len(world.rows):
        answer = world.inside.next()
        answers[answer.get("Call-ID")] = answer
    found = {name: answer.status for name, answer in answers.items()}
    assert found == {f"out-{row.name}": 200 if row.served == TAKEN else 504 for row in world.rows}, found
    codes = {name: answer.get("ms-diagnostics-public").split(";")[0] for name, answer in answers.items()}
    # Of these the handshake does not bring as much as is needed to judge them.
    too_large = ("10000-names", "megabyte")
    assert codes == {f"out-{row.name}": "" if row.served == TAKEN else "1047" if row.name in too_large else "1010"
                     for row in world.rows}, codes
    assert time.monotonic() - begun < 30, "the worst of them took too long"
