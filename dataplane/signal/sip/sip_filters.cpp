#include "dataplane/signal/sip/sip_filters.h"

#include <algorithm>

#include "dataplane/policy/diagnostics.h"

namespace fedge::signal {
namespace {

using sip::Filters;
using sip::Finding;
using sip::HeaderId;
using sip::Method;

constexpr uint16_t kRefused = 403;

bool shown_to_people(Method method) {
    switch (method) {
        case Method::subscribe:
        case Method::notify:
        case Method::benotify:
        case Method::publish:
        case Method::service:
        case Method::register_:
        case Method::options: return false;
        default: return true;
    }
}

// How the body is encoded as a whole: anything but "identity" cannot be looked into. Content-Transfer-Encoding has no
// meaning in SIP (RFC 3261 section 20), but there are programs that follow it.
std::string_view encoding_of(const sip::Message& message) {
    std::string_view encoding = message.value(HeaderId::content_encoding);
    if (!encoding.empty() && !sip::equal_nocase(encoding, "identity")) return encoding;
    const sip::Field* transfer = message.find("content-transfer-encoding");
    if (!transfer) return {};
    std::string_view value = sip::trim(message.value(*transfer));
    return sip::transfer_encoding(value) == sip::TransferEncoding::none ? std::string_view{} : value;
}

// The message goes in front.
bool has_front(const sip::FilterDatabase& database, const sip::TextFinding& finding) {
    return finding.has_front && finding.markup != sip::Markup::rtf && !database.message().empty();
}

size_t most_bytes(const sip::FilterDatabase& database, const sip::TextFinding& finding, size_t body) {
    constexpr size_t kLongestEscape = 5;  // &amp;
    constexpr size_t kLineEnd = 8;
    return body + finding.links + database.message().size() * kLongestEscape + kLineEnd;
}

}  // namespace

void SipFilters::adopt(sip::FilterScratch* scratch) {
    scratch_ = scratch;
    // Longer ones are rare, and may take their time.
    size_t usual = scratch ? most_bytes(scratch->database(), {}, sip::FilterScratch::kText) : 0;
    if (changed_.size() < usual) changed_.resize(usual);
}

bool SipFilters::scanner(const sip::Message& request) {
    if (!scratch_ || Filters{*scratch_}.scanner(request) < 0) return false;
    counters_.add(Counter::sip_scanners);
    return true;
}

FilterRefusal SipFilters::refuse(Finding finding) {
    counters_.add(Counter::sip_filtered);
    return {kRefused, finding == Finding::block_file ? policy::kFileBlocked : policy::kLinkBlocked};
}

FilterRefusal SipFilters::request(const sip::Message& request, Bytes& body) {
    Method method = request.method();
    if (!scratch_ || !shown_to_people(method)) return {};
    Filters filters{*scratch_};
    if (method == Method::invite) {
        // There is no room for a warning in it, and no link in it can be changed.
        Finding finding = filters.invitation(request);
        if (finding >= Finding::block_link) return refuse(finding);
    }
    if (body.empty()) return {};
    std::string_view text = text_of(body);
    if (filters.file_offer(text) != Finding::clean) return refuse(Finding::block_file);
    sip::TextFinding finding =
        filters.instant_message(request.value(HeaderId::content_type), encoding_of(request), text);
    switch (finding.what) {
        case Finding::clean: return {};
        case Finding::block_link:
        case Finding::block_file: return refuse(finding.what);
        case Finding::defuse:
        case Finding::warn: break;
    }
    const sip::FilterDatabase& database = scratch_->database();
    if (size_t most = most_bytes(database, finding, body.size()); changed_.size() < most) changed_.resize(most);
    size_t size = sip::write_filtered(database, finding, text, changed_);
    if (size == 0) return refuse(Finding::block_link);
    body = Bytes(changed_).first(size);
    if (finding.what == Finding::defuse) {
        counters_.add(Counter::sip_defused);
    } else if (has_front(database, finding)) {
        counters_.add(Counter::sip_warned);
    }
    return {};
}

bool SipFilters::response(const sip::Message& response, Bytes body) {
    if (!scratch_ || body.empty() || response.status_code() >= 300 || !shown_to_people(response.method())) return true;
    if (Filters{*scratch_}.file_offer(text_of(body)) == Finding::clean) return true;
    counters_.add(Counter::sip_filtered);
    return false;
}

}  // namespace fedge::signal
