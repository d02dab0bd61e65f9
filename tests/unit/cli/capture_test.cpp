// Capture files and HEP packets, octet by octet; and a trace whose messages go there.
#include "appliance/cli/capture.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/cli/fake_control.h"
#include "tests/unit/cli/ran.h"

namespace fedge::cli::test {
namespace {

std::string hex(const std::string& bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (unsigned char c : bytes) {
        out += kDigits[c >> 4];
        out += kDigits[c & 15];
    }
    return out;
}

CapturedMessage message(const char* remote, const char* local, const std::string& text, bool incoming) {
    CapturedMessage out;
    out.unix_ns = 0x0102030405060708;
    out.incoming = incoming;
    out.remote = CapturePoint::parse(remote).value();
    out.local = CapturePoint::parse(local).value();
    out.text = text;
    return out;
}

TEST(Capture, AddressesWithPorts) {
    EXPECT_EQ(CapturePoint::parse("192.0.2.1:5061")->port, 5061);
    EXPECT_TRUE(CapturePoint::parse("[2001:db8::1]:5061")->v6);
    for (const char* bad : {"", "192.0.2.1", "example.org:5061", "[2001:db8::1:5061", ":5061"})
        EXPECT_FALSE(CapturePoint::parse(bad)) << bad;
}

TEST(Capture, FileHeaderIsOfRawIpWithNanoseconds) {
    EXPECT_EQ(hex(pcap_header()),
              "a1b23c4d"
              "0002"
              "0004"
              "00000000"
              "00000000"
              "0000ffff"
              "00000065");
}

// 0x0102030405060708 ns are 72623859 s and 790382856 ns. Checksums: RFC 1071.
TEST(Capture, PacketOfIpv4) {
    std::string packet = pcap_packet(message("203.0.113.5:40000", "192.0.2.10:5061", "AB", true));
    EXPECT_EQ(hex(packet),
              "045426f32f1c49080000001e0000001e"          // time and sizes
              "4500001e0000400040113cbfcb007105c000020a"  // IPv4
              "9c4013c4000a10834142")                     // UDP
        << "from the far end to port 5060 here";
}

TEST(Capture, OfIpv6AndOutgoing) {
    std::string packet = pcap_packet(message("[2001:db8::5]:5061", "[2001:db8::1]:50000", "AB", false)).substr(16);
    EXPECT_EQ(hex(packet.substr(0, 8)),
              "60000000"
              "000a"
              "1140");
    EXPECT_EQ(hex(packet.substr(8, 16)), "20010db8000000000000000000000001") << "from here";
    EXPECT_EQ(hex(packet.substr(40, 6)),
              "13c4"
              "13c5"
              "000a");
    // The checksum over pseudo header and datagram must come out as nothing left.
    std::string all = packet.substr(8, 32) + std::string("\0\x11\0\x0a", 4) + packet.substr(40);
    uint32_t sum = 0;
    for (size_t i = 0; i < all.size(); i += 2)
        sum += static_cast<uint8_t>(all[i]) << 8 | static_cast<uint8_t>(all[i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    EXPECT_EQ(sum, 0xffffU);
}

TEST(Capture, HepPacketHasItsChunks) {
    std::string packet = hep_packet(message("203.0.113.5:40000", "192.0.2.10:5061", "AB", true), 17, "call");
    EXPECT_EQ(hex(packet),
              "48455033006f"
              "00000001000702"        // IPv4
              "00000002000706"        // TCP
              "00000003000acb007105"  // from
              "00000004000ac000020a"  // to
              "0000000700089c40"
              "00000008000813c5"
              "00000009000a045426f3"  // seconds
              "0000000a000a000c0f6e"  // microseconds
              "0000000b000701"        // SIP
              "0000000c000a00000011"  // agent
              "00000011000a63616c6c"  // Call-ID
              "0000000f00084142");
    std::string v6 = hep_packet(message("[2001:db8::5]:5061", "[2001:db8::1]:50000", "AB", false), 9, "");
    EXPECT_EQ(hex(v6.substr(6, 7)), "0000000100070a");
    EXPECT_EQ(hex(v6.substr(20, 22)),
              "000000050016"
              "20010db8000000000000000000000001")
        << "from here";
    EXPECT_EQ(v6.find(std::string("\0\x11\0", 3)), std::string::npos) << "no correlation without a Call-ID";
}

TEST(Capture, CallIdUnderBothNamesAndNotInTheBody) {
    EXPECT_EQ(call_id_of("X\r\nVia: a\r\nCall-ID: abc@x\r\n\r\n"), "abc@x");
    EXPECT_EQ(call_id_of("X\r\nI :  abc\r\n\r\n"), "abc");
    EXPECT_EQ(call_id_of("X\r\nVia: a\r\n\r\nCall-ID: body\r\n"), "");
    EXPECT_EQ(call_id_of(""), "");
}

constexpr const char* kPage = R"({"rows":[
  {"number":1,"core":0,"unix_ns":1769900000123456789,"incoming":true,"connection":7,"peer":"p","remote":"203.0.113.5:40000",
   "local":"192.0.2.10:5061","verdict":"","cut":0,"lost":0,"text":"MESSAGE x\r\nCall-ID: c9\r\n\r\n"}],"next":1,"lost":0})";

TEST(Trace, WritesAFileAndSendsToACollectorAndEndsTheTrace) {
    FakeControl control;
    control.reply("POST /v1/traces", R"({"id":3})");
    control.reply("GET /v1/traces/3?after=0&wait_ms=500", kPage);
    control.reply("DELETE /v1/traces/3", "{}");
    const int collector = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(here);
    ASSERT_EQ(bind(collector, reinterpret_cast<sockaddr*>(&here), size), 0);
    ASSERT_EQ(getsockname(collector, reinterpret_cast<sockaddr*>(&here), &size), 0);
    const auto file = std::filesystem::temp_directory_path() / ("fedge-trace-" + std::to_string(getpid()) + ".pcap");
    const Ran done = ran({.socket = control.path()},
                         {"trace", "--call", "c9", "--connection", "7", "--rate", "5", "--count", "1", "--pcap", file,
                          "--hep", "127.0.0.1:" + std::to_string(ntohs(here.sin_port)), "--hep-id", "9"});
    EXPECT_EQ(done.exit, 0) << done.err;
    std::ifstream in(file, std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    std::filesystem::remove(file);
    EXPECT_TRUE(bytes.str().starts_with(pcap_header()));
    EXPECT_TRUE(bytes.str().ends_with("MESSAGE x\r\nCall-ID: c9\r\n\r\n"));
    std::string datagram(2048, '\0');
    const ssize_t got = recv(collector, datagram.data(), datagram.size(), MSG_DONTWAIT);
    close(collector);
    ASSERT_GT(got, 0);
    datagram.resize(static_cast<size_t>(got));
    EXPECT_TRUE(datagram.starts_with("HEP3"));
    EXPECT_NE(datagram.find("c9"), std::string::npos);
    EXPECT_EQ(control.requests(),
              (std::vector<std::string>{R"(POST /v1/traces {"call":"c9","connection":7,"rate":5})",
                                        "GET /v1/traces/3?after=0&wait_ms=500", "DELETE /v1/traces/3"}));
}

TEST(Trace, ATraceThatEndedIsSaid) {
    FakeControl control;
    control.reply("POST /v1/traces", R"({"id":3})");
    control.reply("GET /v1/traces/3?after=0&wait_ms=500",
                  Canned{404, R"({"error":"there is no trace 3, or not any more","fix":"begin another"})"});
    const Ran done = ran({.socket = control.path()}, {"trace"});
    EXPECT_EQ(done.exit, 1);
    EXPECT_NE(done.err.find("there is no trace 3"), std::string::npos) << done.err;
}

TEST(Trace, WhatCannotBeWrittenOrSentToIsSaidBeforeItBegins) {
    FakeControl control;
    for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
             {"trace", "--pcap", "/nonexistent/x.pcap"}, {"trace", "--hep", "nowhere"}, {"trace", "--rate", "0"}})
        EXPECT_EQ(ran({.socket = control.path()}, line).exit, 2) << line[1];
    for (const std::string& request : control.requests()) EXPECT_FALSE(request.starts_with("POST")) << request;
}

}  // namespace
}  // namespace fedge::cli::test
