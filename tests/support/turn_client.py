"""A minimal TURN client on a UDP socket: every request by hand, every answer checked."""
import socket
import struct
import time

from . import stun


class TurnError(Exception):
    def __init__(self, response):
        self.response = response
        self.code, self.reason = response.error()
        super().__init__(f"{self.code} {self.reason}")


class NoAnswer(AssertionError):
    pass


class TurnClient:
    """algorithm None: MD5 key and MESSAGE-INTEGRITY as RFC 5766 clients do; stun.MD5 or stun.SHA256: RFC 8489's
    PASSWORD-ALGORITHM with MESSAGE-INTEGRITY-SHA256. anonymous: USERHASH instead of USERNAME."""

    def __init__(self, udp, server, user=None, password=None, algorithm=None, anonymous=False, fingerprint=False,
                 timeout=0.5):
        self.udp, self.server = udp, server
        self.user, self.password = user, password
        self.algorithm, self.anonymous, self.fingerprint = algorithm, anonymous, fingerprint
        self.timeout = timeout  # of the first try
        self.realm = self.nonce = self.algorithms = None
        self.relayed = None
        self._waiting = []  # data that arrived while an answer was awaited

    def close(self):
        self.udp.close()

    # requests

    def _key(self):
        return stun.key(self.user, self.realm, self.password, self.algorithm or stun.MD5)

    def _signed(self, message):
        copy = stun.Message(message.method, message.kind, message.attributes, message.transaction)
        if self.nonce is None:
            return copy.encode(fingerprint=self.fingerprint)
        if self.anonymous:
            copy.add(stun.USERHASH, stun.userhash(self.user, self.realm))
        else:
            copy.add(stun.USERNAME, self.user.encode())
        copy.add(stun.REALM, self.realm.encode()).add(stun.NONCE, self.nonce)
        if self.algorithm is not None:
            copy.add(stun.PASSWORD_ALGORITHMS, self.algorithms)
            copy.add(stun.PASSWORD_ALGORITHM, struct.pack("!HH", self.algorithm, 0))
        return copy.encode(self._key(), sha256=self.algorithm is not None, fingerprint=self.fingerprint)

    def exchange(self, data, transaction, tries=4):
        """Sends, and sends again until the answer to the transaction comes."""
        for attempt in range(tries):
            self.udp.sendto(data, self.server)
            deadline = time.monotonic() + self.timeout * (attempt + 1)
            while (left := deadline - time.monotonic()) > 0:
                self.udp.settimeout(left)
                try:
                    got, _ = self.udp.recvfrom(65536)
                except socket.timeout:
                    break
                if stun.is_stun(got) and got[8:20] == transaction:
                    return stun.parse(got)
                self._waiting.append(got)
        raise NoAnswer(f"{self.server[0]} port {self.server[1]} does not answer")

    def _learn(self, response):
        self.realm = response.get(stun.REALM).decode() if response.get(stun.REALM) else self.realm
        self.nonce = response.get(stun.NONCE)
        self.algorithms = response.get(stun.PASSWORD_ALGORITHMS)

    def request(self, method, attributes=(), peers=()):
        """The success response; TurnError for an error response. Answers the server's challenges once each."""
        challenged = False
        for _ in range(3):
            message = stun.Message(method, attributes=attributes)
            for address, port in peers:
                message.add_peer(address, port)
            response = self.exchange(self._signed(message), message.transaction)
            error = response.error()
            if error is None:
                if self.nonce is not None and not response.integrity_holds(self._key(), self.algorithm is not None):
                    raise AssertionError("success response without valid MESSAGE-INTEGRITY")
                return response
            fresh = error[0] == 438 or (error[0] == 401 and not challenged)
            if not (fresh and self.user is not None and response.get(stun.NONCE)):
                raise TurnError(response)
            challenged = challenged or error[0] == 401
            self._learn(response)
        raise TurnError(response)

    def binding(self):
        message = stun.Message(stun.BINDING)
        return self.exchange(message.encode(), message.transaction).address(stun.XOR_MAPPED_ADDRESS)

    def allocate(self, *attributes):
        """The response; self.relayed is the list of relayed (address, port)."""
        response = self.request(stun.ALLOCATE, [(stun.REQUESTED_TRANSPORT, stun.UDP), *attributes])
        self.relayed = [stun.parse_address(v, response.transaction) for v in response.all(stun.XOR_RELAYED_ADDRESS)]
        return response

    def refresh(self, lifetime=None):
        attributes = [] if lifetime is None else [(stun.LIFETIME, struct.pack("!I", lifetime))]
        return self.request(stun.REFRESH, attributes)

    def permit(self, *addresses):
        return self.request(stun.CREATE_PERMISSION, peers=[(address, 0) for address in addresses])

    def bind(self, channel, address, port):
        value = struct.pack("!HH", channel, 0)
        return self.request(stun.CHANNEL_BIND, [(stun.CHANNEL_NUMBER, value)], [(address, port)])

    # data

    def send_channel(self, channel, data):
        self.udp.sendto(struct.pack("!HH", channel, len(data)) + data, self.server)

    def send(self, address, port, data, *attributes):
        message = stun.Message(stun.SEND, stun.INDICATION).add_peer(address, port)
        for attribute in attributes:
            message.add(*attribute)
        self.udp.sendto(message.add(stun.DATA_ATTRIBUTE, data).encode(), self.server)

    def receive(self, timeout=1.0):
        """The next datagram that is no response: ("channel", number, data), ("data", message); None: timed out."""
        deadline = time.monotonic() + timeout
        while True:
            if self._waiting:
                got = self._waiting.pop(0)
            else:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.udp.settimeout(left)
                try:
                    got, _ = self.udp.recvfrom(65536)
                except socket.timeout:
                    return None
            if len(got) >= 4 and 0x40 <= got[0] <= 0x7F:
                channel, length = struct.unpack_from("!HH", got)
                if len(got) < 4 + length:
                    raise stun.Malformed(f"ChannelData says {length} bytes, holds {len(got) - 4}")
                return "channel", channel, got[4:4 + length]
            message = stun.parse(got)
            if message.method == stun.DATA and message.kind == stun.INDICATION:
                return "data", message
