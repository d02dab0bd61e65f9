#include "dataplane/signal/sip/sip_filters.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "dataplane/policy/diagnostics.h"
#include "dataplane/sip/text_writer.h"

namespace fedge::signal {
namespace {

using sip::Filters;
using sip::Finding;
using sip::HeaderId;
using sip::Method;

constexpr uint16_t kRefused = 403;
constexpr std::string_view kTextFormat = "Ms-Text-Format";

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

size_t most_bytes(const sip::FilterDatabase& database, const sip::TextFinding& finding, size_t body) {
    constexpr size_t kLongestEscape = 5;  // &amp;
    constexpr size_t kLineEnd = 8;
    return body + finding.links + database.message().size() * kLongestEscape + kLineEnd;
}

}  // namespace

void SipFilters::adopt(sip::FilterScratch* scratch) {
    // Signatures that stay keep their counts.
    std::vector<uint64_t> counts(scratch ? scratch->database().settings().scanners.size() : 0);
    for (size_t i = 0; i < counts.size(); i++)
        for (size_t j = 0; j < scanners_.size(); j++)
            if (scratch->database().scanner(i) == scratch_->database().scanner(j)) counts[i] = scanners_[j];
    scanners_ = std::move(counts);
    scratch_ = scratch;
    // Longer ones are rare, and may take their time.
    size_t usual = scratch ? most_bytes(scratch->database(), {}, sip::FilterScratch::kText) : 0;
    if (changed_.size() < usual) changed_.resize(usual);
}

bool SipFilters::scanner(const sip::Message& request) {
    int signature = scratch_ ? Filters{*scratch_}.scanner(request) : -1;
    if (signature < 0) return false;
    counters_.add(Counter::sip_scanners);
    scanners_[static_cast<size_t>(signature)]++;
    return true;
}

uint32_t SipFilters::list_scanners(std::span<ScannerRecord> out, uint64_t& cursor) const {
    uint32_t filled = 0;
    size_t at = cursor;
    for (; at < scanners_.size() && filled < out.size(); at++)
        out[filled++] = {scratch_->database().scanner(at), scanners_[at]};
    cursor = at < scanners_.size() ? at : 0;
    return filled;
}

FilterRefusal SipFilters::refuse(Finding finding) {
    counters_.add(Counter::sip_filtered);
    return {kRefused, finding == Finding::block_file ? policy::kFileBlocked : policy::kLinkBlocked};
}

void SipFilters::note(const sip::TextFinding& finding) {
    if (finding.what == Finding::defuse) {
        counters_.add(Counter::sip_defused);
    } else if (sip::gets_message(scratch_->database(), finding)) {
        counters_.add(Counter::sip_warned);
    }
}

// The topic of a conversation, which is shown as its first message. There is one line for all.
FilterRefusal SipFilters::subject(std::string_view value, Filtered& out) {
    sip::TextFinding finding = Filters{*scratch_}.instant_message("text/plain", {}, value);
    if (finding.what == Finding::clean) return {};
    if (finding.what >= Finding::block_link || !subject_.empty())
        return refuse(std::max(finding.what, Finding::block_link));
    const sip::FilterDatabase& database = scratch_->database();
    subject_.resize(most_bytes(database, finding, value.size()));
    size_t message = 0;
    subject_.resize(sip::write_filtered(database, finding, value, sip::writable(subject_), 0, &message));
    if (subject_.empty()) return refuse(Finding::block_link);
    std::ranges::replace_if(
        subject_, [](char c) { return c == '\r' || c == '\n' || c == '\t'; }, ' ');
    // Ours already.
    if (value.starts_with(std::string_view(subject_).substr(0, message))) subject_.erase(0, message);
    out.change("Subject", subject_);
    note(finding);
    return {};
}

FilterRefusal SipFilters::first_message(std::string_view format, Filtered& out) {
    Filters filters{*scratch_};
    std::string_view encoded;
    std::string_view text = filters.first_message(format, encoded);
    if (text.empty()) return {};
    sip::TextFinding finding = filters.instant_message(format, {}, text);
    if (finding.what == Finding::clean) return {};
    // In parts, of which some may be encoded once more, nothing can be changed.
    bool plain = sip::equal_nocase(format.substr(0, 5), "text/") && text.size() <= sip::FilterScratch::kText;
    if (finding.what >= Finding::block_link || !plain || !format_.empty())
        return refuse(std::max(finding.what, Finding::block_link));
    const sip::FilterDatabase& database = scratch_->database();
    if (size_t most = most_bytes(database, finding, text.size()); changed_.size() < most) changed_.resize(most);
    size_t size =
        sip::write_filtered(database, finding, text, changed_, sip::earlier_message(database, finding, text, 0));
    if (size == 0) return refuse(Finding::block_link);
    std::string body((size + 2) / 3 * 4 + 1, '\0');
    EVP_EncodeBlock(sip::writable(body).data(), changed_.data(), static_cast<int>(size));
    body.pop_back();
    auto at = static_cast<size_t>(encoded.data() - format.data());
    format_.append(format.substr(0, at)).append(body).append(format.substr(at + encoded.size()));
    out.change(kTextFormat, format_);
    note(finding);
    return {};
}

FilterRefusal SipFilters::invitation(const sip::Message& invite, Filtered& out) {
    subject_.clear();
    format_.clear();
    for (const sip::Field& field : invite.fields()) {
        FilterRefusal refusal;
        if (field.id == HeaderId::subject) refusal = subject(invite.value(field), out);
        if (sip::equal_nocase(invite.name(field), kTextFormat)) refusal = first_message(invite.value(field), out);
        if (refusal) return refusal;
    }
    return {};
}

FilterRefusal SipFilters::request(const sip::Message& request, Filtered& out) {
    Method method = request.method();
    if (!scratch_ || !shown_to_people(method)) return {};
    if (method == Method::invite)
        if (FilterRefusal refusal = invitation(request, out)) return refusal;
    if (out.body.empty()) return {};
    Filters filters{*scratch_};
    std::string_view text = text_of(out.body);
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
    if (size_t most = most_bytes(database, finding, text.size()); changed_.size() < most) changed_.resize(most);
    size_t told = 0, notice = 0;
    if (const sip::Field* field = request.find(kFilterNotice)) {
        std::string_view number = sip::trim(request.value(*field));
        std::from_chars(number.data(), number.data() + number.size(), told);
    }
    size_t earlier = sip::earlier_message(database, finding, text, told);
    size_t size = sip::write_filtered(database, finding, text, changed_, earlier, &notice);
    if (size == 0) return refuse(Finding::block_link);
    out.body = Bytes(changed_).first(size);
    if (notice > 0) {
        auto* end = std::to_chars(notice_.data(), notice_.data() + notice_.size(), notice).ptr;
        out.change(kFilterNotice, {notice_.data(), static_cast<size_t>(end - notice_.data())});
    }
    note(finding);
    return {};
}

bool SipFilters::response(const sip::Message& response, Bytes body) {
    if (!scratch_ || body.empty() || response.status_code() >= 300 || !shown_to_people(response.method())) return true;
    if (Filters{*scratch_}.file_offer(text_of(body)) == Finding::clean) return true;
    counters_.add(Counter::sip_filtered);
    return false;
}

}  // namespace fedge::signal
