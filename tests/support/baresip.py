"""baresip as a remote user: SIP over TLS to the shared port of the edge, controlled over its TCP port."""
import json
import pathlib
import shutil
import socket
import tempfile
import wave

from . import lab as net
from .edge import SHARED_PORT
from .sip_server import REGISTRAR_PASSWORD
from .wait import wait_until

CONTROL_PORT = 4444
CONFIG = """\
poll_method epoll
sip_listen {address}:0
sip_cafile {root}
dns_server {dns}
audio_player aufile,{work}/heard.wav
audio_source aufile,{work}/said.wav
audio_alert aufile,{work}/alert.wav
ring_aufile none
audio_srate 8000
audio_channels 1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
rtp_ports 30000-30010
"""
ACCOUNT = ('<sip:{user}@{domain};transport=tls>;auth_user={user};auth_pass={password};sipnat=outbound;'
           'outbound="sip:{edge}:{port};transport=tls";regint={interval}\n')


class Baresip:
    def __init__(self, env, root, user, domain, edge, dns, password=REGISTRAR_PASSWORD, host="client",
                 address=net.CLIENT4, interval=60):
        """`edge`: its name, which the server at `dns` (address:port) knows."""
        self.env, self.host = env, host
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="fedge-baresip-"))
        env.cleanup.callback(shutil.rmtree, self.work, ignore_errors=True)
        with wave.open(str(self.work / "said.wav"), "wb") as said:
            said.setparams((1, 2, 8000, 0, "NONE", ""))
            said.writeframes(bytes(160000))
        (self.work / "config").write_text(CONFIG.format(address=address, root=root, dns=dns, work=self.work,
                                                        control=CONTROL_PORT))
        (self.work / "accounts").write_text(ACCOUNT.format(user=user, domain=domain, password=password,
                                                           edge=edge, port=SHARED_PORT, interval=interval))
        self.process = env.start(host, "baresip", "-f", self.work, log=self.work / "baresip.log")
        self._control = wait_until(self._connect, 10, "baresip to take commands")
        env.cleanup.callback(self._control.close)
        self._control.settimeout(10)
        self._bytes = b""

    def _connect(self):
        try:
            return self.env.lab.tcp(self.host, "127.0.0.1", CONTROL_PORT)
        except OSError:
            assert self.process.running(), self.process.tail(30)
            return None

    def command(self, name, parameters=""):
        """What baresip answers; its events meanwhile are left out."""
        text = json.dumps({"command": name, "params": parameters, "token": name})
        self._control.sendall(f"{len(text)}:{text},".encode())
        return self._wait(lambda message: message.get("response") and message, f"answer to {name}")

    def wait_registered(self, answer="200 OK"):
        """Until a registration is answered so; when that was, it may not have been asked yet."""
        wait_until(lambda: answer in self.process.log.read_text(errors="replace"), 20, f"a registration: {answer}")

    def event(self, kind):
        """The next event of this kind (REGISTER_OK, CALL_ESTABLISHED, ...)."""
        return self._wait(lambda message: message.get("type") == kind and message, kind)

    def _wait(self, wanted, what):
        while True:
            size, colon, rest = self._bytes.partition(b":")
            if colon and len(rest) > int(size):
                self._bytes = rest[int(size) + 1:]
                found = wanted(json.loads(rest[:int(size)]))
                if found:
                    return found
                continue
            try:
                more = self._control.recv(65536)
            except socket.timeout:
                more = b""
            if not more:
                raise AssertionError(f"baresip: no {what}; its log:\n{self.process.tail(30)}")
            self._bytes += more
