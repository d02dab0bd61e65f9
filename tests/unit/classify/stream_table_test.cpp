// Which stream a packet belongs to, and the bounds of the table.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "dataplane/classify/streams.h"
#include "tests/unit/classify/rtp_packets.h"

namespace fedge::classify {
namespace {

using test::Bench;
using test::RtpFields;

std::vector<uint8_t> rtcp(uint32_t ssrc, uint8_t type = 200) {
    std::vector<uint8_t> p(28);
    p[0] = 0x80;
    p[1] = type;
    store_be16(p.data() + 2, 6);
    store_be32(p.data() + 4, ssrc);
    return p;
}

struct KindCase {
    const char* name;
    std::vector<uint8_t> payload;
    StreamKind kind;
    uint32_t ssrc;
};

std::vector<uint8_t> sized(std::initializer_list<uint8_t> head, size_t size) {
    std::vector<uint8_t> p(head);
    p.resize(size);
    return p;
}

// RTP threats: truncated headers, CSRC count 15, extension beyond the packet, padding greater than the payload.
TEST(StreamKinds, WhatAPacketIsTakenFor) {
    auto with_ssrc = [](std::vector<uint8_t> p) {
        store_be32(p.data() + 8, 0xabcdef01);
        return p;
    };
    auto extension = [&](uint16_t words, size_t size) {
        auto p = with_ssrc(sized({0x90, 96, 0, 1}, size));
        store_be16(p.data() + 14, words);
        return p;
    };
    auto padded = with_ssrc(sized({0xa0, 0, 0, 1}, 20));
    padded.back() = 255;
    const KindCase cases[] = {
        {"RTP", test::rtp({.ssrc = 0xabcdef01}), StreamKind::rtp, 0xabcdef01},
        {"RTP header alone", with_ssrc(sized({0x80, 0, 0, 1}, 12)), StreamKind::rtp, 0xabcdef01},
        {"RTP truncated", sized({0x80, 0, 0, 1}, 11), StreamKind::other, 0},
        {"one byte", sized({0x80}, 1), StreamKind::other, 0},
        {"nothing", {}, StreamKind::other, 0},
        {"CSRC count 15 complete", with_ssrc(sized({0x8f, 0, 0, 1}, 72)), StreamKind::rtp, 0xabcdef01},
        {"CSRC count 15 beyond the packet", with_ssrc(sized({0x8f, 0, 0, 1}, 71)), StreamKind::other, 0},
        {"extension complete", extension(2, 24), StreamKind::rtp, 0xabcdef01},
        {"extension beyond the packet", extension(3, 24), StreamKind::other, 0},
        {"extension of 65535 words", extension(0xffff, 200), StreamKind::other, 0},
        {"extension header missing", with_ssrc(sized({0x90, 96, 0, 1}, 15)), StreamKind::other, 0},
        // SRTP encrypts the padding count, so it says nothing about whether this is RTP; nothing reads that far.
        {"padding greater than the payload", padded, StreamKind::rtp, 0xabcdef01},
        {"marker bit", with_ssrc(sized({0x80, 0x80 | 111, 0, 1}, 40)), StreamKind::rtp, 0xabcdef01},
        {"RTCP sender report", rtcp(0x5), StreamKind::rtcp, 0x5},
        {"RTCP feedback", rtcp(0x5, 206), StreamKind::rtcp, 0x5},
        {"RTCP length beyond the packet", sized({0x80, 200, 0xff, 0xff, 0, 0, 0, 9}, 28), StreamKind::other, 0},
        {"RTCP truncated", sized({0x80, 200, 0, 1}, 7), StreamKind::other, 0},
        {"DTLS handshake", sized({22, 0xfe, 0xfd}, 60), StreamKind::dtls, 0},
        {"STUN", sized({0x00, 0x01}, 20), StreamKind::stun, 0},
        {"ChannelData inside", sized({0x40, 0x00}, 20), StreamKind::other, 0},
        {"ZRTP", sized({16}, 40), StreamKind::other, 0},
        {"QUIC", sized({0xc3}, 40), StreamKind::other, 0},
        {"RTP version 1", sized({0x40 | 0x30, 0, 0, 1}, 40), StreamKind::other, 0},
    };
    for (const KindCase& c : cases) {
        Bench bench;
        bench.send(1s, c.payload);
        bench.send(1s, c.payload);
        StreamReport row = bench.only();
        EXPECT_EQ(row.kind, c.kind) << c.name;
        EXPECT_EQ(row.ssrc, c.ssrc) << c.name;
        EXPECT_EQ(row.packets, 2U) << c.name;
        EXPECT_EQ(row.bytes, 2 * c.payload.size()) << c.name;
    }
}

TEST(StreamTable, StreamsAreToldApart) {
    Bench bench;
    bench.send(0s, RtpFields{.sequence = 1, .ssrc = 1});
    bench.send(0s, RtpFields{.sequence = 1, .ssrc = 2});
    bench.send(0s, RtpFields{.sequence = 1, .ssrc = 1}, 2);
    bench.send(0s, RtpFields{.sequence = 1, .ssrc = 1}, 1, Direction::to_client);
    bench.send(0s, rtcp(1));
    for (uint16_t i = 2; i < 12; i++) {
        bench.send(i * 1ms, RtpFields{.sequence = i, .ssrc = 1});
        bench.send(i * 1ms, RtpFields{.sequence = i, .ssrc = 2});
    }
    std::map<std::tuple<StreamKind, uint32_t, uint16_t, Direction>, uint64_t> packets;
    for (const StreamReport& r : bench.rows()) {
        EXPECT_EQ(r.owner, 42U);
        EXPECT_EQ(r.lost, 0);
        packets[{r.kind, r.ssrc, r.peer, r.direction}] += r.packets;
    }
    decltype(packets) expected = {{{StreamKind::rtp, 1, 1, Direction::to_peer}, 11},
                                  {{StreamKind::rtp, 2, 1, Direction::to_peer}, 11},
                                  {{StreamKind::rtp, 1, 2, Direction::to_peer}, 1},
                                  {{StreamKind::rtp, 1, 1, Direction::to_client}, 1},
                                  {{StreamKind::rtcp, 1, 1, Direction::to_peer}, 1}};
    EXPECT_EQ(packets, expected);
}

// RTP threats: SSRC change. The new source is a new stream; the old one keeps its numbers.
TEST(StreamTable, SsrcChangeBeginsANewStream) {
    Bench bench;
    for (uint16_t i = 0; i < 10; i++) bench.send(i * 20ms, RtpFields{.sequence = i, .ssrc = 7});
    for (uint16_t i = 0; i < 5; i++)
        bench.send(200ms + i * 20ms, RtpFields{.sequence = static_cast<uint16_t>(9000 + i), .ssrc = 8});
    auto rows = bench.rows();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].ssrc, 8U);
    EXPECT_EQ(rows[0].packets, 5U);
    EXPECT_EQ(rows[1].ssrc, 7U);
    EXPECT_EQ(rows[1].packets, 10U);
    EXPECT_EQ(rows[0].lost + rows[1].lost, 0);
    EXPECT_EQ(rows[1].idle, 280ms - 180ms);
}

TEST(StreamTable, SprayedSsrcsCannotPushOutALiveStream) {
    Bench bench;
    uint16_t sequence = 0;
    bench.send(0s, RtpFields{.sequence = sequence, .ssrc = 1});
    for (uint32_t i = 1; i < 5000; i++) {
        Duration at = i * 1ms;
        bench.send(at, RtpFields{.sequence = 1, .ssrc = 1000 + i});
        if (i % 20 == 0) bench.send(at, RtpFields{.sequence = ++sequence, .ssrc = 1});
        ASSERT_LE(bench.table.in_use(), kMaxStreamsPerOwner);
    }
    bool found = false;
    for (const StreamReport& r : bench.rows())
        if (r.ssrc == 1) {
            found = true;
            EXPECT_EQ(r.packets, sequence + 1U);
            EXPECT_EQ(r.lost, 0);
        }
    EXPECT_TRUE(found);
    EXPECT_GT(bench.table.unmeasured(), 4000U);
}

TEST(StreamTable, TheOneSilentLongestMakesRoom) {
    Bench bench;
    for (uint32_t i = 0; i < kMaxStreamsPerOwner; i++) bench.send(i * 100ms, RtpFields{.ssrc = i});
    bench.send(1900ms, RtpFields{.ssrc = 0});  // 1 is the oldest now
    bench.send(2000ms, RtpFields{.ssrc = 100});
    EXPECT_EQ(bench.table.unmeasured(), 1U) << "nobody has been silent for two seconds yet";
    bench.send(2100ms, RtpFields{.ssrc = 100});
    std::map<uint32_t, uint64_t> packets;
    for (const StreamReport& r : bench.rows()) packets[r.ssrc] = r.packets;
    EXPECT_EQ(packets.size(), kMaxStreamsPerOwner);
    EXPECT_FALSE(packets.contains(1));
    EXPECT_EQ(packets[0], 2U);
    EXPECT_EQ(packets[100], 1U);
    // The stream whose record was taken comes back as a new one; nothing still points at the old one.
    bench.send(2200ms, RtpFields{.ssrc = 1});
    EXPECT_EQ(bench.table.in_use(), kMaxStreamsPerOwner);
}

TEST(StreamTable, AFullTableLeavesPacketsUnmeasured) {
    Bench bench{3};
    for (uint32_t i = 0; i < 5; i++) bench.send(0s, RtpFields{.ssrc = i});
    EXPECT_EQ(bench.table.in_use(), 3U);
    EXPECT_EQ(bench.table.unmeasured(), 2U);
    bench.table.release(bench.links);
    EXPECT_EQ(bench.table.in_use(), 0U);
    bench.send(0s, RtpFields{.ssrc = 9});
    EXPECT_EQ(bench.only().packets, 1U);
}

TEST(StreamTable, ReleaseOfOnePeer) {
    Bench bench;
    for (uint32_t i = 0; i < 6; i++) bench.send(0s, RtpFields{.ssrc = i}, static_cast<uint16_t>(i % 3));
    bench.table.release_peer(bench.links, 2);
    EXPECT_EQ(bench.table.in_use(), 4U);
    for (const StreamReport& r : bench.rows()) EXPECT_NE(r.peer, 2);
    bench.send(1s, RtpFields{.ssrc = 5}, 2);
    EXPECT_EQ(bench.rows().front().peer, 2);
    EXPECT_EQ(bench.rows().front().packets, 1U);
    bench.table.release_peer(bench.links, 0);
    bench.table.release_peer(bench.links, 1);
    bench.table.release_peer(bench.links, 2);
    EXPECT_EQ(bench.table.in_use(), 0U);
    EXPECT_EQ(bench.links.head, kNoStream);
}

TEST(StreamTable, MeasuringCanBeOffOrSampled) {
    std::vector<Stream> memory(20'000);
    StreamTable table{memory};
    std::vector<StreamLinks> links(10'000);
    auto send_to_all = [&] {
        for (uint32_t i = 0; i < links.size(); i++)
            table.update(links[i], Instant{1s}, {i, 0, Direction::to_peer}, test::rtp({}));
    };
    table.measure_one_in(0);
    send_to_all();
    EXPECT_EQ(table.in_use(), 0U);
    table.measure_one_in(16);
    send_to_all();
    EXPECT_NEAR(table.in_use(), 10'000.0 / 16, 60);
    uint32_t sampled = table.in_use();
    send_to_all();
    EXPECT_EQ(table.in_use(), sampled) << "the same allocations every time";
    EXPECT_EQ(table.unmeasured(), 0U) << "left out on purpose is not a shortage";
    table.measure_one_in(1);
    send_to_all();
    EXPECT_EQ(table.in_use(), 10'000U);
}

TEST(StreamTable, ListingPagesThroughAll) {
    std::vector<Stream> memory(100);
    StreamTable table{memory};
    std::vector<StreamLinks> links(50);
    for (uint32_t i = 0; i < 50; i++) table.update(links[i], Instant{1s}, {i, 0, Direction::to_client}, test::rtp({}));
    for (uint32_t i = 0; i < 50; i += 2) table.release(links[i]);
    std::vector<uint32_t> owners;
    StreamId cursor = 0;
    int pages = 0;
    while (cursor != kNoStream) {
        size_t wanted = 4;
        cursor = table.list(cursor, 1000, Instant{3s}, [&](const StreamReport& r) {
            if (wanted == 0) return false;
            wanted--;
            owners.push_back(r.owner);
            EXPECT_EQ(r.idle, 2s);
            EXPECT_EQ(r.direction, Direction::to_client);
            return true;
        });
        ASSERT_LT(++pages, 20);
    }
    ASSERT_EQ(owners.size(), 25U);
    for (size_t i = 0; i < owners.size(); i++) EXPECT_EQ(owners[i], 2 * i + 1);
    // Work per call is bounded even when nothing is found.
    EXPECT_EQ(table.list(0, 10, Instant{3s}, [](const StreamReport&) { return true; }), 10U);
}

// Many allocations come and go at random; every packet is either in a row or counted as unmeasured.
TEST(StreamTable, NoPacketAndNoRecordGetsLost) {
    std::mt19937 random{13};
    std::vector<Stream> memory(300);
    StreamTable table{memory};
    std::vector<StreamLinks> links(100);
    std::vector<uint64_t> sent(100);
    uint64_t unmeasured = 0;
    for (int step = 0; step < 100'000; step++) {
        uint32_t owner = random() % 100;
        Instant now{Duration{step * 1'000}};  // all within the idle limit: no stream is replaced
        if (random() % 50 == 0) {
            table.release(links[owner]);
            sent[owner] = 0;
            continue;
        }
        uint64_t before = table.unmeasured();
        table.update(links[owner], now,
                     {owner, static_cast<uint16_t>(random() % 2), static_cast<Direction>(random() % 2)},
                     test::rtp({.sequence = static_cast<uint16_t>(random()),
                                .ssrc = static_cast<uint32_t>(random() % 4),
                                .payload_type = static_cast<uint8_t>(random() % 35)}));
        bool measured = table.unmeasured() == before;
        unmeasured += !measured;
        sent[owner] += measured;
    }
    EXPECT_EQ(table.unmeasured(), unmeasured);
    uint32_t records = 0;
    for (uint32_t owner = 0; owner < 100; owner++) {
        uint64_t packets = 0;
        table.list_of(links[owner], Instant{1s}, [&](const StreamReport& r) {
            EXPECT_EQ(r.owner, owner);
            packets += r.packets;
            records++;
        });
        EXPECT_EQ(packets, sent[owner]);
        table.release(links[owner]);
    }
    EXPECT_GT(records, 100U);
    EXPECT_EQ(table.in_use(), 0U);
    EXPECT_EQ(table.list(0, 1000, Instant{1s}, [](const StreamReport&) { return true; }), kNoStream);
}

TEST(StreamTable, WordsOfTheContract) {
    EXPECT_EQ(words(StreamKind::rtp), "rtp");
    EXPECT_EQ(words(StreamKind::rtcp), "rtcp");
    EXPECT_EQ(words(StreamKind::dtls), "dtls");
    EXPECT_EQ(words(StreamKind::stun), "stun");
    EXPECT_EQ(words(StreamKind::other), "other");
    EXPECT_EQ(words(Direction::to_peer), "to-peer");
    EXPECT_EQ(words(Direction::to_client), "to-client");
}

}  // namespace
}  // namespace fedge::classify
