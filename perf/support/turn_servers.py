"""The two TURN servers of the comparison, each alone on CPU 0 at the edge end of a veth: same address, same user."""
import json
import os
import subprocess
import time

SERVER, LOAD = "198.18.0.1", "198.18.0.2"
USER, PASSWORD = "alice", "correct-horse-7f3a"
REALM = "perf.example.org"


class _Server:
    def __init__(self, link, programs, work):
        self.link, self.programs, self.work = link, programs, work
        self.processes = []

    def spawn(self, name, *command):
        with open(self.work / f"{name}.log", "w") as log:
            process = subprocess.Popen(self.link.inside(self.link.edge, *command), stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait(self, ready, what, seconds=20):
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end or any(p.poll() is not None for p in self.processes):
                logs = "\n".join(f"--- {f.name} ---\n{f.read_text()[-1500:]}" for f in sorted(self.work.glob("*.log")))
                raise SystemExit(f"perf/run: {what}\n{logs}")
            time.sleep(0.05)


class Coturn(_Server):
    """Debian's turnserver with kernel sockets, one relay thread as on one core."""

    def start(self):
        device = "edge0"
        run = lambda *c: self.link.run(self.link.edge, *c)  # noqa: E731
        run("ip", "address", "add", f"{SERVER}/24", "dev", device)
        # Sockets large enough that the program is measured, not the default of its buffers.
        config = self.work / "turnserver.conf"
        config.write_text(f"listening-ip={SERVER}\nrelay-ip={SERVER}\nlistening-port=3478\nmin-port=50000\nmax-port=59999\n"
                          f"relay-threads=1\nlt-cred-mech\nrealm={REALM}\nuser={USER}:{PASSWORD}\nno-cli\nno-tls\nno-dtls\n"
                          f"allowed-peer-ip={LOAD}\nlog-file=stdout\nsimple-log\npidfile={self.work}/pid\nuserdb={self.work}/db\n")
        self.server = self.spawn("turnserver", "taskset", "-c", "0", "turnserver", "-c", config)
        self.wait(lambda: "Relay ports initialization done" in (self.work / "turnserver.log").read_text() or self._bound(),
                  "turnserver does not start")

    def _bound(self):
        return f"{SERVER}:3478" in self.link.run(self.link.edge, "ss", "-lun").stdout

    def pid(self):
        return self.server.pid

    def idle_cpu(self, seconds):
        return 0.0


class Fedge(_Server):
    """Both daemons; the core polls CPU 0 through AF_XDP, control and management keep to CPU 1."""

    IDLE = "poll"
    SIGNALLING = ""
    PORTS = ""  # further sections of the boot configuration
    SETTINGS = ()

    def prepare(self):
        """Before the configuration is committed."""

    def start(self):
        run = self.work / "run"
        run.mkdir()
        (self.work / "state").mkdir()
        (self.work / "dataplane.ini").write_text(
            f"run-dir = {run}\n[eal]\nhuge = no\nmemory = 512\nfile-prefix = fedge-perf-edge\n"
            f"[cores]\nmain = 1\nmedia = 0\nsignalling = {self.SIGNALLING}\nidle = {self.IDLE}\n[pools]\nmbufs-per-core = 32767\nallocations-per-core = 10000\n"
            f"[port.wan]\ndevice = net_af_xdp0,iface=edge0\nrx-descriptors = 4096\ntx-descriptors = 2048\n{self.PORTS}")
        (self.work / "control.ini").write_text(
            f"state-dir = {self.work}/state\nrun-dir = {run}\napi-socket = {run}/control.sock\n"
            f"dataplane-socket = {run}/dataplane.sock\n")
        self.spawn("control", "taskset", "-c", "1", self.programs["fedge-control"], "--config", self.work / "control.ini")
        self.dataplane = self.spawn("dataplane", self.programs["fedge-dataplane"], "--config", self.work / "dataplane.ini")
        self.wait(lambda: self.fedge("show", "status").returncode == 0, "control does not answer")
        for key, *values in (("interface.wan.role", "external"), ("interface.wan.port", "wan"),
                             ("interface.wan.address", f"{SERVER}/24"), ("turn.realm", REALM), ("turn.relay-address", SERVER),
                             ("turn.peer-allow", f"{LOAD}/32"), ("turn.quota-user", "0"),
                             ("turn.bandwidth-allocation-kbps", "0"), ("turn.bandwidth-user-kbps", "0"),
                             ("turn.unauthenticated-burst", "1000000"), ("turn.unauthenticated-rate", "1000000"),
                             *self.SETTINGS):
            self.check("set", key, *values)
        self.prepare()
        self.check("commit", "-m", "benchmark")
        self.check("turn", "user", "add", USER, stdin=PASSWORD + "\n")
        self.wait(self._adopted, "the dataplane does not adopt the configuration")

    def fedge(self, *arguments, stdin=""):
        environment = dict(os.environ, FEDGE_SOCKET=str(self.work / "run/control.sock"))
        return subprocess.run([self.programs["fedge"], *arguments], input=stdin, text=True, capture_output=True, timeout=30,
                              env=environment)

    def check(self, *arguments, stdin=""):
        done = self.fedge(*arguments, stdin=stdin)
        if done.returncode not in (0, 4):
            raise SystemExit(f"perf/run: fedge {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")

    def _adopted(self):
        done = self.fedge("show", "status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["dataplane"].get("adopted")

    def pid(self):
        """`ip netns exec` replaces itself by the program, so the pid is the dataplane's."""
        return self.dataplane.pid

    def idle_cpu(self, seconds):
        """A polling core is busy all the time; what it burnt while nothing was offered does not count."""
        return seconds
