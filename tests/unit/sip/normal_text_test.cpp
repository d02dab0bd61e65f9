#include "dataplane/sip/normal_text.h"

#include <gtest/gtest.h>

#include <vector>

namespace fedge::sip {
namespace {

struct Normal {
    std::string text;
    std::vector<uint32_t> origin;
    friend bool operator==(const Normal&, const Normal&) = default;
};

Normal in_pieces(std::string_view text, Markup markup, size_t piece) {
    Normalizer normalizer{markup};
    Normal out;
    std::vector<uint8_t> room(std::min(piece, text.size()) + Normalizer::kHeld);
    std::vector<uint32_t> origin(room.size());
    auto keep = [&](size_t n) {
        out.text.append(room.begin(), room.begin() + static_cast<long>(n));
        out.origin.insert(out.origin.end(), origin.begin(), origin.begin() + static_cast<long>(n));
    };
    for (size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
        keep(normalizer.feed(text.substr(at, piece), room, origin));
    keep(normalizer.finish(room, origin));
    return out;
}

std::string normal(std::string_view text, Markup markup = Markup::plain) {
    return in_pieces(text, markup, SIZE_MAX).text;
}

TEST(SipNormalText, WaysToWriteTheSame) {
    for (const char* text :
         {"http://x", "%68%74tp:%2f/x", "&#104;ttp://x", "&#x68;ttp&colon;&sol;/x", "&#104ttp://x", "h\x01t\x7ftp://x",
          "h\xe2\x80\x8bttp://x", "\xef\xbb\xbfhttp://x", "ht\xc2\xadtp://x", "\xef\xbd\x88ttp\xef\xbc\x9a//x",
          "http:\xe2\x81\x84\xe2\x88\x95x", "&#0000000104;ttp://x", "h\xe2\x80\xaet\xf3\xa0\x80\x81tp://x"})
        EXPECT_EQ(normal(text), "http://x") << text;
    using namespace std::string_view_literals;
    EXPECT_EQ(normal("h\0t\0t\0p\0:\0/\0/\0x\0"sv), "http://x") << "UTF-16, either way round";
    EXPECT_EQ(normal("\0h\0t\0t\0p\0:\0/\0/\0x"sv), "http://x");
}

TEST(SipNormalText, WhatIsNoEscapeStays) {
    for (const char* text : {"100% sure", "%", "%4", "%zz", "a & b", "&", "&#", "&#x;", "&unknown;", "&amp", "\xff",
                             "\xc3", "\xe2\x82", "gr\xc3\xbc\xc3\x9f", "line\r\nline\ttab"})
        EXPECT_EQ(normal(text), text);
    EXPECT_EQ(normal("\xe3\x80\x82"), ".");
    EXPECT_EQ(normal("&amp;&lt;&GT;"), "&<>");
    EXPECT_EQ(normal("&#9731;"), "?");
    EXPECT_EQ(normal("&#99999999999;"), "?");
}

TEST(SipNormalText, GapsHaveTwoReadings) {
    for (const char* text :
         {"a\xe2\x80\x8b%62", "a\x01&#98;", "a&#x200b;b", "a&ZeroWidthSpace;b", "a&shy;b", "a%00b"}) {
        Normalizer joined{Markup::plain}, divided{Markup::plain, Gaps::spaces};
        std::vector<uint8_t> room(100);
        EXPECT_EQ(normalize(text, joined, room, {}), "ab") << text;
        EXPECT_TRUE(joined.had_gaps());
        EXPECT_EQ(normalize(text, divided, room, {}), "a b") << text;
    }
    Normalizer plain{Markup::plain};
    std::vector<uint8_t> room(100);
    normalize("a%62 c", plain, room, {});
    EXPECT_FALSE(plain.had_gaps());
}

TEST(SipNormalText, Html) {
    EXPECT_EQ(normal("ht<b class='x'></b>tp:<!-- -->//x<br>y", Markup::html), "http://xy");
    EXPECT_EQ(normal("a <b", Markup::html), "a ");
}

TEST(SipNormalText, Rtf) {
    EXPECT_EQ(normal("{\\rtf1\\ansi{\\b h}\\'74t\\i0 p:\\u47?/x\\{\\\\}", Markup::rtf), "http://x{\\");
    EXPECT_EQ(normal("{\\rtf1 a\\", Markup::rtf), "a");
}

TEST(SipNormalText, PiecesMakeNoDifference) {
    const std::string text =
        "a%41&#66;&#x43;&colon;\xe2\x80\x8b\xef\xbc\xa1\xf0\x9f\x98\x80<b>&amp;&amq;%4%%41&#"
        "00000000000000000000000000000"
        "0000000000000000000068;\\'41\\par\\u65 x{\\rtf1\\verylongcontrolwordthatgoesonandonandonandonandon12 "
        "y}\xe2\x82";
    for (Markup markup : {Markup::plain, Markup::html, Markup::rtf}) {
        Normal whole = in_pieces(text, markup, SIZE_MAX);
        EXPECT_EQ(whole.text.size(), whole.origin.size());
        EXPECT_TRUE(std::is_sorted(whole.origin.begin(), whole.origin.end()));
        for (size_t piece = 1; piece < text.size(); piece++) EXPECT_EQ(in_pieces(text, markup, piece), whole) << piece;
    }
}

TEST(SipNormalText, OriginsAreWhereItBegan) {
    Normal n = in_pieces("x&#104;%74t", Markup::plain, 3);
    EXPECT_EQ(n.text, "xhtt");
    EXPECT_EQ(n.origin, (std::vector<uint32_t>{0, 1, 7, 10}));
}

std::string decoded(TransferEncoding encoding, std::string_view text) {
    std::vector<uint8_t> room(text.size());
    return std::string{decode(encoding, text, room)};
}

TEST(SipNormalText, TransferEncodings) {
    EXPECT_EQ(transfer_encoding(" Base64 "), TransferEncoding::base64);
    EXPECT_EQ(transfer_encoding("QUOTED-PRINTABLE"), TransferEncoding::quoted_printable);
    EXPECT_EQ(transfer_encoding("8bit"), TransferEncoding::none);
    EXPECT_EQ(decoded(TransferEncoding::base64, "aHR0\r\ncDov L3g="), "http://x");
    EXPECT_EQ(decoded(TransferEncoding::base64, "aHR0cDovL3g"), "http://x");
    EXPECT_EQ(decoded(TransferEncoding::quoted_printable, "=68tt=\r\np=3A=  \n//x="), "http://x=");
    EXPECT_EQ(decoded(TransferEncoding::quoted_printable, "a=zz"), "a=zz");
    EXPECT_EQ(decoded(TransferEncoding::none, "a=41"), "a=41");
}

}  // namespace
}  // namespace fedge::sip
