"""TURN over TCP and TLS and the shared port, with clients that others wrote; over our TCP and over the kernel's."""
import re
import ssl

from support import lab as net
from support import stun
from support.edge import EDGE_NAME, SHARED_PORT, TLS_PORT
from support.openssl import s_client
from support.transports import on_both_transports
from support.uclient import assert_lossless, uclient
from support.wait import wait_until


def closed(connection):
    """Whether the edge ends the connection, with at most an alert before."""
    try:
        return connection.recv(100)[:1] in (b"", b"\x15")
    except ConnectionResetError:
        return True


def on_the_shared_port(env):
    before = env.edge.counter("shared_turn")
    assert_lossless(uclient(env, "-t", "-c", "-p", SHARED_PORT, "-e", net.PEER4))
    assert_lossless(uclient(env, "-t", "-S", "-c", "-p", SHARED_PORT, "-e", net.PEER4))
    assert env.edge.counter("shared_turn") >= before + 4


@on_both_transports
def test_turn_over_tcp(env):
    """turnutils_uclient -t: ChannelData and Send indications, IPv4 and IPv6"""
    assert_lossless(uclient(env, "-t", "-c", "-e", net.PEER4))
    assert_lossless(uclient(env, "-t", "-c", "-s", "-e", net.PEER4))
    assert_lossless(uclient(env, "-t", "-c", "-x", "-e", net.PEER6, server=net.EDGE6))
    assert env.edge.counter("turn_streams_opened") >= 6
    wait_until(lambda: not env.edge.rows("connections"), 10, "connections to end")
    assert not env.edge.rows("allocations"), "allocations end with their connections"


@on_both_transports
def test_turn_over_tls(env):
    """turnutils_uclient -t -S"""
    before = env.edge.counter("tls_accepted")
    assert_lossless(uclient(env, "-t", "-S", "-c", "-p", TLS_PORT, "-e", net.PEER4))
    assert env.edge.counter("tls_accepted") >= before + 2


@on_both_transports
def test_shared_port(env):
    """turnutils_uclient on port 443, without TLS and with it"""
    on_the_shared_port(env)


def test_tcp_allocations(env):
    """turnutils_uclient -T: RFC 6062 between two clients of this edge"""
    before = env.edge.counter("turn_tcp_bound")
    output = uclient(env, "-T", messages=20)
    assert_lossless(output)
    assert env.edge.counter("turn_tcp_bound") > before


def test_connections_are_shown_and_explained(env):
    """show connections while one lives, show connections --ended and explain when it is gone"""
    with env.stream(net.EDGE4, 3478) as connection:
        host, port = connection.getsockname()
        connection.sendall(stun.Message(stun.BINDING, stun.REQUEST).encode())
        assert connection.recv(2000)[:2] == b"\x01\x01"
        row, = [r for r in env.edge.rows("connections") if r["remote"] == f"{host}:{port}"]
        assert (row["service"], row["transport"], row["state"]) == ("turn-tcp", "own", "ESTABLISHED"), row
        text = env.edge.fedge("explain", "connection", f"{host}:{port}").stdout
        assert "ESTABLISHED" in text, text
        connection.sendall(b"\xff\xff\x00\x00")  # neither STUN nor ChannelData
        assert closed(connection)
    ended = wait_until(lambda: [r for r in env.edge.cli("show", "connections", "--ended")["rows"]
                                if r["remote"] == f"{host}:{port}"], 5, "the end to be listed")
    text = env.edge.fedge("explain", "connection", f"{host}:{port}").stdout
    assert ended[0]["ended"] in text, (ended, text)


def test_tls_versions_and_names(env):
    """openssl s_client: TLS 1.2 and 1.3, chain and name verified, ALPN of RFC 7443; older TLS refused"""
    for version, cipher in (("-tls1_3", "TLS_AES"), ("-tls1_2", "ECDHE-ECDSA")):
        text = s_client(env, version, "-alpn", "stun.turn", "-verify_return_error", "-verify_hostname", EDGE_NAME,
                        "-servername", EDGE_NAME)
        assert "Verify return code: 0 (ok)" in text, text[-1500:]
        assert "ALPN protocol: stun.turn" in text, text[-1500:]
        assert cipher in text, text[-1500:]
    assert "no application protocol" in s_client(env, "-alpn", "h2").lower()
    before = env.edge.counter("tls_handshake_failed")
    assert "Cipher is (NONE)" in s_client(env, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert env.edge.counter("tls_handshake_failed") > before
    assert any("TLS 1.1" in row["tls_error"] for row in env.edge.cli("show", "connections", "--ended")["rows"])


def resumes(env, context, session=None, port=TLS_PORT):
    """A Binding over TLS; (session, whether it was resumed)."""
    with env.stream(net.EDGE4, port) as raw, \
            context.wrap_socket(raw, server_hostname=EDGE_NAME, session=session) as secured:
        secured.sendall(stun.Message(stun.BINDING, stun.REQUEST).encode())
        assert secured.recv(2000)[:2] == b"\x01\x01"
        return secured.session, secured.session_reused


def test_tls_resumption(env):
    """A session ticket resumes; not at a listener of another purpose; still does after a restart of the dataplane"""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=env.edge.lab_ca())
        context.minimum_version = context.maximum_version = version
        session, resumed = resumes(env, context)
        assert not resumed
        assert resumes(env, context, session)[1], f"{version.name} does not resume"
        assert not resumes(env, context, session, port=SHARED_PORT)[1], "resumed at another listener"
    env.edge.dataplane.stop()
    env.edge.start_dataplane()
    env.edge.wait_ready()
    assert resumes(env, context, session)[1], "control's ticket keys outlive the dataplane"


def test_certificate_replaced_without_dropping_connections(env):
    """A new certificate is shown to new connections; those that live go on"""
    context = ssl.create_default_context(cafile=env.edge.lab_ca())
    with env.stream(net.EDGE4, TLS_PORT) as raw, context.wrap_socket(raw, server_hostname=EDGE_NAME) as old:
        before = old.getpeercert()["serialNumber"]
        env.edge.cli("cert", "generate", "edge", EDGE_NAME)

        def shown():
            with env.stream(net.EDGE4, TLS_PORT) as fresh, \
                    context.wrap_socket(fresh, server_hostname=EDGE_NAME) as new:
                return new.getpeercert()["serialNumber"] != before
        wait_until(shown, 5, "the new certificate to be shown")
        old.sendall(stun.Message(stun.BINDING, stun.REQUEST).encode())
        assert old.recv(2000)[:2] == b"\x01\x01"


def test_cross_protocol(env):
    """HTTP on every stream port, TLS on the plain one: closed, counted, explained"""
    for port, first in ((3478, b"GET / HTTP/1.0\r\n\r\n"), (TLS_PORT, b"GET / HTTP/1.0\r\n\r\n"),
                        (SHARED_PORT, b"GET / HTTP/1.0\r\n\r\n"), (3478, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
                        (SHARED_PORT, b"\x02\x00\x00\x24\x00\x03")):
        with env.stream(net.EDGE4, port) as connection:
            connection.sendall(first)
            assert closed(connection), port
    assert env.edge.counter("shared_unknown") >= 1
    assert env.edge.counter("shared_pseudo_tls") >= 1
    assert env.edge.counter("turn_streams_broken") >= 2


def test_nothing_said(env):
    """A flood of connections that say nothing: others are served beside it"""
    silent = [env.cleanup.enter_context(env.stream(net.EDGE4, SHARED_PORT)) for _ in range(100)]
    on_the_shared_port(env)
    assert len(silent) == 100


def test_sslscan_finds_nothing_weak(env):
    """sslscan: TLS 1.2 and 1.3 only, every cipher with forward secrecy and AEAD, no renegotiation"""
    text = env.lab.run("client", "timeout", "50", "sslscan", "--no-colour", "--show-certificate",
                       f"{net.EDGE4}:{TLS_PORT}").stdout
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert re.search(rf"^{version}\s+disabled", text, re.M), text
    for version in ("TLSv1.2", "TLSv1.3"):
        assert re.search(rf"^{version}\s+enabled", text, re.M), text
    assert "Compression enabled" not in text and "vulnerable" not in text.replace("not vulnerable", ""), text
    assert "Session renegotiation not supported" in text, text
    ciphers = re.findall(r"^(?:Preferred|Accepted)\s+(TLSv1\.[23])\s+\d+ bits\s+(\S+)", text, re.M)
    assert {version for version, _ in ciphers} == {"TLSv1.2", "TLSv1.3"}, text
    for version, cipher in ciphers:
        aead = "GCM" in cipher or "POLY1305" in cipher
        assert aead and (version == "TLSv1.3" or cipher.startswith("ECDHE-")), f"{version} {cipher}"
