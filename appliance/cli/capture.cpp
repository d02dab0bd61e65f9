#include "appliance/cli/capture.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "appliance/cli/fields.h"

namespace fedge::cli {
namespace {

constexpr uint8_t kUdp = 17;
constexpr uint8_t kTcp = 6;
constexpr uint16_t kSipPort = 5060;
constexpr size_t kUdpHeader = 8;
constexpr size_t kMostPayload = 65535 - 40 - kUdpHeader;

void put8(std::string& out, unsigned value) {
    out += static_cast<char>(value & 0xff);
}
void put16(std::string& out, unsigned value) {
    put8(out, value >> 8);
    put8(out, value);
}
void put32(std::string& out, uint64_t value) {
    put16(out, static_cast<unsigned>(value >> 16 & 0xffff));
    put16(out, static_cast<unsigned>(value & 0xffff));
}

std::string address_of(const CapturePoint& point, bool v6) {
    return {reinterpret_cast<const char*>(point.address.data()), v6 ? size_t{16} : size_t{4}};
}

// RFC 1071.
uint16_t checksum(const std::string& bytes) {
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.size(); i++) {
        uint64_t octet = static_cast<uint8_t>(bytes[i]);
        sum += i % 2 ? octet : octet << 8;
    }
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(~sum);
}

std::string udp(const std::string& from, uint16_t from_port, const std::string& to, uint16_t to_port,
                std::string_view payload) {
    std::string pseudo = from + to;  // the same sum for both families
    const auto length = static_cast<unsigned>(kUdpHeader + payload.size());
    put16(pseudo, kUdp);
    put16(pseudo, length);
    std::string datagram;
    put16(datagram, from_port);
    put16(datagram, to_port);
    put16(datagram, length);
    put16(datagram, 0);
    datagram += payload;
    uint16_t sum = checksum(pseudo + datagram);
    if (sum == 0) sum = 0xffff;
    datagram[6] = static_cast<char>(sum >> 8);
    datagram[7] = static_cast<char>(sum & 0xff);
    return datagram;
}

std::string ip(bool v6, const std::string& from, const std::string& to, const std::string& datagram) {
    std::string out;
    const auto length = static_cast<unsigned>(datagram.size());
    if (v6) {
        put32(out, 0x60000000);
        put16(out, length);
        put8(out, kUdp);
        put8(out, 64);
    } else {
        put16(out, 0x4500);
        put16(out, length + 20);
        put32(out, 0x4000);  // no identification, do not fragment
        put8(out, 64);
        put8(out, kUdp);
        put16(out, 0);
    }
    out += from + to;
    if (!v6) {
        const uint16_t sum = checksum(out);
        out[10] = static_cast<char>(sum >> 8);
        out[11] = static_cast<char>(sum & 0xff);
    }
    return out + datagram;
}

void chunk(std::string& out, uint16_t type, std::string_view payload) {
    put16(out, 0);  // vendor: none
    put16(out, type);
    put16(out, static_cast<unsigned>(6 + payload.size()));
    out += payload;
}

std::string unhex(const std::string& text) {
    std::string out;
    for (size_t i = 0; i + 1 < text.size(); i += 2) out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    return out;
}

}  // namespace

std::optional<CapturePoint> CapturePoint::parse(const std::string& text) {
    CapturePoint out;
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    out.v6 = host.find(':') != std::string::npos;
    if (inet_pton(out.v6 ? AF_INET6 : AF_INET, host.c_str(), out.address.data()) != 1) return std::nullopt;
    out.port = static_cast<uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10));
    return out;
}

std::optional<CapturedMessage> CapturedMessage::of(const nlohmann::json& row) {
    const auto remote = CapturePoint::parse(text_or(row, "remote", ""));
    const auto local = CapturePoint::parse(text_or(row, "local", ""));
    if (!remote || !local || remote->v6 != local->v6) return std::nullopt;
    CapturedMessage out;
    out.unix_ns = row.value("unix_ns", uint64_t{0});
    out.incoming = true_at(row, "incoming");
    out.remote = *remote;
    out.local = *local;
    out.text = row.contains("hex") ? unhex(text_or(row, "hex", "")) : text_or(row, "text", "");
    return out;
}

std::string pcap_header() {
    std::string out;
    put32(out, 0xa1b23c4d);  // in the order of this text, times in nanoseconds
    put16(out, 2);
    put16(out, 4);
    put32(out, 0);
    put32(out, 0);
    put32(out, 65535);
    put32(out, 101);  // LINKTYPE_RAW
    return out;
}

std::string pcap_packet(const CapturedMessage& message) {
    const bool v6 = message.remote.v6;
    const std::string remote = address_of(message.remote, v6), local = address_of(message.local, v6);
    const std::string_view payload = std::string_view(message.text).substr(0, kMostPayload);
    const std::string packet = message.incoming
                                   ? ip(v6, remote, local, udp(remote, message.remote.port, local, kSipPort, payload))
                                   : ip(v6, local, remote, udp(local, kSipPort, remote, message.remote.port, payload));
    std::string out;
    put32(out, message.unix_ns / 1'000'000'000);
    put32(out, message.unix_ns % 1'000'000'000);
    put32(out, packet.size());
    put32(out, packet.size());
    return out + packet;
}

std::string hep_packet(const CapturedMessage& message, uint32_t agent, std::string_view correlation) {
    const bool v6 = message.remote.v6;
    const CapturePoint& from = message.incoming ? message.remote : message.local;
    const CapturePoint& to = message.incoming ? message.local : message.remote;
    auto number = [](size_t octets, uint64_t value) {
        std::string out;
        for (size_t i = octets; i-- > 0;) put8(out, static_cast<unsigned>(value >> (8 * i) & 0xff));
        return out;
    };
    std::string chunks;
    chunk(chunks, 1, number(1, v6 ? 10 : 2));  // AF_INET6, AF_INET
    chunk(chunks, 2, number(1, kTcp));
    chunk(chunks, v6 ? 5 : 3, address_of(from, v6));
    chunk(chunks, v6 ? 6 : 4, address_of(to, v6));
    chunk(chunks, 7, number(2, from.port));
    chunk(chunks, 8, number(2, to.port));
    chunk(chunks, 9, number(4, message.unix_ns / 1'000'000'000));
    chunk(chunks, 10, number(4, message.unix_ns / 1000 % 1'000'000));
    chunk(chunks, 11, number(1, 1));  // SIP
    chunk(chunks, 12, number(4, agent));
    if (!correlation.empty()) chunk(chunks, 17, correlation.substr(0, 1024));
    chunk(chunks, 15, std::string_view(message.text).substr(0, 65000 - chunks.size()));
    std::string out = "HEP3";
    put16(out, static_cast<unsigned>(chunks.size() + 6));
    return out + chunks;
}

std::string_view call_id_of(std::string_view message) {
    const std::string_view head = message.substr(0, message.find("\r\n\r\n"));
    for (size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at)) {
        at++;
        const std::string_view line = head.substr(at, head.find('\r', at) - at);
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        std::string name(line.substr(0, colon));
        while (!name.empty() && name.back() == ' ') name.pop_back();
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (name != "call-id" && name != "i") continue;
        const size_t begin = line.find_first_not_of(" \t", colon + 1);
        return begin == std::string_view::npos ? std::string_view{} : line.substr(begin);
    }
    return {};
}

}  // namespace fedge::cli
