"""Where partners are found: the command line against a real DNS server with signed, unsigned, forged and broken zones."""
import contextlib
import json
import time

from support import lab as net
from support.dns_server import DnsServer
from support.wait import wait_until

MICROSOFT, SIPS = "_sipfederationtls._tcp", "_sips._tcp"
GOOD, OTHER = net.CLIENT4, net.PEER4

# A domain per row of the table of threats, and more.
PARTNERS = [
    f"{MICROSOFT}.good SRV 0 0 5061 sip.good", f"sip.good A {GOOD}", f"sip.good AAAA {net.CLIENT6}",
    f"{SIPS}.sips SRV 0 0 5061 sip.sips", f"sip.sips A {GOOD}",
    f"{MICROSOFT}.elsewhere SRV 0 0 5061 sip.good",
    f"{MICROSOFT}.grandchild SRV 0 0 5061 a.sip.grandchild", f"a.sip.grandchild A {GOOD}",
    f"{MICROSOFT}.alias SRV 0 0 5061 sip.alias", "sip.alias CNAME sip.good",
    f"{MICROSOFT}.near SRV 0 0 5061 sip.near", "sip.near CNAME edge.near", f"edge.near A {GOOD}",
    f"{MICROSOFT}.loop SRV 0 0 5061 sip.loop", "sip.loop CNAME sip2.loop", "sip2.loop CNAME sip.loop",
    f"{MICROSOFT}.plain SRV 0 0 5060 sip.plain", f"sip.plain A {GOOD}",
    f"{MICROSOFT}.ssh SRV 0 0 22 sip.ssh", f"sip.ssh A {GOOD}",
    f"{MICROSOFT}.off SRV 0 0 0 .", f"{SIPS}.off SRV 0 0 5061 sip.off", f"sip.off A {GOOD}",
    f"{MICROSOFT}.empty SRV 0 0 5061 sip.empty",
    *[f"{MICROSOFT}.many SRV {i} 0 5061 s{i}.many" for i in range(64)], *[f"s{i}.many A {GOOD}" for i in range(64)],
    f"{MICROSOFT}.order SRV 20 0 5061 c.order", f"{MICROSOFT}.order SRV 10 0 443 b.order",
    f"{MICROSOFT}.order SRV 10 65535 5061 a.order", *[f"{h}.order A {GOOD}" for h in "abc"],
    f"{MICROSOFT}.eternal 2147483647 SRV 0 0 5061 sip.eternal", f"sip.eternal 2147483647 A {GOOD}",
    f"{MICROSOFT}.hasty 0 SRV 0 0 5061 sip.hasty", f"sip.hasty 0 A {GOOD}",
    f"{MICROSOFT}.xn--bcher-kva SRV 0 0 5061 sip.xn--bcher-kva", f"sip.xn--bcher-kva A {GOOD}",
    f"{MICROSOFT}.gone SRV 0 0 5061 sip.example.net.",
    f"_xmpp-server._tcp.chat SRV 10 0 5269 starttls.chat", f"_xmpps-server._tcp.chat SRV 5 0 5270 direct.good",
    f"starttls.chat A {GOOD}", f"direct.good A {OTHER}",
    f"barechat A {GOOD}", f"_xmpps-server._tcp.nodirect SRV 0 0 0 .", f"nodirect A {GOOD}",
]
# Addresses at which no partner is, by the label of the domain.
NOWHERE = {"loopback": "127.0.0.1", "ten": "10.1.2.3", "private": "172.16.3.4", "home": "192.168.7.8", "link": "169.254.9.9",
           "own": net.EDGE4, "within": net.INSIDE_EDGE4, "inside": net.HOST4, "shared": "100.64.1.1", "multi": "224.0.0.251",
           "zero": "0.0.0.0", "loopback6": "::1", "link6": "fe80::1", "unique6": "fd00::7", "own6": net.EDGE6,
           "nat64": "64:ff9b::a01:203", "mapped": "::ffff:127.0.0.1"}
for label, address in NOWHERE.items():
    kind = "AAAA" if ":" in address else "A"
    PARTNERS += [f"{MICROSOFT}.{label} SRV 0 0 5061 sip.{label}", f"sip.{label} {kind} {address}"]

SIGNED = [f"{MICROSOFT} SRV 0 0 5061 sip", f"sip A {GOOD}", f"{MICROSOFT}.sub SRV 0 0 5061 sip.sub", f"sip.sub A {GOOD}",
          f"_xmpp-server._tcp SRV 0 0 5269 sip", "_5269._tcp.sip TLSA 3 1 1 " + "ab" * 32]
FORGED = [f"{MICROSOFT} SRV 0 0 5061 sip", f"sip A {GOOD}"]
MOVING = [f"{MICROSOFT} 8 SRV 0 0 5061 sip", f"sip 8 A {GOOD}"]


@contextlib.contextmanager
def dns(env, **settings):
    """The server, and an edge that asks it."""
    server = DnsServer(env.lab, "edge", env.edge.work / "dns",
                       {"example": PARTNERS, "signed.example": SIGNED, "forged.example": FORGED, "moving.example": MOVING},
                       signed=("signed.example",), forged=("forged.example",), broken=("broken.example",))
    env.cleanup.callback(server.stop)
    server.start()
    values = {"dns.server": [server.address], "dns.trust-anchor": server.trust_anchors(), "dns.timeout": ["2"],
              "dns.ttl-min": ["1"], "discovery.per-second": ["1000"]}
    values |= {key.replace("__", ".").replace("_", "-"): value for key, value in settings.items()}
    env.edge.set_all(values)
    env.edge.commit("look partners up")
    yield server


def look(env, domain, *options):
    """The reply of `fedge test discovery`, which ends with 1 when there is nowhere to connect to."""
    done = env.edge.fedge("test", "discovery", domain, *options, "--json")
    assert done.returncode in (0, 1) and done.stdout, f"{domain}: exit {done.returncode}: {done.stderr}"
    reply = json.loads(done.stdout)
    assert (done.returncode == 0) == (reply["outcome"] == "found"), reply
    return reply


def hosts(reply):
    return [f"{target['host']}:{target['port']}" for target in reply["targets"]]


def addresses(reply):
    return [address["address"] for target in reply["targets"] for address in target["addresses"]]


def test_every_row(env):
    """Each hostile or odd record leads to its outcome, with the ms-diagnostics code, and resolves nothing needlessly"""
    rows = [
        # domain, options, outcome, code, hosts, what the explanation says
        ("good.example", (), "found", 0, ["sip.good.example:5061"], ""),
        ("sips.example", (), "found", 0, ["sip.sips.example:5061"], ""),
        ("sips.example", ("--records", "microsoft"), "not-found", 1008, [], "NXDOMAIN"),
        ("good.example", ("--records", "sips"), "not-found", 1008, [], "_sips._tcp"),
        ("elsewhere.example", (), "refused", 1009, [], "direct child"),
        ("elsewhere.example", ("--any-namespace",), "found", 0, ["sip.good.example:5061"], ""),
        ("grandchild.example", (), "refused", 1009, [], "direct child"),
        ("alias.example", (), "refused", 1009, [], "alias of sip.good.example"),
        ("near.example", (), "found", 0, ["sip.near.example:5061"], ""),
        ("loop.example", (), ("failed", "not-found"), 1014, [], "sip.loop.example"),
        ("plain.example", (), "refused", 1008, [], "SIP without TLS"),
        ("ssh.example", (), "refused", 1008, [], "another service"),
        ("off.example", (), "not-found", 1008, [], "not offered"),
        ("empty.example", (), "not-found", 1014, [], "no address"),
        ("order.example", (), "found", 0, None, ""),
        ("xn--bcher-kva.example", (), "found", 0, ["sip.xn--bcher-kva.example:5061"], ""),
        ("nobody.example", (), "not-found", 1008, [], "NXDOMAIN"),
        ("broken.example", (), "failed", 1008, [], "SERVFAIL"),
        ("elsewhere.net", (), "failed", 1008, [], ""),
        ("gone.example", ("--any-namespace",), "failed", 1014, [], "sip.example.net"),
        ("moving.example", ("--via", "sip.good.example"), "found", 0, ["sip.good.example:5061"], ""),
        ("moving.example", ("--via", "nobody.example"), "not-found", 1014, [], "no address"),
        ("moving.example", ("--via", "sip.own.example"), "refused", 1014, [], "address of this edge"),
    ]
    with dns(env):
        for domain, options, outcome, code, wanted, text in rows:
            reply = look(env, domain, *options)
            outcomes = outcome if isinstance(outcome, tuple) else (outcome,)
            assert reply["outcome"] in outcomes and reply["code"] == code, (domain, options, reply)
            assert wanted is None or hosts(reply) == wanted, (domain, reply)
            assert text in json.dumps(reply), (domain, text, reply)
            assert not reply["validated"] or reply["outcome"] != "found", (domain, reply)
        assert sorted(addresses(look(env, "good.example"))) == sorted([net.CLIENT4, net.CLIENT6])
        many = look(env, "many.example")
        assert hosts(many) == [f"s{i}.many.example:5061" for i in range(16)], many
        assert len(many["steps"]) <= 1 + 2 * 16 and len(many["refused"]) == 48
        assert hosts(look(env, "order.example"))[2] == "c.order.example:5061"
        first = [hosts(look(env, "order.example"))[0] for _ in range(10)]
        assert first.count("a.order.example:5061") >= 8, f"weight 65535 against 0: {first}"
        assert look(env, "eternal.example")["keep_s"] <= 3600
        assert 1 <= look(env, "hasty.example")["keep_s"] <= 2


def test_addresses_of_nobody(env):
    """Targets at loopback, private, link-local, inner and own addresses are refused, in IPv6 forms too"""
    with dns(env):
        for label, address in NOWHERE.items():
            reply = look(env, f"{label}.example")
            assert reply["outcome"] == "refused" and reply["code"] == 1014, (label, reply)
            assert reply["targets"] == [] and len(reply["refused"]) == 1, (label, reply)
        env.edge.cli("set", "discovery.allow-address", "10.0.0.0/8", f"{net.HOST4}/32", f"{net.EDGE4}/32")
        env.edge.commit("a laboratory")
        assert look(env, "ten.example")["outcome"] == "found"
        assert look(env, "inside.example")["outcome"] == "found"
        assert look(env, "home.example")["outcome"] == "refused"
        assert look(env, "own.example")["outcome"] == "refused", "its own address is never a partner"


def test_dnssec(env):
    """Signed answers are validated, forged ones refused, and with dns.dnssec required unsigned ones too"""
    with dns(env):
        reply = look(env, "signed.example")
        assert reply["outcome"] == "found" and reply["validated"] and reply["targets"][0]["validated"], reply
        absent = look(env, "nobody.signed.example")
        assert absent["outcome"] == "not-found" and absent["validated"], absent
        forged = look(env, "forged.example")
        assert forged["outcome"] == "failed" and forged["code"] == 1014, forged
        assert "DNSSEC" in forged["reason"] and forged["targets"] == [], forged
        tlsa = look(env, "sip.signed.example", "--service", "tlsa", "--port", "5269")
        assert tlsa["outcome"] == "found" and tlsa["tlsa"][0]["usage"] == 3, tlsa
        assert look(env, "sip.good.example", "--service", "tlsa", "--port", "5269")["outcome"] == "not-found"
        env.edge.cli("set", "dns.dnssec", "required")
        env.edge.commit("nobody unsigned")
        assert look(env, "signed.example")["outcome"] == "found"
        unsigned = look(env, "good.example")
        assert unsigned["outcome"] == "refused" and "DNSSEC" in unsigned["reason"], unsigned
        env.edge.cli("unset", "dns.trust-anchor")
        env.edge.cli("set", "dns.dnssec", "off")
        env.edge.commit("believe everything")
        assert addresses(look(env, "forged.example")) == ["198.51.100.66"]


def test_no_anchor_no_answer(env):
    """With a trust anchor that cannot be read nobody is found, rather than anybody believed; the operator is told"""
    with dns(env):
        for anchor in ("/nonexistent/anchors.key", "/etc/hostname"):
            env.edge.cli("set", "dns.trust-anchor", anchor)
            env.edge.commit("a mistake")
            reply = look(env, "good.example")
            assert reply["outcome"] == "failed" and reply["code"] == 1008, (anchor, reply)
            warnings = json.dumps(json.loads(env.edge.fedge("show", "status", "--json").stdout)["warnings"])
            assert "libunbound does not start" in warnings or "is no file" in warnings, (anchor, warnings)


def test_xmpp(env):
    """_xmpp-server and _xmpps-server are one list; without them the domain itself; "." means no"""
    with dns(env):
        chat = look(env, "chat.example", "--service", "xmpp")
        assert hosts(chat) == ["direct.good.example:5270", "starttls.chat.example:5269"], chat
        assert [target["direct_tls"] for target in chat["targets"]] == [True, False]
        assert hosts(look(env, "barechat.example", "--service", "xmpp")) == ["barechat.example:5269"]
        assert look(env, "nodirect.example", "--service", "xmpp")["outcome"] == "not-found"
        assert look(env, "signed.example", "--service", "xmpp")["validated"]


def shown(env, domain):
    return next(row for row in env.edge.rows("discovery") if row["domain"] == domain)


def test_moved_partner(env):
    """A partner who moves is found at the new place soon after the time to live of the old answer"""
    with dns(env) as server:
        assert addresses(look(env, "moving.example")) == [GOOD]
        server.replace("moving.example", [f"{MICROSOFT} SRV 0 0 5061 new", f"new A {OTHER}"])

        def moved():
            return addresses(shown(env, "moving.example")) == [OTHER]
        wait_until(moved, 15, "the new address in what is remembered, without anybody asking")
        assert "moving.example (sip) has moved: new.moving.example:5061" in env.edge.control.tail(50)


def test_dns_is_away(env):
    """Without DNS the last answer serves on, marked as stale, and unknown names fail in time; then DNS comes back"""
    with dns(env) as server:
        assert look(env, "moving.example")["outcome"] == "found"
        server.kill()
        begin = time.monotonic()
        reply = look(env, "good.example")
        assert reply["outcome"] == "failed" and reply["code"] == 1008, reply
        assert time.monotonic() - begin < 6

        def stale():
            row = shown(env, "moving.example")
            return row["stale"] and row["failures"] > 0 and row
        row = wait_until(stale, 20, "the remembered answer to be stale, and DNS to have failed")
        assert row["outcome"] == "found" and addresses(row) == [GOOD], row
        text = env.edge.fedge("show", "discovery").stdout
        assert "found, stale" in text, text
        server.start()
        wait_until(lambda: look(env, "good.example")["outcome"] == "found", 30, "DNS to be used again")
        assert not shown(env, "good.example")["stale"]


def test_what_people_see(env):
    """The words of the two commands: every question, what was refused and why, the order; bad names are refused"""
    with dns(env):
        done = env.edge.fedge("test", "discovery", "good.example")
        assert done.returncode == 0, done.stderr
        for text in ("asked     _sipfederationtls._tcp.good.example SRV: 1 record, not validated",
                     "0 0 5061 sip.good.example", f"            {GOOD}", "try 1     sip.good.example:5061, priority 0",
                     "outcome   found"):
            assert text in done.stdout, (text, done.stdout)
        done = env.edge.fedge("test", "discovery", "own.example")
        assert done.returncode == 1
        assert f"refused   sip.own.example:5061 at {net.EDGE4}: address of this edge (1014)" in done.stdout, done.stdout
        for bad in ("bücher.example", "localhost", "x..example", "a b.example", "203.0.113.7"):
            done = env.edge.fedge("test", "discovery", bad)
            assert done.returncode == 1 and "no domain name" in done.stderr, (bad, done.stdout, done.stderr)
        listed = env.edge.fedge("show", "discovery").stdout
        assert "good.example" in listed and "own.example" in listed and "refused" in listed, listed
