"""A user agent on UDP, by hand: for dialogs that scenarios of sipp cannot express, and for refusals."""
import socket
import uuid

from .sip import Message, request


class Phone:
    """A user at `address` (user@domain), in a namespace of the laboratory, behind the SIP server of that host."""

    def __init__(self, lab, host, address, local="127.0.0.1", port=0):
        self.address, self._server = address, (local, 5060)
        self._socket = lab.udp(host, local, port)
        self.contact = f"<sip:{address.split('@')[0]}@{local}:{self._socket.getsockname()[1]}>"
        self._seen = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, message):
        self._socket.sendto(message.encode(), self._server)

    def next(self, seconds=12):
        """What comes next, without repetitions and 100 Trying."""
        self._socket.settimeout(seconds)
        while True:
            message, _ = Message.decode(self._socket.recv(65536))
            key = message.start, message.get("Via"), message.get("CSeq"), message.get("RSeq"), message.get("To")
            if message.status == 100 or key in self._seen:
                continue
            self._seen.add(key)
            return message

    def silent(self, seconds=1):
        """Whether nothing comes."""
        try:
            self.next(seconds)
            return False
        except socket.timeout:
            return True

    def request(self, method, receiver, body="", headers=()):
        """The first request of a transaction or dialog."""
        message = request(method, self.address, receiver, uuid.uuid4().hex, body=body,
                          headers=[("Contact", self.contact), *headers])
        return self.own(message)

    def own(self, message):
        via = f"SIP/2.0/UDP {self.contact[1:-1].split('@')[1]};branch=z9hG4bK{uuid.uuid4().hex};rport"
        message.headers = [(name, via if name == "Via" else value) for name, value in message.headers]
        return message

    def cancel(self, invite):
        """RFC 3261 section 9.1."""
        kept = [(name, value.replace("INVITE", "CANCEL") if name == "CSeq" else value) for name, value in invite.headers
                if name in ("Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq")]
        return Message(invite.start.replace("INVITE", "CANCEL", 1), kept)

    def ask(self, method, receiver, body="", headers=(), seconds=12):
        """The final response; TimeoutError when nothing comes for so long."""
        asked = self.request(method, receiver, body, headers)
        self.send(asked)
        while True:
            message = self.next(seconds)
            if message.status >= 200 and message.get("Call-ID") == asked.get("Call-ID"):
                return message


class Dialog:
    """One side of a dialog (RFC 3261 section 12)."""

    def __init__(self, phone, local, remote, call, target, routes):
        self.phone, self._local, self._remote, self._call = phone, local, remote, call
        self._target, self._routes, self._cseq = target, routes, 10

    @classmethod
    def calling(cls, phone, answer):
        """Of who has sent the request that is answered so."""
        return cls(phone, answer.get("From"), answer.get("To"), answer.get("Call-ID"), answer.get("Contact"),
                   list(reversed(answer.all("Record-Route"))))

    @classmethod
    def called(cls, phone, asked, answer):
        """Of who has answered so."""
        return cls(phone, answer.get("To"), asked.get("From"), asked.get("Call-ID"), asked.get("Contact"),
                   asked.all("Record-Route"))

    def request(self, method, body="", headers=(), cseq=None):
        self._cseq += 1
        target = self._target[self._target.index("<") + 1:self._target.index(">")]
        message = Message(f"{method} {target} SIP/2.0",
                          [("Via", ""), ("Max-Forwards", "70"), *(("Route", route) for route in self._routes),
                           ("From", self._local), ("To", self._remote), ("Call-ID", self._call),
                           ("CSeq", f"{cseq or self._cseq} {method}"), ("Contact", self.phone.contact), *headers], body)
        return self.phone.own(message)

    def send(self, method, body="", headers=(), cseq=None):
        self.phone.send(self.request(method, body, headers, cseq))
