// Scanning takes many octets at once: here it is compared with what one octet after the other says.
#include "dataplane/sip/lexical.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace fedge::sip {
namespace {

constexpr size_t kLongest = 50;

size_t find_slowly(std::string_view text, unsigned classes, bool wanted) {
    size_t i = 0;
    while (i < text.size() && is(text[i], classes) != wanted) i++;
    return i;
}

template <unsigned kSet>
void expect_as_slowly(char member, char stranger) {
    for (size_t size = 0; size <= kLongest; size++) {
        for (size_t at = 0; at < std::max<size_t>(size, 1); at++) {
            std::string inside(size, member), outside(size, stranger);
            if (at < size) {
                inside[at] = stranger;
                outside[at] = member;
            }
            EXPECT_EQ(span_of<kSet>(inside), find_slowly(inside, kSet, false)) << size << " " << at;
            EXPECT_EQ(find_of<kSet>(outside), find_slowly(outside, kSet, true)) << size << " " << at;
        }
    }
}

TEST(Scan, StopsAtTheFirstWhereverItStands) {
    expect_as_slowly<kToken>('a', ':');
    expect_as_slowly<kListChar>(',', 'x');
    expect_as_slowly<kDigit>('9', '\x80');
    expect_as_slowly<kWordChar>('{', '\0');
    expect_as_slowly<kPlainText>('~', '%');
}

template <unsigned kSet>
void expect_each_octet() {
    for (int c = 0; c < 256; c++) {
        for (size_t size : {1U, 8U, 16U}) {
            std::string text(size, static_cast<char>(c));
            EXPECT_EQ(all<kSet>(text), is(text[0], kSet)) << c << " " << size;
            EXPECT_EQ(find_of<kSet>(text) == 0, is(text[0], kSet)) << c << " " << size;
        }
    }
}

TEST(Scan, KnowsEachOctetOfEachClass) {
    expect_each_octet<kDigit>();
    expect_each_octet<kToken>();
    expect_each_octet<kUnreserved | kUserUnreserved>();
    expect_each_octet<kUnreserved | kParamUnreserved>();
    expect_each_octet<kHostChar>();
    expect_each_octet<kWordChar>();
    expect_each_octet<kLws>();
    expect_each_octet<kUriChar>();
    expect_each_octet<kListChar>();
    expect_each_octet<kToken | kReference>();
    expect_each_octet<kPlainText>();
}

TEST(Scan, FindsTheFirstControlFromAnyPlaceOn) {
    for (size_t size = 0; size <= kLongest; size++) {
        for (size_t at = 0; at < size; at++) {
            std::string text(size, '\t');
            text[at] = at % 2 ? '\n' : '\x7f';
            for (size_t from = 0; from <= size; from++)
                EXPECT_EQ(find_control(text, from), from <= at ? at : size) << size << " " << at << " " << from;
        }
    }
}

TEST(EqualWithoutCase, IsWhatLettersSay) {
    for (size_t size : {1U, 6U, 8U, 21U}) {
        std::string x(size, 'q'), y(size, 'Q');
        for (int a = 0; a < 256; a++) {
            for (int b = 0; b < 256; b++) {
                x[size / 2] = static_cast<char>(a);
                y[size / 2] = static_cast<char>(b);
                ASSERT_EQ(equal_nocase(x, y), lower(x[size / 2]) == lower(y[size / 2])) << size << " " << a << " " << b;
            }
        }
    }
    for (size_t size = 1; size <= kLongest; size++) {
        for (size_t at = 0; at < size; at++) {
            std::string x(size, 'q'), y(size, 'Q');
            y[at] = 'p';
            EXPECT_FALSE(equal_nocase(x, y)) << size << " " << at;
        }
    }
    EXPECT_TRUE(equal_nocase("", ""));
    EXPECT_FALSE(equal_nocase("a", ""));
}

}  // namespace
}  // namespace fedge::sip
