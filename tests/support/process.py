"""A child process whose output goes to a log file."""
import pathlib
import signal
import subprocess
import time


class Process:
    """Started at once; only the process started here is ever signalled."""

    def __init__(self, command, log):
        self.log = pathlib.Path(log)
        self.command = command
        self.started = time.monotonic()
        with open(self.log, "ab") as output:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    @property
    def pid(self):
        return self._child.pid

    def running(self):
        return self._child.poll() is None

    def wait(self, seconds):
        return self._child.wait(seconds)

    def kill(self):
        """SIGKILL, as the kernel's out-of-memory killer or an operator's kill -9 would."""
        self._child.kill()
        self._child.wait(10)

    def signal(self, number):
        self._child.send_signal(number)

    def stop(self):
        """SIGTERM; true when the process ended by itself within five seconds."""
        if not self.running():
            return True
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(5)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def resident_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError(f"process {self.pid} has no VmRSS")
