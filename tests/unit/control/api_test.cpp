// The API over its real socket, with the real store and a fake dataplane.
#include "tests/unit/control/api_daemon.h"

namespace fedge::control::api {
namespace {

TEST_F(ApiTest, EditsDiffsCommitsAndRollsBack) {
    start_dataplane();
    Json settings{{"interface.outside.port", "wan"}, {"interface.outside.address", {"192.0.2.10/26"}}};
    Answer patched = ask("PATCH", "/v1/candidate", {{"set", settings}});
    EXPECT_EQ(patched.status, 200);
    EXPECT_EQ(patched.json()["changes"].size(), 2U);
    EXPECT_EQ(get("/v1/status")["control"]["candidate_changes"], 2);
    Json diff = get("/v1/diff")["changes"];
    EXPECT_EQ(diff[0], (Json{{"key", "interface.outside.address"}, {"old", nullptr}, {"new", {"192.0.2.10/26"}}}));
    EXPECT_EQ(diff[1]["new"], "wan");

    Json committed = ask("POST", "/v1/commit", {{"comment", "first"}}).json();
    EXPECT_EQ(committed["revision"], 1);
    EXPECT_EQ(committed["adopted"], true);
    EXPECT_EQ(ask("POST", "/v1/commit").status, 409);

    ask("PATCH", "/v1/candidate", {{"set", {{"icmp.rate", 7}}}});
    EXPECT_EQ(ask("POST", "/v1/commit").json()["revision"], 2);
    EXPECT_EQ(get("/v1/config")["settings"]["icmp.rate"], "7");
    EXPECT_EQ(get("/v1/diff?from=1&to=2")["changes"][0]["key"], "icmp.rate");
    EXPECT_EQ(ask("POST", "/v1/rollback", {{"revision", 1}}).json()["revision"], 3);
    EXPECT_FALSE(get("/v1/config")["settings"].contains("icmp.rate"));
    EXPECT_EQ(get("/v1/config?revision=2")["settings"]["icmp.rate"], "7");
    EXPECT_EQ(ask("POST", "/v1/rollback", {{"revision", 99}}).status, 404);

    Json rows = get("/v1/revisions")["rows"];
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[2]["comment"], "first");
    EXPECT_NE(rows[0]["who"], "") << "the user at the other end of the socket";
    auto snapshots = fake_->snapshots();
    ASSERT_EQ(snapshots.size(), 3U);
    EXPECT_EQ(contract::GetSnapshot(snapshots[1].data())->icmp_rate(), 7U);
    EXPECT_EQ(contract::GetSnapshot(snapshots[2].data())->icmp_rate(), 100U);
}

TEST_F(ApiTest, InvalidCommitsChangeNothing) {
    set_up_edge();
    ask("PATCH", "/v1/candidate", {{"set", {{"turn.listen", "192.0.2.11:3478"}, {"turn.port-first", 60000}}}});
    Answer refused = ask("POST", "/v1/commit");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json()["errors"].size(), 2U);
    EXPECT_EQ(refused.json()["key"], "turn.listen");
    EXPECT_NE(refused.json()["fix"], "");
    EXPECT_EQ(get("/v1/status")["control"]["revision"], 1);
    EXPECT_EQ(get("/v1/candidate")["changes"].size(), 2U) << "the edits stay to be corrected";
    EXPECT_EQ(ask("DELETE", "/v1/candidate").json()["changes"].size(), 0U);
    EXPECT_EQ(ask("PATCH", "/v1/candidate", {{"unset", {"interface"}}}).status, 200);
    EXPECT_EQ(ask("POST", "/v1/commit").status, 400) << "the last interface stays";
}

TEST_F(ApiTest, RefusedByTheDataplane) {
    start_dataplane({.refuse = "port wan is on fire"});
    set_up_edge();
    Json status = get("/v1/status");
    EXPECT_EQ(status["dataplane"]["adopted"], false);
    EXPECT_EQ(status["dataplane"]["refused_reason"], "port wan is on fire");
    EXPECT_NE(status["warnings"].dump().find("on fire"), std::string::npos);
}

TEST_F(ApiTest, CredentialsArePublishedAtOnceAndSecretsAreShownOnce) {
    start_dataplane();
    set_up_edge();
    EXPECT_EQ(ask("POST", "/v1/turn/users", {{"name", "zoe"}, {"password", "hunter2-zoe"}}).status, 201);
    EXPECT_EQ(ask("POST", "/v1/turn/users", {{"name", "amy"}, {"password", "hunter2-amy"}}).status, 201);
    EXPECT_EQ(ask("POST", "/v1/turn/users", {{"name", "amy"}, {"password", "hunter2-new"}}).status, 409);
    EXPECT_EQ(ask("POST", "/v1/turn/users", {{"name", "amy"}, {"password", "hunter2-new"}, {"replace", true}}).status,
              201);
    EXPECT_EQ(ask("POST", "/v1/turn/users", {{"name", "eve"}, {"password", "hunter2\n"}}).status, 400);
    EXPECT_EQ(ask("POST", "/v1/turn/users", {{"name", "eve"}, {"passwort", "hunter2-typo"}}).status, 400);
    EXPECT_EQ(get("/v1/turn/users")["rows"].size(), 2U);

    std::string secret = Client(socket()).ask("POST", "/v1/turn/secrets").json()["secret"];
    Json rotated = Client(socket()).ask("POST", "/v1/turn/secrets/rotate", R"({"keep_s":100})").json();
    Json rows = get("/v1/turn/secrets")["rows"];
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0]["expires"], rotated["expires"]);
    EXPECT_EQ(rows[1]["expires"], nullptr);
    EXPECT_EQ(rows[1]["fingerprint"], rotated["fingerprint"]);

    auto newest = fake_->snapshots().back();
    const auto* turn = contract::GetSnapshot(newest.data())->turn();
    ASSERT_EQ(turn->users()->size(), 2U);
    EXPECT_EQ(turn->users()->Get(0)->name()->str(), "amy") << "sorted";
    ASSERT_EQ(turn->secrets()->size(), 2U);
    EXPECT_EQ(std::string(turn->secrets()->Get(0)->key()->begin(), turn->secrets()->Get(0)->key()->end()), secret);

    clock_offset_ = 200;
    EXPECT_TRUE(eventually([&] { return get("/v1/turn/secrets")["rows"].size() == 1; }))
        << "the old secret ends by itself";
    EXPECT_EQ(ask("DELETE", "/v1/turn/secrets/" + std::to_string(rotated["id"].get<int>())).status, 200);
    EXPECT_EQ(ask("DELETE", "/v1/turn/secrets/1").status, 404);
    EXPECT_EQ(ask("DELETE", "/v1/turn/secrets/x").status, 400);
    EXPECT_EQ(ask("DELETE", "/v1/turn/users/zoe").status, 200);
    EXPECT_EQ(ask("DELETE", "/v1/turn/users/zoe").status, 404);

    for (const char* page : {"/v1/audit", "/v1/status", "/v1/turn/users", "/v1/turn/secrets", "/v1/config", "/metrics"})
        ask("GET", page);
    stop();
    std::string said = output_ + lines_.str();
    for (const std::string& hidden : {secret, rotated["secret"].get<std::string>(), std::string("hunter2")}) {
        EXPECT_EQ(said.find(hidden), std::string::npos) << "a secret was shown again or logged";
    }
}

// Whatever changes what the dataplane runs on, with the fields that its reply has besides the outcome.
struct Change {
    const char* method;
    const char* target;
    Json body;
};
const std::vector<Change>& changes() {
    static const std::vector<Change> all = {
        {"POST", "/v1/turn/users", {{"name", "amy"}, {"password", "x"}}},
        {"DELETE", "/v1/turn/users/amy", nullptr},
        {"POST", "/v1/turn/secrets", nullptr},
        {"POST", "/v1/turn/secrets/rotate", {{"keep_s", 100}}},
        {"DELETE", "/v1/turn/secrets/1", nullptr},
        {"PUT", "/v1/drain", {{"on", true}}},
    };
    return all;
}

TEST_F(ApiTest, ChangesAreInForceWhenTheReplySaysSo) {
    start_dataplane();
    set_up_edge();
    size_t snapshots = fake_->snapshots().size();
    for (const auto& change : changes()) {
        Json reply = ask(change.method, change.target, change.body).json();
        EXPECT_EQ(reply["adopted"], true) << change.target << reply;
        EXPECT_FALSE(reply.contains("refused_reason")) << change.target;
        EXPECT_EQ(fake_->snapshots().size(), ++snapshots) << change.target;
    }
    auto newest = fake_->snapshots().back();
    EXPECT_TRUE(contract::GetSnapshot(newest.data())->drain());
}

TEST_F(ApiTest, ChangesSayWhyTheyAreNotInForce) {
    start_dataplane();
    set_up_edge();
    fake_->refuse_from_now("the core is on fire");
    for (const auto& change : changes()) {
        Json reply = ask(change.method, change.target, change.body).json();
        EXPECT_EQ(reply["adopted"], false) << change.target;
        EXPECT_EQ(reply["refused_reason"], "the core is on fire") << change.target;
    }
    fake_.reset();
    ASSERT_TRUE(eventually([&] { return get("/v1/status")["dataplane"]["connected"] == false; }));
    Json reply = ask("PUT", "/v1/drain", {{"on", false}}).json();
    EXPECT_EQ(reply["adopted"], false);
    EXPECT_EQ(reply["refused_reason"], "the dataplane is not connected");
    EXPECT_EQ(get("/v1/status")["drain"], false) << "stored all the same";

    start_dataplane({.answer_publish = false});
    reply = ask("POST", "/v1/turn/users", {{"name", "zoe"}, {"password", "x"}}).json();
    EXPECT_EQ(reply["adopted"], false);
    EXPECT_EQ(reply["refused_reason"], "the dataplane has not adopted it yet");
}

TEST_F(ApiTest, RealmIsFixedWhileThereAreUsers) {
    set_up_edge();
    ask("POST", "/v1/turn/users", {{"name", "amy"}, {"password", "x"}});
    ask("PATCH", "/v1/candidate", {{"set", {{"turn.realm", "example.org"}}}});
    Answer refused = ask("POST", "/v1/commit");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json()["key"], "turn.realm");
    ask("DELETE", "/v1/turn/users/amy");
    EXPECT_EQ(ask("POST", "/v1/commit").status, 200);
    ask("POST", "/v1/turn/users", {{"name", "amy"}, {"password", "x"}});
    EXPECT_EQ(ask("POST", "/v1/rollback", {{"revision", 1}}).status, 400) << "a rollback would change the realm too";
}

TEST_F(ApiTest, NonceKeysTurnOverEveryHour) {
    start_dataplane();
    set_up_edge();
    auto keys = [&] {
        auto newest = fake_->snapshots().back();
        const auto* bytes = contract::GetSnapshot(newest.data())->turn()->nonce_keys();
        return std::string(bytes->begin(), bytes->end());
    };
    std::string first = keys();
    EXPECT_EQ(first.size(), 16U);
    clock_offset_ = 3601;
    ASSERT_TRUE(eventually([&] { return keys() != first; }));
    std::string second = keys();
    EXPECT_EQ(second.substr(16), first) << "the old key still verifies";
    clock_offset_ = 7300;
    ASSERT_TRUE(eventually([&] { return keys() != second; }));
    EXPECT_EQ(keys().size(), 32U);
    EXPECT_EQ(keys().substr(16), second.substr(0, 16));
}

TEST_F(ApiTest, TicketKeysTurnOverAndSurviveARestart) {
    daemon_->store.put_certificate({"edge", "CHAIN", "KEY", "", {}, 0, ""}, {"test", 0}, "certificate-import", "edge");
    start_dataplane();
    set_up_edge();
    auto keys = [&] {
        auto newest = fake_->snapshots().back();
        const auto* tls = contract::GetSnapshot(newest.data())->tls();
        return tls ? std::string(tls->ticket_keys()->begin(), tls->ticket_keys()->end()) : "no TLS";
    };
    EXPECT_EQ(keys(), "no TLS");
    ask("PATCH", "/v1/candidate", {{"set", {{"turn.listen-tls", "192.0.2.10:5349"}, {"tls.ticket-lifetime", 600}}}});
    ASSERT_EQ(ask("POST", "/v1/commit").status, 200);
    std::string first = keys();
    ASSERT_EQ(first.size(), 80U);
    clock_offset_ = 601;
    ASSERT_TRUE(eventually([&] { return keys() != first; }));
    std::string second = keys();
    EXPECT_EQ(second.size(), 160U);
    EXPECT_EQ(second.substr(80), first) << "the old key still opens tickets";
    size_t before = fake_->snapshots().size();
    stop();
    start();
    ASSERT_TRUE(eventually([&] { return fake_->snapshots().size() > before; }));
    EXPECT_EQ(keys(), second);
    clock_offset_ = 1300;
    ASSERT_TRUE(eventually([&] { return keys() != second; }));
    EXPECT_EQ(keys().size(), 160U);
    EXPECT_EQ(keys().substr(80), second.substr(0, 80)) << "the oldest key is gone";

    ask("PATCH", "/v1/candidate", {{"set", {{"tls.tickets", "off"}}}});
    ASSERT_EQ(ask("POST", "/v1/commit").status, 200);
    EXPECT_EQ(keys(), "");
    EXPECT_TRUE(daemon_->store.ticket_keys().empty());
}

TEST_F(ApiTest, ListenersOfTlsNeedACertificate) {
    set_up_edge();
    for (const char* key : {"turn.listen-tls", "shared.listen"}) {
        ask("DELETE", "/v1/candidate");
        ask("PATCH", "/v1/candidate", {{"set", {{key, "192.0.2.10:443"}}}});
        Answer refused = ask("POST", "/v1/commit");
        EXPECT_EQ(refused.status, 400);
        EXPECT_EQ(refused.json()["key"], key);
        EXPECT_NE(refused.json()["fix"].get<std::string>().find("fedge cert import"), std::string::npos);
    }
    ask("DELETE", "/v1/candidate");
    ask("PATCH", "/v1/candidate", {{"set", {{"turn.listen-tcp", "192.0.2.10:443"}}}});
    EXPECT_EQ(ask("POST", "/v1/commit").status, 200) << "plain TCP needs none";
}

TEST_F(ApiTest, CertificatesArePublishedAndReplacedAndTheirKeysStayInside) {
    start_dataplane();
    set_up_edge();
    auto hosts = [](const char* name) { return Json{{"name", name}, {"hosts", {"edge.example.org"}}}; };
    Answer generated = ask("POST", "/v1/certificates/generate", hosts("edge"));
    EXPECT_EQ(generated.status, 201);
    EXPECT_EQ(generated.json()["adopted"], true);
    EXPECT_EQ(generated.json()["replaced"], false);
    EXPECT_NE(generated.json()["notes"].dump().find("for labs"), std::string::npos);
    ask("PATCH", "/v1/candidate", {{"set", {{"turn.listen-tls", "192.0.2.10:5349"}, {"tls.trust", "own"}}}});
    ASSERT_EQ(ask("POST", "/v1/commit").status, 200);
    auto published = [&] {
        auto newest = fake_->snapshots().back();
        const auto* certificate = contract::GetSnapshot(newest.data())->tls()->certificates()->Get(0);
        return std::pair(certificate->chain()->str(), certificate->key()->str());
    };
    auto [chain, key] = published();
    EXPECT_EQ(get("/v1/certificates/edge")["pem"], chain);
    EXPECT_NE(key.find("PRIVATE KEY"), std::string::npos);
    EXPECT_EQ(ask("POST", "/v1/certificates/generate", hosts("edge")).json()["replaced"], true);
    EXPECT_NE(published().first, chain) << "replaced by publishing again";
    EXPECT_NE(published().second, key);

    // The same pair under another name, as an import: the lab authority must be given, as it is no root of the system.
    std::string lab = get("/v1/certificates/lab-ca")["pem"];
    auto [new_chain, new_key] = published();
    Json order{{"name", "a-copy"}, {"chain", new_chain}, {"key", key}};
    Answer refused = ask("POST", "/v1/certificates", order);
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json()["key"], "key");
    order["key"] = new_key;
    EXPECT_EQ(Client(socket()).ask("POST", "/v1/certificates", order.dump()).status, 201);
    EXPECT_EQ(ask("POST", "/v1/trust", {{"name", "lab"}, {"certificate", lab}}).status, 201);
    auto newest = fake_->snapshots().back();
    EXPECT_EQ(contract::GetSnapshot(newest.data())->tls()->trust()->str(), lab);
    EXPECT_EQ(get("/v1/trust")["rows"][0]["subject"], "CN=fedge lab authority");
    EXPECT_EQ(ask("POST", "/v1/certificates/request", hosts("new")).status, 201);
    EXPECT_EQ(get("/v1/certificates")["rows"].size(), 3U);
    EXPECT_GE(get("/v1/certificates")["rows"][1]["days_left"], 396);
    EXPECT_EQ(get("/v1/tls")["rows"].size(), 2U);
    EXPECT_EQ(get("/v1/tls")["ticket_keys"].size(), 1U);
    EXPECT_EQ(ask("PUT", "/v1/certificates/edge/ocsp", "no response").status, 400);
    EXPECT_EQ(ask("POST", "/v1/crls", "no list").status, 400);
    EXPECT_EQ(ask("DELETE", "/v1/crls/CN%3Dnobody").status, 404);
    EXPECT_EQ(ask("DELETE", "/v1/certificates/..%2Fedge").status, 404);
    EXPECT_EQ(ask("GET", "/v1/certificates/..%2F..%2Fetc%2Fpasswd").status, 404);
    EXPECT_EQ(ask("DELETE", "/v1/certificates/edge").status, 200);
    EXPECT_EQ(ask("DELETE", "/v1/certificates/a-copy").status, 409) << "the last one of a listener";
    EXPECT_EQ(ask("DELETE", "/v1/trust/lab").status, 200);
    for (const Json& body :
         {Json{{"name", "x"}}, Json{{"name", "x"}, {"hosts", "a.example.org"}}, Json{{"name", "x"}, {"hosts", {1}}},
          Json{{"name", "x"}, {"hosts", {"a.example.org"}}, {"algorithm", "dsa"}}})
        EXPECT_EQ(ask("POST", "/v1/certificates/generate", body).status, 400) << body;

    for (const char* page : {"/v1/audit", "/v1/status", "/v1/certificates", "/v1/certificates/a-copy", "/v1/tls",
                             "/v1/trust", "/v1/crls", "/v1/config", "/metrics"})
        ask("GET", page);
    EXPECT_NE(ask("GET", "/metrics").text.find("fedge_certificate_end_time_seconds{certificate=\"a-copy\"} "),
              std::string::npos);
    clock_offset_ = 380 * 86400 + 3600;
    EXPECT_NE(get("/v1/status")["warnings"].dump().find("certificate a-copy ends in 16 days"), std::string::npos);
    stop();
    std::string said = output_ + lines_.str();
    EXPECT_EQ(said.find("PRIVATE KEY"), std::string::npos);
    for (const std::string& hidden : {key, new_key})
        EXPECT_EQ(said.find(hidden.substr(40, 40)), std::string::npos) << "a private key was shown or logged";
    struct stat store {};
    ASSERT_EQ(::stat((scratch_.path() + "/state/control.db").c_str(), &store), 0);
    EXPECT_EQ(store.st_mode & 0777, 0600U);
}

TEST_F(ApiTest, ConnectionsAreListedAndFound) {
    start_dataplane({.connections = 25});
    EXPECT_EQ(get("/v1/connections")["rows"].size(), 25U);
    EXPECT_EQ(get("/v1/connections?limit=5")["next"], "5");
    EXPECT_EQ(get("/v1/connections?service=turn-tcp")["rows"].size(), 8U);
    EXPECT_EQ(get("/v1/endings?limit=1000")["rows"].size(), 25U);
    EXPECT_EQ(get("/v1/endings")["rows"][0]["ended"], "closed by the peer");
    EXPECT_EQ(get("/v1/connection?id=23")["connection"]["remote"], "198.51.100.2:4023");
    EXPECT_EQ(get("/v1/connection?address=198.51.100.2:4023")["connection"]["id"], 23);
    EXPECT_EQ(get("/v1/connection?id=1023")["connection"]["ended"], "closed by the peer");
    EXPECT_EQ(ask("GET", "/v1/connection?id=99").status, 404);
    for (const char* query : {"", "?id=0", "?id=x", "?address=198.51.100.2", "?id=1&address=198.51.100.2:4023"})
        EXPECT_EQ(ask("GET", std::string("/v1/connection") + query).status, 400) << query;
    fake_.reset();
    ASSERT_TRUE(eventually([&] { return get("/v1/status")["dataplane"]["connected"] == false; }));
    EXPECT_EQ(ask("GET", "/v1/connections").status, 503);
    EXPECT_EQ(ask("GET", "/v1/connection?id=1").status, 503);
}

TEST_F(ApiTest, StateSurvivesARestartOfControl) {
    start_dataplane();
    set_up_edge();
    ask("PUT", "/v1/drain", {{"on", true}});
    ask("POST", "/v1/turn/users", {{"name", "amy"}, {"password", "x"}});
    ask("PATCH", "/v1/candidate", {{"set", {{"icmp.rate", 7}}}});
    size_t before = fake_->snapshots().size();
    stop();
    start();
    ASSERT_TRUE(eventually([&] { return fake_->snapshots().size() > before; }));
    auto newest = fake_->snapshots().back();
    const auto* snapshot = contract::GetSnapshot(newest.data());
    EXPECT_TRUE(snapshot->drain());
    EXPECT_EQ(snapshot->revision(), 1U);
    EXPECT_EQ(snapshot->turn()->users()->size(), 1U);
    Json status = get("/v1/status");
    EXPECT_EQ(status["drain"], true);
    EXPECT_EQ(status["control"]["candidate_changes"], 1);
}

TEST_F(ApiTest, RowsArePagedAndFiltered) {
    start_dataplane({.allocations = 25, .page_rows = 10});
    Json page = get("/v1/allocations?limit=12");
    EXPECT_EQ(page["rows"].size(), 12U);
    EXPECT_EQ(page["next"], "12");
    page = get("/v1/allocations?limit=100&after=12");
    EXPECT_EQ(page["rows"].size(), 13U);
    EXPECT_EQ(page["rows"][0]["id"], 13);
    EXPECT_EQ(page["next"], "");
    page = get("/v1/allocations?limit=100&user=odd");
    EXPECT_EQ(page["rows"].size(), 13U);
    for (const auto& row : page["rows"]) EXPECT_EQ(row["user"], "odd");
    EXPECT_EQ(ask("GET", "/v1/allocations?limit=0").status, 400);
    EXPECT_EQ(ask("GET", "/v1/allocations?limit=x").status, 400);
    EXPECT_EQ(ask("GET", "/v1/streams").status, 503);
    EXPECT_EQ(get("/v1/status")["turn"]["allocations"], 6);
    EXPECT_EQ(get("/v1/cores")["rows"].size(), 2U);
    EXPECT_EQ(ask("POST", "/v1/turn/disconnect", {{"user", "odd"}}).json(), (Json{{"disconnected", 2}}));
    EXPECT_EQ(ask("POST", "/v1/turn/disconnect", {{"allocation", 3}}).json(), (Json{{"disconnected", 1}}));
    for (const Json& bad :
         {Json::object(), Json{{"user", "a"}, {"allocation", 1}}, Json{{"allocation", -1}}, Json{{"user", ""}}}) {
        EXPECT_EQ(ask("POST", "/v1/turn/disconnect", bad).status, 400) << bad;
    }
}

TEST_F(ApiTest, WithoutDataplaneRowsAreUnavailable) {
    for (const char* target : {"/v1/allocations", "/v1/streams", "/v1/cores", "/v1/neighbors", "/v1/interfaces",
                               "/v1/counters", "/v1/drops"}) {
        Answer answer = ask("GET", target);
        EXPECT_EQ(answer.status, 503) << target;
        EXPECT_FALSE(answer.json()["fix"].get<std::string>().empty());
    }
    EXPECT_NE(ask("GET", "/metrics").text.find("\nfedge_up 0\n"), std::string::npos);
}

TEST_F(ApiTest, CountersDropsAndMetricsAgree) {
    start_dataplane();
    Json counters = get("/v1/counters")["rows"];
    EXPECT_EQ(counters[1]["name"], "rx_bytes");
    EXPECT_EQ(counters[1]["cores"], (Json{1, 1001}));
    EXPECT_EQ(counters[1]["total"], 1002);
    EXPECT_EQ(get("/v1/drops")["rows"][0]["total"], 2000);
    std::string text = ask("GET", "/metrics").text;
    EXPECT_NE(text.find("\nfedge_rx_bytes_total{core=\"1\"} 1001\n"), std::string::npos);
    EXPECT_NE(text.find("\nfedge_drops_total{reason=\"ether_short\",core=\"0\"} 500\n"), std::string::npos);
    EXPECT_NE(text.find("\nfedge_turn_allocations 6\n"), std::string::npos);
    EXPECT_TRUE(text.ends_with("# EOF\n"));
}

// Each family has its TYPE and HELP once and in front of its samples, as OpenMetrics wants it, and is documented.
TEST_F(ApiTest, MetricsAreWellFormedAndDocumented) {
    start_dataplane();
    std::istringstream lines(ask("GET", "/metrics").text);
    std::set<std::string> families;
    std::string line, family;
    while (std::getline(lines, line) && line != "# EOF") {
        if (line.starts_with("# TYPE ")) {
            family = line.substr(7, line.find(' ', 7) - 7);
            EXPECT_TRUE(families.insert(family).second) << family << " twice";
        } else if (!line.starts_with("# HELP " + family + " ")) {
            std::string name = line.substr(0, line.find_first_of(" {"));
            EXPECT_TRUE(name == family || name == family + "_total") << line;
        }
    }
    EXPECT_FALSE(std::getline(lines, line)) << "nothing follows # EOF";
    std::ifstream file(FEDGE_SOURCE_ROOT "/control/metrics.md");
    std::string documentation((std::istreambuf_iterator<char>(file)), {});
    for (const auto& name : families)
        EXPECT_NE(documentation.find("`" + name), std::string::npos) << name << " is not in metrics.md";
}

TEST_F(ApiTest, SocketIsForOwnerAndGroup) {
    struct stat info;
    ASSERT_EQ(stat(socket().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0660U);
    stop();
    EXPECT_NE(stat(socket().c_str(), &info), 0) << "removed at the end";
}

TEST_F(ApiTest, BadRequests) {
    EXPECT_EQ(ask("GET", "/nope").status, 404);
    EXPECT_EQ(ask("POST", "/v1/status").status, 405);
    EXPECT_EQ(ask("GET", "/v1/../v1/status").status, 404);
    EXPECT_EQ(ask("GET", "/v1/config?revision=99").status, 404);
    EXPECT_EQ(ask("PUT", "/v1/drain", {{"on", "yes"}}).status, 400);
    EXPECT_EQ(ask("POST", "/v1/turn/secrets/rotate", {{"keep_s", -1}}).status, 400);
    EXPECT_EQ(ask("POST", "/v1/turn/secrets/rotate", {{"keep_s", 18446744073709551615ULL}}).status, 400);
    EXPECT_EQ(ask("POST", "/v1/commit", {{"comment", "a\nb"}}).status, 400);
    EXPECT_EQ(Client(socket()).ask("GET", "/%zz").status, 400);
    Client nonsense(socket());
    nonsense.send("\x16\x03\x01 this is TLS\r\n\r\n");
    EXPECT_EQ(nonsense.receive().status, 400);
    Client huge(socket());
    huge.send("PATCH /v1/candidate HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
    EXPECT_EQ(huge.receive().status, 413);
    Client headers(socket());
    headers.send("GET /v1/status HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n");
    EXPECT_NE(headers.receive().status, 200);
    EXPECT_EQ(ask("GET", "/v1/status").status, 200) << "still there";
}

TEST_F(ApiTest, ConnectionsAreKeptAliveAndBounded) {
    Client client(socket());
    for (int i = 0; i < 3; i++) EXPECT_EQ(client.ask("GET", "/v1/status").status, 200);
    std::vector<std::unique_ptr<Client>> many;
    for (int i = 0; i < 63; i++) many.push_back(std::make_unique<Client>(socket()));
    EXPECT_EQ(many.back()->ask("GET", "/v1/status").status, 200);
    Client surplus(socket());
    EXPECT_EQ(surplus.receive().status, 0) << "closed";
    many.clear();
    EXPECT_TRUE(eventually([&] {
        return client.ask("GET", "/v1/status").status == 200 && Client(socket()).ask("GET", "/v1/status").status == 200;
    }));
}

TEST_F(ApiTest, ASecondDaemonIsRefused) {
    std::ostringstream lines;
    try {
        Daemon second(scratch_.path(), lines, clock_offset_);
        ADD_FAILURE() << "two daemons on one store";
    } catch (const StoreError& error) {
        EXPECT_NE(std::string(error.what()).find("in use"), std::string::npos);
    }
    EXPECT_EQ(ask("GET", "/v1/status").status, 200);
}

TEST_F(ApiTest, SchemaNamesEverySetting) {
    Json rows = get("/v1/schema")["settings"];
    EXPECT_GT(rows.size(), 30U);
    for (const auto& row : rows) {
        for (const char* field : {"key", "type", "list", "default", "help", "example"})
            EXPECT_TRUE(row.contains(field)) << row;
        if (row["type"] == "choice") {
            EXPECT_FALSE(row["values"].empty()) << row;
        }
    }
}

}  // namespace
}  // namespace fedge::control::api
