// Filters of texts: pieces make no difference, what is found in a whole text is found in a stream of it, links that
// were defused are none any more. The first byte chooses the type of the content and the size of pieces.
#include "dataplane/sip/filters.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;
using sip::Finding;

namespace {

constexpr std::string_view kTypes[] = {"text/plain",
                                       "text/html",
                                       "text/rtf",
                                       "multipart/mixed;boundary=x",
                                       "multipart/mixed; boundary=\"x y\"",
                                       "text/plain; charset=utf-16",
                                       "",
                                       "x/y"};

sip::FilterSettings settings() {
    sip::FilterSettings s;
    s.link_action = sip::LinkAction::allow;
    s.ignore_local = false;  // streams do not know what is local
    return s;
}

Finding streamed(sip::FilterScratch& scratch, std::string_view text, sip::Markup markup, size_t piece) {
    sip::TextStream stream{scratch, markup};
    for (size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at)) stream.feed(text.substr(at, piece));
    return stream.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto database = std::make_shared<sip::FilterDatabase>(settings());
    static sip::FilterScratch scratch{database};
    static std::vector<uint8_t> out(1 << 16);
    if (size == 0 || size > 4096) return 0;
    std::string_view type = kTypes[data[0] % 8];
    size_t piece = 1 + data[0] / 8;
    std::string_view text = text_of(Bytes{data + 1, size - 1});
    sip::Filters filters{scratch};
    sip::TextFinding found = filters.instant_message(type, "", text);
    uint32_t before = 0;
    for (uint32_t at : found.places()) {
        expect(at >= before && at < text.size(), "places in order, inside");
        before = at;
    }
    expect(found.links == 0 || found.what == Finding::defuse, "places only of what is defused");
    for (sip::Markup markup : {sip::Markup::plain, sip::Markup::html, sip::Markup::rtf})
        expect(streamed(scratch, text, markup, piece) == streamed(scratch, text, markup, SIZE_MAX), "pieces");
    if (type == "text/plain") {
        Finding stream = streamed(scratch, text, sip::Markup::plain, piece);
        expect((stream == Finding::block_file) == (found.what == Finding::block_file), "the same files");
        expect((stream == Finding::clean) == (found.what == Finding::clean), "the same links");
    }
    if (found.what == Finding::defuse) {
        size_t written = sip::write_filtered(*database, found, text, out);
        expect(written == text.size() + found.links, "one underscore each");
        std::string_view passed = text_of(Bytes{out}.first(written));
        expect(filters.instant_message(type, "", passed).what != Finding::defuse, "defused is defused");
    } else {
        expect(sip::write_filtered(*database, found, text, out) == 0, "nothing else goes on changed");
    }
    filters.file_offer(text);
    return 0;
}
