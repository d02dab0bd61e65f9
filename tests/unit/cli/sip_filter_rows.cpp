// What fedge sip filter shows, and what it asks control for.
#include <gtest/gtest.h>

#include "tests/unit/cli/fake_control.h"
#include "tests/unit/cli/golden_rows.h"
#include "tests/unit/cli/ran.h"

namespace fedge::cli::test {
namespace {

constexpr const char* kFilter = R"({"links":true,"link_action":"warn","ignore_local":true,"file_links":true,
  "allow_message":"","warn_message":"Think before you click.","files":true,"file_action":"block-listed","scan":false,
  "lists":{"link-prefix":["http:","https:","www*."],"local-domain":[],"file-extension":["exe"],"scanner":["friendly-scanner","=voip"]}})";

}  // namespace

std::vector<GoldenRow> sip_filter_rows() {
    return {
        {"sip-filter-show", "fedge sip filter show", {{"GET /v1/sip/filter", kFilter}}},
        {"sip-filter-test-link",
         "fedge sip filter test 'see http://www.example.org'",
         {{"POST /v1/sip/filter/test",
           R"({"finding":"link","words":"refused because of a link","passes":false,
             "wire":{"status":403,"code":16000,"text":"The message has a link that is not allowed"}})"}}},
        {"sip-filter-test-defused",
         "fedge sip filter test 'see http://www.example.org' --candidate",
         {{"POST /v1/sip/filter/test",
           R"({"finding":"defused","words":"passed on with an underscore in front of each link","passes":true,
             "text":"Changed\u001b[2J.\r\nsee _http://www.example.org"})"}}},
        {"sip-filter-test-scanner",
         "fedge sip filter test friendly-scanner --user-agent",
         {{"POST /v1/sip/filter/test",
           R"({"finding":"scanner","words":"known of scanners: the connection is closed without a word","passes":false,
             "signature":"friendly-scanner"})"}}},
        {"sip-filter-test-both", "fedge sip filter test x --user-agent --file", {}},
        {"sip-filter-add-unknown", "fedge sip filter add file-extensions iso", {}},
        {"sip-filter-remove-missing",
         "fedge sip filter remove file-extension iso",
         {{"GET /v1/sip/filter?candidate=true", kFilter}, {"PATCH /v1/candidate", "{}"}}},
        {"sip-filter-remove-last",
         "fedge sip filter remove file-extension exe",
         {{"GET /v1/sip/filter?candidate=true", kFilter}, {"PATCH /v1/candidate", "{}"}}},
    };
}

namespace {

TEST(SipFilterCommands, ChangeWholeLists) {
    const struct {
        const char* line;
        const char* body;
    } rows[] = {
        {"fedge sip filter add file-extension iso exe img",
         R"({"set":{"sip.filter.file-extension":["exe","iso","img"]}})"},
        {"fedge sip filter add local-domain corp.example", R"({"set":{"sip.filter.local-domain":["corp.example"]}})"},
        {"fedge sip filter remove scanner =voip", R"({"set":{"sip.filter.scanner":["friendly-scanner"]}})"},
        {"fedge sip filter remove link-prefix https: http:", R"({"set":{"sip.filter.link-prefix":["www*."]}})"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.line);
        FakeControl control;
        control.reply("GET /v1/sip/filter?candidate=true", kFilter);
        control.reply("PATCH /v1/candidate", R"({"changes":[{"key":"k"}]})");
        const Ran result = ran({.socket = control.path()}, split(row.line));
        EXPECT_EQ(result.exit, 0) << result.err;
        ASSERT_EQ(control.requests().size(), 2U);
        EXPECT_EQ(control.requests().back(), std::string("PATCH /v1/candidate ") + row.body);
    }
}

TEST(SipFilterCommands, SetIsTheShortFormOfTheSetting) {
    FakeControl control;
    control.reply("PATCH /v1/candidate", R"({"changes":[{"key":"k"}]})");
    const Ran result = ran({.socket = control.path()}, split("fedge sip filter set link-action warn"));
    EXPECT_EQ(result.exit, 0) << result.err;
    EXPECT_EQ(control.requests().back(), R"(PATCH /v1/candidate {"set":{"sip.filter.link-action":"warn"}})");
}

TEST(SipFilterCommands, TestAsksAboutTheTextAndEndsWithTheVerdict) {
    FakeControl control;
    control.reply("POST /v1/sip/filter/test", R"({"words":"passed on as it is","passes":true})");
    Ran result = ran({.socket = control.path()}, split("fedge sip filter test 'a b' --type text/html --candidate"));
    EXPECT_EQ(result.exit, 0) << result.err;
    EXPECT_EQ(control.requests().back(),
              R"(POST /v1/sip/filter/test {"candidate":true,"text":"a b","type":"text/html"})");
    FakeControl strict;
    strict.reply("POST /v1/sip/filter/test", R"({"words":"refused","passes":false})");
    result = ran({.socket = strict.path()}, split("fedge sip filter test a.exe --file"));
    EXPECT_EQ(result.exit, 1);
    EXPECT_EQ(strict.requests().back(), R"(POST /v1/sip/filter/test {"as":"file","text":"a.exe"})");
}

}  // namespace
}  // namespace fedge::cli::test
