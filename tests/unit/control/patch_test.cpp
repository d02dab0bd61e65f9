#include "control/api/patch.h"

#include <gtest/gtest.h>

#include "control/api/message.h"
#include "control/problem.h"

namespace fedge::control::api {
namespace {

TEST(Patch, SetsAndUnsets) {
    Settings candidate{{"interface.a.port", {"p"}}, {"interface.a.mtu", {"1500"}}};
    Edits edits = parse_patch(
        R"({"set":{"turn.realm":"x","icmp.rate":5,"icmp.echo":false,"turn.peer-deny":["10.0.0.0/8","192.0.2.1"]},
                                  "unset":["interface.a"]})",
        candidate);
    Edits wanted{{"turn.realm", Values{"x"}},        {"icmp.rate", Values{"5"}},
                 {"icmp.echo", Values{"off"}},       {"turn.peer-deny", Values{"10.0.0.0/8", "192.0.2.1/32"}},
                 {"interface.a.port", std::nullopt}, {"interface.a.mtu", std::nullopt}};
    EXPECT_EQ(edits, wanted);
    EXPECT_TRUE(parse_patch("", candidate).empty());
}

class BadPatch : public testing::TestWithParam<const char*> {};

TEST_P(BadPatch, IsRefused) {
    EXPECT_THROW(parse_patch(GetParam(), {}), Refusal);
}

INSTANTIATE_TEST_SUITE_P(Bodies, BadPatch,
                         testing::Values("{", "[]", "null", "1", "{\"set\":1}", "{\"set\":[]}", "{\"unset\":{}}",
                                         "{\"unset\":[1]}", "{\"unset\":[\"nope\"]}", "{\"sett\":{}}",
                                         "{\"set\":{\"nope\":\"1\"}}", "{\"set\":{\"turn.realm\":null}}",
                                         "{\"set\":{\"turn.realm\":{}}}", "{\"set\":{\"turn.realm\":[]}}",
                                         "{\"set\":{\"turn.realm\":[[\"x\"]]}}", "{\"set\":{\"icmp.rate\":1.5}}",
                                         "{\"set\":{\"turn.realm\":\"\xff\"}}",
                                         "{\"set\":{\"turn.realm\":\"a\\u0000b\"}}"));

TEST(Patch, DeepNestingIsRefusedWithoutRecursion) {
    EXPECT_THROW(parse_patch(std::string(1'000'000, '['), {}), Refusal);
    EXPECT_THROW(parse_patch("{\"set\":" + std::string(400'000, '[') + std::string(400'000, ']') + "}", {}), Refusal);
}

struct Target {
    const char* text;
    bool valid;
    std::vector<std::string> path;
};

class RequestTarget : public testing::TestWithParam<Target> {};

TEST_P(RequestTarget, IsSplitAndDecoded) {
    Request request;
    ASSERT_EQ(parse_target(GetParam().text, request), GetParam().valid);
    if (GetParam().valid) {
        EXPECT_EQ(request.path, GetParam().path);
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, RequestTarget,
                         testing::Values(Target{"/v1/status", true, {"v1", "status"}}, Target{"/", true, {""}},
                                         Target{"/v1/turn/users/a%2Fb%20c", true, {"v1", "turn", "users", "a/b c"}},
                                         Target{"/a?x=1", true, {"a"}}, Target{"/a/../b", true, {"a", "..", "b"}},
                                         Target{"", false, {}}, Target{"v1", false, {}},
                                         Target{"http://x/v1", false, {}}, Target{"/%", false, {}},
                                         Target{"/%4", false, {}}, Target{"/%zz", false, {}},
                                         Target{"/a?%", false, {}}));

TEST(RequestQuery, IsDecoded) {
    Request request;
    ASSERT_TRUE(parse_target("/v1/allocations?limit=5&user=a%26b&flag&after=", request));
    EXPECT_EQ(request.query,
              (std::map<std::string, std::string>{{"limit", "5"}, {"user", "a&b"}, {"flag", ""}, {"after", ""}}));
}

}  // namespace
}  // namespace fedge::control::api
