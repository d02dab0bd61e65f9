"""What federation comes to, as an operator is told: explanations, ports for firewalls, records for the DNS."""
import json
import subprocess

from support import lab as net
from support.dns_server import DnsServer

# What the world says of us (local.example), partners, and a provider's customer.
ZONES = {
    "local.example": ["_sipfederationtls._tcp SRV 0 0 5060 sip", "_sip._tls SRV 0 0 443 sip", f"sip A {net.EDGE4}"],
    "partner.example": ["_sipfederationtls._tcp SRV 0 0 5061 sip", f"sip A {net.PEER4}"],
    "stray.example": ["_sipfederationtls._tcp SRV 0 0 5061 sip.partner.example."],
    "customer.example": ["_sipfederationtls._tcp SRV 0 0 5061 sipfed.hoster.example."],
    "hoster.example": [f"sipfed A {net.PEER4}"],
}


def name_server(env):
    server = DnsServer(env.lab, "edge", env.edge.work / "dns", ZONES)
    env.cleanup.callback(server.stop)
    server.start()
    env.edge.set_all({"dns.server": [server.address], "dns.dnssec": ["off"], "dns.timeout": ["2"]})


def explain(edge, *arguments):
    """(exit code, reply) of `fedge explain federation`."""
    done = edge.fedge("explain", "federation", *arguments, "--json")
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def federate(edge):
    for key, *values in (("federation.enabled", "on"), ("federation.domain", "local.example"),
                         ("federation.access-name", "sip.local.example")):
        edge.cli("set", key, *values)
    edge.cli("policy", "global", "set", "federation")
    return edge.commit("federation")["revision"]


def test_steps(env):
    """The same message before and after each lock is opened: switch, policy, list, block; and back by rollback"""
    edge = env.edge
    inbound = ("bob@partner.example", "alice@local.example", "--inbound", "--cert", "sip.partner.example")
    code, reply = explain(edge, *inbound)
    assert (code, reply["reason"]) == (1, "federation_off"), reply
    edge.cli("set", "federation.enabled", "on")
    edge.cli("set", "federation.domain", "local.example")
    edge.commit("no policy")
    edge.cli("allow", "domain", "partner.example", "--via", "sip.partner.example", "--verification", "always-verifiable")
    code, reply = explain(edge, *inbound)
    assert (code, reply["reason"]) == (1, "unknown_domain"), reply
    assert reply["cores"][0]["agree"], reply["cores"]
    code, reply = explain(edge, *inbound, "--candidate")
    assert (code, reply["reason"]) == (1, "no_access"), reply
    assert not reply["cores"][0]["agree"] and "not committed" in reply["cores"][0]["words"], reply["cores"]
    revision = edge.commit("partner")["revision"]
    edge.cli("policy", "user", "set", "alice@local.example", "federation")
    edge.commit("alice may")
    code, reply = explain(edge, *inbound)
    assert (code, reply["verdict"], reply["rule"]) == (0, "deliver", "allow domain partner.example"), reply
    assert reply["partner"] == "allowed partner server" and reply["trust"] == "DirectPartner", reply
    assert [step["step"] for step in reply["steps"]] == list(range(2, 14)), reply["steps"]
    assert [row["agree"] for row in reply["cores"]] == [True, True], reply["cores"]
    assert "allow domain partner.example via sip.partner.example" in reply["cores"][0]["words"], reply["cores"]
    code, reply = explain(edge, *inbound[:-1], "sip.thief.example")
    assert (code, reply["reason"]) == (1, "direct_unproved"), reply
    edge.cli("block", "domain", "it.partner.example")
    edge.commit("block")
    code, reply = explain(edge, "bob@x.it.partner.example", *inbound[1:])
    assert (code, reply["step"], reply["wire"]["sent"]) == (1, 7, False), reply
    edge.cli("rollback", str(revision), "--weaker")
    code, reply = explain(edge, *inbound)
    assert (code, reply["reason"]) == (1, "no_access"), reply


def test_bad_input(env):
    """What cannot be explained is told with what to give instead"""
    for arguments, said in (
            (("alice", "bob@partner.example"), "is no address"),
            (("alice@local.example", "bob@par tner"), "give a domain"),
            (("bob@partner.example", "alice@local.example", "--inbound"), "cert"),
            (("a@b.example", "c@d.example", "--content", "smell"), "give one of"),
            (("a@b.example", "c@d.example", "--inbound", "--cert", "x.example", "--usage", "all"), "give some of")):
        done = env.edge.fedge("explain", "federation", *arguments)
        assert done.returncode == 1 and said in done.stderr, (arguments, done.returncode, done.stderr)


def test_names_that_cores_refuse(env):
    """A commit refuses what the dataplane would: settings allow underscores in names, partners' domains have none"""
    env.edge.cli("set", "federation.domain", "a_b.example")
    done = env.edge.fedge("commit")
    assert done.returncode == 1 and '"a_b.example" is no domain name' in done.stderr, done
    env.edge.cli("discard")


def test_ports(env):
    """The port tables of this configuration, in four languages; the ruleset is one that nft accepts"""
    edge = env.edge
    federate(edge)
    rows = edge.cli("ports")["rows"]
    federation = [row for row in rows if row["role"] == "access-federation"]
    assert {row["direction"] for row in federation} == {"in", "out"} and federation[0]["first"] == 5061, rows
    assert any(row["role"] == "media-udp" and net.EDGE4 in row["addresses"] for row in rows), rows
    for language, word in (("en", "Source IP address"), ("es", "IP de origen"), ("pt", "IP de origem"), ("ru", "IP-адрес")):
        done = edge.fedge("ports", "--lang", language)
        assert done.returncode == 0 and word in done.stdout, done
    ruleset = edge.fedge("ports", "--nftables").stdout
    assert f"ip daddr {{ {net.EDGE4} }} tcp dport 5061 accept" in ruleset, ruleset
    # A network namespace of its own: what is loaded goes with it. Twice: it replaces itself.
    load = subprocess.run(["unshare", "-n", "sh", "-c", "tee /dev/stderr | nft -f - && nft list ruleset"], input=ruleset,
                          text=True, capture_output=True, timeout=30)
    assert load.returncode == 0 and "5061" in load.stdout, load


def test_dns_records(env):
    """The records for the zone files, and what is missing in the configuration for them"""
    edge = env.edge
    federate(edge)
    text = edge.fedge("dns")
    assert f"_sipfederationtls._tcp.local.example. 3600 IN SRV 0 0 5061 sip.local.example." in text.stdout, text
    assert f"IN A {net.EDGE4}" in text.stdout, text
    assert "no certificate of ours proves sip.local.example" in text.stderr, text
    edge.cli("cert", "generate", "access", "sip.local.example")
    records = edge.cli("dns")["records"]
    pin = [row for row in records if row["type"] == "TLSA"]
    assert [row["name"] for row in pin] == ["_5061._tcp.sip.local.example"] and len(pin[0]["data"]) == len("3 1 1 ") + 64, pin
    edge.cli("cert", "remove", "access")


def test_steps_that_ask_dns(env):
    """Where a message goes, and whose certificate may speak for a domain, with a real DNS server behind the steps"""
    edge = env.edge
    name_server(env)
    edge.cli("allow", "domain", "stray.example")
    edge.cli("allow", "domain", "partner.example", "--verification", "always-verifiable")
    edge.cli("provider", "add", "hoster", "sipfed.hoster.example")
    federate(edge)
    code, reply = explain(edge, "alice@local.example", "bob@partner.example")
    # Behind it may stand how an attempt of an earlier test ended there.
    target, = reply["next_hop"]["targets"]
    assert code == 0 and target.startswith(f"sip.partner.example:5061 ({net.PEER4}"), reply
    code, reply = explain(edge, "alice@local.example", "bob@stray.example")
    assert (code, reply["wire"]["code"], reply["wire"]["status"]) == (1, 1009, 504), reply
    assert "ms-diagnostics" not in reply["wire"]["header"] and reply["wire"]["header"].startswith("1009;"), reply
    code, reply = explain(edge, "alice@local.example", "bob@customer.example")
    assert (code, reply["partner"], reply["next_hop"]["host"]) == (0, "hosting provider", "sipfed.hoster.example"), reply
    code, reply = explain(edge, "alice@local.example", "bob@nowhere.example")
    assert (code, reply["reason"]) == (1, "out_unknown_domain"), reply
    inbound = ("alice@local.example", "--inbound", "--cert")
    code, reply = explain(edge, "bob@partner.example", *inbound, "sip.partner.example")
    assert (code, reply["verdict"], reply["trust"]) == (0, "deliver", "AutoFed"), reply
    code, reply = explain(edge, "bob@partner.example", *inbound, "*.partner.example")
    assert (code, reply["reason"]) == (1, "source_unproved"), reply
    code, reply = explain(edge, "bob@customer.example", *inbound, "sipfed.hoster.example")
    assert (code, reply["trust"]) == (0, "AuthorizedServer"), reply
    code, reply = explain(edge, "bob@partner.example", *inbound, "sipfed.hoster.example")
    assert (code, reply["reason"]) == (1, "provider_domain"), reply


def test_dns_check(env):
    """Which of the records the world sees: there, wrong, missing"""
    edge = env.edge
    name_server(env)
    edge.cli("set", "federation.outside-users", "on")
    federate(edge)
    done = edge.fedge("dns", "--check", "--json")
    seen = {(row["name"], row["type"]): row["seen"] for row in json.loads(done.stdout)["records"]}
    assert done.returncode == 1, done
    assert seen[("_sipfederationtls._tcp.local.example", "SRV")] == "wrong", seen
    assert seen[("_sips._tcp.local.example", "SRV")] == "missing", seen
    assert seen[("sip.local.example", "A")] == "there", seen
    assert seen[("_sip._tls.local.example", "SRV")] == "there", seen
