"""SIP between a partner outside, a front end inside and a remote user, over mutual TLS of OpenSSL and kernel TCP."""
from support import lab as net
from support.federation import ACCESS, FRONT_END, SRV, Federation
from support.sip import request
from support.transports import on_both_transports
from support.wait import wait_until


def world(env):
    """(partner, connection of the front end): the edge is configured for them."""
    federation = Federation(env)
    accept = federation.party("inside", FRONT_END).listen(net.HOST4)
    federation.know("allowed server")
    return federation.party("peer", "sip.partner.example"), accept()


def allow(env, domain):
    """A domain of its own: where others are, cores know from other tests until the time of the records is over."""
    env.edge.cli("allow", "domain", domain, "--verification", "always-verifiable")
    env.edge.commit(domain)


@on_both_transports
def test_message_and_call_from_a_partner(env):
    """MESSAGE and INVITE with ACK and BYE from a partner to a user of ours, and what the operator sees of it"""
    partner, inside = world(env)
    outside = partner.connect(net.EDGE4, ACCESS)
    outside.send(request("MESSAGE", "alice@partner.example", "bob@contoso.com", "m1", body="Hello"))
    got = inside.next()
    assert (got.method, got.body, got.get("Max-Forwards")) == ("MESSAGE", "Hello", "69"), got.encode()
    assert "ms-source-verified-user=verified" in got.get("ms-edge-proxy-message-trust"), got.encode()
    inside.send(got.reply(200))
    assert outside.next().status == 200

    outside.send(request("INVITE", "alice@partner.example", "bob@contoso.com", "c1",
                         headers=[("Contact", "<sip:alice@203.0.113.2>")]))
    invite = inside.next()
    inside.send(invite.reply(180))
    assert outside.next().status == 180
    inside.send(invite.reply(200, ("Contact", "<sip:bob@192.0.2.141>")))
    answer = outside.next()
    routes = [("Route", value) for value in reversed(answer.all("Record-Route"))]
    assert answer.status == 200 and len(routes) == 2, answer.encode()
    for cseq, method in ((1, "ACK"), (2, "BYE")):
        within = request(method, "alice@partner.example", "bob@contoso.com", "c1", cseq, uri="sip:bob@192.0.2.141",
                         headers=routes)
        within.headers = [(n, answer.get("To") if n == "To" else v) for n, v in within.headers]
        outside.send(within)
        got = inside.next()
        assert got.method == method and not got.all("Route"), got.encode()
    inside.send(got.reply(200))
    assert outside.next().status == 200
    services = {row["service"] for row in env.edge.rows("connections")}
    assert {"sip-partner", "sip-front-end"} <= services, services


@on_both_transports
def test_over_ipv6(env):
    """MESSAGE both ways, the partner and the front end having IPv6 alone; each connection of the edge included"""
    federation = Federation(env, {"six.example": [f"{SRV} sip", f"sip AAAA {net.PEER6}"]})
    env.edge.set_all({"sip.listen": [f"[{net.EDGE6}]:5061", f"[{net.INSIDE_EDGE6}]:5061"],
                      "front-end.fe1.address": [net.HOST6], "discovery.allow-address": ["2001:db8:0:3::/64"]})
    take = federation.party("inside", FRONT_END).listen(net.HOST6)
    partner = federation.party("peer", "sip.six.example")
    accept = partner.listen(net.PEER6)
    allow(env, "six.example")
    inside = take()

    def passes(sender, receiver, message):
        sender.send(message)
        stream = receiver()
        got = stream.next()
        assert got.method == "MESSAGE", got.encode()
        stream.send(got.reply(200))
        assert sender.next().status == 200

    passes(inside, accept, request("MESSAGE", "bob@contoso.com", "alice@six.example", "out", via="fe1.contoso.com"))
    passes(partner.connect(net.EDGE6, ACCESS), lambda: inside,
           request("MESSAGE", "alice@six.example", "bob@contoso.com", "in", via="sip.six.example"))


@on_both_transports
def test_refusals_are_told_and_counted(env):
    """Our own domain from outside, a domain that is not ours, a stranger's domain"""
    partner, inside = world(env)
    outside = partner.connect(net.EDGE4, ACCESS)
    for sender, receiver, status, code in (("eve@contoso.com", "bob@contoso.com", 403, "1002;"),
                                           ("alice@partner.example", "bob@elsewhere.example", 404, "1005;")):
        outside.send(request("MESSAGE", sender, receiver, f"r{status}"))
        answer = outside.next()
        assert answer.status == status, answer.encode()
        assert answer.get("ms-diagnostics-public").startswith(code), answer.encode()
    before = env.edge.counter("policy_not_allowed")
    outside.send(request("MESSAGE", "x@stranger.example", "bob@contoso.com", "s1"))
    wait_until(lambda: env.edge.counter("policy_not_allowed") > before, 5, "the refusal to be counted")


@on_both_transports
def test_remote_user(env):
    """REGISTER on the shared port, a request that comes back by its Path, and a keepalive (RFC 5626 section 4.4.1)"""
    partner, inside = world(env)
    user = partner.connect(net.EDGE4, ACCESS, 443)
    user.send(request("REGISTER", "bob@contoso.com", "bob@contoso.com", "g1", uri="sip:contoso.com", via="10.9.9.9"))
    got = inside.next()
    assert got.method == "REGISTER" and "received=203.0.113.2" in got.all("Via")[1], got.encode()
    inside.send(got.reply(200))
    assert user.next().status == 200
    inside.send(request("MESSAGE", "carol@contoso.com", "bob@contoso.com", "b1", uri="sip:bob@10.9.9.9",
                        via="fe1.contoso.com", headers=[("Route", got.get("Path"))]))
    back = user.next()
    assert back.method == "MESSAGE", back.encode()
    user.send(back.reply(200))
    assert inside.next().status == 200
    user.tls.sendall(b"\r\n\r\n")
    assert user.tls.recv(100) == b"\r\n"


# Records live for an hour, so that nothing but what the cores report makes the edge look again.
FIRST_HOUSE = ["_sipfederationtls._tcp 3600 SRV 0 0 5999 sip", "_sipfederationtls._tcp 3600 SRV 10 0 5061 sip",
               f"sip 3600 A {net.PEER4}"]
SECOND_HOUSE = ["_sipfederationtls._tcp 3600 SRV 0 0 5071 sip", f"sip 3600 A {net.PEER4}"]


@on_both_transports
def test_partner_who_fails_over_and_moves(env):
    """A partner whose first server is down, and who moves before the time of its records is over"""
    federation = Federation(env, {"moving.example": FIRST_HOUSE})
    take = federation.party("inside", FRONT_END).listen(net.HOST4)
    allow(env, "moving.example")
    inside = take()
    partner = federation.party("peer", "sip.moving.example")
    accept = partner.listen(net.PEER4)
    calls = iter(range(10000))

    def write():
        inside.send(request("MESSAGE", "bob@contoso.com", "alice@moving.example", f"w{next(calls)}",
                            via="fe1.contoso.com"))

    def targets():
        rows = env.edge.cli("show", "discovery")["rows"]
        return next((row["targets"] for row in rows if row["domain"] == "moving.example"), [])

    write()
    home = accept()
    got = home.next()
    assert got.method == "MESSAGE", got.encode()
    home.send(got.reply(200))
    assert inside.next().status == 200
    wait_until(lambda: any(one["port"] == 5999 and one["addresses"][0]["failures"] >= 1 for one in targets()), 5,
               "control to hear of the server that is down")

    second = partner.listen(net.PEER4, 5071)
    federation.dns.replace("moving.example", SECOND_HOUSE)
    accept.close()
    home.close()
    wait_until(lambda: not any(row["service"] == "sip-partner" for row in env.edge.rows("connections")), 5,
               "the old connection to end")

    def passes():
        """What is refused is answered at once; what passes waits for the partner."""
        write()
        try:
            return inside.next(1).status != 504
        except TimeoutError:
            return True
    wait_until(passes, 20, "the new house to be found")
    got = second().next()
    assert got.method == "MESSAGE" and targets()[0]["port"] == 5071, got.encode()


@on_both_transports
def test_filters(env):
    """Links are refused by default and defused if the operator says so; scanners are cut off without a word"""
    partner, inside = world(env)
    outside = partner.connect(net.EDGE4, ACCESS)
    sender, receiver = "alice@partner.example", "bob@contoso.com"
    before = {name: env.edge.counter(name) for name in ("sip_filtered", "sip_defused", "sip_scanners")}
    outside.send(request("MESSAGE", sender, receiver, "l1", body="see h%74tp://www.example.org/"))
    answer = outside.next()
    assert answer.status == 403 and answer.get("ms-diagnostics-public").startswith("16000;"), answer.encode()
    tested = env.edge.fedge("sip", "filter", "test", "see http://www.example.org/")
    assert tested.returncode == 1 and "16000" in tested.stdout, tested.stdout + tested.stderr

    env.edge.cli("sip", "filter", "set", "link-action", "allow")
    env.edge.cli("sip", "filter", "set", "allow-message", "Links were changed.")
    env.edge.cli("sip", "filter", "add", "scanner", "nosy")
    env.edge.commit("filters")
    outside.send(request("MESSAGE", sender, receiver, "l2", body="see http://www.example.org/"))
    got = inside.next()
    # Each place that somebody's client might take for the beginning of a link.
    assert got.body == "Links were changed.\r\nsee _http://_www.example.org/", got.encode()
    inside.send(got.reply(200))
    assert outside.next().status == 200
    shown = env.edge.fedge("sip", "filter", "show").stdout
    assert "Links were changed." in shown and "friendly-scanner" in shown and "nosy" in shown, shown

    user = partner.connect(net.EDGE4, ACCESS, 443)
    user.send(request("OPTIONS", "100@contoso.com", "100@contoso.com", "s1", headers=[("User-Agent", "nosy 1.0")]))
    user.tls.settimeout(5)
    assert user.tls.recv(100) == b"", "a scanner is told something"
    for name, count in before.items():
        wait_until(lambda: env.edge.counter(name) == count + 1, 5, f"{name} to be counted")
    met = env.edge.cli("show", "sip")["scanners"]
    assert {"signature": "nosy", "closed": 1} in met, met
    met = [line for line in env.edge.http("/metrics")[1].splitlines()
           if line.startswith('fedge_sip_scanner_closed_total{signature="nosy"')]
    assert sum(int(line.split()[-1]) for line in met) == 1, met
