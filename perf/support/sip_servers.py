"""The SIP proxies that are compared, each alone on CPU 0 between a partner and a front end, over mutual TLS on both legs."""
import json
import os
import subprocess

from perf.support.knot import ADDRESS, Knot
from perf.support.machine import cpu_seconds
from perf.support.turn_servers import LOAD, SERVER, Fedge, _Server

INSIDE, FRONT_END = "198.18.1.1", "198.18.1.2"  # of the second veth: edge1, load1
NAME, PARTNER, HOST = "edge.example.org", "sip.partner.example.org", "fe1.example.org"
SOURCE, SOURCES = "198.19.0.1", 250  # addresses that a crowd comes from, behind LOAD as its router


class People:
    """An authority with a certificate for the proxy and one for those on both sides of it."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.root = directory / "root.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=Benchmark Root", "-keyout", "root.key", "-out", "root.pem")
        self._issue("edge", NAME)
        self._issue("far", PARTNER, HOST)

    def files(self, name):
        return self.directory / f"{name}.pem", self.directory / f"{name}.key"

    def _issue(self, name, *hosts):
        extensions = self.directory / "extensions"
        extensions.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                              "extendedKeyUsage=serverAuth,clientAuth\n"
                              "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts) + "\n")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                      f"/CN={hosts[0]}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "extensions", "-out", f"{name}.pem")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True, timeout=30)


class Kamailio(_Server):
    """Debian's, one TCP worker, transaction-stateful as its users run it; queues large enough for a window of requests."""

    def start(self):
        run = lambda *c: self.link.run(self.link.edge, *c)  # noqa: E731
        run("ip", "address", "add", f"{SERVER}/24", "dev", "edge0")
        run("ip", "address", "add", f"{INSIDE}/24", "dev", "edge1")
        chain, key = self.people.files("edge")
        tls = self.work / "tls.cfg"
        section = (f"method = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\nprivate_key = {key}\n"
                   f"certificate = {chain}\nca_list = {self.people.root}\n")
        tls.write_text(f"[server:default]\n{section}[client:default]\n{section}")
        config = self.work / "kamailio.cfg"
        modules = "".join(f'loadmodule "{name}.so"\n'
                          for name in ("tls", "tm", "tmx", "sl", "rr", "pv", "maxfwd", "textops", "siputils"))
        config.write_text(
            "#!KAMAILIO\ndebug=1\nlog_stderror=yes\nfork=yes\nchildren=1\ntcp_children=1\nmhomed=1\nenable_tls=yes\n"
            "auto_aliases=no\ndns=no\nrev_dns=no\ndisable_core_dump=yes\n"
            f"listen=tls:{SERVER}:5061\nlisten=tls:{INSIDE}:5061\n"
            "tcp_max_connections=20000\ntls_max_connections=20000\ntcp_connection_lifetime=3600\ntcp_rd_buf_size=65536\n"
            f"tcp_async=yes\ntcp_conn_wq_max=4194304\n{modules}"
            f'modparam("tls", "config", "{tls}")\nmodparam("tls", "con_ct_wq_max", 4194304)\n'
            'modparam("rr", "enable_double_rr", 1)\nmodparam("tm", "fr_timer", 10000)\nmodparam("tm", "wt_timer", 1000)\n'
            'request_route {\n if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }\n'
            " force_rport();\n if (has_totag()) loose_route();\n if (is_method(\"INVITE\")) record_route();\n"
            f' $du = "sip:{FRONT_END}:5061;transport=tls";\n if (!t_relay()) sl_reply_error();\n}}\n')
        self.pids = self.work / "kamailio.pid"
        self.spawn("kamailio", "taskset", "-c", "0", "kamailio", "-DD", "-E", "-m", "256", "-M", "16", "-f", config, "-P",
                   self.pids, "-Y", self.work, "-w", self.work)
        self.wait(lambda: f"{SERVER}:5061" in run("ss", "-ltn").stdout, "kamailio does not start")

    def cpu(self):
        """Of its main process and all workers, in seconds."""
        main = self.processes[0].pid
        children = subprocess.run(["pgrep", "-P", str(main)], text=True, capture_output=True).stdout.split()
        return sum(cpu_seconds(pid) for pid in (main, *children))


class FedgeSip(Fedge):
    """Federation with one allowed partner and one front end; the core sleeps when there is nothing to do, so that its CPU
    time is that of its work."""

    IDLE = "backoff"
    SIGNALLING = "0"
    LAN = "[port.lan]\ndevice = net_af_xdp1,iface=edge1\nrx-descriptors = 4096\ntx-descriptors = 2048\n"
    PORTS = LAN
    SETTINGS = (("interface.lan.role", "internal"), ("interface.lan.port", "lan"), ("interface.lan.address", f"{INSIDE}/24"),
                ("interface.wan.gateway", LOAD), ("sip.listen", f"{SERVER}:5061", f"{INSIDE}:5061"), ("sip.outside-name", NAME),
                ("sip.inside-name", NAME), ("front-end.one.host", HOST), ("front-end.one.address", FRONT_END),
                ("front-end.one.port", "5061"), ("shared.listen", f"{SERVER}:443"), ("shared.sip-name", NAME),
                ("federation.enabled", "on"), ("federation.access-name", NAME), ("federation.outside-users", "on"),
                ("federation.domain", "home.example.org"), ("policy.global.federation", "on"), ("policy.global.outside", "on"),
                ("dns.server", ADDRESS), ("dns.dnssec", "off"),
                ("discovery.allow-address", f"{LOAD}/32"))

    def start(self):
        (self.work / "dns").mkdir()
        self.dns = Knot(self.link.edge, self.work / "dns", "partner.example.org", [f"sip A {LOAD}"]).__enter__()
        super().start()

    def stop(self):
        super().stop()
        self.dns.__exit__()

    def prepare(self):
        chain, key = self.people.files("edge")
        self.check("cert", "import", "edge", "--cert", chain, "--key", key, "--ca", self.people.root)
        self.check("cert", "trust", "add", "benchmark", "--file", self.people.root)
        self.check("allow", "domain", "partner.example.org", "--via", PARTNER, "--verification", "always-verifiable")

    def cpu(self):
        return cpu_seconds(self.pid())

    def resident(self):
        """Bytes of memory that the dataplane has touched: its heap and its pools."""
        for line in open(f"/proc/{self.pid()}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise SystemExit("perf/run: no VmRSS")

    def show(self, *what):
        done = self.fedge("show", *what, "--json")
        if done.returncode != 0:
            raise SystemExit(f"perf/run: fedge show {' '.join(what)}: {done.stderr}")
        return json.loads(done.stdout)


class LargeFedge(FedgeSip):
    """With pools for a crowd, and all limits as they are without settings."""

    CONNECTIONS = 51_200
    PORTS = f"[pools]\nconnections-per-core = {CONNECTIONS}\ntcp-memory-per-core = 64\n" + FedgeSip.LAN


class Load:
    """perf-sip-load on CPU 1 of the far namespace."""

    def __init__(self, server, *arguments):
        link, people = server.link, server.people
        chain, key = people.files("far")
        environment = dict(os.environ, PROXY=f"{SERVER}:5061", PROXY_INSIDE=f"{INSIDE}:5061", PROXY_USERS=f"{SERVER}:443",
                           FRONT_END=f"{FRONT_END}:5061", PARTNER_SERVER=f"{LOAD}:5061", SOURCE=SOURCE, SOURCES=str(SOURCES),
                           SNI=NAME, CHAIN=str(chain), KEY=str(key), TRUST=str(people.root))
        self.process = subprocess.Popen(
            link.inside(link.load, "taskset", "-c", "1", server.programs["load"], *arguments),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"perf/run: perf-sip-load: {self.process.communicate()[1]}")

    def ask(self):
        """What it says of its work; it stays."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"perf/run: perf-sip-load: {self.process.communicate()[1]}")
        return json.loads(line)

    def end(self):
        """What it says of its work, if it has not been asked; it is over."""
        out, err = self.process.communicate("\n", timeout=300)
        if self.process.returncode != 0:
            raise SystemExit(f"perf/run: perf-sip-load: {err}")
        return json.loads(out) if out.strip() else None


def serve(kind, link, programs, work, people):
    """The proxy, started, on a link that has been entered."""
    run = link.run
    run(link.edge, "ip", "link", "add", "edge1", "type", "veth", "peer", "name", "load1", "netns", link.load)
    for namespace, device, address in ((link.edge, "edge1", None), (link.load, "load1", f"{FRONT_END}/24"),
                                       (link.load, "load0", f"{LOAD}/24")):
        run(namespace, "ethtool", "-K", device, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")
        run(namespace, "ip", "link", "set", device, "up")
        if address:
            run(namespace, "ip", "address", "add", address, "dev", device)
    # A range of addresses that are all ours without a name for each; ARP asks from the one that is in the network.
    run(link.load, "sysctl", "-qw", "net.ipv4.conf.all.arp_announce=2")
    run(link.load, "ip", "route", "add", "local", "198.19.0.0/24", "dev", "lo")
    work.mkdir()
    server = kind(link, programs, work)
    server.people = people
    try:
        server.start()
    except BaseException:
        server.stop()
        raise
    return server
