#include "dataplane/sip/filters.h"

#include <gtest/gtest.h>

#include "tests/unit/sip/requests.h"

namespace fedge::sip {
namespace {

class World {
  public:
    explicit World(FilterSettings settings = {})
        : database_(std::make_shared<FilterDatabase>(std::move(settings))), scratch_(database_), filters_(scratch_) {}

    TextFinding message(std::string_view body, std::string_view type = "text/plain", std::string_view encoding = "") {
        return filters_.instant_message(type, encoding, body);
    }
    Finding found(std::string_view body, std::string_view type = "text/plain") { return message(body, type).what; }
    std::string passed(std::string_view body, std::string_view type = "text/plain") {
        TextFinding finding = message(body, type);
        std::string out(body.size() + 70000, '?');
        out.resize(write_filtered(*database_, finding, body, {reinterpret_cast<uint8_t*>(out.data()), out.size()}));
        return out;
    }
    Filters& filters() { return filters_; }
    FilterScratch& scratch() { return scratch_; }

  private:
    std::shared_ptr<FilterDatabase> database_;
    FilterScratch scratch_;
    Filters filters_;
};

// Compiling takes a while: one for all tests that use the defaults.
World& defaults() {
    static World world;
    return world;
}

FilterSettings with_action(LinkAction action, std::string message = "") {
    FilterSettings settings;
    settings.link_action = action;
    settings.allow_message = settings.warn_message = std::move(message);
    return settings;
}
World& allowing() {
    static World world{with_action(LinkAction::allow, "Links were changed.")};
    return world;
}

TEST(SipFilters, EveryDefaultPrefixMakesALink) {
    for (const char* text : {"callto:+1234",
                             "file://server.example/x",
                             "ftp.example.com",
                             "ftp:x.y",
                             "gopher:x.y",
                             "<a href='x.example'>",
                             "http:x.y",
                             "see https://evil.example.",
                             "LDAP://x.y",
                             "mailto:a@x.example",
                             "news:comp.x",
                             "nntp:x",
                             "sip:a@b.c",
                             "sips:a@b.c",
                             "tel:+1",
                             "telnet:x.y",
                             "www.evil.example",
                             "www2.evil.example",
                             "WWW-x.evil.example",
                             "(http://x.y)",
                             "look:http://x.y",
                             "\nhttp://x.y\n"})
        EXPECT_EQ(defaults().found(text), Finding::block_link) << text;
}

TEST(SipFilters, OrdinaryTextIsClean) {
    for (const char* text : {"", "hello", "news: it works", "tel: 123", "gossip:yes", "_http://x.y",
                             "the http protocol", "thref", "www is nice", "a.exe is a file", "href2"})
        EXPECT_EQ(defaults().found(text), Finding::clean) << text;
    EXPECT_EQ(defaults().found("http://x.y", "application/im-iscomposing+xml"), Finding::clean);
    EXPECT_EQ(defaults().found("http://x.y", "image/png"), Finding::clean);
    EXPECT_EQ(defaults().found("http://x.y", ""), Finding::block_link);
    EXPECT_EQ(defaults().found("http://x.y", "TEXT/Plain;charset=utf-8"), Finding::block_link);
    EXPECT_EQ(defaults().found("http://x.y", "message/cpim"), Finding::block_link);
}

TEST(SipFilters, NoEncodingEvades) {
    const std::string base64 =
        "--x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding:\r\n base64\r\n\r\n"
        "aHR0cDovL2V2aWwuZXhhbXBsZQ==\r\n--x--\r\n";
    const std::string printable =
        "--x\r\ncontent-type: text/plain\r\ncontent-transfer-encoding: Quoted-Printable\r\n\r\n"
        "ht=\r\ntp=3A//evil.example\r\n--x--";
    const std::string nested =
        "preamble\n--x\nContent-Type: multipart/alternative;boundary=y\n\n--y\n\nhi\n--y\n"
        "Content-Type: text/html\n\nht<i></i>tp://evil.example\n--y--\n--x--\n";
    struct Row {
        std::string type, body;
    };
    const Row rows[] = {
        {"text/plain", "%68ttp://evil.example"},
        {"text/plain", "&#104;ttp://evil.example"},
        {"text/plain", "h\xe2\x80\x8bttp://evil.example"},
        {"text/plain", "\xef\xbd\x88\xef\xbd\x94\xef\xbd\x94\xef\xbd\x90\xef\xbc\x9a//evil.example"},
        {"text/plain;charset=utf-16", std::string("\xff\xfeh\0t\0t\0p\0:\0/\0/\0x\0.\0y\0", 22)},
        {"text/plain;charset=UTF-7", "+AGgAdAB0AHA-://evil"},
        {"text/html", "ht<b></b>tp://evil.example"},
        {"text/rtf", "{\\rtf1 h{\\b0 t}\\'74p://evil.example}"},
        {"multipart/mixed; boundary=x", base64},
        {"multipart/mixed; boundary=\"x\"", printable},
        {"multipart/related;type=\"a\";boundary=x", nested},
        {"multipart/mixed;boundary=other", base64 + "http://evil.example"},
        {"multipart/mixed", "http://evil.example"},
        {"text/plain", "http:\\\\evil.example"},
        {"text/plain", "http://intranet@evil.example"},
        {"text/plain", "http://2130706433/"},
        {"text/plain", "http://0x7f000001/"},
        {"text/plain", "http://[::1]/"},
        {"text/plain", std::string("x\0http://evil.example", 21)},
        {"text/plain", "x\xe2\x80\x8bhttp://evil.example"},
        {"text/html", "ht&ZeroWidthSpace;tp://evil.example"},
        {"text/plain", std::string(FilterScratch::kText, ' ') + "x\xe2\x80\x8bhttp://evil.example"},
    };
    for (const Row& row : rows) EXPECT_EQ(defaults().found(row.body, row.type), Finding::block_link) << row.body;
    EXPECT_EQ(defaults().message("\x1f\x8b...", "text/plain", "gzip").what, Finding::block_link);
    EXPECT_EQ(defaults().message("hello", "text/plain", "identity").what, Finding::clean);
}

TEST(SipFilters, PartsInsidePartsAreBounded) {
    std::string deep = "http://evil.example";
    for (char b : std::string{"edcba"})
        deep = std::string{"--"} + b + "\r\nContent-Type: multipart/mixed;boundary=" + static_cast<char>(b + 1) +
               "\r\n\r\n" + deep + "\r\n--" + b + "--\r\n";
    EXPECT_EQ(defaults().found(deep, "multipart/mixed;boundary=a"), Finding::block_link);
    std::string many;
    for (int i = 0; i < 40; i++) many += "--x\r\nContent-Type: image/png\r\n\r\nz\r\n";
    many += "--x\r\n\r\nhttp://evil.example\r\n--x--\r\n";
    EXPECT_EQ(defaults().found(many, "multipart/mixed;boundary=x"), Finding::block_link);
}

TEST(SipFilters, LocalLinksAreLetThrough) {
    FilterSettings settings;
    settings.local_domains = {"corp.b.example"};
    World world{settings};
    for (const char* text : {"http://intranet/page", "http://wiki.corp.b.example/x", "https://CORP.B.EXAMPLE.:8443",
                             "file://server/share", "mailto:x@corp.b.example", "<a href=\"http://intranet/\">"})
        EXPECT_EQ(world.found(text), Finding::clean) << text;
    for (const char* text :
         {"http://evilcorp.b.example", "http://corp.b.example.evil.example", "http://b.example",
          "http://intranet.evil.example", "mailto:intranet", "tel:123", "http://intranet http://evil.example"})
        EXPECT_EQ(world.found(text), Finding::block_link) << text;
    EXPECT_EQ(world.found("http://intranet/tool.exe"), Finding::block_file) << "extensions come first";
    settings.ignore_local = false;
    EXPECT_EQ(World{settings}.found("http://intranet/page"), Finding::block_link);
}

TEST(SipFilters, FilesInLinksComeFirst) {
    for (const char* text :
         {"http://x.y/a.exe", "http://x.y/a.EXE?b=1", "see ftp://x.y/d/a.scr.", "http://x.y/a%2eexe", "www.x.y/a.vbs",
          "http:\\\\x.y\\a.bat", "http://x.y/a.com", "(https://x.y/a.js)", "http://x.y/a.exe;p=1", "http://x.y/a.exe#z",
          "<a href=\"http://x.y/a.msi\">", "file:///c:/x.pif"})
        EXPECT_EQ(defaults().found(text), Finding::block_file) << text;
    for (const char* text : {"http://x.com", "http://x.com/", "http://x.y/a.exe/b", "http://x.y/a.html",
                             "http://x.y/exe", "http://x.y/?a.exe"})
        EXPECT_EQ(defaults().found(text), Finding::block_link) << text;
    World warn{with_action(LinkAction::warn, "")};
    EXPECT_EQ(warn.found("http://x.y/a.html"), Finding::clean) << "no message switches links off, but not files";
    EXPECT_EQ(warn.found("http://x.y/a.exe"), Finding::block_file);
    FilterSettings no_files = with_action(LinkAction::warn, "");
    no_files.block_file_extension = false;
    EXPECT_EQ(World{no_files}.found("http://x.y/a.exe"), Finding::clean);
}

TEST(SipFilters, WarnPutsTheMessageInFront) {
    World world{with_action(LinkAction::warn, "Careful <b> & co.")};
    EXPECT_EQ(world.passed("http://x.y"), "Careful <b> & co.\r\nhttp://x.y");
    EXPECT_EQ(world.passed("<p>http://x.y</p>", "text/html"), "Careful &lt;b&gt; &amp; co.<br>\r\n<p>http://x.y</p>");
    EXPECT_EQ(world.passed("hello"), "");
}

TEST(SipFilters, AllowDefusesLinks) {
    World& world = allowing();
    EXPECT_EQ(world.passed("see http://x.y and www.z.w."), "Links were changed.\r\nsee _http://x.y and _www.z.w.");
    EXPECT_EQ(world.passed("http://www.x.y/http://z"), "Links were changed.\r\n_http://_www.x.y/http://z");
    EXPECT_EQ(world.passed("h\xe2\x80\x8bttp://x.y"), "Links were changed.\r\n_h\xe2\x80\x8bttp://x.y");
    EXPECT_EQ(world.passed("http://intranet http://x.y"), "Links were changed.\r\nhttp://intranet _http://x.y");
    EXPECT_EQ(world.passed("--x\r\n\r\nhttp://x.y\r\n--x\r\n\r\nwww.z.w\r\n--x--", "multipart/mixed;boundary=x"),
              "--x\r\n\r\nLinks were changed.\r\n_http://x.y\r\n--x\r\n\r\n_www.z.w\r\n--x--");
    // What passed is clean when it is looked at again.
    EXPECT_EQ(world.found(world.passed("see http://x.y and www.z.w, tel:+1")), Finding::clean);
    // What cannot be defused is blocked.
    EXPECT_EQ(world.found("ht<b></b>tp://x.y", "text/html"), Finding::block_link);
    EXPECT_EQ(world.found("<a href='x.y'>ht<b></b>tp://x.y</a> http://z.w", "text/html"), Finding::block_link);
    EXPECT_EQ(world.found("http://x.y/a.exe"), Finding::block_file);
    EXPECT_EQ(world.found(std::string("h\0t\0t\0p\0:\0x\0.\0y\0", 16), "text/plain;charset=utf-16le"),
              Finding::block_link);
    std::string many;
    for (size_t i = 0; i < TextFinding::kMaxLinks; i++) many += "http://x.y ";
    EXPECT_EQ(world.message(many).links, TextFinding::kMaxLinks);
    EXPECT_EQ(world.found(many + "http://x.y"), Finding::block_link);
    for (int i = 0; i < 1000; i++) many += "http://x.y ";
    EXPECT_EQ(world.found(many), Finding::block_link);
}

TEST(SipFilters, TextsLongerThanTheScratch) {
    const std::string padding(FilterScratch::kText, 'x');
    EXPECT_EQ(defaults().found(padding + " hello " + padding), Finding::clean);
    for (size_t shift : {0, 1, 3, 5, 7, 20})
        EXPECT_EQ(defaults().found(padding.substr(shift) + " http://x.y " + padding), Finding::block_link) << shift;
    EXPECT_EQ(defaults().found(padding + " http://x.y/" + padding + "/a.exe"), Finding::block_file);
    EXPECT_EQ(allowing().found(padding + " http://x.y"), Finding::block_link) << "cannot be defused";
}

TEST(SipFilters, StreamsSeeAcrossPieces) {
    const std::string text = "hello h&#116;tp://x.y/some%2fpath/a.exe";
    for (size_t piece = 1; piece < text.size(); piece++) {
        TextStream stream{defaults().scratch(), Markup::plain};
        for (size_t at = 0; at < text.size(); at += piece) stream.feed(std::string_view{text}.substr(at, piece));
        EXPECT_EQ(stream.finish(), Finding::block_file) << piece;
        // Nothing is left over for the next.
        TextStream next{defaults().scratch(), Markup::plain};
        next.feed("hello");
        EXPECT_EQ(next.finish(), Finding::clean);
    }
    TextStream stream{defaults().scratch(), Markup::plain};
    stream.feed("www");
    stream.feed(".x.y");
    EXPECT_EQ(stream.finish(), Finding::block_link);
}

TEST(SipFilters, TextInInvitations) {
    auto text = [](std::string_view format) {
        std::string_view encoded;
        return std::string(defaults().filters().first_message(format, encoded)) + "|" + std::string(encoded);
    };
    EXPECT_EQ(text(""), "|");
    EXPECT_EQ(text("text/plain; charset=UTF-8;msgr=WAA="), "|");
    EXPECT_EQ(text("text/plain; ms-body"), "|");
    EXPECT_EQ(text("text/plain; charset=UTF-8;msgr=WAA=;ms-body=aGVsbG8="), "hello|aGVsbG8=");
    EXPECT_EQ(text("text/plain;ms-body=aHR0cDov\r\n L2V2aWwuZXhhbXBsZQ=="),
              "http://evil.example|aHR0cDov\r\n L2V2aWwuZXhhbXBsZQ==");
    EXPECT_EQ(text("text/html;MS-BODY = aGVsbG8=;x=y"), "hello| aGVsbG8=");
}

TEST(SipFilters, OffersOfFiles) {
    Filters& f = defaults().filters();
    EXPECT_EQ(f.file_offer("m=message 7654 TCP/MSRP *\r\na=file-selector:name:\"My game.EXE\" size:4\r\n"),
              Finding::block_file);
    EXPECT_EQ(f.file_offer("a=file-selector:size:4 type:x name:\"a.txt\"\r\n"), Finding::clean);
    EXPECT_EQ(f.file_offer("Application-Name: File Transfer\r\nApplication-File: setup.msi\r\n"), Finding::block_file);
    EXPECT_EQ(f.file_offer("<request><publishFile><fileInfo><name>x&#46;scr</name></fileInfo></publishFile></request>"),
              Finding::block_file);
    EXPECT_EQ(f.file_offer("<name>report.docx</name>"), Finding::clean);
    EXPECT_EQ(f.file_offer("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=a.exe\r\n"), Finding::clean);
    EXPECT_EQ(f.file_offer(std::string(FilterScratch::kText - 20, ' ') + "a=file-selector:name:\"a.exe\"\r\n"),
              Finding::block_file);
    FilterSettings all;
    all.file_action = FileAction::block_all;
    World every{all};
    EXPECT_EQ(every.filters().file_offer("a=file-selector:name:\"a.txt\"\r\n"), Finding::block_file);
    EXPECT_EQ(every.filters().file_offer("v=0\r\nm=audio 1 RTP/AVP 0\r\n"), Finding::clean);
    all.files = false;
    EXPECT_EQ(World{all}.filters().file_offer("a=file-selector:name:\"a.exe\"\r\n"), Finding::clean);
}

TEST(SipFilters, ScannersByTheirNames) {
    auto scanner = [](const std::string& lines, const std::string& from = "<sip:a@a.example>;tag=1") -> std::string {
        RequestText text{.method = "OPTIONS", .from = from, .more = lines};
        Parsed m{text};
        int i = defaults().filters().scanner(*m);
        return i < 0 ? "none" : std::string{defaults().scratch().database().scanner(static_cast<size_t>(i))};
    };
    EXPECT_EQ(scanner(""), "none");
    EXPECT_EQ(scanner("User-Agent: friendly-scanner\r\n"), "friendly-scanner");
    EXPECT_EQ(scanner("user-agent: Friendly-\r\n Scanner\r\n"), "none") << "a fold is a space";
    EXPECT_EQ(scanner("USER-AGENT: x FRIENDLY-SCANNER/1\r\n"), "friendly-scanner");
    EXPECT_EQ(scanner("", "\"sipvicious\"<sip:100@1.1.1.1>;tag=1"), "sipvicious");
    EXPECT_EQ(scanner("User-Agent: sipsak 0.9.7\r\n"), "sipsak");
    EXPECT_EQ(scanner("User-Agent: VOIP\r\n"), "=voip");
    EXPECT_EQ(scanner("User-Agent: Example VOIP phone\r\n"), "none");
    EXPECT_EQ(scanner("User-Agent: Kamailio\r\nServer: sundayddr\r\n"), "sundayddr");
}

TEST(SipFilters, SettingsAreChecked) {
    auto refused = [](auto change) {
        FilterSettings settings;
        change(settings);
        try {
            FilterDatabase database{settings};
        } catch (const std::invalid_argument& e) {
            return std::string{e.what()};
        }
        return std::string{"accepted"};
    };
    for (const char* prefix : {"", "http", ":", "a b:", "a(b:", "x*y"})
        EXPECT_TRUE(
            refused([&](auto& s) { s.prefixes = {prefix}; }).starts_with("link prefix \"" + std::string{prefix}));
    EXPECT_EQ(refused([](auto& s) { s.prefixes = {"my+app:", "#x.", "q*.", "href"}; }), "accepted");
    EXPECT_TRUE(refused([](auto& s) { s.extensions = {"a.b"}; }).starts_with("file extension \"a.b\""));
    EXPECT_TRUE(refused([](auto& s) { s.warn_message.assign(65536, 'x'); }).starts_with("filter message"));
    EXPECT_TRUE(refused([](auto& s) { s.scanners = {"="}; }).starts_with("scanner signature"));
    EXPECT_EQ(refused([](auto& s) {
                  s.prefixes.clear();
                  s.extensions.clear();
                  s.scanners.clear();
              }),
              "accepted");
}

TEST(SipFilters, ListsAsPeopleWriteThem) {
    EXPECT_EQ(parse_extensions(".mad, .maf mas. .mat.mau,,  EXE;exe"),
              (std::vector<std::string>{"mad", "maf", "mas", "mat", "mau", "exe"}));
    EXPECT_GT(default_file_extensions().size(), 75U);
    EXPECT_EQ(default_link_prefixes().size(), 17U);
}

}  // namespace
}  // namespace fedge::sip
