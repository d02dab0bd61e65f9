"""SIP over TLS as OpenSSL and Python speak it: partners, front ends and remote users of the laboratory."""
import pathlib
import socket
import ssl

from . import lab as net
from .openssl import openssl


class Message:
    def __init__(self, start, headers, body=""):
        self.start, self.headers, self.body = start, list(headers), body

    def encode(self):
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers),
                 f"Content-Length: {len(self.body.encode())}", "", ""]
        return "\r\n".join(lines).encode() + self.body.encode()

    @staticmethod
    def decode(text):
        """(message, what is behind it), or (None, text) as long as it is not complete."""
        head, end, rest = text.partition(b"\r\n\r\n")
        if not end:
            return None, text
        start, *lines = head.decode().lstrip("\r\n").split("\r\n")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        length = int(next(value for name, value in headers if name == "Content-Length"))
        if len(rest) < length:
            return None, text
        kept = [header for header in headers if header[0] != "Content-Length"]
        return Message(start, kept, rest[:length].decode()), rest[length:]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), "")

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def status(self):
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else 0

    def reply(self, status, *more):
        """What a user agent answers."""
        kept = [(name, value) for name, value in self.headers
                if name.lower() in ("via", "from", "call-id", "cseq", "record-route")]
        to = self.get("To")
        return Message(f"SIP/2.0 {status} Answer", [*kept, ("To", to if ";tag=" in to else to + ";tag=answer"), *more])


def request(method, sender, receiver, call, cseq=1, body="", via="sip.partner.example", *, uri=None, headers=()):
    """`sender` and `receiver`: user@domain."""
    return Message(f"{method} {uri or 'sip:' + receiver} SIP/2.0",
                   [("Via", f"SIP/2.0/TLS {via}:5061;branch=z9hG4bK{call}{cseq}{method}"), ("Max-Forwards", "70"),
                    ("From", f"<sip:{sender}>;tag=from"), ("To", f"<sip:{receiver}>"), ("Call-ID", call),
                    ("CSeq", f"{cseq} {method}"), *headers], body)


class Stream:
    """A connection. Questions of the edge after the health of a front end are answered on the way."""

    def __init__(self, tls):
        self.tls, self._bytes = tls, b""

    def send(self, message):
        self.tls.sendall(message.encode())

    def next(self, seconds=12):
        self.tls.settimeout(seconds)
        while True:
            message = self._take()
            if not message:
                more = self.tls.recv(65536)
                if not more:
                    raise AssertionError("the edge has closed the connection")
                self._bytes += more
            elif message.method == "OPTIONS" and "probe" in message.get("Via"):
                self.send(message.reply(200))
            else:
                return message

    def _take(self):
        message, self._bytes = Message.decode(self._bytes)
        return message

    def close(self):
        self.tls.close()


class Party:
    """Somebody with a certificate, in a namespace of the laboratory."""

    def __init__(self, env, issuer, host, *names, usages="serverAuth"):
        self.env, self.host, self.names = env, host, names
        directory = pathlib.Path(issuer.directory)
        self.key = directory / f"{names[0]}.key"
        openssl(directory, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        wanted = openssl(directory, "req", "-new", "-key", self.key, "-subj", f"/CN={names[0]}")
        self.certificate = issuer.issue(wanted, *names, usages=usages)
        self.root = issuer.root

    def _context(self, purpose):
        context = ssl.SSLContext(purpose)
        context.load_cert_chain(self.certificate, self.key)
        context.load_verify_locations(self.root)
        return context

    def connect(self, address, name, port=5061):
        plain = self.env.lab.tcp(self.host, address, port)
        tls = self._context(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(plain, server_hostname=name)
        return self.env.cleanup.enter_context(_closing(Stream(tls)))

    def listen(self, address, port=5061):
        with self.env.lab.inside(self.host):
            listener = socket.create_server((address, port),
                                            family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        listener.settimeout(15)
        self.env.cleanup.callback(listener.close)
        context = self._context(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED

        def accept():
            plain, _ = listener.accept()
            return self.env.cleanup.enter_context(_closing(Stream(context.wrap_socket(plain, server_side=True))))
        accept.close = listener.close
        return accept


class _closing:
    def __init__(self, stream):
        self._stream = stream

    def __enter__(self):
        return self._stream

    def __exit__(self, *_):
        self._stream.close()
