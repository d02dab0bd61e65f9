"""A federation in the laboratory: our organisation (contoso.com) with front ends inside, partners outside, a DNS."""
import tempfile

from . import lab as net
from .dns_server import DnsServer
from .openssl import Authority
from .sip import Party
from .sip_server import SipServer
from .wait import wait_until

ACCESS, INNER = "access.contoso.com", "edge.contoso.com"
FRONT_END = "fe1.contoso.com"
# A second front end, and where partners may move to.
HOST4_B, PEER4_B = "192.0.2.141", "203.0.113.3"
ALICE, BOB = "alice@partner.example", "bob@contoso.com"
SRV = "_sipfederationtls._tcp SRV 0 0 5061"

# What DNS says of partners.
ZONES = {
    "partner.example": [f"{SRV} sip", f"sip A {net.PEER4}"],
    "customer.example": [f"{SRV} sipfed.hoster.example."],
    "hoster.example": [f"sipfed A {net.PEER4}"],
    "example.net": [f"hub A {net.PEER4}"],
}
# The ways in which a partner is known: (name of its server, domain, commands).
PARTNERS = {
    "allowed server": ("sip.partner.example", "partner.example",
                       ["allow domain partner.example --via sip.partner.example --verification always-verifiable"]),
    "allowed domain": ("sip.partner.example", "partner.example",
                       ["allow domain partner.example --verification always-verifiable"]),
    "discovered partner": ("sip.partner.example", "partner.example",
                           ["set federation.discovery on", "set federation.discovered-rate 1000",
                            "set federation.discovered-verification always-verifiable"]),
    "hosting provider": ("sipfed.hoster.example", "customer.example", ["provider add hoster sipfed.hoster.example"]),
    "default route": ("hub.example.net", "elsewhere.example",
                      ["set federation.default-route hub.example.net",
                       "set federation.default-route-verification always-verifiable"]),
}

SETTINGS = {
    "sip.listen": [f"{net.EDGE4}:5061", f"{net.INSIDE_EDGE4}:5061"],
    "sip.outside-name": [ACCESS],
    "sip.inside-name": [INNER],
    "shared.sip-name": [ACCESS],
    "front-end.fe1.host": [FRONT_END],
    "front-end.fe1.address": [net.HOST4],
    "federation.enabled": ["on"],
    "federation.outside-users": ["on"],
    "federation.domain": ["contoso.com"],
    "policy.global.federation": ["on"],
    "policy.global.outside": ["on"],
    "discovery.allow-address": ["203.0.113.0/24"],
    "dns.dnssec": ["off"],
    "dns.timeout": ["2"],
}


class Federation:
    """The edge is configured for its front end and knows no partner yet; nothing is committed."""

    def __init__(self, env, zones=None, usages="serverAuth,clientAuth"):
        """`usages`: of the edge's certificate. Kamailio wants clientAuth of those who connect to it."""
        self.env, self.edge = env, env.edge
        directory = env.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fedge-interop-ca-"))
        self.issuer = Authority(directory)
        asked = self.edge.fedge("cert", "csr", "sip", ACCESS, INNER)
        assert asked.returncode == 0, asked.stderr
        certificate = self.issuer.issue(asked.stdout, ACCESS, INNER, usages=usages)
        self.edge.cli("cert", "import", "sip", "--cert", str(certificate), "--ca", str(self.issuer.root))
        env.cleanup.callback(self.edge.cli, "cert", "remove", "sip")
        self.edge.cli("cert", "trust", "add", "interop", "--file", str(self.issuer.root))
        env.cleanup.callback(self.edge.cli, "cert", "trust", "remove", "interop")
        self.edge.set_all(SETTINGS)
        self.dns = None
        if zones:
            self.dns = DnsServer(env.lab, "edge", self.edge.work / "dns", zones)
            env.cleanup.callback(self.dns.stop)
            self.dns.start()
            self.edge.set_all({"dns.server": [self.dns.address]})

    def know(self, kind):
        """Commits that the partner is known in this way; (name of its server, its domain)."""
        server, domain, commands = PARTNERS[kind]
        for command in commands:
            self.edge.cli(*command.split())
        self.edge.commit(kind)
        return server, domain

    def wait_connected(self, front_ends=1):
        """Until the edge is connected to so many of the front ends that have been started."""
        def connected():
            open_to = {row["remote"] for row in self.edge.rows("connections")
                       if row["service"] == "sip-front-end" and row["remote"].endswith(":5061") and row["tls_version"]}
            return len(open_to) == front_ends
        wait_until(connected, 10, f"the edge to be connected to {front_ends} front ends")

    def party(self, host, *names, usages="serverAuth"):
        return Party(self.env, self.issuer, host, *names, usages=usages)

    def front_end(self, name=FRONT_END, address=net.HOST4, local="127.0.0.1"):
        self._address("inside", "lan0", address, 26)
        return SipServer(self.party("inside", name), "contoso.com", address, net.INSIDE_EDGE4, INNER, local)

    def partner(self, name, domain="partner.example", address=net.PEER4):
        self._address("peer", "wan0", address, 24)
        return SipServer(self.party("peer", name), domain, address, net.EDGE4, ACCESS)

    def _address(self, host, device, address, length):
        if address not in (net.HOST4, net.PEER4):
            self.env.lab.run(host, "ip", "address", "replace", f"{address}/{length}", "dev", device, check=True)
