"""Knot, a DNS server, with one zone on 127.0.0.1 of a namespace."""
import pathlib
import subprocess
import time

PORT = 5300
ADDRESS = f"127.0.0.1:{PORT}"


class Knot:
    def __init__(self, namespace, work, zone, records):
        self.inside = lambda *command: ["ip", "netns", "exec", namespace, *[str(c) for c in command]]
        self.zone = zone
        self.config = _write(pathlib.Path(work), zone, records)

    def __enter__(self):
        self.server = subprocess.Popen(self.inside("knotd", "-c", self.config), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(10)

    def _wait(self):
        for _ in range(200):
            done = subprocess.run(self.inside("kdig", "@127.0.0.1", "-p", PORT, "+short", "+time=1", "+retry=0", self.zone, "SOA"),
                                  capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if "hostmaster" in done.stdout:
                return
            time.sleep(0.1)
        raise SystemExit("perf/run: knotd does not start")


def _write(work, zone, records):
    lines = [f"$ORIGIN {zone}.", "$TTL 3600", "@ SOA ns hostmaster 1 3600 600 86400 3600", "@ NS ns", "ns A 127.0.0.1", *records]
    (work / "zone").write_text("\n".join(lines) + "\n")
    config = work / "knot.conf"
    config.write_text(f'server:\n    rundir: "{work}"\n    user: root:root\n    listen: 127.0.0.1@{PORT}\n    udp-workers: 1\n'
                      f'database:\n    storage: "{work}"\nlog:\n  - target: stderr\n    any: error\n'
                      f'zone:\n  - domain: {zone}\n    file: "{work}/zone"\n    zonefile-sync: -1\n    journal-content: none\n')
    return config
