#include "dataplane/sip/framing.h"

#include <gtest/gtest.h>

#include "tests/unit/sip/framed_text.h"

namespace fedge::sip {
namespace {

const FramingLimits kServer;

const std::string kStart = "MESSAGE sip:bob@b.example SIP/2.0\r\n";

std::string message(const std::string& fields, const std::string& body = "") {
    return kStart + fields + "\r\n" + body;
}

struct Row {
    const char* name;
    std::string text;
    FramingFault fault;
    uint16_t status;
};

std::vector<Row> refusals() {
    using enum FramingFault;
    const std::string cl0 = "Content-Length: 0\r\n";
    return {
        {"two lengths", message("Content-Length: 0\r\nContent-Length: 5\r\n"), several_lengths, 400},
        {"two equal lengths", message("Content-Length: 5\r\nContent-Length: 5\r\n"), several_lengths, 400},
        {"long and compact", message("Content-Length: 10\r\nl: 200\r\n"), several_lengths, 400},
        {"three lengths, one bad", message("l: 1\r\nL: x\r\ncontent-length: 1\r\n"), several_lengths, 400},
        {"space before the colon", message("Content-Length : 5\r\n"), bad_length, 400},
        {"tab before the colon", message("l\t: 5\r\n"), bad_length, 400},
        {"plus", message("Content-Length:+5\r\n"), bad_length, 400},
        {"minus", message("Content-Length: -1\r\n"), bad_length, 400},
        {"hexadecimal", message("Content-Length: 0x5\r\n"), bad_length, 400},
        {"two numbers", message("Content-Length: 5 5\r\n"), bad_length, 400},
        {"list", message("Content-Length: 5, 5\r\n"), bad_length, 400},
        {"parameter", message("Content-Length: 5;x=1\r\n"), bad_length, 400},
        {"empty", message("Content-Length:\r\n"), bad_length, 400},
        {"2^32+5", message("Content-Length: 4294967301\r\n"), bad_length, 400},
        {"2^64+5", message("Content-Length: 18446744073709551621\r\n"), bad_length, 400},
        {"20 digits", message("Content-Length: 99999999999999999999\r\n"), bad_length, 400},
        {"folded before the number", message("Content-Length:\r\n 5\r\n"), bad_length, 400},
        {"folded behind the number", message("Content-Length: 1\r\n 0\r\n"), bad_length, 400},
        {"none", message("To: <sip:bob@b.example>\r\n"), no_length, 400},
        {"none, one folded into another field", message("Subject: x\r\n Content-Length: 5\r\n"), no_length, 400},
        {"bare LF behind the start line", "MESSAGE sip:bob@b.example SIP/2.0\n" + cl0 + "\r\n", bare_lf, 0},
        {"bare LF in the fields", message("A: b\nContent-Length: 0\r\n"), bare_lf, 0},
        {"bare LF ends the fields", kStart + cl0 + "\n", bare_lf, 0},
        {"bare CR in a field", message("A: b\rContent-Length: 7\r\n" + cl0), bare_cr, 0},
        {"CR CR LF", message("A: b\r\r\n" + cl0), bare_cr, 0},
        {"NUL in a value", message(std::string("A: b\0c\r\n", 8) + cl0), nul, 0},
        {"NUL in a name", message(std::string("A\0: b\r\n", 7) + cl0), nul, 0},
        {"vertical tab", message("A: b\x0b\r\n" + cl0), control_character, 0},
        {"DEL", message("A: b\x7f\r\n" + cl0), control_character, 0},
        {"no colon", message("Content-Length 0\r\n"), no_header_name, 0},
        {"empty name", message(": 0\r\n" + cl0), no_header_name, 0},
        {"name with a space inside", message("Content Length: 0\r\n" + cl0), no_header_name, 0},
        {"name with an octet beyond ASCII", message("Content-Length\xa0: 5\r\n" + cl0), no_header_name, 0},
        {"first field is a continuation", message(" A: b\r\n" + cl0), orphan_fold, 0},
        {"blank continuation", message("A: b\r\n  \r\n" + cl0), blank_fold, 0},
        {"blank continuation at the end", message(cl0 + "\t\r\n"), blank_fold, 0},
        {"HTTP", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", not_sip, 0},
        {"TLS", std::string("\x16\x03\x01\x02\x00", 5), not_sip, 0},
        {"XMPP", "<?xml version='1.0'?><stream:stream", not_sip, 0},
        {"white space first", " " + message(cl0), not_sip, 0},
        {"one word", "HELLO\r\n\r\n", not_sip, 0},
        {"bare LF first", "\n" + message(cl0), bare_lf, 0},
        {"5000 KB and one byte", message("Content-Length: 5120001\r\n"), body_too_large, 513},
    };
}

TEST(SipFraming, RefusesWhatTwoParsersMightReadDifferently) {
    for (const Row& row : refusals()) {
        SCOPED_TRACE(row.name);
        for (size_t piece : {SIZE_MAX, size_t{1}, size_t{7}}) {
            FramedText out = frame_text(row.text + "MESSAGE sip:x@x SIP/2.0\r\nl: 0\r\n\r\n", kServer, piece);
            EXPECT_EQ(name(out.fault), name(row.fault));
            EXPECT_TRUE(out.messages.empty()) << "nothing is taken for a message, before or behind";
            EXPECT_EQ(out.refused_header.empty(), row.status == 0) << "an answer needs the whole header section";
        }
        EXPECT_EQ(status(row.fault), row.status);
    }
}

TEST(SipFraming, EveryCutGivesTheSameMessages) {
    const std::string text =
        "\r\n\r\n" + message("A: b\r\n c\r\nContent-Length: 5\r\n", "01234") + message("l: 0\r\n") + "\r\n" +
        message("L:00012\r\nB: \"\\\x01\"\r\n", "\r\n\r\nMESSAGE ") + "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    const FramedText whole = frame_text(text, kServer);
    ASSERT_EQ(whole.fault, FramingFault::none);
    ASSERT_EQ(whole.messages.size(), 4U);
    EXPECT_EQ(whole.messages[0].body, "01234");
    EXPECT_EQ(whole.messages[2].body, "\r\n\r\nMESSAGE ");
    EXPECT_EQ(whole.pings, 1U);
    EXPECT_EQ(whole.crlfs, 3U);
    EXPECT_FALSE(whole.unfinished);
    for (size_t piece = 1; piece < 60; piece++) EXPECT_EQ(frame_text(text, kServer, piece), whole) << piece;
    for (size_t cut = 1; cut < text.size(); cut++) {
        FramedStream stream{kServer};
        stream.arrive({}, text.substr(0, cut));
        stream.arrive({}, text.substr(cut));
        EXPECT_EQ(stream.out(), whole) << cut;
    }
}

TEST(SipFraming, ATailIsAMessageOfItsOwn) {
    // The length ends the body, whatever stands behind it: it comes out as a message, to be judged like any other, and
    // never as part of the first.
    const std::string forged = "MESSAGE sip:bob@b.example SIP/2.0\r\nFrom: <sip:boss@b.example>\r\nl: 0\r\n\r\n";
    FramedText out = frame_text(message("l: 2\r\n", "hi" + forged), kServer);
    ASSERT_EQ(out.messages.size(), 2U);
    EXPECT_EQ(out.messages[0].body, "hi");
    EXPECT_EQ(out.messages[1].header, forged);
}

TEST(SipFraming, WhatWasSeenIsNotLookedAtAgain) {
    Framer framer{kServer};
    std::string text = message("A: b\r\nContent-Length: 0\r\n");
    size_t ready = text.find("Content");
    EXPECT_EQ(framer.scan({}, bytes_of(text.substr(0, ready))).what, Framed::more);
    std::fill_n(text.begin(), ready, '\n');  // would be refused if it were read a second time
    Frame frame = framer.scan({}, bytes_of(text));
    EXPECT_EQ(frame.what, Framed::header);
    EXPECT_EQ(frame.take, text.size());
}

TEST(SipFraming, LimitsAreExact) {
    FramingLimits limits{.header_bytes = 200, .headers = 3, .body_bytes = 10};
    auto fault = [&](const std::string& text) { return name(frame_text(text, limits, 1).fault); };
    EXPECT_EQ(fault(message("A: 1\r\nB: 2\r\nl: 0\r\n")), "none");
    EXPECT_EQ(fault(message("A: 1\r\nB: 2\r\nC: 3\r\nl: 0\r\n")), name(FramingFault::too_many_headers));
    EXPECT_EQ(fault(message("l: 10\r\n")), "none");
    EXPECT_EQ(fault(message("l: 11\r\n")), name(FramingFault::body_too_large));
    const std::string frame = message("l: 0\r\nA: \r\n");
    auto padded = [&](size_t size) { return message("l: 0\r\nA: " + std::string(size - frame.size(), 'x') + "\r\n"); };
    for (size_t piece : {size_t{1}, SIZE_MAX}) {
        EXPECT_EQ(name(frame_text(padded(200), limits, piece).fault), "none");
        EXPECT_EQ(frame_text(padded(200), limits, piece).messages.size(), 1U);
        EXPECT_EQ(name(frame_text(padded(201), limits, piece).fault), name(FramingFault::header_too_large));
    }
    // An endless line is refused as soon as the limit is reached, without its end.
    EXPECT_EQ(fault("MESSAGE sip:" + std::string(200, 'x')), name(FramingFault::header_too_large));
}

TEST(SipFraming, FloodsOfTheThreatListAreBounded) {
    auto fault = [](const std::string& text) { return frame_text(text, kServer, 1400).fault; };
    std::string lines;
    for (int i = 0; i < 100'000; i++) lines += "\r\n";
    EXPECT_EQ(fault(lines + message("l: 0\r\n")), FramingFault::too_many_keepalives);
    std::string headers;
    for (int i = 0; i < 1000; i++) headers += "X: y\r\n";
    EXPECT_EQ(fault(message(headers + "l: 0\r\n")), FramingFault::too_many_headers);
    EXPECT_EQ(fault("MESSAGE sip:" + std::string(65536, 'a') + " SIP/2.0\r\nl: 0\r\n\r\n"),
              FramingFault::header_too_large);
    FramingLimits client;
    client.body_bytes = 128 * 1024;
    EXPECT_EQ(frame_text(message("l: 132096\r\n"), client).fault, FramingFault::body_too_large);
    EXPECT_EQ(frame_text(message("l: 131072\r\n", std::string(131072, 'x')), client, 9000).messages.size(), 1U);
}

TEST(SipFraming, SpaceBeforeTheColonWhereAllowed) {
    FramingLimits lenient;
    lenient.strict_length = false;
    FramedText out = frame_text(message("Content-Length \t : 2\r\n", "hi"), lenient);
    ASSERT_EQ(out.messages.size(), 1U);
    EXPECT_EQ(out.messages[0].body, "hi");
}

TEST(SipFraming, KeepalivesAreEarnedByTime) {
    FramedStream stream{kServer};
    Instant now{};
    // A client that pings every two minutes for a day.
    for (int i = 0; i < 720; i++, now += 120s) stream.arrive(now, "\r\n\r\n");
    EXPECT_EQ(stream.out().fault, FramingFault::none);
    EXPECT_EQ(stream.out().pings, 720U);
    // Eight pings at once are all that is let through, whatever came before.
    for (int i = 0; i < 8; i++) stream.arrive(now, "\r\n\r\n");
    EXPECT_EQ(stream.out().fault, FramingFault::none);
    stream.arrive(now, "\r\n");
    EXPECT_EQ(stream.out().fault, FramingFault::too_many_keepalives);
}

TEST(SipFraming, AnswersToPingsAreNoPings) {
    FramedStream stream{kServer};
    for (int i = 0; i < 10; i++) stream.arrive(Instant{} + i * 30s, "\r\n");
    EXPECT_EQ(stream.out().crlfs, 10U);
    EXPECT_EQ(stream.out().pings, 0U);
}

}  // namespace
}  // namespace fedge::sip
