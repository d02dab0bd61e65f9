"""What operators see of SIP: traces with secrets masked, capture files, HEP, calls and dialogs, tests of partners."""
import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

from support import lab as net
from support.federation import ACCESS, ALICE, BOB, SRV, ZONES, Federation
from support.sip import request
from support.transports import on_both_transports
from support.wait import wait_until

PARTNER = "sip.partner.example"
SDP = ("v=0\r\no=- 1 1 IN IP4 203.0.113.2\r\ns=-\r\nc=IN IP4 203.0.113.2\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"
       "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0c2VjcmV0\r\na=ice-pwd:topsecret\r\n")


def world(env, zones=None):
    """(federation, connection of the partner, connection of the front end)."""
    federation = Federation(env, zones)
    accept = federation.party("inside", "fe1.contoso.com").listen(net.HOST4)
    federation.know("allowed server")
    inside = accept()
    federation.wait_connected()
    partner = federation.party("peer", PARTNER)
    return federation, partner, partner.connect(net.EDGE4, ACCESS), inside


class Tracing:
    """fedge trace, running."""

    def __init__(self, env, *options):
        self.process = env.edge.begin("trace", *options)
        env.cleanup.callback(self.end)
        assert "tracing" in self.process.stderr.readline()
        time.sleep(0.3)  # the cores take a trace some milliseconds after control has begun it, which nothing tells

    def wait(self):
        out, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, err
        return out

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.communicate(timeout=20)


def call(outside, inside, name, body=""):
    """INVITE, 180, 200; what the partner got last."""
    outside.send(request("INVITE", ALICE, BOB, name, body=body,
                         headers=[("Contact", "<sip:alice@203.0.113.2>"),
                                  ("Proxy-Authorization", 'Digest username="alice", nonce="n0nce", response="f00dcafe"')]))
    invite = inside.next()
    inside.send(invite.reply(180))
    assert outside.next().status == 180
    inside.send(invite.reply(200, ("Contact", "<sip:bob@192.0.2.141>")))
    answer = outside.next()
    assert answer.status == 200, answer.encode()
    return answer


@on_both_transports
def test_trace_capture_and_hep(env):
    """A call in fedge trace, in a capture file that tshark reads as SIP, and at a HEP collector; secrets in none"""
    federation, _, outside, inside = world(env)
    directory = pathlib.Path(env.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fedge-interop-trace-")))
    file = directory / "call.pcap"
    collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    env.cleanup.callback(collector.close)
    collector.bind(("127.0.0.1", 0))
    collector.settimeout(5)
    tracing = Tracing(env, "--domain", "partner.example", "--count", "6", "--pcap", str(file), "--hep",
                      f"127.0.0.1:{collector.getsockname()[1]}", "--hep-id", "17")
    call(outside, inside, "traced-1", SDP)
    text = tracing.wait()
    for shown in ("INVITE sip:bob@contoso.com SIP/2.0", "SIP/2.0 180", "SIP/2.0 200", 'username="alice"',
                  "partner partner.example", "front-end fe1.contoso.com", "203.0.113.2:"):
        assert shown in text, (shown, text)
    datagrams = [collector.recv(65536) for _ in range(6)]
    assert all(one[:4] == b"HEP3" and int.from_bytes(one[4:6], "big") == len(one) for one in datagrams)
    assert all(b"traced-1" in one for one in datagrams)
    fields = ("sip.Method", "sip.Status-Code", "sip.Call-ID", "udp.dstport", "ip.src")
    read = subprocess.run(["tshark", "-r", str(file), "-T", "json", *(x for f in fields for x in ("-e", f))],
                          capture_output=True, text=True, check=True)
    packets = [one["_source"]["layers"] for one in json.loads(read.stdout)]
    assert len(packets) == 6 and all(p["sip.Call-ID"] == ["traced-1"] for p in packets), read.stdout
    assert [p.get("sip.Method", p.get("sip.Status-Code"))[0] for p in packets] == \
        ["INVITE", "INVITE", "180", "180", "200", "200"], read.stdout
    assert packets[0]["ip.src"] == [net.PEER4] and packets[0]["udp.dstport"] == ["5060"], packets[0]
    everything = text.encode() + file.read_bytes() + b"".join(datagrams)
    for secret in (b"f00dcafe", b"n0nce", b"c2VjcmV0", b"topsecret"):
        assert secret not in everything, secret
    counted = subprocess.run(["tshark", "-r", str(file), "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                              "-Y", "udp.checksum.status == 0 || ip.checksum.status == 0"],
                             capture_output=True, text=True, check=True)
    assert counted.stdout == "", "checksums are wrong"


@on_both_transports
def test_refusals_are_traced_with_their_reason_and_listed(env):
    """What is refused or dropped stands in the trace, in show dialogs and in show sip with the rule that did it"""
    _, _, outside, _ = world(env)
    tracing = Tracing(env, "--brief", "--count", "2")
    outside.send(request("MESSAGE", "eve@contoso.com", BOB, "refused-1"))
    assert outside.next().status == 403
    text = tracing.wait()
    assert "answered with 403: a stranger claims to be one of our users" in text, text
    dialogs = env.edge.fedge("show", "dialogs", "--all", "--domain", "contoso.com").stdout
    assert "a stranger claims to be one of our users" in dialogs, dialogs
    sip = env.edge.fedge("show", "sip").stdout
    for shown in ("fe1.contoso.com", "up", "sip-partner", "a stranger claims to be one of our users", "sip_requests"):
        assert shown in sip, (shown, sip)


@on_both_transports
def test_calls_are_listed_while_they_last(env):
    """A call is ringing, confirmed, then over; its connections are those of show connections"""
    _, _, outside, inside = world(env)
    answer = call(outside, inside, "listed-1")
    rows = [row for row in env.edge.rows("dialogs") if row["call_id"] == "listed-1"]
    assert [row["state"] for row in rows] == ["confirmed"], rows
    assert rows[0]["source"] == "partner partner.example" and rows[0]["from"] == ALICE, rows
    assert rows[0]["source_connection"] in {row["id"] for row in env.edge.rows("connections")}, rows
    assert "listed-1" in env.edge.fedge("show", "calls").stdout
    routes = [("Route", value) for value in reversed(answer.all("Record-Route"))]
    bye = request("BYE", ALICE, BOB, "listed-1", 2, uri="sip:bob@192.0.2.141", headers=routes)
    bye.headers = [(n, answer.get("To") if n == "To" else v) for n, v in bye.headers]
    outside.send(bye)
    inside.send(inside.next().reply(200))
    assert outside.next().status == 200
    assert "listed-1" not in env.edge.fedge("show", "calls").stdout
    assert "BYE of the caller" in env.edge.fedge("show", "calls", "--all").stdout


def test_a_trace_ends_with_its_reader(env):
    """Without a trace nothing is copied; one whose reader was killed ends by itself"""
    _, _, outside, inside = world(env)

    def message(name):
        outside.send(request("MESSAGE", ALICE, BOB, name, body="Hello"))
        inside.send(inside.next().reply(200))
        assert outside.next().status == 200

    before = env.edge.counter("sip_traced")
    message("untraced")
    assert env.edge.counter("sip_traced") == before
    tracing = Tracing(env, "--brief")
    message("traced")
    wait_until(lambda: env.edge.counter("sip_traced") == before + 4, 5, "the message to be copied")
    tracing.process.kill()
    tracing.process.communicate()

    def over():
        time.sleep(1)
        count = env.edge.counter("sip_traced")
        message("once-more")
        return env.edge.counter("sip_traced") == count
    wait_until(over, 20, "the trace to end without its reader")


@on_both_transports
def test_federation_test_finds_what_is_wrong_on_which_side(env):
    """fedge test federation against a good partner, one with the name of another, one that is not there"""
    _, partner, _, _ = world(env, ZONES)

    def run():
        process = env.edge.begin("test", "federation", "partner.example", "--json")
        env.cleanup.callback(process.wait)
        return process

    def result(process):
        out, err = process.communicate(timeout=40)
        assert out, err
        return process.returncode, json.loads(out)

    code, told = result(run())
    assert code == 1 and told["steps"][0]["name"] == "connect" and not told["steps"][0]["good"], told
    assert any(f["side"] == "network" and "refused" in f["text"] for f in told["findings"]), told

    accept = partner.listen(net.PEER4)
    process = run()
    theirs = accept()
    options = theirs.next()
    assert options.method == "OPTIONS" and options.get("From").startswith("<sip:fedge-test@contoso.com>"), options.start
    theirs.send(options.reply(200, ("Server", "Interop")))
    code, told = result(process)
    assert code == 0 and told["good"] and told["policy"]["accepted"], told
    assert [step["name"] for step in told["steps"]] == ["connect", "tls", "certificate", "options"], told
    assert "Server: Interop" in told["steps"][-1]["text"], told
    assert told["peer_names"] == ["dns:sip.partner.example"] and "issued by" in told["chain"][0], told
    assert told["ours"]["certificate"] == "sip" and f"DNS:{ACCESS}" in told["ours"]["names"], told
    assert any("find nothing for contoso.com" in f["text"] for f in told["findings"]), told


@on_both_transports
def test_federation_test_demands_what_calls_demand(env):
    """Of the partner's certificate: its name, and the purpose of this partner; told in words, and messages fail with it"""
    cases = ((True, "server-or-client", "www.other.example", "serverAuth", "somebody else"),
             (True, "server-or-client", "case1.example", "serverAuth", "somebody else"),
             (True, "client-strict", "sip.case2.example", "clientAuth", "another purpose"),
             (True, "sip-domain", "sip.case3.example", "serverAuth", "another purpose"),
             (False, "server-or-client", "case4.example", "serverAuth", None))
    federation, _, _, inside = world(env, {f"case{number}.example": [f"{SRV} sip", f"sip A {net.PEER4}"]
                                           for number in range(len(cases))})
    for number, (server_named, purpose, name, usages, fault) in enumerate(cases):
        domain = f"case{number}.example"
        env.edge.cli("allow", "domain", domain, "--verification", "always-verifiable", "--purpose", purpose,
                     *(("--via", f"sip.{domain}") if server_named else ()))
        env.edge.commit(domain)
        listen = federation.party("peer", name, usages=usages).listen(net.PEER4)

        def serve():
            for _ in ("the test", "the message"):
                with contextlib.suppress(OSError):  # what does not fit the edge ends as soon as it has seen it
                    theirs = listen()
                    theirs.send(theirs.next().reply(200))
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        process = env.edge.begin("test", "federation", domain)
        env.cleanup.callback(process.wait)
        out, _ = process.communicate(timeout=40)
        inside.send(request("MESSAGE", BOB, f"alice@{domain}", domain, via="fe1.contoso.com", body="Hello"))
        answer = inside.next()
        if fault:
            assert process.returncode == 1 and f"their certificate is for {fault}" in out, out
            assert "senders are told 504, ms-diagnostics 1010" in out, out
            assert answer.status == 504 and answer.get("ms-diagnostics-public").startswith("1010;"), answer.encode()
        else:
            assert process.returncode == 0 and f"it proves {name}" in out, out
            assert answer.status == 200, answer.encode()
        server.join(10)
        listen.close()
