// The API of discovery: what is remembered in pages, and looking up at once.
#include <gtest/gtest.h>

#include <optional>
#include <sstream>

#include "control/api/json.h"
#include "control/api/router.h"
#include "control/control.h"
#include "tests/unit/control/scratch.h"
#include "tests/unit/discovery/fake_resolver.h"

namespace fedge::control::api {
namespace {

using namespace std::chrono_literals;
using namespace discovery::test;
using discovery::RecordType;

class DiscoveryRoutesTest : public testing::Test {
  protected:
    DiscoveryRoutesTest() {
        auto resolver = std::make_unique<FakeResolver>();
        dns_ = resolver.get();
        control_.emplace(store_, plane_, log_,
                         TimeSource{[this] { return now_; }, [] { return int64_t{1'700'000'000}; }},
                         scratch_.path() + "/none", std::move(resolver));
        router_.emplace(*control_);
        for (int i = 0; i < 5; i++) {
            std::string domain = "d" + std::to_string(i) + ".example";
            dns_->set("_sipfederationtls._tcp." + domain, RecordType::srv, data({srv(0, 0, 5061, "sip." + domain)}));
            dns_->set("sip." + domain, RecordType::a, data({address(i == 4 ? "10.0.0.1" : "198.51.100.7")}));
            dns_->set("sip." + domain, RecordType::aaaa, no_data());
        }
    }
    struct Answer {
        int status = 0;
        Json body;
    };
    Answer get(const std::string& target) {
        Request request;
        request.method = "GET";
        EXPECT_TRUE(parse_target(target, request)) << target;
        std::optional<Response> response;
        router_->handle(request, [&](Response r) { response = std::move(r); });
        dns_->answer_all(now_);
        for (int i = 0; i < 200 && !response; i++) {
            now_ += 100ms;
            control_->discovery().on_tick(now_);
        }
        EXPECT_TRUE(response) << target;
        if (!response) return {};
        return {response->status, Json::parse(response->body)};
    }

    Scratch scratch_;
    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    Store store_{scratch_.path() + "/state"};
    Dataplane plane_{scratch_.path() + "/dataplane.sock", log_};
    Clock::time_point now_{1h};
    FakeResolver* dns_ = nullptr;
    std::optional<Control> control_;
    std::optional<Router> router_;
};

TEST_F(DiscoveryRoutesTest, ATestTellsEveryStep) {
    auto [status, body] = get("/v1/discovery/test?domain=D1.example");
    EXPECT_EQ(status, 200);
    EXPECT_EQ(body["domain"], "d1.example");
    EXPECT_EQ(body["outcome"], "found");
    EXPECT_EQ(body["keep_s"], 600);
    EXPECT_EQ(body["targets"][0]["host"], "sip.d1.example");
    EXPECT_EQ(body["targets"][0]["addresses"][0]["address"], "198.51.100.7");
    ASSERT_EQ(body["steps"].size(), 3U);
    EXPECT_EQ(body["steps"][0]["records"][0], "0 0 5061 sip.d1.example");
    body = get("/v1/discovery/test?domain=d4.example").body;
    EXPECT_EQ(body["outcome"], "refused");
    EXPECT_EQ(body["code"], 1014);
    EXPECT_EQ(body["refused"][0]["address"], "10.0.0.1");
}

TEST_F(DiscoveryRoutesTest, OptionsAreThoseOfTheQuery) {
    get("/v1/discovery/test?domain=d1.example&records=sips");
    EXPECT_EQ(dns_->asked.back(), "_sips._tcp.d1.example SRV");
    get("/v1/discovery/test?domain=d1.example&service=xmpp");
    EXPECT_EQ(get("/v1/discovery/test?domain=d1.example&via=sip.d2.example&port=5063").body["targets"][0]["port"],
              5063);
    dns_->set("_5269._tcp.sip.d1.example", RecordType::tlsa, data({{3, 1, 1, 7}}, true));
    EXPECT_EQ(get("/v1/discovery/test?domain=sip.d1.example&service=tlsa").body["tlsa"].size(), 1U);
    dns_->set("_sipfederationtls._tcp.d9.example", RecordType::srv, data({srv(0, 0, 5061, "sip.d1.example")}));
    EXPECT_EQ(get("/v1/discovery/test?domain=d9.example").body["code"], 1009);
    EXPECT_EQ(get("/v1/discovery/test?domain=d9.example&namespace=off").body["outcome"], "found");
}

TEST_F(DiscoveryRoutesTest, ATestEndsThoughDnsIsSilent) {
    dns_->silent = true;
    auto begin = now_;
    auto [status, body] = get("/v1/discovery/test?domain=d1.example");
    EXPECT_EQ(status, 200);
    EXPECT_EQ(body["outcome"], "failed");
    EXPECT_LE(now_ - begin, 13s);
}

TEST_F(DiscoveryRoutesTest, WrongRequestsAreRefused) {
    for (const char* target :
         {"/v1/discovery/test", "/v1/discovery/test?domain=", "/v1/discovery/test?domain=localhost",
          "/v1/discovery/test?domain=b%C3%BCcher.example", "/v1/discovery/test?domain=a.example&service=h323",
          "/v1/discovery/test?domain=a.example&records=naptr", "/v1/discovery/test?domain=a.example&via=10.0.0.1",
          "/v1/discovery/test?domain=a.example&port=65536", "/v1/discovery?after=nonsense",
          "/v1/discovery?after=a/b/c/d/e/f", "/v1/discovery?limit=0"}) {
        auto [status, body] = get(target);
        EXPECT_EQ(status, 400) << target;
        EXPECT_FALSE(body["fix"].get<std::string>().empty()) << target;
    }
    EXPECT_TRUE(dns_->asked.empty());
}

TEST_F(DiscoveryRoutesTest, PagesFollowEachOther) {
    for (int i = 0; i < 5; i++) get("/v1/discovery/test?domain=d" + std::to_string(i) + ".example");
    std::string after, seen;
    size_t pages = 0;
    do {
        Json page = get("/v1/discovery?limit=2" + (after.empty() ? "" : "&after=" + after)).body;
        for (const auto& row : page["rows"]) seen += row["domain"].get<std::string>().substr(0, 2);
        EXPECT_EQ(page["entries"], 5);
        after = page["next"];
        pages++;
    } while (!after.empty() && pages < 10);
    EXPECT_EQ(seen, "d0d1d2d3d4");
    EXPECT_EQ(pages, 3U);
    Json row = get("/v1/discovery?limit=1").body["rows"][0];
    EXPECT_EQ(row["outcome"], "found");
    EXPECT_EQ(row["stale"], false);
    EXPECT_GT(row["expires_s"], 0);
}

TEST_F(DiscoveryRoutesTest, HealthAndFailuresAreShown) {
    get("/v1/discovery/test?domain=d1.example");
    std::array attempts{discovery::Attempts{*Endpoint::parse("198.51.100.7:5061"), 0, 1}};
    control_->discovery().report(attempts, now_);
    Json address = get("/v1/discovery").body["rows"][0]["targets"][0]["addresses"][0];
    EXPECT_EQ(address["failures"], 1);
    EXPECT_GT(address["last_for_s"], 0);
    dns_->set("_sipfederationtls._tcp.d1.example", RecordType::srv, servfail());
    now_ += 601s;
    get("/v1/discovery/test?domain=d1.example");
    Json row = get("/v1/discovery").body["rows"][0];
    EXPECT_EQ(row["outcome"], "found");
    EXPECT_EQ(row["stale"], true);
    EXPECT_EQ(row["failures"], 1);
    EXPECT_NE(row["failure"].get<std::string>().find("SERVFAIL"), std::string::npos);
}

}  // namespace
}  // namespace fedge::control::api
