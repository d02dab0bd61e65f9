// Messages of a trace for other programs: a capture file that Wireshark reads, and HEP packets for collectors.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace fedge::cli {

struct CapturePoint {
    bool v6 = false;
    std::array<uint8_t, 16> address{};  // four octets of IPv4 stand in front
    uint16_t port = 0;

    // "192.0.2.1:5061", "[2001:db8::1]:5061".
    static std::optional<CapturePoint> parse(const std::string& text);
};

struct CapturedMessage {
    uint64_t unix_ns = 0;
    bool incoming = false;
    CapturePoint remote;
    CapturePoint local;
    std::string text;  // any octets

    // A row of /v1/traces/ID; nothing if it has no addresses.
    static std::optional<CapturedMessage> of(const nlohmann::json& row);
};

// A capture file (pcap, nanoseconds, link type 101: raw IP). Each message is one UDP datagram although it came over TLS
// on TCP, because that is what it can be told as without its connection; the port of this edge is written as 5060, so
// that every program takes it for SIP.
std::string pcap_header();
std::string pcap_packet(const CapturedMessage& message);

// HEP, version 3 (the encapsulation of HOMER): one packet for each message. `agent`: the capture agent's number.
// `correlation`: the Call-ID; empty: left out.
std::string hep_packet(const CapturedMessage& message, uint32_t agent, std::string_view correlation);

// Value of the first Call-ID field; empty without.
std::string_view call_id_of(std::string_view message);

}  // namespace fedge::cli
