// Compiling the filters: from settings to Hyperscan databases, and the scratch of a core.
#include <hs/hs.h>

#include <algorithm>
#include <stdexcept>

#include "dataplane/sip/filter_patterns.h"
#include "dataplane/sip/filters.h"

namespace fedge::sip {
namespace {

// What may follow the path of a link: its end, white space, quotes and brackets, punctuation that belongs to the
// sentence, a query, a fragment, a parameter.
constexpr const char* kPathEnd = "[.,:!)\\]]*(?:$|[\\s\"'<>?#;)\\]|])";
constexpr const char* kPathText = "[^\\s\"'<>?#]";

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (!is(c, kAlpha | kDigit)) out += '\\';
        out += c;
    }
    return out;
}

bool is_word(char c) {
    return is(c, kAlpha | kDigit) || c == '_';
}

// At the beginning of a word, if it begins with a letter at all. "_http:" is how a link looks that was defused.
std::string prefix_pattern(const std::string& prefix) {
    std::string out = is_word(prefix.front()) ? "\\b" : "";
    bool wildcard = prefix.ends_with("*.");
    out += escaped(prefix.substr(0, prefix.size() - (wildcard ? 2 : 0)));
    if (wildcard) out += "[a-z0-9-]{0,63}\\.";
    return out;
}

void check_prefix(const std::string& prefix) {
    if (!is_link_prefix(prefix))
        throw std::invalid_argument("link prefix \"" + prefix +
                                    "\": letters, digits and #*+/=@^_`|~ expected, with . or : at the end");
}

void check_extension(const std::string& extension) {
    if (!is_file_extension(extension))
        throw std::invalid_argument("file extension \"" + extension + "\": letters and digits expected");
}

std::string one_of(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "(?:" : "|") + word;
    return out + ")";
}

struct Patterns {
    std::vector<std::string> texts;
    std::vector<unsigned> ids;
    std::vector<unsigned> flags;

    void add(std::string text, unsigned id, unsigned more_flags = 0) {
        texts.push_back(std::move(text));
        ids.push_back(id);
        flags.push_back(HS_FLAG_CASELESS | more_flags);
    }
    hs_database* compile(unsigned mode) const {
        std::vector<const char*> pointers;
        for (const std::string& text : texts) pointers.push_back(text.c_str());
        hs_database_t* database = nullptr;
        hs_compile_error_t* error = nullptr;
        if (hs_compile_multi(pointers.data(), flags.data(), ids.data(), static_cast<unsigned>(pointers.size()), mode,
                             nullptr, &database, &error) == HS_SUCCESS)
            return database;
        std::string what = std::string{"filter pattern: "} + error->message;
        if (error->expression >= 0) what += " in " + texts[static_cast<size_t>(error->expression)];
        hs_free_compile_error(error);
        throw std::invalid_argument(what);
    }
};

Patterns link_patterns(const FilterSettings& settings, bool places) {
    Patterns out;
    std::vector<std::string> prefixes, extensions;
    for (const std::string& prefix : settings.prefixes) {
        check_prefix(prefix);
        std::string pattern = prefix_pattern(prefix);
        if (prefix != "href") prefixes.push_back(pattern);
        // "news: today" is no link.
        out.add(pattern + (prefix == "href" ? "\\b" : "[^\\s]"), kLinkPattern, places ? HS_FLAG_SOM_LEFTMOST : 0);
    }
    for (const std::string& extension : settings.extensions) {
        check_extension(extension);
        extensions.push_back(escaped(extension));
    }
    // The path begins behind the first name, so that a host under .com is none.
    if (settings.block_file_extension && !prefixes.empty() && !extensions.empty())
        out.add(one_of(prefixes) + "[/\\\\]{0,3}[^\\s\"'<>?#/\\\\]+[/\\\\]" + kPathText + "*\\." + one_of(extensions) +
                    kPathEnd,
                kFilePattern);
    // A database cannot be empty.
    if (out.texts.empty()) out.add("\\x00never\\x00", kNoPattern);
    return out;
}

Patterns offer_patterns(const FilterSettings& settings) {
    std::vector<std::string> extensions;
    for (const std::string& extension : settings.extensions) extensions.push_back(escaped(extension));
    const std::string listed = extensions.empty() ? "" : "[^\\r\\n\"<]*\\." + one_of(extensions) + "[. ]*";
    Patterns out;
    // RFC 5547, MSNSLP invitations, Microsoft's file transfer in XML.
    for (auto [before, behind] :
         {std::pair{"a=file-selector:[^\\r\\n]*name:\"", "\""}, std::pair{"application-file:[ \\t]*", "(?:\\r|\\n|$)"},
          std::pair{"<(?:[a-z0-9]+:)?(?:file)?name>\\s*", "\\s*</"}}) {
        if (!listed.empty()) out.add(before + listed + behind, kListedOffer);
    }
    for (const char* any : {"a=file-selector:", "application-file:", "application-name:[ \\t]*file transfer",
                            "ms-filetransfer", "<publishfile"})
        out.add(any, kAnyOffer);
    return out;
}

Patterns scanner_patterns(const FilterSettings& settings) {
    Patterns out;
    for (size_t i = 0; i < settings.scanners.size(); i++) {
        std::string_view word = settings.scanners[i];
        bool whole = word.starts_with('=');
        if (whole) word.remove_prefix(1);
        if (word.empty()) throw std::invalid_argument("scanner signature: empty");
        std::string text = escaped(word);
        // Mr. Iwarsson is no scanner.
        std::string begin = is_word(word.front()) ? "\\b" : "", end = is_word(word.back()) ? "\\b" : "";
        out.add(whole ? "^" + text + "$" : begin + text + end, static_cast<unsigned>(i));
    }
    return out;
}

}  // namespace

bool is_link_prefix(std::string_view text) {
    constexpr std::string_view allowed = "#*+/=@^_`|~";
    constexpr size_t kMax = 64;
    if (text == "href") return true;
    if (text.size() < 2 || text.size() > kMax || (!text.ends_with('.') && !text.ends_with(':'))) return false;
    for (char c : text.substr(0, text.size() - 1))
        if (!is(c, kAlpha | kDigit) && allowed.find(c) == std::string_view::npos) return false;
    return true;
}

bool is_file_extension(std::string_view text) {
    constexpr size_t kMax = 32;
    for (char c : text)
        if (!is(c, kAlpha | kDigit) && c != '_' && c != '-') return false;
    return !text.empty() && text.size() <= kMax;
}

FilterDatabase::FilterDatabase(FilterSettings settings) : settings_(std::move(settings)) {
    for (const std::string* message : {&settings_.allow_message, &settings_.warn_message})
        if (message->size() > 65535) throw std::invalid_argument("filter message: longer than 65535 octets");
    try {
        links_ = link_patterns(settings_, true).compile(HS_MODE_BLOCK);
        links_stream_ = link_patterns(settings_, false).compile(HS_MODE_STREAM);
        offers_ = offer_patterns(settings_).compile(HS_MODE_BLOCK);
        if (!settings_.scanners.empty()) scanners_ = scanner_patterns(settings_).compile(HS_MODE_BLOCK);
    } catch (...) {
        for (hs_database* d : {links_, links_stream_, offers_, scanners_}) hs_free_database(d);
        throw;
    }
}

FilterDatabase::~FilterDatabase() {
    for (hs_database* d : {links_, links_stream_, offers_, scanners_}) hs_free_database(d);
}

std::string_view FilterDatabase::message() const {
    switch (settings_.link_action) {
        case LinkAction::allow: return settings_.allow_message;
        case LinkAction::warn: return settings_.warn_message;
        case LinkAction::block: return {};
    }
    return {};
}

FilterScratch::FilterScratch(std::shared_ptr<const FilterDatabase> database) : database_(std::move(database)) {
    for (const hs_database* d :
         {database_->links_, database_->links_stream_, database_->offers_, database_->scanners_}) {
        if (d && hs_alloc_scratch(d, &scratch_) != HS_SUCCESS) {
            hs_free_scratch(scratch_);
            throw std::bad_alloc();
        }
    }
    for (hs_stream*& stream : streams_) {
        if (hs_open_stream(database_->links_stream_, 0, &stream) != HS_SUCCESS) {
            if (streams_[0]) hs_close_stream(streams_[0], scratch_, nullptr, nullptr);
            hs_free_scratch(scratch_);
            throw std::bad_alloc();
        }
    }
    decoded_.resize(kText);
    normal_.resize(kText + Normalizer::kHeld);
    origin_.resize(kText + Normalizer::kHeld);
}

FilterScratch::~FilterScratch() {
    for (hs_stream* stream : streams_) hs_close_stream(stream, scratch_, nullptr, nullptr);
    hs_free_scratch(scratch_);
}

}  // namespace fedge::sip
