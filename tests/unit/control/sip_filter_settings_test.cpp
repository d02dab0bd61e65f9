// The filters of SIP: settings, what becomes of them in the snapshot, and what the API says of texts.
#include "control/publish/snapshot.h"
#include "control/settings/config.h"
#include "tests/unit/control/api_daemon.h"
#include "tests/unit/control/setting_rows.h"

namespace fedge::control {

std::vector<SettingRow> sip_filter_rows() {
    return {
        {"sip.filter.links", "2", nullptr},
        {"sip.filter.links", "off", "off"},
        {"sip.filter.link-action", "warn", "warn"},
        {"sip.filter.link-action", "drop", nullptr},
        {"sip.filter.ignore-local", "off", "off"},
        {"sip.filter.ignore-local", "2", nullptr},
        {"sip.filter.local-domain", "Corp.Example.ORG", "corp.example.org"},
        {"sip.filter.local-domain", "*.example.org", nullptr},
        {"sip.filter.link-prefix", "HTTP:", "http:"},
        {"sip.filter.link-prefix", "www*.", "www*."},
        {"sip.filter.link-prefix", "href", "href"},
        {"sip.filter.link-prefix", "http", nullptr},
        {"sip.filter.link-prefix", "a b:", nullptr},
        {"sip.filter.file-links", "off", "off"},
        {"sip.filter.file-links", "exe", nullptr},
        {"sip.filter.allow-message", "Links were changed & so on.", "Links were changed & so on."},
        {"sip.filter.allow-message", "two\nlines", nullptr},
        {"sip.filter.warn-message", "Vorsicht \xc3\xbc", "Vorsicht \xc3\xbc"},
        {"sip.filter.warn-message", "\xff", nullptr},
        {"sip.filter.warn-message", "", nullptr},
        {"sip.filter.files", "off", "off"},
        {"sip.filter.files", "exe", nullptr},
        {"sip.filter.file-action", "block-all", "block-all"},
        {"sip.filter.file-action", "block", nullptr},
        {"sip.filter.file-extension", ".EXE", "exe"},
        {"sip.filter.file-extension", "tar.gz", nullptr},
        {"sip.filter.scan", "off", "off"},
        {"sip.filter.scan", "sometimes", nullptr},
        {"sip.filter.scanner", "=voip", "=voip"},
        {"sip.filter.scanner",
         "sch\xc3\xbcnn\xc3\xbc"
         "ffler.*(",
         "sch\xc3\xbcnn\xc3\xbc"
         "ffler.*("},
        {"sip.filter.scanner", "", nullptr},
    };
}

namespace {

Settings served() {
    return {{"interface.outside.address", {"192.0.2.10/26"}},
            {"interface.outside.port", {"wan"}},
            {"sip.listen", {"192.0.2.10:5061"}},
            {"sip.outside-name", {"access.example.org"}}};
}

std::vector<std::string> texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* list) {
    std::vector<std::string> out;
    for (const auto* text : *list) out.push_back(text->str());
    return out;
}

std::vector<uint8_t> published(const Settings& settings) {
    SnapshotState state;
    state.revision = 1;
    state.nonce_keys = {{std::vector<uint8_t>(16, 1), 0}};
    state.token_keys = {{std::vector<uint8_t>(32, 2), 1}};
    state.certificates = {{.name = "own", .chain = "chain", .key = "key"}};
    auto bytes = build_snapshot(compile(settings).config, state);
    EXPECT_EQ(verify_snapshot(bytes), "");
    return bytes;
}

TEST(SipFilterSnapshot, DefaultListsAreInForceAsSoonAsSipIsServed) {
    auto bytes = published(served());
    const contract::Filters* filters = contract::GetSnapshot(bytes.data())->sip()->filters();
    ASSERT_TRUE(filters);
    EXPECT_TRUE(filters->links());
    EXPECT_EQ(filters->link_action(), contract::LinkAction::block);
    EXPECT_TRUE(filters->block_file_links());
    EXPECT_TRUE(filters->files());
    EXPECT_EQ(texts(filters->link_prefixes()), sip::default_link_prefixes());
    EXPECT_EQ(texts(filters->file_extensions()), sip::default_file_extensions());
    EXPECT_EQ(texts(filters->scanners()), sip::default_scanner_signatures());
}

TEST(SipFilterSnapshot, CarriesTheSettings) {
    Settings settings = served();
    settings["sip.filter.link-action"] = {"warn"};
    settings["sip.filter.warn-message"] = {"Careful."};
    settings["sip.filter.allow-message"] = {"Changed."};
    settings["sip.filter.ignore-local"] = {"off"};
    settings["sip.filter.local-domain"] = {"corp.example.org"};
    settings["sip.filter.link-prefix"] = {"http:", "www*."};
    settings["sip.filter.file-links"] = {"off"};
    settings["sip.filter.files"] = {"off"};
    settings["sip.filter.file-action"] = {"block-all"};
    settings["sip.filter.file-extension"] = {"exe", "iso"};
    settings["sip.filter.scan"] = {"off"};
    auto bytes = published(settings);
    const contract::Filters* filters = contract::GetSnapshot(bytes.data())->sip()->filters();
    EXPECT_EQ(filters->link_action(), contract::LinkAction::warn);
    EXPECT_EQ(filters->warn_message()->str(), "Careful.");
    EXPECT_EQ(filters->allow_message()->str(), "Changed.");
    EXPECT_FALSE(filters->link_ignore_local());
    EXPECT_EQ(texts(filters->local_domains()), (std::vector<std::string>{"corp.example.org"}));
    EXPECT_EQ(texts(filters->link_prefixes()), (std::vector<std::string>{"http:", "www*."}));
    EXPECT_FALSE(filters->block_file_links());
    EXPECT_FALSE(filters->files());
    EXPECT_EQ(filters->file_action(), contract::FileAction::block_all);
    EXPECT_EQ(texts(filters->file_extensions()), (std::vector<std::string>{"exe", "iso"}));
    EXPECT_EQ(filters->scanners()->size(), 0U);
}

TEST(SipFilterWarnings, WarnWithoutAWarningDoesNothing) {
    auto told = [](const Settings& settings) {
        Compiled compiled = compile(settings);
        EXPECT_TRUE(compiled.errors.empty());
        for (const Problem& one : compiled.warnings)
            if (one.key == "sip.filter.warn-message") return true;
        return false;
    };
    Settings settings = served();
    EXPECT_FALSE(told(settings));
    settings["sip.filter.link-action"] = {"warn"};
    EXPECT_TRUE(told(settings));
    settings["sip.filter.warn-message"] = {"Careful."};
    EXPECT_FALSE(told(settings));
}

TEST(SipFilterRules, ASignatureIsMoreThanASign) {
    Settings settings = served();
    settings["sip.filter.scanner"] = {"="};
    Compiled compiled = compile(settings);
    ASSERT_EQ(compiled.errors.size(), 1U);
    EXPECT_EQ(compiled.errors[0].key, "sip.filter.scanner");
}

// What every list may hold, the filters must be able to compile.
TEST(SipFilterSettings, WhatIsAcceptedCompiles) {
    sip::FilterSettings settings;
    for (const SettingRow& row : sip_filter_rows()) {
        if (!row.canonical) continue;
        std::string key = row.key;
        if (key == "sip.filter.link-prefix") settings.prefixes.push_back(row.canonical);
        if (key == "sip.filter.file-extension") settings.extensions.push_back(row.canonical);
        if (key == "sip.filter.scanner") settings.scanners.push_back(row.canonical);
    }
    EXPECT_NO_THROW(sip::FilterDatabase{settings});
}

}  // namespace

namespace api {
namespace {

class SipFilterApi : public ApiTest {
  protected:
    Json test(Json body) {
        Answer answer = ask("POST", "/v1/sip/filter/test", body);
        EXPECT_EQ(answer.status, 200) << answer.text;
        return answer.status == 200 ? answer.json() : Json();
    }
    void set(const Json& settings) { ASSERT_EQ(ask("PATCH", "/v1/candidate", {{"set", settings}}).status, 200); }
};

TEST_F(SipFilterApi, ShowsWhatIsInForceAndWhatWouldBe) {
    Json now = get("/v1/sip/filter");
    EXPECT_EQ(now["link_action"], "block");
    EXPECT_EQ(now["lists"]["file-extension"].size(), sip::default_file_extensions().size());
    set({{"sip.filter.link-action", "allow"}, {"sip.filter.scanner", {"nosy"}}});
    EXPECT_EQ(get("/v1/sip/filter"), now);
    Json then = get("/v1/sip/filter?candidate=true");
    EXPECT_EQ(then["link_action"], "allow");
    EXPECT_EQ(then["lists"]["scanner"], Json::array({"nosy"}));
}

TEST_F(SipFilterApi, SaysWhatATextWouldMeet) {
    Json clean = test({{"text", "hello"}});
    EXPECT_EQ(clean["finding"], "clean");
    EXPECT_TRUE(clean["passes"]);
    Json link = test({{"text", "see h%74tp://evil.example"}});
    EXPECT_EQ(link["finding"], "link");
    EXPECT_FALSE(link["passes"]);
    EXPECT_EQ(link["wire"]["status"], 403);
    EXPECT_EQ(link["wire"]["code"], 16000);
    EXPECT_EQ(test({{"text", "http://x.example/a.exe"}})["wire"]["code"], 16001);
    EXPECT_EQ(test({{"text", "ht<b></b>tp://x.example"}, {"type", "text/html"}})["finding"], "link");
    EXPECT_EQ(test({{"text", "game.exe"}, {"as", "file"}})["finding"], "file");
    EXPECT_EQ(test({{"text", "photo.png"}, {"as", "file"}})["finding"], "clean");
    Json scanner = test({{"text", "friendly-scanner"}, {"as", "user-agent"}});
    EXPECT_EQ(scanner["finding"], "scanner");
    EXPECT_EQ(scanner["signature"], "friendly-scanner");
    EXPECT_FALSE(scanner["passes"]);
    EXPECT_TRUE(test({{"text", "Example Phone 2.0"}, {"as", "user-agent"}})["passes"]);

    set({{"sip.filter.link-action", "allow"}, {"sip.filter.allow-message", "Changed."}});
    EXPECT_EQ(test({{"text", "see http://x.example"}})["finding"], "link") << "not in force";
    Json defused = test({{"text", "see http://x.example"}, {"candidate", true}});
    EXPECT_EQ(defused["finding"], "defused");
    EXPECT_TRUE(defused["passes"]);
    EXPECT_EQ(defused["text"], "Changed.\r\nsee _http://x.example");
    set({{"sip.filter.scan", "off"}});
    EXPECT_TRUE(test({{"text", "friendly-scanner"}, {"as", "user-agent"}, {"candidate", true}})["passes"]);
}

TEST_F(SipFilterApi, RefusesWhatItCannotTest) {
    EXPECT_EQ(ask("POST", "/v1/sip/filter/test", {{"as", "message"}}).status, 400);
    EXPECT_EQ(ask("POST", "/v1/sip/filter/test", {{"text", "x"}, {"as", "poem"}}).status, 400);
    EXPECT_EQ(ask("POST", "/v1/sip/filter/test", {{"text", "a\r\nb"}, {"as", "user-agent"}}).status, 400);
    EXPECT_EQ(ask("POST", "/v1/sip/filter/test", {{"text", "x"}, {"typ", "y"}}).status, 400);
}

}  // namespace
}  // namespace api
}  // namespace fedge::control
