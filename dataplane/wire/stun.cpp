#include "dataplane/wire/stun.h"

#include <rte_net_crc.h>

#include <algorithm>

namespace fedge::wire {
namespace {

constexpr uint8_t kFamilyIpv4 = 1;
constexpr uint8_t kFamilyIpv6 = 2;

size_t padded(size_t length) {
    return (length + 3) & ~size_t{3};
}

enum class Known : uint8_t { no, well_formed, malformed };

// Whether the attribute is one of StunAttribute, and whether its value can have this length. Text limits are the octets
// of RFC 8489 sections 14.3 and 14.9-14.14 (USERNAME: 513 as in RFC 5389, which clients still follow).
Known judge(uint16_t type, size_t length) {
    auto when = [](bool holds) { return holds ? Known::well_formed : Known::malformed; };
    switch (static_cast<StunAttribute>(type)) {
        case StunAttribute::mapped_address:
        case StunAttribute::xor_peer_address:
        case StunAttribute::xor_relayed_address:
        case StunAttribute::xor_mapped_address: return when(length == 8 || length == 20);
        case StunAttribute::username: return when(length <= 513);
        case StunAttribute::realm:
        case StunAttribute::nonce:
        case StunAttribute::software: return when(length <= 763);
        case StunAttribute::message_integrity: return when(length == 20);
        // May be truncated to a multiple of 4, but not below 16 (section 14.6).
        case StunAttribute::message_integrity_sha256: return when(length >= 16 && length <= 32 && length % 4 == 0);
        case StunAttribute::error_code:
        case StunAttribute::address_error_code:
        case StunAttribute::password_algorithm:
        case StunAttribute::password_algorithms: return when(length >= 4);
        case StunAttribute::unknown_attributes: return when(length % 2 == 0);
        case StunAttribute::channel_number:
        case StunAttribute::lifetime:
        case StunAttribute::requested_address_family:
        case StunAttribute::additional_address_family:
        case StunAttribute::requested_transport:
        case StunAttribute::connection_id:
        case StunAttribute::fingerprint: return when(length == 4);
        // One octet (RFC 8656 section 18.7); clients that count its padding exist.
        case StunAttribute::even_port: return when(length >= 1 && length <= 4);
        case StunAttribute::dont_fragment: return when(length == 0);
        case StunAttribute::userhash: return when(length == 32);
        case StunAttribute::reservation_token:
        case StunAttribute::icmp: return when(length == 8);
        case StunAttribute::data: return Known::well_formed;
    }
    return Known::no;
}

// MAPPED-ADDRESS and its XOR form have one layout: reserved, family, port, address (sections 14.1 and 14.2). `mask` is
// the cookie and transaction id as they stand in the header, or null for the plain form.
std::optional<Endpoint> decode_address(Bytes value, const uint8_t* mask) {
    if (value.size() < 4) return std::nullopt;
    size_t octets = value[1] == kFamilyIpv4 ? 4 : value[1] == kFamilyIpv6 ? 16 : 0;
    if (octets == 0 || value.size() != 4 + octets) return std::nullopt;
    std::array<uint8_t, 16> address;
    uint16_t port = load_be16(value.data() + 2);
    std::copy_n(value.data() + 4, octets, address.begin());
    if (mask) {
        port ^= load_be16(mask);
        for (size_t i = 0; i < octets; i++) address[i] ^= mask[i];
    }
    return Endpoint{octets == 4 ? IpAddress::v4_bytes(address.data()) : IpAddress::v6_bytes(address.data()), port};
}

}  // namespace

uint32_t crc32(Bytes bytes) {
    // The CRC-32 of Ethernet is this one. Carry-less multiplication where the CPU has it and the EAL runs, else a
    // table.
    return rte_net_crc_calc(bytes.data(), static_cast<uint32_t>(bytes.size()), RTE_NET_CRC32_ETH);
}

bool is_stun(Bytes datagram) {
    if (datagram.size() < kStunHeader || (datagram[0] & 0xc0) != 0) return false;
    size_t length = load_be16(datagram.data() + 2);
    return length % 4 == 0 && length <= datagram.size() - kStunHeader && load_be32(datagram.data() + 4) == kStunCookie;
}

bool is_classic_binding(Bytes datagram) {
    if (datagram.size() < kStunHeader || load_be16(datagram.data()) != static_cast<uint16_t>(StunMethod::binding))
        return false;
    size_t length = load_be16(datagram.data() + 2);
    return length % 4 == 0 && length == datagram.size() - kStunHeader && load_be32(datagram.data() + 4) != kStunCookie;
}

std::optional<StunMessage> StunMessage::parse(Bytes datagram) {
    return parse(datagram, false);
}

std::optional<StunMessage> StunMessage::parse_to_refuse(Bytes datagram) {
    return parse(datagram, true);
}

std::optional<StunMessage> StunMessage::parse(Bytes datagram, bool to_refuse) {
    if (!is_stun(datagram) || datagram.size() != kStunHeader + load_be16(datagram.data() + 2)) return std::nullopt;
    if (datagram.size() > 0xffff) return std::nullopt;  // slots hold 16-bit offsets; no UDP payload is that long

    std::optional<StunMessage> result{std::in_place};  // built in place: the slots are too many to copy around
    StunMessage& m = *result;
    m.raw_ = datagram;
    uint16_t type = load_be16(datagram.data());
    m.class_ = static_cast<StunClass>((type >> 4 & 1) | (type >> 7 & 2));
    m.method_ = static_cast<uint16_t>((type & 0x000f) | (type >> 1 & 0x0070) | (type >> 2 & 0x0f80));
    std::copy_n(datagram.data() + 8, m.transaction_.size(), m.transaction_.begin());

    bool after_integrity = false;
    bool after_sha256 = false;
    size_t attributes = 0;
    for (size_t at = kStunHeader; at < datagram.size();) {
        if (datagram.size() - at < 4 || ++attributes > kMaxAttributes) return std::nullopt;
        uint16_t attribute = load_be16(datagram.data() + at);
        size_t length = load_be16(datagram.data() + at + 2);
        size_t value = at + 4;
        if (padded(length) > datagram.size() - value) return std::nullopt;
        at = value + padded(length);

        auto known = static_cast<StunAttribute>(attribute);
        bool counts = known == StunAttribute::fingerprint || !(after_integrity || after_sha256) ||
                      (known == StunAttribute::message_integrity_sha256 && !after_sha256);
        if (!counts) continue;
        switch (judge(attribute, length)) {
            case Known::malformed:
                if (!to_refuse) return std::nullopt;
                m.lacks_attributes_ = true;
                break;
            case Known::no: m.note_unknown(attribute); break;
            case Known::well_formed:
                m.slots_[m.slot_count_++] = {attribute, static_cast<uint16_t>(length), static_cast<uint16_t>(value)};
                break;
        }
        if (known == StunAttribute::fingerprint && at != datagram.size()) return std::nullopt;
        after_integrity |= known == StunAttribute::message_integrity;
        after_sha256 |= known == StunAttribute::message_integrity_sha256;
    }
    return result;
}

void StunMessage::note_unknown(uint16_t type) {
    if (!comprehension_required(type) || unknown_count_ == unknown_.size()) return;
    auto seen = unknown_required();
    if (std::find(seen.begin(), seen.end(), type) == seen.end()) unknown_[unknown_count_++] = type;
}

const StunMessage::Slot* StunMessage::find(StunAttribute a) const {
    for (size_t i = 0; i < slot_count_; i++)
        if (slots_[i].type == static_cast<uint16_t>(a)) return &slots_[i];
    return nullptr;
}

Bytes StunMessage::value(StunAttribute a) const {
    const Slot* slot = find(a);
    return slot ? raw_.subspan(slot->offset, slot->length) : Bytes{};
}

std::optional<uint32_t> StunMessage::u32(StunAttribute a) const {
    Bytes v = value(a);
    if (v.size() != 4) return std::nullopt;
    return load_be32(v.data());
}

std::optional<Endpoint> StunMessage::address(StunAttribute a) const {
    return decode_address(value(a), a == StunAttribute::mapped_address ? nullptr : raw_.data() + 4);
}

std::optional<Endpoint> StunMessage::peer_address(size_t k) const {
    for (size_t i = 0; i < slot_count_; i++) {
        const Slot& slot = slots_[i];
        if (slot.type != static_cast<uint16_t>(StunAttribute::xor_peer_address) || k-- != 0) continue;
        return decode_address(raw_.subspan(slot.offset, slot.length), raw_.data() + 4);
    }
    return std::nullopt;
}

size_t StunMessage::peer_addresses() const {
    auto last = slots_.begin() + static_cast<ptrdiff_t>(slot_count_);
    return static_cast<size_t>(std::count_if(slots_.begin(), last, [](const Slot& slot) {
        return slot.type == static_cast<uint16_t>(StunAttribute::xor_peer_address);
    }));
}

std::optional<size_t> StunMessage::integrity_offset() const {
    const Slot* slot = find(StunAttribute::message_integrity);
    if (!slot) return std::nullopt;
    return slot->offset - size_t{4};
}

std::optional<size_t> StunMessage::integrity_sha256_offset() const {
    const Slot* slot = find(StunAttribute::message_integrity_sha256);
    if (!slot) return std::nullopt;
    return slot->offset - size_t{4};
}

std::optional<bool> StunMessage::fingerprint_ok() const {
    const Slot* slot = find(StunAttribute::fingerprint);
    if (!slot) return std::nullopt;
    uint32_t expected = crc32(raw_.first(slot->offset - size_t{4})) ^ kFingerprintXor;
    return load_be32(raw_.data() + slot->offset) == expected;
}

}  // namespace fedge::wire
