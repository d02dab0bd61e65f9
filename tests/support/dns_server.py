"""A real DNS server (Knot) with zones of its own: unsigned, signed, forged and broken ones."""
import pathlib
import re
import signal
import subprocess

from .wait import wait_until

PORT = 5300


def _run(*command):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


class DnsServer:
    """Serves `zones` ({name: lines of records}) on 127.0.0.1 of a host of the laboratory; `signed` and `forged` are
    names of zones among them, `broken` are zones that it is to serve and has nothing for."""

    def __init__(self, lab, host, work, zones, signed=(), forged=(), broken=()):
        self.lab, self.host, self.work = lab, host, pathlib.Path(work)
        self.zones = {name: list(lines) for name, lines in zones.items()}
        self.signed, self.forged, self.broken = signed, forged, broken
        self._serial = 0
        self._process = None
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / "database").mkdir(exist_ok=True)
        (self.work / "signed").mkdir(exist_ok=True)
        self._config = self._write_config("knot.conf", self.work / "signed")
        self._signer = self._write_config("signer.conf", self.work)
        for name in self.zones:
            self.write_zone(name)

    @property
    def address(self):
        return f"127.0.0.1:{PORT}"

    def start(self):
        self._process = self.lab.start(self.host, "knotd", "-c", self._config, log=self.work / "knotd.log")
        wait_until(self._answers, 20, "knotd to answer")

    def kill(self):
        self._process.kill()

    def stop(self):
        if self._process:
            self._process.stop()

    def trust_anchors(self):
        """DS records, one per signed or forged zone."""
        anchors = []
        for name in (*self.signed, *self.forged):
            listed = _run("keymgr", "-c", self._signer, name, "ds").splitlines()
            anchors.append(next(line for line in listed if re.search(r" DS \d+ \d+ 2 ", line)))
        return anchors

    def replace(self, zone, lines):
        """Other records; the server serves them when this returns."""
        self.zones[zone] = list(lines)
        self.write_zone(zone)
        self._process.signal(signal.SIGHUP)
        serial = str(self._serial)
        wait_until(lambda: f" {serial} " in self.dig(zone, "SOA"), 10, f"knotd to serve {zone} with serial {serial}")

    def write_zone(self, name):
        self._serial += 1
        path = self.work / f"{name}.zone"
        head = [f"$ORIGIN {name}.", "$TTL 2", f"@ 2 SOA ns hostmaster {self._serial} 3600 600 86400 2", "@ NS ns",
                "ns A 127.0.0.1"]
        path.write_text("\n".join([*head, *self.zones[name]]) + "\n")
        if name in self.signed or name in self.forged:
            _run("kzonesign", "-c", self._signer, "-o", self.work / "signed", name)
        if name in self.forged:
            # Somebody on the way puts another address into answers whose signatures he cannot make.
            signed = self.work / "signed" / f"{name}.zone"
            text, count = re.subn(r"(\sA\s+)198\.51\.100\.2\b", r"\g<1>198.51.100.66", signed.read_text())
            assert count, f"{name} has no address to forge"
            signed.write_text(text)

    def dig(self, name, kind):
        return self.lab.run(self.host, "kdig", "@127.0.0.1", "-p", PORT, "+noall", "+answer", "+time=1", "+retry=0", name,
                            kind).stdout

    def _answers(self):
        return "SOA" in self.dig(next(iter(self.zones)), "SOA")

    def _write_config(self, name, signed):
        """Zones that are signed are read from the directory `signed`: by the signer before, by the server afterwards."""
        secured = {*self.signed, *self.forged}
        zones = "".join(
            f"  - domain: {zone}\n    file: {signed if zone in secured else self.work}/{zone}.zone\n"
            + ("    dnssec-policy: lab\n" if zone in secured else "")
            for zone in (*self.zones, *self.broken))
        path = self.work / name
        path.write_text(f"""\
server:
    rundir: "{self.work}"
    user: root:root
    listen: 127.0.0.1@{PORT}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{self.work}/database"
log:
  - target: stderr
    any: info
policy:
  - id: lab
    algorithm: ECDSAP256SHA256
    single-type-signing: on
    nsec3: off
template:
  - id: default
    storage: "{self.work}"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
{zones}""")
        return path
