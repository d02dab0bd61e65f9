// Tables, units, printable text and suggestions: pure functions from text to text.
#include <gtest/gtest.h>

#include <sstream>

#include "appliance/cli/exit.h"
#include "appliance/cli/printable.h"
#include "appliance/cli/suggest.h"
#include "appliance/cli/table.h"
#include "appliance/cli/units.h"

namespace fedge::cli {
namespace {

constexpr auto kRight = Column::Align::right;

std::string printed(const Table& table, size_t width) {
    std::ostringstream out;
    table.print(out, width);
    return out.str();
}

size_t widest_line(const std::string& text) {
    size_t widest = 0;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        if (!line.starts_with("(not shown")) widest = std::max(widest, columns_of(line));
    return widest;
}

Table people() {
    Table table({{"NAME", Column::Align::left, true},
                 {"N", kRight},
                 {"COMMENT", Column::Align::left, true, 2},
                 {"X", kRight, false, 1}});
    table.add({"alice", "7", "short", "1"});
    table.add({"a-rather-long-name-of-somebody", "12345", "a comment that goes on and on", "22"});
    return table;
}

TEST(Table, AlignsColumnsAndTrimsLineEnds) {
    EXPECT_EQ(printed(people(), 0),
              "NAME                                N  COMMENT                         X\n"
              "alice                               7  short                           1\n"
              "a-rather-long-name-of-somebody  12345  a comment that goes on and on  22\n");
}

TEST(Table, ShrinksTextBeforeItHidesColumns) {
    EXPECT_EQ(printed(people(), 40),
              "NAME               N  COMMENT          X\n"
              "alice              7  short            1\n"
              "a-rather-lon…  12345  a comment tha…  22\n");
}

TEST(Table, HidesTheLeastImportantColumnsAndSaysSo) {
    const std::string text = printed(people(), 24);
    EXPECT_EQ(text.find("COMMENT"), text.find("(not shown for lack of width: COMMENT;") + 30);
    EXPECT_NE(text.find(" X\n"), std::string::npos);
}

TEST(Table, DropsDetailsBeforeItCutsText) {
    Table table({{"ADDRESS", Column::Align::left, true}, {"DETAIL", Column::Align::left, true, 3}});
    table.add({"198.51.100.2:51234", "nice to have"});
    EXPECT_TRUE(printed(table, 25).starts_with("ADDRESS\n198.51.100.2:51234\n(not shown"));
}

TEST(Table, FitsEveryWidthThatCanHoldTheColumnsThatStay) {
    for (size_t width = 19; width < 90; ++width) EXPECT_LE(widest_line(printed(people(), width)), width) << width;
}

TEST(Table, CellsCannotDriveTheTerminal) {
    Table table({{"USER"}});
    table.add({"\x1b[2Jevil\nname\x7f"});
    const std::string text = printed(table, 0);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(Printable, ReplacesWhatIsHarmfulAndKeepsTheRest) {
    const struct {
        const char* what;
        std::string in;
        std::string out;
    } rows[] = {
        {"plain", "alice@example.org", "alice@example.org"},
        {"UTF-8", "Jos\u00e9 \u6f22", "Jos\u00e9 \u6f22"},
        {"escape", "a\x1b[31mb", "a\uFFFD[31mb"},
        {"C1 control",
         "a\xC2\x9B"
         "31mb",
         "a\uFFFD31mb"},
        {"right-to-left override", "a\u202Eb", "a\uFFFDb"},
        {"lone continuation",
         "a\x80"
         "b",
         "a\uFFFDb"},
        {"overlong slash", "\xC0\xAF", "\uFFFD\uFFFD"},
        {"overlong in three bytes", "\xE0\x80\xAF", "\uFFFD\uFFFD\uFFFD"},
        {"surrogate", "\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
        {"cut short", "a\xE2\x82", "a\uFFFD\uFFFD"},
        {"line feed", "a\nb", "a\uFFFDb"},
        {"NUL", std::string("a\0b", 3), "a\uFFFDb"},
    };
    for (const auto& row : rows) EXPECT_EQ(printable(row.in), row.out) << row.what;
    EXPECT_EQ(printable("a\nb", true), "a\nb");
}

TEST(Printable, ClipsByCodePoint) {
    EXPECT_EQ(clipped("abcdef", 6), "abcdef");
    EXPECT_EQ(clipped("abcdef", 4), "abc\u2026");
    EXPECT_EQ(clipped("\u00e9\u00e9\u00e9\u00e9", 3), "\u00e9\u00e9\u2026");
    EXPECT_EQ(clipped("abc", 1), "\u2026");
    EXPECT_EQ(clipped("abc", 0), "");
}

TEST(Units, AsPeopleReadThem) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000), "1,000");
    EXPECT_EQ(grouped(18446744073709551615u), "18,446,744,073,709,551,615");
    EXPECT_EQ(scaled(999), "999");
    EXPECT_EQ(scaled(999.7), "1.00k");
    EXPECT_EQ(scaled(1234567), "1.23M");
    EXPECT_EQ(bytes_text(1023), "1023 B");
    EXPECT_EQ(bytes_text(1536), "1.5 KiB");
    EXPECT_EQ(bit_rate(64000), "64.0 kbit/s");
    EXPECT_EQ(bit_rate(3e6), "3.0 Mbit/s");
    EXPECT_EQ(duration_text(59), "59s");
    EXPECT_EQ(duration_text(61), "1m01s");
    EXPECT_EQ(duration_text(3725), "1h02m");
    EXPECT_EQ(duration_text(90061), "1d01h");
    EXPECT_EQ(milliseconds_text(999), "999ms");
    EXPECT_EQ(milliseconds_text(61000), "1m01s");
    EXPECT_EQ(utc_text(0), "1970-01-01 00:00:00Z");
    EXPECT_EQ(counted(1, "row"), "1 row");
    EXPECT_EQ(counted(0, "row"), "0 rows");
}

TEST(Units, DurationsAreReadStrictly) {
    EXPECT_EQ(parse_duration("90", "x"), 90u);
    EXPECT_EQ(parse_duration("90s", "x"), 90u);
    EXPECT_EQ(parse_duration("15m", "x"), 900u);
    EXPECT_EQ(parse_duration("24h", "x"), 86400u);
    EXPECT_EQ(parse_duration("7d", "x"), 604800u);
    for (const char* bad : {"", "h", "1.5h", "-1s", " 1", "1 h", "1w", "99999999999999999999", "400d", "1hh"})
        EXPECT_THROW(parse_duration(bad, "--keep"), Failure) << bad;
}

TEST(Suggest, DistanceKnowsTransposition) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("stauts", "status"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggest, NearestKeyReadsPlaceholders) {
    const std::vector<std::string> patterns = {"interface.NAME.role", "interface.NAME.address", "turn.realm",
                                               "turn.advertise.ADDRESS", "turn.quota-user"};
    const struct {
        const char* key;
        const char* near;
    } rows[] = {
        {"turn.relm", "turn.realm"},
        {"turn.user-quota-of-all", ""},
        {"interfaces.outside.role", "interface.outside.role"},
        {"interface.outside.rol", "interface.outside.role"},
        {"interface.out.side.adress", "interface.out.side.address"},
        {"turn.advertize.192.0.2.1", "turn.advertise.192.0.2.1"},
        {"interface.outside.role", ""},      // known
        {"turn.advertise.2001:db8::1", ""},  // known
        {"", ""},
        {"...", ""},
    };
    for (const auto& row : rows) EXPECT_EQ(nearest_key(row.key, patterns), row.near) << row.key;
}

}  // namespace
}  // namespace fedge::cli
