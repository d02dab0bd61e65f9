// STUN messages (RFC 8489 sections 5 and 14, RFC 8656 section 18, RFC 6062 section 6): predicate, parse, use.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"

namespace fedge::wire {

inline constexpr uint32_t kStunCookie = 0x2112a442;
inline constexpr uint32_t kFingerprintXor = 0x5354554e;  // "STUN", section 14.7
inline constexpr size_t kStunHeader = 20;

enum class StunClass : uint8_t { request = 0, indication = 1, success = 2, error = 3 };

enum class StunMethod : uint16_t {
    binding = 0x001,
    allocate = 0x003,
    refresh = 0x004,
    send = 0x006,
    data = 0x007,
    create_permission = 0x008,
    channel_bind = 0x009,
    connect = 0x00a,
    connection_bind = 0x00b,
    connection_attempt = 0x00c,
};

enum class StunAttribute : uint16_t {
    mapped_address = 0x0001,
    username = 0x0006,
    message_integrity = 0x0008,
    error_code = 0x0009,
    unknown_attributes = 0x000a,
    channel_number = 0x000c,
    lifetime = 0x000d,
    xor_peer_address = 0x0012,
    data = 0x0013,
    realm = 0x0014,
    nonce = 0x0015,
    xor_relayed_address = 0x0016,
    requested_address_family = 0x0017,
    even_port = 0x0018,
    requested_transport = 0x0019,
    dont_fragment = 0x001a,
    message_integrity_sha256 = 0x001c,
    password_algorithm = 0x001d,
    userhash = 0x001e,
    xor_mapped_address = 0x0020,
    reservation_token = 0x0022,
    connection_id = 0x002a,
    additional_address_family = 0x8000,
    address_error_code = 0x8001,
    password_algorithms = 0x8002,
    icmp = 0x8004,
    software = 0x8022,
    fingerprint = 0x8028,
};

inline constexpr bool comprehension_required(uint16_t type) {
    return type < 0x8000;
}

using TransactionId = std::array<uint8_t, 12>;

// Could be STUN: top two bits zero, length a multiple of 4 that fits, cookie present (RFC 8489 section 6.3).
bool is_stun(Bytes datagram);
// A Binding request of RFC 3489: no cookie; the 16 bytes behind the length are the transaction id.
bool is_classic_binding(Bytes datagram);

// A view of one message; valid as long as the bytes are. Of duplicate attributes the first counts (RFC 8489 section
// 14). Attributes behind MESSAGE-INTEGRITY other than MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, and all behind
// MESSAGE-INTEGRITY-SHA256 other than FINGERPRINT, are ignored (sections 14.5 and 14.6). FINGERPRINT must come last.
class StunMessage {
  public:
    // The whole datagram must be the message. Empty on any malformed length, more than kMaxAttributes attributes, or a
    // known attribute whose length cannot be right.
    static std::optional<StunMessage> parse(Bytes datagram);
    // The same without the last rule: known attributes of a wrong length are left out and lacks_attributes() is true.
    // Only good for refusing the message (400), once it is known who sent it.
    static std::optional<StunMessage> parse_to_refuse(Bytes datagram);
    bool lacks_attributes() const { return lacks_attributes_; }

    StunClass klass() const { return class_; }
    uint16_t method() const { return method_; }
    bool is(StunMethod m) const { return method_ == static_cast<uint16_t>(m); }
    const TransactionId& transaction() const { return transaction_; }
    Bytes raw() const { return raw_; }

    bool has(StunAttribute a) const { return find(a) != nullptr; }
    // Value without padding; empty view if absent (ask has() where an empty value is legal).
    Bytes value(StunAttribute a) const;
    std::string_view text(StunAttribute a) const { return text_of(value(a)); }
    std::optional<uint32_t> u32(StunAttribute a) const;
    // XOR-decoded (XOR-* attributes) or plain (MAPPED-ADDRESS) transport address; empty if absent or malformed.
    std::optional<Endpoint> address(StunAttribute a) const;
    // The k-th XOR-PEER-ADDRESS, in order: CreatePermission carries several (RFC 8656 section 10.1).
    std::optional<Endpoint> peer_address(size_t k) const;
    size_t peer_addresses() const;

    // Offset of the integrity attributes' type field in raw(): what lies before it is what is authenticated.
    std::optional<size_t> integrity_offset() const;
    std::optional<size_t> integrity_sha256_offset() const;

    // FINGERPRINT absent (nothing), or right or wrong (RFC 8489 section 14.7).
    std::optional<bool> fingerprint_ok() const;

    // Comprehension-required attribute types that are not in StunAttribute, in order, without duplicates; at most 16.
    std::span<const uint16_t> unknown_required() const { return {unknown_.data(), unknown_count_}; }

    static constexpr size_t kMaxAttributes = 64;

  private:
    struct Slot {
        uint16_t type;
        uint16_t length;
        uint16_t offset;  // of the value
    };
    static std::optional<StunMessage> parse(Bytes datagram, bool to_refuse);
    const Slot* find(StunAttribute a) const;
    void note_unknown(uint16_t type);

    Bytes raw_;
    StunClass class_{};
    uint16_t method_ = 0;
    TransactionId transaction_{};
    std::array<Slot, kMaxAttributes> slots_;
    size_t slot_count_ = 0;
    std::array<uint16_t, 16> unknown_;
    size_t unknown_count_ = 0;
    bool lacks_attributes_ = false;
};

// Writes one message into the caller's memory; padding is always zero. Over-long messages make ok() false.
class StunWriter {
  public:
    StunWriter(MutableBytes out, StunClass klass, uint16_t method, const TransactionId& transaction);

    void attribute(StunAttribute type, Bytes value);
    void attribute(StunAttribute type, std::string_view value) { attribute(type, bytes_of(value)); }
    void attribute_u32(StunAttribute type, uint32_t value);
    void xor_address(StunAttribute type, const Endpoint& endpoint);
    void plain_address(StunAttribute type, const Endpoint& endpoint);
    // Class and number, e.g. 438; no reason phrase (challenges are kept small against reflection).
    void error_code(uint16_t code);
    void unknown_attributes(std::span<const uint16_t> types);
    // Reserves `size` bytes of an integrity attribute with the header's length field already counting it, and returns
    // the prefix to authenticate; store the MAC through `mac`.
    Bytes begin_integrity(StunAttribute type, size_t size, uint8_t*& mac);
    void fingerprint();  // must be last

    bool ok() const;
    Bytes finish();  // the message; empty if it did not fit

  private:
    // Type, length and zero padding of an attribute whose value the caller stores; nullptr if it does not fit.
    uint8_t* reserve(StunAttribute type, size_t length);
    void set_length();
    MutableBytes out_;
    size_t size_ = 0;
    bool ok_ = true;
    TransactionId transaction_;
};

// CRC-32 of RFC 8489 section 14.7 (ITU V.42), without the XOR with 0x5354554e.
uint32_t crc32(Bytes bytes);

}  // namespace fedge::wire
