#include <cstring>

#include "dataplane/wire/stun.h"

namespace fedge::wire {
namespace {

// Reserved octet, family, port, address.
struct AddressValue {
    std::array<uint8_t, 20> octets{};
    size_t size;

    explicit AddressValue(const Endpoint& endpoint) {
        Bytes address = endpoint.address.wire();
        octets[1] = address.size() == 4 ? 1 : 2;
        store_be16(&octets[2], endpoint.port);
        std::memcpy(&octets[4], address.data(), address.size());
        size = 4 + address.size();
    }
    Bytes bytes() const { return Bytes{octets}.first(size); }
};

}  // namespace

StunWriter::StunWriter(MutableBytes out, StunClass klass, uint16_t method, const TransactionId& transaction)
    : out_(out), transaction_(transaction) {
    if (out.size() < kStunHeader) {
        ok_ = false;
        return;
    }
    // The class bits stand between the method's (RFC 8489 figure 3).
    auto k = static_cast<unsigned>(klass);
    unsigned type =
        (method & 0x000fU) | (method & 0x0070U) << 1 | (method & 0x0f80U) << 2 | (k & 1) << 4 | (k & 2) << 7;
    store_be16(out.data(), static_cast<uint16_t>(type));
    store_be32(out.data() + 4, kStunCookie);
    std::memcpy(out.data() + 8, transaction.data(), transaction.size());
    size_ = kStunHeader;
    set_length();
}

uint8_t* StunWriter::reserve(StunAttribute type, size_t length) {
    size_t whole = 4 + ((length + 3) & ~size_t{3});
    if (!ok_ || length > 0xffff || whole > out_.size() - size_ || size_ - kStunHeader + whole > 0xffff) {
        ok_ = false;
        return nullptr;
    }
    uint8_t* p = out_.data() + size_;
    store_be16(p, static_cast<uint16_t>(type));
    store_be16(p + 2, static_cast<uint16_t>(length));
    std::memset(p + 4 + length, 0, whole - 4 - length);
    size_ += whole;
    set_length();
    return p + 4;
}

void StunWriter::attribute(StunAttribute type, Bytes value) {
    uint8_t* p = reserve(type, value.size());
    if (p && !value.empty()) std::memcpy(p, value.data(), value.size());
}

void StunWriter::attribute_u32(StunAttribute type, uint32_t value) {
    if (uint8_t* p = reserve(type, 4)) store_be32(p, value);
}

void StunWriter::xor_address(StunAttribute type, const Endpoint& endpoint) {
    AddressValue value{endpoint};
    std::array<uint8_t, 16> mask;
    store_be32(mask.data(), kStunCookie);
    std::memcpy(mask.data() + 4, transaction_.data(), transaction_.size());
    value.octets[2] ^= mask[0];
    value.octets[3] ^= mask[1];
    for (size_t i = 4; i < value.size; i++) value.octets[i] ^= mask[i - 4];
    attribute(type, value.bytes());
}

void StunWriter::plain_address(StunAttribute type, const Endpoint& endpoint) {
    attribute(type, AddressValue{endpoint}.bytes());
}

void StunWriter::error_code(uint16_t code) {
    if (uint8_t* p = reserve(StunAttribute::error_code, 4)) {
        store_be16(p, 0);
        p[2] = static_cast<uint8_t>(code / 100);
        p[3] = static_cast<uint8_t>(code % 100);
    }
}

void StunWriter::unknown_attributes(std::span<const uint16_t> types) {
    uint8_t* p = reserve(StunAttribute::unknown_attributes, types.size() * 2);
    if (!p) return;
    for (uint16_t type : types) {
        store_be16(p, type);
        p += 2;
    }
}

Bytes StunWriter::begin_integrity(StunAttribute type, size_t size, uint8_t*& mac) {
    size_t before = size_;
    mac = reserve(type, size);
    if (!mac) return {};
    std::memset(mac, 0, size);
    return out_.first(before);
}

void StunWriter::fingerprint() {
    size_t before = size_;
    if (uint8_t* p = reserve(StunAttribute::fingerprint, 4)) store_be32(p, crc32(out_.first(before)) ^ kFingerprintXor);
}

bool StunWriter::ok() const {
    return ok_;
}

Bytes StunWriter::finish() {
    return ok_ ? Bytes{out_.first(size_)} : Bytes{};
}

void StunWriter::set_length() {
    store_be16(out_.data() + 2, static_cast<uint16_t>(size_ - kStunHeader));
}

}  // namespace fedge::wire
