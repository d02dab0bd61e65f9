// STUN messages: views stay inside, first attributes win, and what is written again from the views parses to the same.
#include "dataplane/wire/stun.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;
using wire::StunAttribute;

namespace {

constexpr StunAttribute kAll[] = {
    StunAttribute::mapped_address,
    StunAttribute::username,
    StunAttribute::message_integrity,
    StunAttribute::error_code,
    StunAttribute::unknown_attributes,
    StunAttribute::channel_number,
    StunAttribute::lifetime,
    StunAttribute::xor_peer_address,
    StunAttribute::data,
    StunAttribute::realm,
    StunAttribute::nonce,
    StunAttribute::xor_relayed_address,
    StunAttribute::requested_address_family,
    StunAttribute::even_port,
    StunAttribute::requested_transport,
    StunAttribute::dont_fragment,
    StunAttribute::message_integrity_sha256,
    StunAttribute::password_algorithm,
    StunAttribute::userhash,
    StunAttribute::xor_mapped_address,
    StunAttribute::reservation_token,
    StunAttribute::additional_address_family,
    StunAttribute::address_error_code,
    StunAttribute::password_algorithms,
    StunAttribute::icmp,
    StunAttribute::software,
};

// The value of the first attribute of this type, by the plainest possible walk; nothing about what integrity hides.
const uint8_t* first_by_hand(Bytes message, StunAttribute type) {
    for (size_t at = wire::kStunHeader; at + 4 <= message.size();) {
        if (load_be16(message.data() + at) == static_cast<uint16_t>(type)) return message.data() + at + 4;
        at += 4 + ((load_be16(message.data() + at + 2) + size_t{3}) & ~size_t{3});
    }
    return nullptr;
}

void check_views(Bytes datagram, const wire::StunMessage& m) {
    expect(m.raw().data() == datagram.data() && m.raw().size() == datagram.size(), "the message is the datagram");
    for (StunAttribute a : kAll) {
        Bytes value = m.value(a);
        expect(fuzz::inside(datagram, value), "value inside the datagram");
        expect(m.has(a) || value.empty(), "no value without attribute");
        if (m.has(a)) expect(value.data() == first_by_hand(datagram, a), "first of duplicates");
        if (auto address = m.address(a))
            expect(value.size() == (value[1] == 1 ? 8U : 20U), "address of its family's length");
        if (m.u32(a)) expect(value.size() == 4, "32 bits are 4 bytes");
    }
    expect(!m.peer_address(m.peer_addresses()), "no peer address behind the last");
    for (uint16_t type : m.unknown_required()) expect(wire::comprehension_required(type), "required attributes only");
    if (auto at = m.integrity_offset()) expect(load_be16(datagram.data() + *at) == 0x0008, "integrity offset");
    if (auto at = m.integrity_sha256_offset()) expect(load_be16(datagram.data() + *at) == 0x001c, "SHA-256 offset");
}

void write_again(const wire::StunMessage& m) {
    static std::array<uint8_t, 70000> memory;
    memory.fill(0xee);
    wire::StunWriter writer{memory, m.klass(), m.method(), m.transaction()};
    size_t written = 0;
    for (StunAttribute a : kAll) {
        bool integrity = a == StunAttribute::message_integrity || a == StunAttribute::message_integrity_sha256;
        if (!m.has(a) || integrity) continue;
        writer.attribute(a, m.value(a));
        written++;
    }
    writer.fingerprint();
    expect(writer.ok(), "a subset of a message fits");
    auto again = wire::StunMessage::parse(writer.finish());
    expect(again.has_value(), "written again it parses");
    expect(again->klass() == m.klass() && again->method() == m.method() && again->transaction() == m.transaction(),
           "same header");
    expect(again->fingerprint_ok() == true, "right fingerprint");
    for (StunAttribute a : kAll) {
        if (a == StunAttribute::message_integrity || a == StunAttribute::message_integrity_sha256) continue;
        Bytes before = m.value(a);
        Bytes after = again->value(a);
        expect(m.has(a) == again->has(a) && std::equal(before.begin(), before.end(), after.begin(), after.end()),
               "same values");
        expect(m.address(a) == again->address(a), "same addresses");
    }
    // Padding is zero: the only bytes that may still be 0xee are those of values.
    size_t filler = 0;
    for (uint8_t b : again->raw()) filler += b == 0xee;
    size_t own = 0;
    for (StunAttribute a : kAll) own += static_cast<size_t>(std::ranges::count(again->value(a), uint8_t{0xee}));
    auto header = again->raw().first(wire::kStunHeader + 4 * (written + 1));
    expect(filler <= own + header.size() + 4, "no stale bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes datagram{data, size};
    bool classic = wire::is_classic_binding(datagram);
    auto m = wire::StunMessage::parse(datagram);
    expect(!(classic && m), "with or without a cookie, not both");
    auto rest = wire::StunMessage::parse_to_refuse(datagram);
    expect(!m || (rest && !rest->lacks_attributes()), "a sound message lacks nothing");
    expect(m || !rest || rest->lacks_attributes(), "an unsound one does");
    if (rest) {
        for (StunAttribute a : kAll) expect(fuzz::inside(datagram, rest->value(a)), "value inside the datagram");
    }
    if (!m) return 0;
    expect(wire::is_stun(datagram), "parse accepts only what the predicate accepts");
    check_views(datagram, *m);
    write_again(*m);
    return 0;
}
