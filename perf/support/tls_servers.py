"""The servers that TLS is compared on, each alone on CPU 0 at the edge end of a veth, with an ECDSA P-256 certificate."""
import re
import subprocess

from perf.support.machine import cpu_seconds
from perf.support.turn_servers import LOAD, SERVER, Fedge, _Server

PORT = 5349


class HAProxy(_Server):
    """Debian's, one thread; TLS ends there and nothing is behind it."""

    def start(self):
        run = lambda *c: self.link.run(self.link.edge, *c)  # noqa: E731
        run("ip", "address", "add", f"{SERVER}/24", "dev", "edge0")
        key, pem = self.work / "key.pem", self.work / "haproxy.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=perf.example.org", "-keyout", key, "-out", pem)
        pem.write_text(pem.read_text() + key.read_text())
        config = self.work / "haproxy.cfg"
        config.write_text("global\n nbthread 1\n maxconn 4000\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n"
                          f" timeout server 30s\nlisten tls\n bind {SERVER}:{PORT} ssl crt {pem} ssl-min-ver TLSv1.2\n")
        self.server = self.spawn("haproxy", "taskset", "-c", "0", "haproxy", "-db", "-f", config)
        self.wait(lambda: f"{SERVER}:{PORT}" in run("ss", "-ltn").stdout, "haproxy does not start")

    def pid(self):
        return self.server.pid


class FedgeTls(Fedge):
    """TURN over TLS on a core that sleeps when there is nothing to do, so that its CPU time is that of its work."""

    IDLE = "backoff"
    SIGNALLING = "0"
    SETTINGS = (("turn.listen-tls", f"{SERVER}:{PORT}"), ("tls.handshakes-per-source", "1000"),
                ("tls.handshakes-per-turn", "16"))

    def prepare(self):
        self.check("cert", "generate", "edge", "perf.example.org")


def handshakes(server, link, seconds, clients=4):
    """Full TLS 1.3 handshakes by openssl s_time on CPU 1: (per second, per second of the server's CPU)."""
    idle_before = cpu_seconds(server.pid())
    _run(link, "sleep", 1)
    idle = cpu_seconds(server.pid()) - idle_before  # in one second
    before = cpu_seconds(server.pid())
    running = [subprocess.Popen(link.inside(link.load, "taskset", "-c", "1", "openssl", "s_time", "-connect",
                                            f"{SERVER}:{PORT}", "-new", "-tls1_3", "-time", str(seconds)),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for _ in range(clients)]
    total = 0
    for process in running:
        text = process.communicate(timeout=seconds + 60)[0]
        found = re.findall(r"(\d+) connections in (\d+) real seconds", text)
        if not found:
            raise SystemExit(f"perf/run: openssl s_time: {text[-800:]}")
        total += int(found[0][0])
    spent = cpu_seconds(server.pid()) - before - idle * seconds
    return total / seconds, total / max(spent, 0.01)


def _run(link, *command):
    link.run(link.load, *command)


def compared(programs, link, work, seconds):
    """Rows of fedge against HAProxy on the same veth, one after the other."""
    figures = {}
    for kind in (HAProxy, FedgeTls):
        place = work / kind.__name__
        place.mkdir()
        with link:
            link.run(link.load, "ip", "address", "add", f"{LOAD}/24", "dev", "load0")
            server = kind(link, programs, place)
            try:
                server.start()
                figures[kind] = handshakes(server, link, seconds)
            finally:
                server.stop()
    ours, theirs = figures[FedgeTls], figures[HAProxy]
    return [
        {"metric": "tls.vs_haproxy.handshakes", "value": round(ours[1]), "unit": "per CPU second",
         "against": f"HAProxy {theirs[1]:,.0f}", "ratio": round(ours[1] / theirs[1], 3)},
        {"metric": "tls.vs_haproxy.rate", "value": round(ours[0]), "unit": "1/s",
         "against": f"HAProxy {theirs[0]:,.0f}, the clients' CPU is the limit", "ratio": round(ours[0] / theirs[0], 3)},
    ]
