"""STUN messages as bytes (RFC 8489, RFC 8656), apart from the product's code: neither hides the other's errors."""
import hashlib
import hmac
import ipaddress
import os
import struct
import zlib

COOKIE = 0x2112A442
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110

BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9

MAPPED_ADDRESS = 0x0001
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
UNKNOWN_ATTRIBUTES = 0x000A
CHANNEL_NUMBER = 0x000C
LIFETIME = 0x000D
XOR_PEER_ADDRESS = 0x0012
DATA_ATTRIBUTE = 0x0013
REALM = 0x0014
NONCE = 0x0015
XOR_RELAYED_ADDRESS = 0x0016
REQUESTED_ADDRESS_FAMILY = 0x0017
EVEN_PORT = 0x0018
REQUESTED_TRANSPORT = 0x0019
DONT_FRAGMENT = 0x001A
MESSAGE_INTEGRITY_SHA256 = 0x001C
PASSWORD_ALGORITHM = 0x001D
USERHASH = 0x001E
XOR_MAPPED_ADDRESS = 0x0020
RESERVATION_TOKEN = 0x0022
ADDITIONAL_ADDRESS_FAMILY = 0x8000
ADDRESS_ERROR_CODE = 0x8001
PASSWORD_ALGORITHMS = 0x8002
ICMP = 0x8004
SOFTWARE = 0x8022
FINGERPRINT = 0x8028

UDP = struct.pack("!BBH", 17, 0, 0)
IPV4, IPV6 = b"\x01\0\0\0", b"\x02\0\0\0"
MD5, SHA256 = 1, 2


class Malformed(AssertionError):
    """Bytes that are no well-formed STUN message."""


def _pad(value):
    return value + bytes(-len(value) % 4)


def address_value(address, port, transaction=None):
    """MAPPED-ADDRESS without a transaction, XOR-...-ADDRESS with one."""
    packed = ipaddress.ip_address(address).packed
    if transaction is not None:
        mask = struct.pack("!I", COOKIE) + transaction
        packed = bytes(a ^ b for a, b in zip(packed, mask))
        port ^= COOKIE >> 16
    return struct.pack("!BBH", 0, 1 if len(packed) == 4 else 2, port) + packed


def parse_address(value, transaction=None):
    if len(value) not in (8, 20):
        raise Malformed(f"address attribute of {len(value)} bytes")
    port = struct.unpack("!H", value[2:4])[0]
    packed = value[4:]
    if (value[1], len(packed)) not in ((1, 4), (2, 16)):
        raise Malformed(f"address family {value[1]} with {len(packed)} bytes")
    if transaction is not None:
        mask = struct.pack("!I", COOKIE) + transaction
        packed = bytes(a ^ b for a, b in zip(packed, mask))
        port ^= COOKIE >> 16
    return str(ipaddress.ip_address(packed)), port


def key(user, realm, password, algorithm=MD5):
    text = f"{user}:{realm}:{password}".encode()
    return (hashlib.sha256 if algorithm == SHA256 else hashlib.md5)(text).digest()


def userhash(user, realm):
    return hashlib.sha256(f"{user}:{realm}".encode()).digest()


class Message:
    def __init__(self, method, kind=REQUEST, attributes=(), transaction=None):
        self.method, self.kind = method, kind
        self.attributes = list(attributes)
        self.transaction = transaction or os.urandom(12)
        self.raw = b""

    def add(self, attribute, value=b""):
        self.attributes.append((attribute, value))
        return self

    def add_peer(self, address, port):
        return self.add(XOR_PEER_ADDRESS, address_value(address, port, self.transaction))

    def all(self, attribute):
        return [value for kind, value in self.attributes if kind == attribute]

    def get(self, attribute):
        return next(iter(self.all(attribute)), None)

    def address(self, attribute):
        value = self.get(attribute)
        if value is None:
            raise Malformed(f"attribute {attribute:#06x} is missing")
        return parse_address(value, None if attribute == MAPPED_ADDRESS else self.transaction)

    def number(self, attribute):
        value = self.get(attribute)
        if value is None or len(value) != 4:
            raise Malformed(f"attribute {attribute:#06x} is not a 32-bit number: {value!r}")
        return struct.unpack("!I", value)[0]

    def error(self):
        """(code, reason) of an error response, else None."""
        value = self.get(ERROR_CODE)
        if value is None:
            return None
        return (value[2] & 7) * 100 + value[3], value[4:].decode(errors="replace")

    def _header(self, length):
        method = (self.method & 0xF) | (self.method & 0x70) << 1 | (self.method & 0xF80) << 2
        return struct.pack("!HHI", method | self.kind, length, COOKIE) + self.transaction

    def encode(self, integrity_key=None, sha256=False, fingerprint=False):
        body = b"".join(struct.pack("!HH", kind, len(value)) + _pad(value) for kind, value in self.attributes)
        if integrity_key is not None:
            kind, size, digest = MESSAGE_INTEGRITY, 20, "sha1"
            if sha256:
                kind, size, digest = MESSAGE_INTEGRITY_SHA256, 32, "sha256"
            signed = self._header(len(body) + 4 + size) + body
            body += struct.pack("!HH", kind, size) + hmac.new(integrity_key, signed, digest).digest()
        if fingerprint:
            covered = self._header(len(body) + 8) + body
            body += struct.pack("!HHI", FINGERPRINT, 4, zlib.crc32(covered) ^ 0x5354554E)
        self.raw = self._header(len(body)) + body
        return self.raw

    def integrity_holds(self, integrity_key, sha256=False):
        """False also when the attribute is missing."""
        wanted, digest = (MESSAGE_INTEGRITY_SHA256, "sha256") if sha256 else (MESSAGE_INTEGRITY, "sha1")
        offset = 20
        while offset + 4 <= len(self.raw):
            kind, length = struct.unpack_from("!HH", self.raw, offset)
            if kind == wanted:
                head = self.raw[:2] + struct.pack("!H", offset + 4 + length - 20) + self.raw[4:offset]
                value = self.raw[offset + 4:offset + 4 + length]
                return hmac.compare_digest(hmac.new(integrity_key, head, digest).digest()[:length], value)
            offset += 4 + length + (-length % 4)
        return False


def is_stun(data):
    return len(data) >= 20 and data[0] < 4 and struct.unpack_from("!I", data, 4)[0] == COOKIE


def parse(data):
    """Strict: a server's answer has no excuse. Padding that is not zero (CVE-2020-4067) is an error too."""
    if not is_stun(data):
        raise Malformed(f"not STUN: {data[:24].hex()}")
    kind, length = struct.unpack_from("!HH", data)
    if length != len(data) - 20 or length % 4:
        raise Malformed(f"length field {length} in a message of {len(data)} bytes")
    method = (kind & 0xF) | (kind >> 1 & 0x70) | (kind >> 2 & 0xF80)
    message = Message(method, kind & 0x110, transaction=data[8:20])
    message.raw = data
    offset = 20
    while offset < len(data):
        attribute, size = struct.unpack_from("!HH", data, offset)
        end = offset + 4 + size
        padding = data[end:end + (-size % 4)]
        if end + len(padding) > len(data):
            raise Malformed(f"attribute {attribute:#06x} reaches beyond the message")
        if any(padding):
            raise Malformed(f"padding of attribute {attribute:#06x} is not zero: {padding.hex()}")
        if attribute == FINGERPRINT:
            crc = zlib.crc32(data[:offset]) ^ 0x5354554E
            if size != 4 or struct.unpack_from("!I", data, offset + 4)[0] != crc or end != len(data):
                raise Malformed("wrong FINGERPRINT")
        message.attributes.append((attribute, data[offset + 4:end]))
        offset = end + len(padding)
    return message
