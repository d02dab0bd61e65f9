// Partners, policies of users and providers over the API.
#include "tests/unit/control/api_daemon.h"

namespace fedge::control::api {
namespace {

class PartnersTest : public ApiTest {
  protected:
    Answer put(const Json& entry, bool replace = false) {
        return ask("PATCH", "/v1/candidate/entries", {{"put", {entry}}, {"replace", replace}});
    }
    Answer remove(const std::string& name, const std::string& kind = "domain") {
        return ask("PATCH", "/v1/candidate/entries", {{"remove", {{{"kind", kind}, {"name", name}}}}});
    }
    Answer set(const Json& settings) { return ask("PATCH", "/v1/candidate", {{"set", settings}}); }
    int64_t commit() {
        Answer answer = ask("POST", "/v1/commit");
        EXPECT_EQ(answer.status, 200) << answer.text;
        return answer.status == 200 ? answer.json()["revision"].get<int64_t>() : 0;
    }
    std::vector<std::string> names(const std::string& query = "") {
        std::vector<std::string> out;
        Json page = get("/v1/entries?limit=1000" + query);
        for (const auto& row : page["rows"]) out.push_back(row["name"]);
        return out;
    }
};

Json allow(const std::string& name) {
    return {{"name", name}, {"list", "allow"}};
}
Json block(const std::string& name) {
    return {{"name", name}, {"list", "block"}};
}

TEST_F(PartnersTest, AreEditedComparedCommittedAndRolledBack) {
    Json full = {{"kind", "domain"},
                 {"name", "contoso.com"},
                 {"list", "allow"},
                 {"via", "sip.contoso.com"},
                 {"verification", "always-verifiable"},
                 {"purpose", "client-strict"},
                 {"srv", "sips"},
                 {"monitor", true},
                 {"comment", "since 2012"}};
    EXPECT_EQ(put(full).json()["candidate_changes"], 1);
    EXPECT_TRUE(names().empty()) << "nothing is in force before the commit";
    Json diff = get("/v1/diff")["entries"];
    EXPECT_EQ(diff["added"], 1);
    EXPECT_EQ(diff["first"][0]["new"], full);
    EXPECT_TRUE(diff["first"][0]["old"].is_null());
    EXPECT_EQ(get("/v1/status")["control"]["candidate_changes"], 1);
    EXPECT_EQ(get("/v1/candidate")["entry_changes"], 1);
    EXPECT_EQ(commit(), 1);
    EXPECT_EQ(ask("POST", "/v1/commit").status, 409);

    Json shown = get("/v1/entries/domain/CONTOSO.com");
    EXPECT_EQ(shown["in_force"]["since"], 1);
    EXPECT_NE(shown["in_force"]["who"], "");
    EXPECT_EQ(shown["candidate"], full);
    EXPECT_EQ(ask("GET", "/v1/entries/domain/fabrikam.com").status, 404);

    EXPECT_EQ(remove("contoso.com").status, 200);
    EXPECT_EQ(put(block("evil.example")).status, 200);
    EXPECT_TRUE(get("/v1/entries/domain/contoso.com")["candidate"].is_null());
    EXPECT_EQ(commit(), 2);
    EXPECT_EQ(names(), std::vector<std::string>{"evil.example"});
    Json between = get("/v1/diff?from=1&to=2")["entries"];
    EXPECT_EQ(between["added"], 1);
    EXPECT_EQ(between["removed"], 1);

    Answer refused = ask("POST", "/v1/rollback", {{"revision", 1}});
    EXPECT_EQ(refused.status, 409) << "contoso.com would be allowed again, and evil.example blocked no longer";
    EXPECT_EQ(refused.json()["errors"].size(), 2U);
    EXPECT_EQ(get("/v1/status")["control"]["revision"], 2);
    Json back = ask("POST", "/v1/rollback", {{"revision", 1}, {"weaker", true}}).json();
    EXPECT_EQ(back["revision"], 3);
    EXPECT_EQ(back["weaker"].size(), 2U);
    EXPECT_EQ(names(), std::vector<std::string>{"contoso.com"});
    EXPECT_EQ(get("/v1/entries/domain/contoso.com")["candidate"], full);
    Json audit = get("/v1/audit")["rows"];
    ASSERT_EQ(audit.size(), 2U);
    EXPECT_EQ(audit[0]["what"], "policy-weaker");
    EXPECT_EQ(ask("POST", "/v1/rollback", {{"revision", 0}}).status, 200) << "without partners it is stricter";
    EXPECT_TRUE(names().empty());
}

TEST_F(PartnersTest, ANameIsOnOneListOnly) {
    ASSERT_EQ(put(allow("contoso.com")).status, 200);
    EXPECT_EQ(put(allow("contoso.com")).json()["unchanged"], 1);
    Answer other = put(block("Contoso.COM"));
    EXPECT_EQ(other.status, 409);
    EXPECT_NE(other.json()["error"].get<std::string>().find("on the allowed list already, in the candidate"),
              std::string::npos);
    commit();
    Answer again = put({{"name", "contoso.com"}, {"list", "allow"}, {"via", "sip.contoso.com"}});
    EXPECT_EQ(again.status, 409);
    EXPECT_NE(again.json()["error"].get<std::string>().find("since revision 1"), std::string::npos) << again.text;
    EXPECT_EQ(put(block("it.contoso.com")).status, 200) << "that is another name";
    EXPECT_EQ(put(block("contoso.com"), true).json()["changed"], 1);
    commit();
    EXPECT_EQ(names("&list=block"), (std::vector<std::string>{"contoso.com", "it.contoso.com"}));
    EXPECT_TRUE(names("&list=allow").empty());
    EXPECT_EQ(remove("contoso.com").status, 200);
    EXPECT_EQ(put(allow("contoso.com")).status, 200) << "removed in the candidate, so it is free";
}

TEST_F(PartnersTest, BadEntriesAreRefusedWithAReason) {
    ASSERT_EQ(set({{"federation.domain", "example.org"}, {"provider.p.proxy", "sip.p.example"}}).status, 200);
    const struct {
        Json entry;
        int status;
        const char* says;
    } rows[] = {
        {{{"name", "contoso.com"}}, 400, "no \"list\""},
        {{{"list", "allow"}}, 400, "no \"name\""},
        {allow(""), 400, "no name"},
        {allow(std::string(257, 'a')), 400, "longer than 256"},
        {allow("a..b"), 400, "empty label"},
        {allow("192.0.2.1"), 400, "is an address"},
        {allow("*.contoso.com"), 400, "characters that no domain has"},
        {allow("com"), 400, "everybody below .com"},
        {allow("example.org"), 400, "a domain of ours"},
        {{{"name", "a.example"}, {"list", "deny"}}, 400, "no list"},
        {{{"name", "a.example"}, {"list", "allow"}, {"via", "sip.p.example"}}, 400, "the server of provider p"},
        {{{"name", "a.example"}, {"list", "allow"}, {"via", "sip"}}, 400, "no full name"},
        {{{"name", "a.example"}, {"list", "allow"}, {"verification", "always"}}, 400, "cannot be \"always\""},
        {{{"name", "a.example"}, {"list", "allow"}, {"monitor", "yes"}}, 400, "neither true nor false"},
        {{{"name", "a.example"}, {"list", "block"}, {"via", "sip.a.example"}}, 400, "no options"},
        {{{"name", "a.example"}, {"list", "allow"}, {"comment", "two\nlines"}}, 400, "control characters"},
        {{{"name", "a.example"}, {"list", "allow"}, {"colour", "red"}}, 400, "no field \"colour\""},
        {{{"name", "a.example"}, {"kind", "host"}, {"list", "allow"}}, 400, "no kind"},
        {{{"name", "bob@contoso.com"}, {"kind", "user"}, {"access", {"xmpp"}}}, 400, "in no domain of ours"},
        {{{"name", "bob"}, {"kind", "user"}, {"access", {"xmpp"}}}, 400, "no address of a user"},
        {{{"name", "b ob@example.org"}, {"kind", "user"}, {"access", {"xmpp"}}}, 400, "no address of a user"},
        {{{"name", "bob@example.org"}, {"kind", "user"}}, 400, "no list \"access\""},
        {{{"name", "bob@example.org"}, {"kind", "user"}, {"access", {"all"}}}, 400, "knows no \"all\""},
        {"contoso.com", 400, "no JSON object"},
    };
    for (const auto& row : rows) {
        Answer answer = put(row.entry);
        EXPECT_EQ(answer.status, row.status) << row.entry;
        EXPECT_NE(answer.json()["error"].get<std::string>().find(row.says), std::string::npos)
            << row.entry << " " << answer.text;
        EXPECT_NE(answer.json()["fix"], "") << row.entry;
    }
    EXPECT_EQ(remove("contoso.com").status, 404);
    EXPECT_EQ(get("/v1/candidate")["entry_changes"], 0);
    for (const char* body : {"[]", R"({"put":{}})", R"({"put":1})", R"({"add":[]})", R"({"replace":1})"}) {
        EXPECT_EQ(Client(socket()).ask("PATCH", "/v1/candidate/entries", body).status, 400) << body;
    }
}

TEST_F(PartnersTest, InPartWhatIsRightIsDoneAndTheRestTold) {
    put(block("taken.example"));
    Json entries = {allow("a.example"), allow("a..b"),          block("b.example"),
                    {{"name", 5}},      allow("taken.example"), allow("a.example")};
    Json dry = ask("PATCH", "/v1/candidate/entries", {{"put", entries}, {"partial", true}, {"dry_run", true}}).json();
    EXPECT_EQ(dry["added"], 2);
    EXPECT_EQ(dry["unchanged"], 1);
    EXPECT_EQ(get("/v1/candidate")["entry_changes"], 1) << "a dry run changes nothing";
    EXPECT_EQ(ask("PATCH", "/v1/candidate/entries", {{"put", entries}}).status, 400);
    EXPECT_EQ(get("/v1/candidate")["entry_changes"], 1) << "all or nothing, unless in part";
    Json done = ask("PATCH", "/v1/candidate/entries", {{"put", entries}, {"partial", true}}).json();
    EXPECT_EQ(done["added"], 2);
    std::vector<int> rejected;
    for (const auto& row : done["rejected"]) rejected.push_back(row["index"]);
    EXPECT_EQ(rejected, (std::vector<int>{1, 3, 4}));
    EXPECT_EQ(get("/v1/candidate")["entry_changes"], 3);
}

TEST_F(PartnersTest, InternationalNamesAreOneWhateverTheirForm) {
    EXPECT_EQ(put(allow("b\xc3\xbc"
                        "cher.example"))
                  .json()["added"],
              1);
    EXPECT_EQ(put(allow("xn--bcher-kva.example")).json()["unchanged"], 1);
    EXPECT_EQ(put(block("B\xc3\x9c"
                        "CHER.Example."))
                  .status,
              409);
    commit();
    EXPECT_EQ(names(), std::vector<std::string>{"xn--bcher-kva.example"});
    EXPECT_EQ(names("&under=b%C3%BCcher.example").size(), 1U);
    EXPECT_EQ(get("/v1/entries/domain/b%C3%BCcher.example")["in_force"]["list"], "allow");
}

TEST_F(PartnersTest, PatternsAreCheckedAndPublished) {
    start_dataplane();
    set_up_edge();
    auto pattern = [&](const std::string& text, const char* list) {
        return put({{"kind", "pattern"}, {"name", text}, {"list", list}});
    };
    EXPECT_EQ(pattern("*.Branch.example", "allow").status, 200);
    EXPECT_EQ(pattern("/.*(casino|lottery).*/", "block").status, 200);
    EXPECT_EQ(pattern("*.branch.example", "block").status, 409);
    for (const char* bad : {"", "/(/", "/", "//", "a b", "/a\\/",
                            "*.b\xc3\xbc"
                            "cher.example"}) {
        EXPECT_EQ(pattern(bad, "allow").status, 400) << bad;
    }
    EXPECT_EQ(commit(), 2);
    EXPECT_EQ(names(), (std::vector<std::string>{"*.branch.example", "/.*(casino|lottery).*/"}));
    auto snapshots = fake_->snapshots();
    const auto* patterns = contract::GetSnapshot(snapshots.back().data())->federation()->patterns();
    ASSERT_EQ(patterns->size(), 2U);
    EXPECT_EQ(patterns->Get(0)->text()->str(), "*.branch.example");
    EXPECT_FALSE(patterns->Get(0)->expression()->str().empty());
    EXPECT_TRUE(patterns->Get(1)->blocked());
    EXPECT_EQ(get("/v1/entries/pattern/%2A.branch.example")["in_force"]["list"], "allow");
    EXPECT_EQ(remove("*.branch.example", "pattern").status, 200);
    Json many = Json::array();
    for (int i = 0; i < 1001; i++)
        many.push_back({{"kind", "pattern"}, {"name", "*.p" + std::to_string(i) + ".example"}, {"list", "block"}});
    EXPECT_EQ(ask("PATCH", "/v1/candidate/entries", {{"put", many}}).status, 200);
    Answer refused = ask("POST", "/v1/commit");
    EXPECT_EQ(refused.status, 400);
    EXPECT_NE(refused.json()["error"].get<std::string>().find("more than 1000 patterns"), std::string::npos)
        << refused.text;
}

TEST_F(PartnersTest, DiscoveredOnesAreListedAndFound) {
    daemon_.reset();
    {
        Store store(scratch_.path() + "/state");
        store.discovered().put({{"a.example", 10, 20, 300, 4, 5, false, false},
                                {"b.example", 11, 21, 301, 40, 1000, true, true},
                                {"c.example", 12, 22, 302, 0, 1, true, false}});
    }
    start();
    Json rows = get("/v1/discovered?limit=2")["rows"];
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[1], (Json{{"domain", "b.example"},
                             {"first", 11},
                             {"last", 21},
                             {"messages", 301},
                             {"limited", 40},
                             {"contacts", 1000},
                             {"suspicious", true},
                             {"watch", true}}));
    Json page = get("/v1/discovered?limit=2&after=" + get("/v1/discovered?limit=2")["next"].get<std::string>());
    EXPECT_EQ(page["rows"][0]["domain"], "c.example");
    EXPECT_EQ(page["next"], "");
    EXPECT_EQ(get("/v1/discovered?suspicious=true")["rows"].size(), 2U);
    EXPECT_EQ(get("/v1/discovered?watch=true&contains=b")["rows"].size(), 1U);
    EXPECT_EQ(get("/v1/discovered/B.example.")["contacts"], 1000);
    EXPECT_EQ(ask("GET", "/v1/discovered/d.example").status, 404);
}

TEST_F(PartnersTest, ADomainOfOursCannotBeAPartner) {
    put(allow("example.org"));
    EXPECT_EQ(set({{"federation.domain", "example.org"}}).status, 200);
    Answer answer = ask("POST", "/v1/commit");
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.json()["error"].get<std::string>().find("on the allowed list"), std::string::npos) << answer.text;
    EXPECT_EQ(remove("example.org").status, 200);
    EXPECT_EQ(commit(), 1);
}

TEST_F(PartnersTest, PoliciesOfUsersAreEntries) {
    ASSERT_EQ(set({{"federation.domain", "example.org"}, {"policy.global.outside", "on"}}).status, 200);
    EXPECT_EQ(put({{"kind", "user"}, {"name", "Alice@Example.ORG"}, {"access", {"outside", "federation"}}}).status,
              200);
    EXPECT_EQ(
        put({{"kind", "user"}, {"name", "bob@example.org"}, {"access", Json::array()}, {"comment", "guest"}}).status,
        200);
    commit();
    Json rows = get("/v1/entries?kind=user")["rows"];
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0]["name"], "alice@example.org");
    EXPECT_EQ(rows[0]["access"], (Json{"federation", "outside"}));
    EXPECT_EQ(rows[1]["access"], Json::array());
    EXPECT_TRUE(names().empty()) << "they are no partners";
    EXPECT_EQ(get("/v1/policies")["rows"][0]["access"], Json{"outside"});
    EXPECT_EQ(remove("alice@example.org", "user").status, 200);
    commit();
    EXPECT_EQ(names("&kind=user"), std::vector<std::string>{"bob@example.org"});
}

TEST_F(PartnersTest, ListingsGoOnWhereTheyEnded) {
    Json entries = Json::array();
    for (int i = 0; i < 25; i++) entries.push_back(allow("d" + std::to_string(100 + i) + ".example"));
    ask("PATCH", "/v1/candidate/entries", {{"put", entries}});
    commit();
    remove("d100.example");
    commit();
    std::vector<std::string> seen;
    std::string after;
    do {
        Json page = get("/v1/entries?limit=7&revision=1&after=" + after);
        for (const auto& row : page["rows"]) seen.push_back(row["name"]);
        EXPECT_EQ(page["revision"], 1);
        after = page["next"];
    } while (!after.empty());
    EXPECT_EQ(seen.size(), 25U) << "of the revision asked for";
    EXPECT_EQ(names().size(), 24U);
    EXPECT_EQ(names("&contains=d11").size(), 10U);
    for (const char* bad : {"after=x", "after=host:x", "limit=0", "limit=9999", "list=grey", "monitor=2", "kind=x"}) {
        EXPECT_EQ(ask("GET", std::string("/v1/entries?") + bad).status, 400) << bad;
    }
}

TEST_F(PartnersTest, AProviderThatWantsClientAuthIsWarnedOf) {
    set({{"provider.aol.enabled", "on"}});
    commit();
    auto warned = [&] { return get("/v1/status")["warnings"].dump().find("with clientAuth") != std::string::npos; };
    EXPECT_TRUE(warned());
    EXPECT_EQ(ask("POST", "/v1/certificates/generate", {{"name", "edge"}, {"hosts", {"edge.lab.example"}}}).status,
              201);
    EXPECT_FALSE(warned()) << "that of the lab has it";
}

TEST_F(PartnersTest, ProvidersAreBuiltInAddedAndFixed) {
    Json rows = get("/v1/providers")["rows"];
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[2]["title"], "Skype");
    EXPECT_EQ(rows[2]["capabilities"], (Json{"im", "presence", "audio"}));
    EXPECT_EQ(rows[0]["wants_client_auth"], true);
    set({{"provider.p.proxy", "sip.p.example"}, {"provider.p.enabled", "on"}, {"provider.skype.enabled", "on"}});
    EXPECT_EQ(get("/v1/providers")["rows"].size(), 4U);
    EXPECT_EQ(get("/v1/providers?candidate=true")["rows"].size(), 5U);
    EXPECT_EQ(ask("GET", "/v1/providers/p").status, 404);
    EXPECT_EQ(get("/v1/providers/p?candidate=true")["kind"], "hosting");
    commit();
    set({{"provider.p.proxy", "other.p.example"}});
    Answer fixed = ask("POST", "/v1/commit");
    EXPECT_EQ(fixed.status, 400);
    EXPECT_EQ(fixed.json()["key"], "provider.p.proxy");
    ask("DELETE", "/v1/candidate");
    ask("PATCH", "/v1/candidate", {{"unset", {"provider.p"}}});
    EXPECT_EQ(commit(), 2);
    set({{"provider.p.proxy", "other.p.example"}});
    EXPECT_EQ(commit(), 3) << "another provider of the same name";
    EXPECT_EQ(ask("POST", "/v1/rollback", {{"revision", 1}, {"weaker", true}}).status, 200) << "history is not refused";
}

// The dataplane of these tests has every name on its list of those allowed, with the name itself as the entry.
TEST_F(PartnersTest, ExplanationsStandBesideWhatTheCoresSay) {
    start_dataplane();
    ASSERT_EQ(set({{"federation.enabled", "on"}, {"federation.domain", "local.example"}}).status, 200);
    put(allow("partner.example"));
    commit();
    std::string query = "/v1/federation/explain?from=alice%40local.example&to=bob%40partner.example";
    Json out = get(query);
    ASSERT_EQ(out["cores"].size(), 2U) << out;
    EXPECT_EQ(out["cores"][0]["name"], "partner.example");
    EXPECT_EQ(out["cores"][0]["agree"], true);
    EXPECT_EQ(out["cores"][0]["words"], "all 2 cores say the same: allow domain partner.example");
    EXPECT_EQ(out["cores"][1]["name"], "alice@local.example");
    EXPECT_EQ(out["cores"][1]["agree"], false) << "the store has no policy of hers";
    put(block("partner.example"), true);
    out = get(query + "&candidate=true");
    EXPECT_EQ(out["cores"][0]["agree"], false);
    EXPECT_NE(out["cores"][0]["words"].get<std::string>().find("the candidate, which is not committed"),
              std::string::npos);
    EXPECT_EQ(get(query)["cores"][0]["agree"], true) << "what is in force is what the cores have";
    fake_.reset();
    ASSERT_TRUE(eventually([&] { return get(query).contains("cores_error"); }));
}

// The thread that asks for the commit waits in it; the others are served, by what was in force before.
TEST_F(PartnersTest, ALargeCommitKeepsNobodyWaiting) {
    start_dataplane();
    ASSERT_NO_FATAL_FAILURE(set_up_edge());
    constexpr int kEntries = 30'000, kPart = 5'000;
    for (int part = 0; part < kEntries; part += kPart) {
        Json put = Json::array();
        for (int i = part; i < part + kPart; i++) put.push_back(allow("d" + std::to_string(i) + ".example"));
        ASSERT_EQ(ask("PATCH", "/v1/candidate/entries", {{"put", put}}).status, 200);
    }
    std::atomic<bool> over{false};
    Answer committed;
    std::thread other([&] {
        committed = Client(socket()).ask("POST", "/v1/commit", "");
        over = true;
    });
    int served = 0, refused = 0, before = 0;
    while (!over) {
        bool late = over;
        Json status = get("/v1/status");
        served++;
        before += !late && status["control"]["revision"] == 1;
        refused += ask("PATCH", "/v1/candidate", {{"set", {{"sip.node", "7"}}}}).status == 503;
    }
    other.join();
    ASSERT_EQ(committed.status, 200) << committed.text;
    EXPECT_EQ(committed.json()["revision"], 2);
    EXPECT_GT(before, 1) << "while the commit was under way";
    EXPECT_GT(refused, 0) << "nothing is changed under a commit";
    EXPECT_EQ(get("/v1/entries?limit=1")["rows"].size(), 1U);

    Answer refusal = ask("POST", "/v1/rollback", {{"revision", 1}});
    EXPECT_EQ(refusal.status, 200) << "taking away what was allowed is not weaker: " << refusal.text;
    EXPECT_EQ(get("/v1/entries?limit=1")["rows"].size(), 0U);
    refusal = ask("POST", "/v1/rollback", {{"revision", 2}});
    EXPECT_EQ(refusal.status, 409) << refusal.text;
    EXPECT_NE(refusal.text.find("30000 names are allowed"), std::string::npos) << refusal.text;
    Json back = ask("POST", "/v1/rollback", {{"revision", 2}, {"weaker", true}}).json();
    EXPECT_EQ(back["revision"], 4);
    EXPECT_EQ(back["weaker"].size(), 1U);
}

}  // namespace
}  // namespace fedge::control::api
