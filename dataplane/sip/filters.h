// Filters of links and files in instant messages, of file transfers, and the signatures of scanners: Hyperscan over
// normalised text (normal_text.h). Databases are compiled on a thread that may take its time and are the same for all
// cores; each core has a scratch of its own and allocates nothing while it scans.
//
// Semantics as those of Lync Server: links are told by the prefixes of words; a link whose path ends with a listed
// extension is blocked before anything else is asked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/sip/message.h"
#include "dataplane/sip/normal_text.h"

struct hs_database;
struct hs_scratch;
struct hs_stream;

namespace fedge::sip {

enum class LinkAction : uint8_t {
    allow,  // delivered, with an underscore in front of each link and the message in front of the text
    warn,   // delivered with the message in front; without a message links are let through
    block,
};
enum class FileAction : uint8_t { block_listed, block_all };

std::vector<std::string> default_link_prefixes();
std::vector<std::string> default_file_extensions();  // without the dot
std::vector<std::string> default_scanner_signatures();

struct FilterSettings {
    bool links = true;
    bool ignore_local = true;          // links to hosts of the intranet are let through
    bool block_file_extension = true;  // in links
    LinkAction link_action = LinkAction::block;
    std::string allow_message;  // in front of messages, at most 65535 octets
    std::string warn_message;
    std::vector<std::string> prefixes = default_link_prefixes();
    std::vector<std::string> extensions = default_file_extensions();
    std::vector<std::string> local_domains;  // beside names without a dot
    bool files = true;
    FileAction file_action = FileAction::block_listed;
    // Whole words in what a client tells of itself, without case; "=word" is all of it.
    std::vector<std::string> scanners = default_scanner_signatures();

    friend bool operator==(const FilterSettings&, const FilterSettings&) = default;
};

// Letters, digits and #*+/=@^_`|~, with . or : at the end; or href.
bool is_link_prefix(std::string_view text);
// Letters, digits, - and _, without the dot.
bool is_file_extension(std::string_view text);

// A list of extensions as people write them down: separated by anything, with and without dots.
std::vector<std::string> parse_extensions(std::string_view text);

// Immutable. Throws std::invalid_argument if a setting is wrong, and says which.
class FilterDatabase {
  public:
    explicit FilterDatabase(FilterSettings settings);
    ~FilterDatabase();
    FilterDatabase(const FilterDatabase&) = delete;
    FilterDatabase& operator=(const FilterDatabase&) = delete;

    const FilterSettings& settings() const { return settings_; }
    // The message that goes in front of what is delivered nevertheless.
    std::string_view message() const;
    std::string_view scanner(size_t index) const { return settings_.scanners[index]; }

  private:
    friend class FilterScratch;
    friend class Filters;
    friend class TextStream;
    FilterSettings settings_;
    hs_database* links_ = nullptr;         // whole texts
    hs_database* links_stream_ = nullptr;  // texts in pieces
    hs_database* offers_ = nullptr;        // offers of files
    hs_database* scanners_ = nullptr;      // null without signatures
};

// What one core needs to scan with one database; made and destroyed where allocation is allowed.
class FilterScratch {
  public:
    // Texts up to so many octets are looked at as a whole, with the places of their links.
    static constexpr size_t kText = 128 * 1024;

    explicit FilterScratch(std::shared_ptr<const FilterDatabase> database);
    ~FilterScratch();
    FilterScratch(const FilterScratch&) = delete;
    FilterScratch& operator=(const FilterScratch&) = delete;

    const FilterDatabase& database() const { return *database_; }

  private:
    friend class Filters;
    friend class TextStream;
    std::shared_ptr<const FilterDatabase> database_;
    hs_scratch* scratch_ = nullptr;
    std::array<hs_stream*, 2> streams_{};  // one for each reading of gaps; reset for each text
    std::vector<uint8_t> decoded_;
    std::vector<uint8_t> normal_;
    std::vector<uint32_t> origin_;
};

enum class Finding : uint8_t {
    clean,
    defuse,  // links are to be defused, and the message goes in front
    warn,    // the message goes in front
    block_link,
    block_file,  // a link to a file, or an offer of one
};

struct TextFinding {
    static constexpr size_t kMaxLinks = 64;
    Finding what = Finding::clean;
    uint32_t links = 0;                  // defuse: so many are in
    std::array<uint32_t, kMaxLinks> at;  // where they begin in the body, ascending
    bool has_front = false;              // a text stands in the body in plain sight, so that a message ...
    uint32_t front = 0;                  // ... can stand in front of it, here
    Markup markup = Markup::plain;       // of that text
    std::span<const uint32_t> places() const { return {at.data(), links}; }
};

class Filters {
  public:
    explicit Filters(FilterScratch& scratch) : scratch_(&scratch), database_(&scratch.database()) {}

    // The body of an instant message: text/*, multipart/* with its parts, message/cpim; other types are not looked at.
    // Links that cannot be defused where they stand (in encoded parts, in texts that are too long, too many of them)
    // are blocked if they should be defused.
    TextFinding instant_message(std::string_view content_type, std::string_view content_encoding,
                                std::string_view body);
    // Decoded, the text that Ms-Text-Format of an INVITE may carry for its first message: `encoded` is where its
    // ms-body stands in the value (base64). Good until another text is looked at; empty without.
    std::string_view first_message(std::string_view format, std::string_view& encoded);
    // The body of an INVITE or MESSAGE that offers a file: RFC 5547, MSNSLP, Microsoft's XML.
    Finding file_offer(std::string_view body);
    // The number of the signature that User-Agent, Server, From or Subject has; -1: none.
    int scanner(const Message& message);

  private:
    struct Seen;
    Seen look(std::string_view text, Markup markup);
    // One reading of gaps, added to what was seen. True if there were any.
    bool read(std::string_view text, Normalizer normalizer, Seen& seen);
    bool is_local(std::string_view text, size_t at) const;
    Finding verdict(bool file, bool link, bool can_defuse) const;
    // A text that stands in the body at `offset`, or, decoded, nowhere.
    void judge(std::string_view text, Markup markup, const size_t* offset, TextFinding& finding);
    void part(std::string_view content_type, TransferEncoding encoding, std::string_view body, size_t offset,
              unsigned depth, TextFinding& finding);
    // False if there is no such boundary.
    bool parts(std::string_view boundary, std::string_view body, size_t offset, unsigned depth, TextFinding& finding);

    FilterScratch* scratch_;
    const FilterDatabase* database_;
};

// A text of any length, in pieces: tells whether there is a link to a file, or a link, without its place. Links to the
// intranet count as links. One at a time for each scratch.
class TextStream {
  public:
    TextStream(FilterScratch& scratch, Markup markup);
    void feed(std::string_view piece);
    // Block_file, block_link or clean.
    Finding finish();

  private:
    void scan(size_t reading, std::string_view piece);
    FilterScratch* scratch_;
    std::array<Normalizer, 2> normalizers_;  // as FilterScratch has streams
    bool file_ = false;
    bool link_ = false;
};

// Whether the message of the settings goes in front of the text: not of RTF, nor where nothing stands in plain sight.
bool gets_message(const FilterDatabase& database, const TextFinding& finding);
// How many octets in front of the text an earlier filter has put there: `told` by it, or the same message as ours.
size_t earlier_message(const FilterDatabase& database, const TextFinding& finding, std::string_view body, size_t told);

// The body that goes on: the message of the settings in front of its first text, in place of an earlier one, links
// defused. 0 if it does not fit or the finding does not let it go on. `message`: how long what stands in front is.
size_t write_filtered(const FilterDatabase& database, const TextFinding& finding, std::string_view body,
                      MutableBytes out, size_t earlier = 0, size_t* message = nullptr);

}  // namespace fedge::sip
