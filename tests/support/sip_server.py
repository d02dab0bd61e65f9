"""Organisations in the laboratory: Kamailio as the SIP server, sipp and small phones as its users."""
import os
import pathlib
import shutil
import signal
import tempfile

from .phone import Phone
from .wait import wait_until

PEERS = pathlib.Path(__file__).resolve().parent / "peers"
USERS_PORT, REGISTRAR_PASSWORD = 5070, "lab-phone-31c9"


class SipServer:
    """Kamailio of `party` at `address`; what is not for users at `domain` goes to the edge at `edge`. It has its users at
    the address `local` of its host."""

    def __init__(self, party, domain, address, edge, edge_name, local="127.0.0.1"):
        self.party, self.address, self.local = party, address, local
        self.env, self.host = party.env, party.host
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="fedge-kamailio-"))
        self.env.cleanup.callback(shutil.rmtree, self.work, ignore_errors=True)
        words = {"ADDRESS": address, "LOCAL": local, "NAME": party.names[0], "DOMAIN": domain, "EDGE": edge, "EDGE-NAME": edge_name,
                 "PASSWORD": REGISTRAR_PASSWORD, "TLS": self.work / "tls.cfg", "KEY": party.key,
                 "CERTIFICATE": party.certificate, "ROOT": party.root}
        for name, to in (("kamailio.cfg", "kamailio.cfg"), ("kamailio-tls.cfg", "tls.cfg")):
            text = (PEERS / name).read_text()
            for word, value in words.items():
                text = text.replace(f"@{word}@", str(value))
            (self.work / to).write_text(text)
        self._process = None
        self._started = 0
        self.start()
        self.env.cleanup.callback(self.stop)

    def start(self):
        self._process = self.env.lab.start(self.host, "setsid", "kamailio", "-DD", "-E", "-m", 64, "-M", 8, "-f",
                                           self.work / "kamailio.cfg", "-P", self.work / "pid", "-Y", self.work, "-w",
                                           self.work, log=self.work / "kamailio.log")
        wait_until(self._listens, 10, "Kamailio to listen")

    def _listens(self):
        if not self._process.running():
            raise AssertionError(f"Kamailio has ended:\n{self.log()}")
        return f"{self.address}:5061 " in self.env.lab.run(self.host, "ss", "-Hnlt").stdout

    def stop(self):
        """With all its processes, whose end it would wait for itself; what they had open is reset."""
        if self._process.running():
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def log(self):
        return self._process.tail(30)

    def phone(self, address, port=0):
        """A user at user@domain, who is rung up if `port` is USERS_PORT."""
        return self.env.cleanup.enter_context(Phone(self.env.lab, self.host, address, self.local, port))

    def answers(self, scenario):
        """sipp takes calls of the users here; ends with the test."""
        calls = self._sipp(f"{scenario}-answered", "-p", USERS_PORT)
        wait_until(lambda: f":{USERS_PORT} " in self.env.lab.run(self.host, "ss", "-Hnlu").stdout, 5, "sipp to listen")
        return calls

    def calls(self, scenario, sender, receiver, count=1, rate=50, at_once=50, pause=0):
        """sipp calls from here; a Calls to wait for."""
        return self._sipp(scenario, "-m", count, "-r", rate, "-l", at_once, "-d", pause, "-key", "sender", sender,
                          "-key", "receiver", receiver, "-timeout", "40s", "-timeout_error", f"{self.local}:5060")

    def _sipp(self, scenario, *options):
        self._started += 1
        name = f"sipp{self._started}"
        errors = self.work / f"{name}.errors"
        process = self.env.start(self.host, "sipp", "-sf", PEERS / f"{scenario}.xml", "-i", self.local, "-nostdin",
                                 "-trace_err", "-error_file", errors, *options, log=self.work / f"{name}.log")
        return Calls(process, errors)


class Calls:
    def __init__(self, process, errors):
        self.process, self._errors = process, errors

    def stop(self):
        self.process.stop()

    def finish(self, seconds=45):
        """Fails unless every call went as its scenario says."""
        code = self.process.wait(seconds)
        if code != 0:
            errors = self._errors.read_text(errors="replace")[-1500:] if self._errors.exists() else ""
            raise AssertionError(f"sipp ended with {code}: {errors}\n{self.process.tail(25)}")
