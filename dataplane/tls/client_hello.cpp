#include "dataplane/tls/client_hello.h"

#include <algorithm>
#include <utility>

namespace fedge::tls {
namespace {

constexpr uint8_t kHandshake = 22;
constexpr uint8_t kClientHello = 1;
constexpr size_t kMaxRecord = 16 * 1024;
constexpr size_t kMessageHeader = 4;
constexpr size_t kMaxAlpn = 16;

constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;
constexpr uint16_t kSupportedVersions = 43;

// The handshake message without the headers of its records; views of `records` as long as they lie together.
std::vector<uint8_t> message_of(Bytes records) {
    std::vector<uint8_t> message;
    message.reserve(records.size());
    for (ByteReader reader(records); reader.remaining() >= kRecordHeader;) {
        reader.skip(3);
        Bytes part = reader.bytes(std::min<size_t>(reader.u16(), reader.remaining()));
        message.insert(message.end(), part.begin(), part.end());
    }
    return message;
}

// RFC 6066 section 3: the one name of type host_name. False: malformed.
bool read_sni(Bytes extension, std::string& sni) {
    ByteReader outer(extension);
    ByteReader list(outer.bytes(outer.u16()));
    if (!outer.ok() || outer.remaining() != 0 || list.remaining() == 0) return false;
    uint8_t type = list.u8();
    Bytes host = list.bytes(list.u16());
    if (!list.ok() || type != 0 || host.empty() || host.size() > 255) return false;
    for (uint8_t c : host) {
        if (c <= ' ' || c > '~') return false;
        sni += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    if (sni.ends_with('.')) sni.pop_back();
    return !sni.empty();
}

bool read_alpn(Bytes extension, std::vector<std::string>& alpn) {
    ByteReader outer(extension);
    ByteReader list(outer.bytes(outer.u16()));
    if (!outer.ok() || outer.remaining() != 0 || list.remaining() == 0) return false;
    while (list.remaining() > 0) {
        Bytes protocol = list.bytes(list.u8());
        if (!list.ok() || protocol.empty()) return false;
        if (alpn.size() < kMaxAlpn) alpn.emplace_back(text_of(protocol));
    }
    return true;
}

bool read_versions(Bytes extension, uint16_t& highest) {
    ByteReader outer(extension);
    ByteReader list(outer.bytes(outer.u8()));
    if (!outer.ok() || outer.remaining() != 0 || list.remaining() < 2) return false;
    highest = 0;
    while (list.remaining() > 0) {
        uint16_t version = list.u16();
        if (!list.ok()) return false;
        bool grease = (version & 0x0f0f) == 0x0a0a;  // RFC 8701
        if (!grease && version <= 0x0304) highest = std::max(highest, version);
    }
    return true;
}

}  // namespace

HelloProgress scan_hello(Bytes records) {
    HelloProgress progress{HelloState::incomplete};
    auto stop = [&](HelloState state, const char* why) {
        progress.state = state;
        progress.why = why;
        return progress;
    };
    size_t message_size = 0;  // 0: its header is not complete yet
    uint8_t header[kMessageHeader];
    size_t header_size = 0;
    ByteReader reader(records);
    while (reader.remaining() > 0) {
        Bytes rest = records.subspan(records.size() - reader.remaining());
        if (rest[0] != kHandshake) {
            if (progress.records > 0) return stop(HelloState::refused, "another record came within its ClientHello");
            return stop(HelloState::foreign, "it does not begin with a TLS handshake");
        }
        if (rest.size() > 1 && rest[1] != 3) return stop(HelloState::foreign, "its first record is not of TLS");
        if (rest.size() < kRecordHeader) break;
        reader.skip(3);
        size_t size = reader.u16();
        if (size == 0) return stop(HelloState::refused, "its ClientHello came with an empty record");
        if (size > kMaxRecord) return stop(HelloState::refused, "its first record is larger than TLS allows");
        if (++progress.records > kMaxHelloRecords)
            return stop(HelloState::refused, "its ClientHello came in more than 64 records");
        Bytes part = reader.bytes(std::min(size, reader.remaining()));
        for (size_t i = 0; i < part.size() && header_size < kMessageHeader; i++) header[header_size++] = part[i];
        if (header_size > 0 && header[0] != kClientHello)
            return stop(HelloState::foreign, "its first message is not a ClientHello");
        if (header_size == kMessageHeader && message_size == 0) {
            message_size = kMessageHeader + (load_be32(header) & 0xffffff);
            if (message_size > kMaxHello) return stop(HelloState::refused, "its ClientHello is larger than 16 KiB");
        }
        progress.message_bytes += part.size();
        if (message_size > 0 && progress.message_bytes >= message_size) return stop(HelloState::complete, "");
        if (part.size() < size) break;
    }
    return progress;
}

bool parse_hello(Bytes records, ClientHello& hello) {
    std::vector<uint8_t> message = message_of(records);
    ByteReader outer(message);
    outer.skip(1);
    size_t size = static_cast<size_t>(outer.u8()) << 16;
    size |= outer.u16();
    ByteReader body(outer.bytes(size));
    hello.highest_version = body.u16();
    body.skip(32);          // random
    body.skip(body.u8());   // legacy_session_id
    body.skip(body.u16());  // cipher_suites
    body.skip(body.u8());   // legacy_compression_methods
    if (!outer.ok() || !body.ok()) return false;
    if (body.remaining() == 0) return true;  // TLS 1.2 without extensions
    ByteReader extensions(body.bytes(body.u16()));
    if (!body.ok() || body.remaining() != 0) return false;
    bool seen_sni = false, seen_alpn = false, seen_versions = false;
    while (extensions.remaining() > 0) {
        uint16_t type = extensions.u16();
        Bytes data = extensions.bytes(extensions.u16());
        if (!extensions.ok()) return false;
        if (type == kServerName && (std::exchange(seen_sni, true) || !read_sni(data, hello.sni))) return false;
        if (type == kAlpn && (std::exchange(seen_alpn, true) || !read_alpn(data, hello.alpn))) return false;
        if (type == kSupportedVersions &&
            (std::exchange(seen_versions, true) || !read_versions(data, hello.highest_version)))
            return false;
    }
    return true;
}

}  // namespace fedge::tls
