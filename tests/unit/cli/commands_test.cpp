// Commands against a fake control: what they ask, what they answer to refusals, and exit codes.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "appliance/cli/exit.h"
#include "tests/unit/cli/fake_control.h"
#include "tests/unit/cli/ran.h"

namespace fedge::cli::test {
namespace {

constexpr const char* kSchema = R"({"settings":[
  {"key":"interface.NAME.role","type":"choice","values":["external","internal"],"list":false,"help":"which side","example":"external"},
  {"key":"turn.realm","type":"text","list":false,"default":"","help":"the realm","example":"example.org"}]})";

TEST(Requests, AreWhatTheApiWants) {
    const struct {
        const char* line;
        const char* request;
        const char* body;
    } rows[] = {
        {"fedge unset turn.realm icmp.rate", "PATCH /v1/candidate", R"({"unset":["turn.realm","icmp.rate"]})"},
        {"fedge set turn.realm example.org", "PATCH /v1/candidate", R"({"set":{"turn.realm":"example.org"}})"},
        {"fedge set turn.peer-deny 10.0.0.0/8 fc00::/7", "PATCH /v1/candidate",
         R"({"set":{"turn.peer-deny":["10.0.0.0/8","fc00::/7"]}})"},
        {"fedge discard", "DELETE /v1/candidate", ""},
        {"fedge diff", "GET /v1/diff", ""},
        {"fedge diff 3", "GET /v1/diff?from=3", ""},
        {"fedge diff 3 5", "GET /v1/diff?from=3&to=5", ""},
        {"fedge commit -m 'two words'", "POST /v1/commit", R"({"comment":"two words"})"},
        {"fedge commit", "POST /v1/commit", R"({"comment":""})"},
        {"fedge rollback 4", "POST /v1/rollback", R"({"revision":4})"},
        {"fedge turn user remove a/b?c", "DELETE /v1/turn/users/a%2Fb%3Fc", ""},
        {"fedge turn secret add", "POST /v1/turn/secrets", "{}"},
        {"fedge turn secret rotate --keep 15m", "POST /v1/turn/secrets/rotate", R"({"keep_s":900})"},
        {"fedge turn secret rotate", "POST /v1/turn/secrets/rotate", R"({"keep_s":86400})"},
        {"fedge turn secret remove 2", "DELETE /v1/turn/secrets/2", ""},
        {"fedge turn disconnect --user alice", "POST /v1/turn/disconnect", R"({"user":"alice"})"},
        {"fedge turn disconnect --allocation 18446744073709551615", "POST /v1/turn/disconnect",
         R"({"allocation":18446744073709551615})"},
        {"fedge drain on", "PUT /v1/drain", R"({"on":true})"},
        {"fedge drain off", "PUT /v1/drain", R"({"on":false})"},
        {"fedge show config --revision 7", "GET /v1/config?revision=7", ""},
        {"fedge show allocations --user 'a b&c' --limit 5", "GET /v1/allocations?limit=5&user=a%20b%26c", ""},
        {"fedge cert generate edge a.example.org b.example.org", "POST /v1/certificates/generate",
         R"({"algorithm":"ecdsa","hosts":["a.example.org","b.example.org"],"name":"edge"})"},
        {"fedge cert csr edge a.example.org --rsa", "POST /v1/certificates/request",
         R"({"algorithm":"rsa","hosts":["a.example.org"],"name":"edge"})"},
        {"fedge cert remove a/b", "DELETE /v1/certificates/a%2Fb", ""},
        {"fedge cert show ../x", "GET /v1/certificates/..%2Fx", ""},
        {"fedge cert trust remove partner", "DELETE /v1/trust/partner", ""},
        {"fedge cert crl remove 'CN=Partner CA'", "DELETE /v1/crls/CN%3DPartner%20CA", ""},
        {"fedge show connections --ended --service turn-tls", "GET /v1/endings?limit=500&service=turn-tls", ""},
        {"fedge explain connection 4294967299", "GET /v1/connection?id=4294967299", ""},
        {"fedge explain connection [2001:db8::2]:51234", "GET /v1/connection?address=%5B2001%3Adb8%3A%3A2%5D%3A51234",
         ""},
        {"fedge rollback 4 --weaker", "POST /v1/rollback", R"({"revision":4,"weaker":true})"},
        {"fedge allow domain contoso.com", "PATCH /v1/candidate/entries",
         R"({"put":[{"kind":"domain","list":"allow","name":"contoso.com"}]})"},
        {"fedge allow domain contoso.com --via sip.contoso.com --verification use-source --purpose sip-domain --srv "
         "sips "
         "--monitor --comment 'a b' --replace",
         "PATCH /v1/candidate/entries",
         R"({"put":[{"comment":"a b","kind":"domain","list":"allow","monitor":true,"name":"contoso.com","purpose":"sip-domain","srv":"sips","verification":"use-source","via":"sip.contoso.com"}],"replace":true})"},
        {"fedge block domain evil.example", "PATCH /v1/candidate/entries",
         R"({"put":[{"kind":"domain","list":"block","name":"evil.example"}]})"},
        {"fedge allow pattern *.a.example", "PATCH /v1/candidate/entries",
         R"({"put":[{"kind":"pattern","list":"allow","name":"*.a.example"}]})"},
        {"fedge block pattern /x/ --comment y", "PATCH /v1/candidate/entries",
         R"({"put":[{"comment":"y","kind":"pattern","list":"block","name":"/x/"}]})"},
        {"fedge partner remove a.example b.example", "PATCH /v1/candidate/entries",
         R"({"remove":[{"kind":"domain","name":"a.example"},{"kind":"domain","name":"b.example"}]})"},
        {"fedge partner remove --pattern *.a", "PATCH /v1/candidate/entries",
         R"({"remove":[{"kind":"pattern","name":"*.a"}]})"},
        {"fedge partner list --allowed --patterns --monitored --via s.a.example --under 'a&b' --contains x --limit 7",
         "GET /v1/entries?limit=7&list=allow&kind=pattern&monitor=true&via=s.a.example&under=a%26b&contains=x", ""},
        {"fedge partner show a/../b", "GET /v1/entries/domain/a%2F..%2Fb", ""},
        {"fedge policy user set bob@example.org nothing", "PATCH /v1/candidate/entries",
         R"({"put":[{"access":[],"kind":"user","name":"bob@example.org"}],"replace":true})"},
        {"fedge policy user remove bob@example.org", "PATCH /v1/candidate/entries",
         R"({"remove":[{"kind":"user","name":"bob@example.org"}]})"},
        {"fedge policy global set federation outside", "PATCH /v1/candidate",
         R"({"set":{"policy.global.federation":"on","policy.global.outside":"on","policy.global.public-im":"off","policy.global.public-im-av":"off","policy.global.xmpp":"off"}})"},
        {"fedge policy site set berlin nothing --domains 'a.example, b.example'", "PATCH /v1/candidate",
         R"({"set":{"policy.site.berlin.domain":["a.example","b.example"],"policy.site.berlin.federation":"off","policy.site.berlin.outside":"off","policy.site.berlin.public-im":"off","policy.site.berlin.public-im-av":"off","policy.site.berlin.xmpp":"off"}})"},
        {"fedge policy site remove berlin", "PATCH /v1/candidate", R"({"unset":["policy.site.berlin"]})"},
        {"fedge policy show --candidate", "GET /v1/policies?candidate=true", ""},
        {"fedge provider list --candidate", "GET /v1/providers?candidate=true", ""},
        {"fedge show streams --allocation 9 --after x/1", "GET /v1/streams?limit=500&after=x%2F1&allocation=9", ""},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.line);
        FakeControl control;
        control.reply(row.request, R"({"rows":[],"adopted":true})");
        control.reply("GET /v1/candidate", R"({"changes":[]})");
        const Ran result = ran({.socket = control.path()}, split(row.line));
        EXPECT_EQ(result.exit, 0) << result.err;
        const std::string want = *row.body ? std::string(row.request) + " " + row.body : row.request;
        ASSERT_FALSE(control.requests().empty());
        EXPECT_EQ(control.requests().front(), want);
    }
}

TEST(ExitCodes, FollowWhatControlSays) {
    const struct {
        const char* what;
        const char* line;
        const char* request;
        Canned reply;
        int exit;
        const char* said;
    } rows[] = {
        {"refused with key and fix",
         "fedge commit",
         "POST /v1/commit",
         {422, R"({"error":"is empty","key":"turn.realm","fix":"fedge set turn.realm DOMAIN"})"},
         1,
         "turn.realm: is empty\n  fix: fedge set"},
        {"several errors",
         "fedge commit",
         "POST /v1/commit",
         {422,
          R"({"error":"e","fix":"f","errors":[{"key":"a","error":"one","fix":"do this"},{"key":"b","error":"two"}]})"},
         1,
         "2 errors\n  a: one\n    fix: do this\n  b: two\n"},
        {"refused without a body", "fedge commit", "POST /v1/commit", {500, ""}, 1, "HTTP 500 without an explanation"},
        {"error that is no text", "fedge commit", "POST /v1/commit", {400, R"({"error":5})"}, 1, "fedge: 5"},
        {"dataplane away",
         "fedge show cores",
         "GET /v1/cores",
         {503, R"({"error":"the dataplane is not connected","fix":"start it"})"},
         4,
         "not connected\n  fix: start it"},
        {"dataplane does not answer",
         "fedge show cores",
         "GET /v1/cores",
         {504, R"({"error":"no answer"})"},
         4,
         "no answer"},
        {"not adopted",
         "fedge commit",
         "POST /v1/commit",
         {200, R"({"revision":2,"adopted":false})"},
         4,
         "has not adopted it in time"},
        {"refused by the dataplane",
         "fedge rollback 1",
         "POST /v1/rollback",
         {200, R"({"revision":2,"adopted":false,"refused_reason":"no port named wan"})"},
         4,
         "no port named wan"},
        {"status without dataplane",
         "fedge show status",
         "GET /v1/status",
         {200, R"({"dataplane":{"connected":false}})"},
         4,
         "systemctl start fedge-dataplane"},
        {"status of a working edge",
         "fedge show status",
         "GET /v1/status",
         {200, R"({"dataplane":{"connected":true,"adopted":true}})"},
         0,
         ""},
        {"not JSON", "fedge show cores", "GET /v1/cores", {200, "hello"}, 3, "not a JSON object"},
        {"an array", "fedge show cores", "GET /v1/cores", {200, "[]"}, 3, "not a JSON object"},
        {"rows of another shape",
         "fedge show interfaces",
         "GET /v1/interfaces",
         {200, R"({"rows":[5]})"},
         3,
         "not as expected"},
        {"invalid UTF-8",
         "fedge show cores",
         "GET /v1/cores",
         {200, "{\"rows\":[{\"role\":\"\xff\"}]}"},
         3,
         "not a JSON object"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.what);
        FakeControl control;
        control.reply(row.request, row.reply);
        const Ran result = ran({.socket = control.path()}, split(row.line));
        EXPECT_EQ(result.exit, row.exit);
        EXPECT_NE(result.err.find(row.said), std::string::npos) << result.err;
    }
}

TEST(ExitCodes, ControlOutOfReach) {
    const Ran absent = ran({}, {"show", "status"});
    EXPECT_EQ(absent.exit, 3);
    EXPECT_NE(absent.err.find("control is not running"), std::string::npos);
    EXPECT_NE(absent.err.find("systemctl start fedge-control"), std::string::npos);

    const Ran too_long = ran({.socket = "/" + std::string(200, 'x')}, {"show", "status"});
    EXPECT_EQ(too_long.exit, 3);
    EXPECT_NE(too_long.err.find("too long"), std::string::npos);

    FakeControl control;
    control.reply_raw("SSH-2.0-nonsense\r\n");
    const Ran nonsense = ran({.socket = control.path()}, {"show", "status"});
    EXPECT_EQ(nonsense.exit, 3);
    EXPECT_NE(nonsense.err.find("no valid HTTP reply"), std::string::npos);

    FakeControl cut;
    cut.reply_raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    EXPECT_EQ(ran({.socket = cut.path()}, {"show", "status"}).exit, 3);

    FakeControl huge;
    huge.reply_raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{");
    EXPECT_EQ(ran({.socket = huge.path()}, {"show", "status"}).exit, 3);
}

TEST(ExitCodes, SilentControlTimesOut) {
    FakeControl control;
    control.stay_silent();
    const Api api(control.path(), std::chrono::milliseconds(100));
    try {
        api.get("/v1/status");
        FAIL() << "no failure";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit, Exit::control);
        EXPECT_NE(failure.text.find("does not answer"), std::string::npos);
    }
}

TEST(ExitCodes, FailuresAreJsonOnRequest) {
    const Ran result = ran({}, {"--json", "show", "status"});
    EXPECT_EQ(result.exit, 3);
    EXPECT_EQ(result.out, "");
    const Json error = Json::parse(result.err);
    EXPECT_EQ(error["exit"], 3);
    EXPECT_TRUE(error.contains("fix"));
}

TEST(Settings, UnknownKeysGetASuggestion) {
    const struct {
        const char* key;
        const char* said;
    } rows[] = {
        {"turn.relm", "there is no setting 'turn.relm'\n  fix: did you mean turn.realm?"},
        {"interface.outside.roll", "did you mean interface.outside.role?"},
        {"completely.else", "fedge help settings lists all of them"},
        {"turn.realm", "fedge: turn.realm: bad value"},  // known: control's own words
    };
    for (const auto& row : rows) {
        FakeControl control;
        control.reply("PATCH /v1/candidate",
                      Canned{422, R"({"error":"bad value","key":")" + std::string(row.key) + R"("})"});
        control.reply("GET /v1/schema", kSchema);
        const Ran result = ran({.socket = control.path()}, {"set", row.key, "x"});
        EXPECT_EQ(result.exit, 1);
        EXPECT_NE(result.err.find(row.said), std::string::npos) << result.err;
    }
}

TEST(Paging, FollowsCursorsUpToTheLimit) {
    FakeControl control;
    control.reply("GET /v1/neighbors?limit=500", R"({"rows":[{"address":"192.0.2.1"}],"next":"7"})");
    control.reply("GET /v1/neighbors?limit=500&after=7", R"({"rows":[{"address":"192.0.2.2"}],"next":""})");
    control.reply("GET /v1/neighbors?limit=1", R"({"rows":[{"address":"192.0.2.1"}],"next":"7"})");
    EXPECT_EQ(
        Json::parse(ran({.socket = control.path()}, split("fedge show neighbors --json --limit 0")).out)["rows"].size(),
        2u);
    const Ran one = ran({.socket = control.path()}, split("fedge show neighbors --limit 1"));
    EXPECT_NE(one.out.find("go on with --after 7"), std::string::npos) << one.out;
    EXPECT_EQ(one.out.find("192.0.2.2"), std::string::npos);
}

TEST(Paging, EndsWhenTheCursorStandsStill) {
    FakeControl control;
    control.reply("GET /v1/neighbors?limit=500", R"({"rows":[],"next":"7"})");
    control.reply("GET /v1/neighbors?limit=500&after=7", R"({"rows":[],"next":"7"})");
    EXPECT_EQ(ran({.socket = control.path()}, split("fedge show neighbors --limit 0")).exit, 0);
    EXPECT_EQ(control.requests().size(), 2u);
}

class Password : public testing::Test {
  protected:
    Password() { control_.reply("POST /v1/turn/users", R"({"name":"alice","adopted":true})"); }
    std::string sent() { return control_.requests().empty() ? "" : control_.requests().front(); }
    FakeControl control_;
    const std::string wanted_ = R"(POST /v1/turn/users {"name":"alice","password":"s3cret "})";
};

TEST_F(Password, FromStandardInputFirstLineOnly) {
    const Ran result =
        ran({.socket = control_.path(), .input = "s3cret \r\nmore\n"}, split("fedge turn user add alice"));
    EXPECT_EQ(result.exit, 0) << result.err;
    EXPECT_EQ(sent(), wanted_);
    EXPECT_EQ((result.out + result.err).find("s3cret"), std::string::npos);
}

TEST_F(Password, FromAFile) {
    char path[] = "/tmp/fedge-cli-password-XXXXXX";
    close(mkstemp(path));
    std::ofstream(path) << "s3cret \n";
    const Ran result =
        ran({.socket = control_.path(), .input = "other"}, {"turn", "user", "add", "alice", "--password-file", path});
    unlink(path);
    EXPECT_EQ(result.exit, 0) << result.err;
    EXPECT_EQ(sent(), wanted_);
}

TEST_F(Password, AskedTwiceOnATerminal) {
    EXPECT_EQ(
        ran({.socket = control_.path(), .answers = {"s3cret ", "s3cret "}}, split("fedge turn user add alice")).exit,
        0);
    EXPECT_EQ(sent(), wanted_);
}

TEST_F(Password, BadOnesAreNotSent) {
    EXPECT_EQ(
        ran({.socket = control_.path(), .answers = {"s3cret", "s3cre7"}}, split("fedge turn user add alice")).exit, 2);
    EXPECT_EQ(ran({.socket = control_.path(), .answers = {"", ""}}, split("fedge turn user add alice")).exit, 2);
    EXPECT_EQ(ran({.socket = control_.path()}, split("fedge turn user add alice")).exit, 2);
    EXPECT_EQ(
        ran({.socket = control_.path(), .input = std::string(2000, 'x')}, split("fedge turn user add alice")).exit, 2);
    EXPECT_TRUE(control_.requests().empty());
}

// A directory with files, gone afterwards.
class Files {
  public:
    Files() {
        char name[] = "/tmp/fedge-cli-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~Files() { std::filesystem::remove_all(path_); }
    std::string with(const char* name, const std::string& text) const {
        std::ofstream(path_ + "/" + name, std::ios::binary) << text;
        return path_ + "/" + name;
    }

  private:
    std::string path_;
};

TEST(Certificates, FilesAreHandedOverAndKeysNeverShown) {
    Files files;
    const std::string chain = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
    const std::string key = "-----BEGIN PRIVATE KEY-----\nsesame\n-----END PRIVATE KEY-----\n";
    const std::string der("\x30\x03\x00\xff\n", 5);
    const std::string cert_file = files.with("cert", chain), key_file = files.with("key", key),
                      der_file = files.with("der", der);
    FakeControl control;
    control.reply("POST /v1/certificates",
                  Canned{201, R"({"name":"edge","replaced":false,"notes":[],"served":true,"adopted":true})"});
    control.reply("POST /v1/trust", Canned{201, R"({"name":"lab","served":true,"adopted":true})"});
    control.reply("POST /v1/crls", Canned{201, R"({"issuer":"CN=X","verified":false,"served":true,"adopted":true})"});
    control.reply("PUT /v1/certificates/edge/ocsp",
                  R"({"name":"edge","staple":{"from":1,"to":1769800000},"served":true,"adopted":true})");
    Ran imported = ran({.socket = control.path()},
                       {"cert", "import", "edge", "--cert", cert_file, "--key", key_file, "--ca", cert_file});
    EXPECT_EQ(imported.exit, 0) << imported.err;
    EXPECT_EQ((imported.out + imported.err).find("sesame"), std::string::npos);
    const Json wanted = {{"name", "edge"}, {"chain", chain}, {"key", key}, {"roots", chain}};
    const Json without_roots = {{"name", "edge"}, {"chain", chain}, {"key", key}};
    const Json trusted = {{"name", "lab"}, {"certificate", chain}};
    EXPECT_EQ(control.requests().back(), "POST /v1/certificates " + wanted.dump());
    EXPECT_EQ(
        ran({.socket = control.path(), .input = key}, {"cert", "import", "edge", "--cert", cert_file, "--key", "-"})
            .exit,
        0);
    EXPECT_EQ(control.requests().back(), "POST /v1/certificates " + without_roots.dump());
    EXPECT_EQ(ran({.socket = control.path()}, {"cert", "trust", "add", "lab", "--file", cert_file}).exit, 0);
    EXPECT_EQ(control.requests().back(), "POST /v1/trust " + trusted.dump());
    const Ran crl = ran({.socket = control.path()}, {"cert", "crl", "import", "--file", der_file});
    EXPECT_EQ(control.requests().back(), "POST /v1/crls " + der) << "as it is";
    EXPECT_NE(crl.err.find("is not among the authorities"), std::string::npos);
    const Ran ocsp = ran({.socket = control.path()}, {"cert", "ocsp", "import", "edge", "--file", der_file});
    EXPECT_EQ(control.requests().back(), "PUT /v1/certificates/edge/ocsp " + der);
    EXPECT_NE(ocsp.out.find("stapled until 2026-01-30"), std::string::npos) << ocsp.out;
}

TEST(Secrets, ASecretIsAloneOnStandardOutput) {
    FakeControl control;
    control.reply("POST /v1/turn/secrets",
                  Canned{201, R"({"id":3,"secret":"c2VjcmV0","fingerprint":"ab","adopted":true})"});
    const Ran result = ran({.socket = control.path()}, split("fedge turn secret add"));
    EXPECT_EQ(result.out, "c2VjcmV0\n");
    EXPECT_EQ(result.err.find("c2VjcmV0"), std::string::npos);
    EXPECT_EQ(result.exit, 0);
}

TEST(Secrets, AreAloneThereEvenIfNotInForce) {
    FakeControl control;
    control.reply(
        "POST /v1/turn/secrets/rotate",
        Canned{201,
               R"({"id":3,"secret":"c2VjcmV0","adopted":false,"refused_reason":"the dataplane is not connected"})"});
    const Ran result = ran({.socket = control.path()}, split("fedge turn secret rotate"));
    EXPECT_EQ(result.out, "c2VjcmV0\n");
    EXPECT_NE(result.err.find("Secret 3 is stored, but that is not in force."), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("adopted it: the dataplane is not connected\n"), std::string::npos) << result.err;
    EXPECT_EQ(result.exit, 4);
}

TEST(Completion, OffersWhatFits) {
    FakeControl control;
    control.reply("GET /v1/schema", kSchema);
    control.reply("GET /v1/candidate", R"({"settings":{"interface.outside.role":"external"}})");
    control.reply("GET /v1/turn/users", R"({"rows":[{"name":"alice"},{"name":"bob"}]})");
    control.reply("GET /v1/certificates", R"({"rows":[{"name":"edge"},{"name":"lab"}]})");
    control.reply("GET /v1/trust", R"({"rows":[{"name":"partner"}]})");
    control.reply("GET /v1/crls", R"({"rows":[{"issuer":"CN=Partner CA"}]})");
    control.reply("GET /v1/connections?limit=100", R"({"rows":[{"id":4294967299}]})");
    control.reply("GET /v1/entries?kind=domain&limit=100&after=domain%3Acom%7F",
                  R"({"rows":[{"name":"contoso.com"},{"name":"fabrikam.com"}],"next":""})");
    control.reply("GET /v1/entries?kind=user&limit=100", R"({"rows":[{"name":"bob@example.org"}],"next":""})");
    control.reply("GET /v1/providers?candidate=true", R"({"rows":[{"name":"aol"},{"name":"skype"}]})");
    control.reply("GET /v1/policies?candidate=true",
                  R"({"rows":[{"scope":"global"},{"scope":"site","name":"berlin"}]})");
    const struct {
        std::vector<std::string> words;
        const char* out;
    } rows[] = {
        {{"show", "st"}, "status\nstreams\n"},
        {{"tu"}, "turn\n"},
        {{"turn", ""}, "disconnect\nsecret\nuser\n"},
        {{"turn", "user", "remove", "a"}, "alice\n"},
        {{"turn", "disconnect", "--user", ""}, "alice\nbob\n"},
        {{"turn", "disconnect", "--u"}, "--user\n"},
        {{"show", "status", "--j"}, "--json\n"},
        {{"set", ""}, "interface.\ninterface.outside.role\nturn.realm\n"},
        {{"set", "interface.inside.r"}, "interface.inside.role\n"},
        {{"set", "turn.realm", ""}, ""},
        {{"drain", "o"}, "off\non\n"},
        {{"cert", "i"}, "import\n"},
        {{"cert", "trust", ""}, "add\nlist\nremove\n"},
        {{"cert", "show", ""}, "edge\nlab\n"},
        {{"cert", "trust", "remove", ""}, "partner\n"},
        {{"cert", "crl", "remove", ""}, "CN=Partner CA\n"},
        {{"cert", "import", "edge", "--cert", ""}, ":files\n"},
        {{"explain", "connection", ""}, "4294967299\n"},
        {{"help", "turn", "us"}, "user\n"},
        {{"allow", ""}, "domain\npattern\n"},
        {{"partner", "show", "con"}, "contoso.com\n"},
        {{"policy", "user", "remove", ""}, "bob@example.org\n"},
        {{"policy", "global", "set", "public"}, "public-im\npublic-im-av\n"},
        {{"policy", "site", "remove", ""}, "berlin\n"},
        {{"provider", "enable", "s"}, "skype\n"},
        {{"allow", "domain", "a.example", "--srv", "m"}, "microsoft\nmicrosoft-then-sips\n"},
        {{"partner", "import", ""}, ":files\n"},
        {{"show", "--socket", ""}, ":files\n"},
        {{"nonsense", ""}, ""},
        {{""}, nullptr},
    };
    for (const auto& row : rows) {
        std::vector<std::string> words = {"complete", "--"};
        words.insert(words.end(), row.words.begin(), row.words.end());
        const Ran result = ran({.socket = control.path()}, words);
        EXPECT_EQ(result.exit, 0);
        if (row.out) {
            EXPECT_EQ(result.out, row.out) << row.words.back();
        } else {
            EXPECT_NE(result.out.find("show\n"), std::string::npos);
            EXPECT_EQ(result.out.find("complete\n"), std::string::npos);
        }
    }
}

TEST(Completion, IsQuietWithoutAnEdge) {
    const Ran result = ran({}, {"complete", "--", "set", ""});
    EXPECT_EQ(result.exit, 0);
    EXPECT_EQ(result.out + result.err, "");
}

}  // namespace
}  // namespace fedge::cli::test
