// Files of entries: record by record, and imports and exports against a fake control.
#include "appliance/cli/records.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "appliance/cli/exit.h"
#include "tests/unit/cli/fake_control.h"
#include "tests/unit/cli/ran.h"

namespace fedge::cli::test {
namespace {

std::vector<Record> all(RecordReader& reader) {
    std::vector<Record> out;
    for (Record record; reader.next(record);) out.push_back(record);
    return out;
}

std::vector<Record> csv(const std::string& text, const Json& defaults = {{"kind", "domain"}}) {
    std::istringstream in(text);
    CsvReader reader(in, defaults);
    return all(reader);
}

std::vector<Record> json(const std::string& text, const Json& defaults = {{"kind", "domain"}}) {
    std::istringstream in(text);
    JsonReader reader(in, defaults);
    return all(reader);
}

TEST(CsvFields, AreThoseOfRfc4180) {
    using Fields = std::vector<std::string>;
    const struct {
        const char* line;
        std::optional<Fields> fields;
    } rows[] = {
        {"", Fields{""}},
        {"a,b", Fields{"a", "b"}},
        {",", Fields{"", ""}},
        {"\"a,b\",c", Fields{"a,b", "c"}},
        {"\"a\"\"b\"", Fields{"a\"b"}},
        {"\"\"", Fields{""}},
        {"\"a", std::nullopt},
        {"a\"b\"", std::nullopt},
        {"\"a\"b", std::nullopt},
        {"\"a\" \"b\"", std::nullopt},
    };
    for (const auto& row : rows) EXPECT_EQ(csv_fields(row.line), row.fields) << row.line;
}

TEST(CsvFields, ComeBackAsTheyWereWritten) {
    std::mt19937 random(3);
    for (int i = 0; i < 2000; i++) {
        std::string a, b;
        for (size_t n = random() % 6; n > 0; n--) a += ",\"a b'"[random() % 6];
        for (size_t n = random() % 6; n > 0; n--) b += ",\"'=x"[random() % 5];
        auto fields = csv_fields(csv_field(a) + "," + csv_field(b));
        ASSERT_TRUE(fields && fields->size() == 2) << a << " | " << b;
        auto undone = [](std::string text) {
            if (!text.empty() && text.front() == '\'') text.erase(0, 1);
            return text;
        };
        EXPECT_EQ(undone((*fields)[0]), a);
        EXPECT_EQ(undone((*fields)[1]), b);
    }
}

TEST(CsvReader, ReadsColumnsInAnyOrder) {
    auto records =
        csv("\xef\xbb\xbf"
            "Comment, DOMAIN ,list,monitor\r\n"
            "\"since 2012, or so\",contoso.com,allow,yes\r\n"
            "\r\n"
            ",evil.example,block\r\n"
            "'=1+1,a.example,allow,no");
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].line, 2U);
    EXPECT_EQ(records[0].entry, (Json{{"kind", "domain"},
                                      {"name", "contoso.com"},
                                      {"list", "allow"},
                                      {"monitor", true},
                                      {"comment", "since 2012, or so"}}));
    EXPECT_EQ(records[1].line, 4U);
    EXPECT_EQ(records[1].entry, (Json{{"kind", "domain"}, {"name", "evil.example"}, {"list", "block"}}));
    EXPECT_EQ(records[2].entry["comment"], "=1+1");
    EXPECT_FALSE(records[2].entry.contains("monitor"));
}

TEST(CsvReader, TellsWhatIsWrongAndGoesOn) {
    auto records = csv(
        "name,monitor\n\"a\na.example,perhaps\nb.example,yes,too,many\n" + std::string(20000, 'x') + "\nc.example\n",
        {{"kind", "domain"}, {"list", "block"}});
    ASSERT_EQ(records.size(), 5U);
    EXPECT_NE(records[0].error.find("quote"), std::string::npos);
    EXPECT_NE(records[1].error.find("monitor"), std::string::npos);
    EXPECT_NE(records[2].error.find("more fields"), std::string::npos);
    EXPECT_NE(records[3].error.find("16 KiB"), std::string::npos);
    EXPECT_LE(records[3].text.size(), kLongestRecord);
    EXPECT_EQ(records[4].line, 6U);
    EXPECT_EQ(records[4].entry, (Json{{"kind", "domain"}, {"name", "c.example"}, {"list", "block"}}));
}

TEST(CsvReader, RefusesColumnsItDoesNotKnow) {
    for (const char* head : {"", "name,colour\n", "list,comment\n", "name,name\n", "\"name\n"}) {
        std::istringstream in(head);
        EXPECT_THROW(CsvReader(in, Json::object()), Failure) << head;
    }
}

TEST(CsvReader, PoliciesOfUsersHaveNoList) {
    auto records = csv("name,access\nbob@example.org,federation outside\namy@example.org,\n",
                       {{"kind", "user"}, {"list", "allow"}});
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].entry,
              (Json{{"kind", "user"}, {"name", "bob@example.org"}, {"access", {"federation", "outside"}}}));
    EXPECT_EQ(records[1].entry["access"], Json::array());
}

TEST(JsonReader, ReadsArraysListingsAndLines) {
    const std::string one = R"({"domain":"a.example","list":"allow","since":4,"who":"carol"})";
    const std::string two = "{\"name\":\"b.example\",\n \"list\":\"block\", \"comment\":\"} ] \\\" {\"}";
    for (const std::string& text : {"[" + one + ",\n" + two + "]", "{\"partners\": [\n" + one + "," + two + "]}",
                                    one + "\n" + two + "\n", "{ \"rows\":[" + one + ",\n" + two + "],\"next\":\"\"}"}) {
        auto records = json(text);
        ASSERT_GE(records.size(), 2U) << text;
        EXPECT_EQ(records[0].entry, (Json{{"kind", "domain"}, {"name", "a.example"}, {"list", "allow"}}))
            << records[0].error;
        EXPECT_EQ(records[1].entry["name"], "b.example") << records[1].error;
        EXPECT_EQ(records[1].entry["comment"], "} ] \" {");
    }
    auto lines = json("[\n" + one + ",\n" + two + "\n]\n");
    EXPECT_EQ(lines[0].line, 2U);
    EXPECT_EQ(lines[1].line, 3U);
}

TEST(JsonReader, TellsWhatIsWrong) {
    auto records = json("[{\"name\":},\n{\"name\":\"b.example\"},\n{\"x\":\"" + std::string(20000, 'x') +
                        "\"},\n{\"name\":\"c.example\"");
    ASSERT_EQ(records.size(), 4U);
    EXPECT_NE(records[0].error.find("no JSON object"), std::string::npos);
    EXPECT_EQ(records[1].entry["name"], "b.example");
    EXPECT_NE(records[2].error.find("16 KiB"), std::string::npos);
    EXPECT_NE(records[3].error.find("not closed"), std::string::npos);
    records = json("[1, {\"name\":\"b.example\"}]");
    ASSERT_EQ(records.size(), 1U);
    EXPECT_NE(records[0].error.find("nothing behind it was read"), std::string::npos);
    EXPECT_TRUE(json("").empty());
    EXPECT_TRUE(json("[]").empty());
}

class ImportTest : public testing::Test {
  protected:
    ImportTest() {
        char name[] = "/tmp/fedge-import-XXXXXX";
        directory_ = mkdtemp(name);
    }
    ~ImportTest() override { std::filesystem::remove_all(directory_); }
    std::string file(const std::string& name, const std::string& text) {
        std::ofstream(directory_ + "/" + name) << text;
        return directory_ + "/" + name;
    }
    static std::string read(const std::string& path) {
        std::ostringstream out;
        out << std::ifstream(path).rdbuf();
        return out.str();
    }
    Ran run(const std::vector<std::string>& words, const std::string& input = "") {
        return ran({.socket = control_.path(), .input = input}, words);
    }

    std::string directory_;
    FakeControl control_;
};

TEST_F(ImportTest, SendsRecordsAndReportsEveryRejectedLine) {
    std::string path = file("p.csv", "name,list\na.example,allow\na..b,allow\n\"open\nb.example,block\n");
    control_.reply(
        "PATCH /v1/candidate/entries",
        R"({"added":2,"changed":0,"unchanged":0,"rejected":[{"index":1,"error":"\"a..b\" has an empty label","fix":"give a domain"}]})");
    Ran result = run({"partner", "import", path, "--report", directory_ + "/report.csv"});
    EXPECT_EQ(result.exit, 1) << result.err;
    EXPECT_EQ(
        control_.requests(),
        std::vector<std::string>{
            R"(PATCH /v1/candidate/entries {"partial":true,"put":[{"kind":"domain","list":"allow","name":"a.example"},)"
            R"({"kind":"domain","list":"allow","name":"a..b"},{"kind":"domain","list":"block","name":"b.example"}]})"});
    EXPECT_NE(result.out.find("4 records: 2 added, 0 changed, 0 there already, 2 rejected."), std::string::npos)
        << result.out;
    EXPECT_NE(result.err.find("line 3: \"a..b\" has an empty label: a..b,allow\n  fix: give a domain"),
              std::string::npos)
        << result.err;
    EXPECT_NE(result.err.find("line 4: a quote"), std::string::npos) << result.err;
    EXPECT_EQ(read(directory_ + "/report.csv"),
              "line,why,fix,record\n"
              "4,\"a quote is not closed, or stands within a field\",,\"\"\"open\"\n"
              "3,\"\"\"a..b\"\" has an empty label\",give a domain,\"a..b,allow\"\n");
}

TEST_F(ImportTest, SendsManyInPiecesAndShowsTheFirstRejections) {
    std::string text = "name\n";
    for (int i = 0; i < 12'000; i++) text += "d" + std::to_string(i) + ".example\n";
    for (int i = 0; i < 30; i++) text += "\"\n";
    control_.reply("PATCH /v1/candidate/entries", R"({"added":4000,"changed":0,"unchanged":0,"rejected":[]})");
    Ran result = run({"partner", "import", file("p.csv", text), "--block"});
    EXPECT_EQ(control_.requests().size(), 3U);
    EXPECT_NE(result.out.find("12,030 records: 12,000 added"), std::string::npos) << result.out;
    EXPECT_NE(result.err.find("... and 10 more: --report FILE"), std::string::npos) << result.err;
    EXPECT_EQ(result.exit, 1);
}

TEST_F(ImportTest, ADryRunFindsNamesThatAreThereTwice) {
    control_.reply("PATCH /v1/candidate/entries", R"({"added":1,"rejected":[]})");
    Ran result = run({"partner", "import", "-", "--csv", "--allow", "--dry-run"}, "name\na.example\nA.example\n");
    EXPECT_EQ(
        control_.requests(),
        std::vector<std::string>{
            R"(PATCH /v1/candidate/entries {"dry_run":true,"partial":true,"put":[{"kind":"domain","list":"allow","name":"a.example"}]})"});
    EXPECT_NE(result.err.find("line 3: the name is there twice"), std::string::npos) << result.err;
    EXPECT_NE(result.out.find("1 would be added"), std::string::npos) << result.out;
    EXPECT_EQ(result.out.find("fedge commit"), std::string::npos);
}

TEST_F(ImportTest, BadFilesAreUsageErrors) {
    EXPECT_EQ(run({"partner", "import", directory_ + "/none.csv"}).exit, 2);
    EXPECT_EQ(run({"partner", "import", file("empty.csv", "")}).exit, 2);
    EXPECT_EQ(run({"partner", "import", file("p.txt", "name\n")}).exit, 2) << "CSV or JSON?";
    EXPECT_EQ(run({"partner", "import", file("p.csv", "colour\n")}).exit, 2);
    EXPECT_EQ(run({"partner", "import", file("q.csv", "name\n"), "--allow", "--block"}).exit, 2);
    EXPECT_EQ(run({"partner", "import", file("r.csv", "name\n"), "--report", "/nonexistent/r"}).exit, 2);
    EXPECT_TRUE(control_.requests().empty());
}

TEST_F(ImportTest, ExportsComeBackWithTheSameEntries) {
    const char* first =
        R"({"rows":[{"kind":"domain","name":"a.example","list":"allow","via":"sip.a.example","srv":"sips","monitor":true,
      "since":1,"comment":"=SUM(1,2) \"x\""}],"next":"domain:a.example","revision":7})";
    const char* last =
        R"({"rows":[{"kind":"user","name":"bob@example.org","access":["federation","xmpp"],"since":2}],"next":"","revision":9})";
    Json want = {{{"kind", "domain"},
                  {"name", "a.example"},
                  {"list", "allow"},
                  {"via", "sip.a.example"},
                  {"srv", "sips"},
                  {"monitor", true},
                  {"comment", "=SUM(1,2) \"x\""}},
                 {{"kind", "user"}, {"name", "bob@example.org"}, {"access", {"federation", "xmpp"}}}};
    for (const char* name : {"p.csv", "p.json"}) {
        FakeControl control;
        control.reply("GET /v1/entries?limit=5000", first);
        control.reply("GET /v1/entries?limit=5000&after=domain%3Aa.example&revision=7", last);
        control.reply("PATCH /v1/candidate/entries", R"({"added":2,"rejected":[]})");
        std::string path = directory_ + "/" + name;
        Ran exported = ran({.socket = control.path()}, {"partner", "export", path});
        ASSERT_EQ(exported.exit, 0) << exported.err;
        ASSERT_EQ(ran({.socket = control.path()}, {"partner", "import", path}).exit, 0);
        const std::string request = control.requests().back();
        EXPECT_EQ(Json::parse(request.substr(request.find('{')))["put"], want) << name << ": " << read(path);
    }
}

}  // namespace
}  // namespace fedge::cli::test
