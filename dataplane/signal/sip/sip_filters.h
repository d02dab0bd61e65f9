// The filters of dataplane/sip/filters.h in the path of the proxy: what they make of a message that is about to leave,
// and of who speaks for the first time. One for each core.
//
// A later filter's message stands in place of an earlier one's, which tells by kFilterNotice how long it is. Whoever
// lies there has only words of his own taken out.
//
// Text is looked at wherever a program might show it to somebody: in all requests but those of presence and of
// servers among themselves, whose documents are full of addresses and shown to nobody. Offers of files are looked for
// in requests, and in the responses that hold the offer of an INVITE without one.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/sip/filters.h"
#include "dataplane/sip/message.h"

namespace fedge::signal {

inline constexpr std::string_view kFilterNotice = "Filter-Notice-Length";

// What goes on of a message: `body` may stand in memory of the filters, good until the next message, and so may fields
// that go on in place of all that have their name.
struct Filtered {
    struct Field {
        std::string_view name;
        std::string_view value;
    };
    Bytes body;
    std::array<Field, 3> fields;
    size_t field_count = 0;

    std::span<const Field> changed() const { return std::span(fields).first(field_count); }
    void change(std::string_view name, std::string_view value) { fields[field_count++] = {name, value}; }
};

// What the sender of a message that does not pass is told: SIP status and ms-diagnostics.
struct FilterRefusal {
    uint16_t status = 0;  // 0: it passes
    uint16_t diagnostic = 0;
    explicit operator bool() const { return status != 0; }
};

// Connections that were closed for one signature of scanners. A row for operators: it travels between threads.
struct ScannerRecord {
    FixedText<128> signature;
    uint64_t closed = 0;
};

class SipFilters {
  public:
    explicit SipFilters(Counters counters) : counters_(counters) {}

    // Lives until the next call has returned; null: nothing is filtered.
    void adopt(sip::FilterScratch* scratch);

    // What it says of itself is known of scanners. Counted, for each signature on its own.
    bool scanner(const sip::Message& request);
    // `out` has the body that came, and then what goes on. Counted.
    FilterRefusal request(const sip::Message& request, Filtered& out);
    // Whether it may pass. Counted.
    bool response(const sip::Message& response, Bytes body);

    // Rows from `cursor` on (start with 0; 0 again at the end), one for each signature. Returns how many.
    uint32_t list_scanners(std::span<ScannerRecord> out, uint64_t& cursor) const;

  private:
    FilterRefusal refuse(sip::Finding finding);
    FilterRefusal invitation(const sip::Message& invite, Filtered& out);
    FilterRefusal subject(std::string_view value, Filtered& out);
    FilterRefusal first_message(std::string_view format, Filtered& out);
    void note(const sip::TextFinding& finding);

    Counters counters_;
    sip::FilterScratch* scratch_ = nullptr;
    std::vector<uint8_t> changed_;
    std::string subject_, format_;  // of an invitation that was changed
    std::array<char, 12> notice_;
    std::vector<uint64_t> scanners_;  // as the signatures of the settings
};

}  // namespace fedge::signal
