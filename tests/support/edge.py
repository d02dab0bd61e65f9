"""The edge under test: both daemons in the laboratory's edge namespace, and the `fedge` command line."""
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess

from . import lab as net
from .process import Process
from .wait import wait_until

USER, PASSWORD = "alice", "correct-horse-7f3a"
REALM = "edge.example.org"
EDGE_NAME = "turn.example.org"  # in its certificate
TLS_PORT, SHARED_PORT = 5349, 443

BASE = {
    "interface.wan.role": ["external"],
    "interface.wan.port": ["wan"],
    "interface.wan.address": [f"{net.EDGE4}/26", f"{net.EDGE6}/64"],
    "interface.wan.gateway": [net.ROUTER4, net.ROUTER6],
    "interface.lan.role": ["internal"],
    "interface.lan.port": ["lan"],
    "interface.lan.address": [f"{net.INSIDE_EDGE4}/26", f"{net.INSIDE_EDGE6}/64"],
    "turn.realm": [REALM],
    "turn.relay-address": [net.EDGE4, net.EDGE6],
    "turn.listen-tcp": [f"{net.EDGE4}:3478", f"[{net.EDGE6}]:3478"],
    "turn.listen-tls": [f"{net.EDGE4}:{TLS_PORT}"],
    "shared.listen": [f"{net.EDGE4}:{SHARED_PORT}"],
    # Tests take and give back ports faster than clients do.
    "turn.port-quarantine": ["1"],
}

DATAPLANE_INI = """\
run-dir = {run}
[eal]
huge = {huge}
memory = 512
file-prefix = {prefix}
[cores]
main = 0
media = 1
signalling = 1
idle = backoff
[tcp]
kernel-ports = {kernel_ports}
[pools]
mbufs-per-core = 8192
allocations-per-core = 10000
[port.wan]
device = {wan}
[port.lan]
device = {driver}1,iface=lan0
"""

CONTROL_INI = """\
state-dir = {state}
run-dir = {run}
api-socket = {run}/control.sock
dataplane-socket = {run}/dataplane.sock
"""


class CliError(AssertionError):
    def __init__(self, arguments, code, text):
        super().__init__(f"fedge {' '.join(arguments)}: exit {code}: {text.strip()[-800:]}")
        self.code, self.text = code, text


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def find_program(build, name):
    for path in sorted(pathlib.Path(build).rglob(name)):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise RuntimeError(f"{build} holds no program {name}: ninja -C {build}")


class Edge:
    def __init__(self, lab, build, work):
        self.lab, self.work = lab, pathlib.Path(work)
        self.programs = {name: find_program(build, name) for name in ("fedge", "fedge-control", "fedge-dataplane")}
        self.run_directory, self.state = self.work / "run", self.work / "state"
        self.prefix = f"{lab.name}-{os.getpid()}"
        self.socket = self.run_directory / "control.sock"
        self.dataplane = self.control = None
        self.kernel_ports = ()  # whose connections the kernel's TCP carries, as long as restore() says nothing else
        self.base_revision = None

    # life

    def start(self):
        self.run_directory.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(exist_ok=True)
        (self.work / "control.ini").write_text(CONTROL_INI.format(state=self.state, run=self.run_directory))
        self.start_control()
        self.start_dataplane()
        self.wait_ready(base=False)
        self.cli("cert", "generate", "edge", EDGE_NAME)
        self.set_all(BASE)
        self.base_revision = self.commit("laboratory")["revision"]
        self.add_user(USER, PASSWORD)

    def start_control(self):
        self.control = self.lab.start("edge", self.programs["fedge-control"], "--config", self.work / "control.ini",
                                      log=self.work / "control.log")

    def start_dataplane(self, huge="no", driver="net_af_packet", wan=""):
        """`wan`: the device of that port, if it is not the driver's on the laboratory's wire."""
        text = DATAPLANE_INI.format(run=self.run_directory, prefix=self.prefix, huge=huge, driver=driver,
                                    wan=wan or f"{driver}0,iface=wan0",
                                    kernel_ports=",".join(map(str, self.kernel_ports)))
        (self.work / "dataplane.ini").write_text(text)
        self.dataplane = self.lab.start("edge", self.programs["fedge-dataplane"], "--config",
                                        self.work / "dataplane.ini", log=self.work / "dataplane.log")

    def stop(self):
        for process in (self.control, self.dataplane):
            if process:
                process.stop()

    def remove(self):
        self.stop()
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(f"/var/run/dpdk/{self.prefix}", ignore_errors=True)

    def adopted(self):
        for process, name in ((self.control, "fedge-control"), (self.dataplane, "fedge-dataplane")):
            if not process.running():
                raise AssertionError(f"{name} has ended; its log:\n{process.tail()}")
        try:
            status = self.cli("show", "status")
        except CliError:
            return False
        dataplane = status["dataplane"]
        return dataplane["connected"] and dataplane["adopted"] and status

    def connected(self):
        try:
            return self.cli("show", "status")["dataplane"]["connected"]
        except CliError:
            return False

    def wait_ready(self, base=True, seconds=15):
        try:
            return wait_until(self.adopted if base else self.connected, seconds, "the dataplane to follow control")
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.logs()}") from None

    def restore(self, kernel_ports=()):
        """Whatever the last test left: daemons up, base configuration in force, nothing drained, nobody connected; and the
        kernel's TCP on these ports."""
        if not self.control.running():
            self.start_control()
        if kernel_ports != self.kernel_ports:
            self.dataplane.stop()
            self.kernel_ports = kernel_ports
        if not self.dataplane.running():
            self.start_dataplane()
        self.wait_ready(base=False)
        self.cli("discard")
        status = self.cli("show", "status")
        if status["drain"]:
            self.cli("drain", "off")
        if status["control"]["revision"] != self.base_revision:
            self.base_revision = self.cli("rollback", str(self.base_revision), "--weaker")["revision"]
        for row in self.cli("turn", "user", "list")["rows"]:
            if row["name"] != USER:
                self.cli("turn", "user", "remove", row["name"])
        for row in self.rows("allocations"):
            self.fedge("turn", "disconnect", "--allocation", str(row["id"]))
        self.wait_ready()

    # command line

    def fedge(self, *arguments, stdin=""):
        """Runs the command line as an operator would; returns subprocess.CompletedProcess."""
        return subprocess.run([self.programs["fedge"], *arguments], input=stdin, text=True, timeout=30,
                              env=dict(os.environ, FEDGE_SOCKET=str(self.socket)), capture_output=True)

    def begin(self, *arguments):
        """The same without waiting for its end; returns subprocess.Popen."""
        return subprocess.Popen([self.programs["fedge"], *arguments], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=dict(os.environ, FEDGE_SOCKET=str(self.socket)))

    def cli(self, *arguments, stdin=""):
        """The command's JSON. CliError when it ends with anything but 0."""
        done = self.fedge(*arguments, "--json", stdin=stdin)
        if done.returncode != 0:
            raise CliError(arguments, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def rows(self, what):
        return self.cli("show", what)["rows"]

    def set_all(self, settings):
        for key, values in settings.items():
            self.cli("set", key, *values)

    def commit(self, comment="test"):
        return self.cli("commit", "-m", comment)

    def configure(self, comment="test", **settings):
        """Sets turn.KEY for each keyword (underscores become dashes) and commits."""
        self.set_all({"turn." + key.replace("_", "-"): [str(value)] for key, value in settings.items()})
        return self.commit(comment)

    def lab_ca(self):
        """A file with the certificate of the authority that signed the edge's."""
        path = self.work / "lab-ca.pem"
        path.write_text(self.fedge("cert", "show", "lab-ca", "--pem").stdout)
        return path

    def add_user(self, name, password):
        self.cli("turn", "user", "add", name, stdin=password + "\n")

    def _counts(self, what):
        return {row["name"]: row["total"] for row in self.rows(what)}

    def counter(self, name):
        return self._counts("counters")[name]

    def drops(self, name):
        return self._counts("drops").get(name, 0)

    def http(self, path, method="GET", body=None):
        """(status, text) straight from the API's socket."""
        connection = _UnixConnection(str(self.socket))
        try:
            connection.request(method, path, body=body)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def logs(self, lines=12):
        return "\n".join(f"--- {name} ---\n{process.tail(lines)}" for name, process in
                         (("fedge-control", self.control), ("fedge-dataplane", self.dataplane)) if process)


class Coturn:
    """Debian's turnserver in the edge's place with kernel addresses: shows whether a client or the edge is at fault."""

    def __init__(self, lab, work):
        self.lab, self.work = lab, pathlib.Path(work)
        self._server = None

    def start(self):
        self.work.mkdir(parents=True, exist_ok=True)
        config = self.work / "turnserver.conf"
        listeners = "".join(f"listening-ip={a}\nrelay-ip={a}\n" for a in (net.EDGE4, net.EDGE6))
        config.write_text(f"{listeners}min-port=50000\nmax-port=59999\nlt-cred-mech\nrealm={REALM}\n"
                          f"user={USER}:{PASSWORD}\nfingerprint\nno-cli\nno-tls\nno-dtls\nlog-file=stdout\nsimple-log\n"
                          f"pidfile={self.work}/turnserver.pid\nuserdb={self.work}/turndb\n")
        self._server = self.lab.start("edge", "turnserver", "-c", config, log=self.work / "turnserver.log")
        wait_until(self._answers, 20, "turnserver to answer")

    def _answers(self):
        from .turn_client import NoAnswer, TurnClient
        client = TurnClient(self.lab.udp("client", net.CLIENT4), (net.EDGE4, 3478))
        try:
            return client.binding()
        except NoAnswer:
            return None
        finally:
            client.close()

    def restore(self, kernel_ports=()):
        if kernel_ports:
            raise AssertionError("turnserver has no TCP but the kernel's")
        if not self._server.running():
            raise AssertionError("turnserver has ended")

    def remove(self):
        if self._server:
            self._server.stop()
        shutil.rmtree(self.work, ignore_errors=True)

    def logs(self):
        return f"--- turnserver ---\n{self._server.tail()}"
