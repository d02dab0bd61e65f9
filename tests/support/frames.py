"""Ethernet frames from fields, for what kernel sockets would never send."""
import ipaddress
import struct


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, protocol, payload, fragment=0, ttl=64):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, fragment, ttl, protocol, 0)
    head += ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source, destination, source_port, destination_port, payload):
    pseudo = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    length = 8 + len(payload)
    head = struct.pack("!HHHH", source_port, destination_port, length, 0)
    value = checksum(pseudo + struct.pack("!II", length, 17) + head + payload) or 0xFFFF
    return head[:6] + struct.pack("!H", value) + payload


def ethernet(destination_mac, source_mac, kind, payload):
    return destination_mac + source_mac + struct.pack("!H", kind) + payload


def udp4(destination_mac, source_mac, source, destination, source_port, destination_port, payload):
    return ethernet(destination_mac, source_mac, 0x0800,
                    ipv4(source, destination, 17, udp(source, destination, source_port, destination_port, payload)))


def arp_request(source_mac, source, target):
    return ethernet(b"\xff" * 6, source_mac, 0x0806,
                    struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + source_mac + ipaddress.IPv4Address(source).packed +
                    bytes(6) + ipaddress.IPv4Address(target).packed)
