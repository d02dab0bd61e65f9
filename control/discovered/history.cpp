#include "control/discovered/history.h"

#include <algorithm>
#include <functional>

namespace fedge::control {

void DiscoveredHistory::on_news(const std::vector<PartnerNews>& news, int64_t now) {
    for (const PartnerNews& partner : news) {
        bool is_new = false;
        DiscoveredPartner& row = row_of(partner.domain, now, is_new);
        row.last = now;
        row.messages += partner.messages;
        row.limited += partner.limited;
        row.contacts = std::max<int64_t>(row.contacts, partner.contacts);
        if (partner.contacts_refused && !row.watch) {
            row.watch = true;
            urgent_ = true;
            log_.warning("discovered partner " + partner.domain +
                         " addressed more users than allowed and is on the watch list; known users go on; `fedge allow "
                         "domain " +
                         partner.domain + "` lifts the limit");
        }
        bool turned = row.suspicious != partner.suspicious;
        if (turned) {
            row.suspicious = partner.suspicious;
            urgent_ = true;
            log_.warning("discovered partner " + partner.domain +
                         (partner.suspicious ? " is suspicious: most of its requests fail; its rate is lowered"
                                             : " is not suspicious any more"));
        }
        if (turned || is_new) note_change(partner.domain);
        if (period_.size() < kMostRemembered || period_.contains(partner.domain)) {
            Period& period = period_[partner.domain];
            period.messages += partner.messages;
            period.limited += partner.limited;
            period.contacts_refused += partner.contacts_refused;
        } else {
            not_remembered_ += partner.messages;
        }
        if (unwritten_.size() >= kMostUnwritten) flush();
    }
}

void DiscoveredHistory::on_tick(int64_t now, int64_t report_minutes) {
    // A clock that was set back must not stop writing and reporting.
    if (urgent_ || now - written_at_ >= kWriteEvery || now < written_at_) {
        flush();
        written_at_ = now;
    }
    if (period_start_ == 0 || now < period_start_) period_start_ = now;
    if (report_minutes <= 0 || now - period_start_ < report_minutes * 60) return;
    report(report_minutes);
    period_start_ = now;
    period_.clear();
    not_remembered_ = 0;
}

void DiscoveredHistory::flush() {
    if (table_.busy()) return;  // later
    urgent_ = false;
    if (unwritten_.empty()) return;
    std::vector<DiscoveredPartner> rows;
    for (auto& [domain, row] : unwritten_) rows.push_back(row);
    table_.put(rows);
    unwritten_.clear();
}

std::optional<DiscoveredPartner> DiscoveredHistory::find(const std::string& domain) {
    auto found = unwritten_.find(domain);
    return found != unwritten_.end() ? found->second : table_.find(domain);
}

std::vector<DiscoveredPartner> DiscoveredHistory::page(const std::string& after, size_t limit,
                                                       const DiscoveredFilter& filter) {
    flush();
    return table_.page(after, limit, filter);
}

int64_t DiscoveredHistory::count() {
    flush();
    return table_.count();
}

bool DiscoveredHistory::forget(const std::string& domain) {
    bool unwritten = unwritten_.erase(domain) > 0;
    bool known = table_.remove(domain) || unwritten;
    period_.erase(domain);
    if (known) note_change(domain);
    return known;
}

DiscoveredPartner& DiscoveredHistory::row_of(const std::string& domain, int64_t now, bool& is_new) {
    auto found = unwritten_.find(domain);
    if (found != unwritten_.end()) return found->second;
    auto stored = table_.find(domain);
    is_new = !stored;
    if (is_new) stored = DiscoveredPartner{.domain = domain, .first = now};
    return unwritten_.emplace(domain, std::move(*stored)).first->second;
}

void DiscoveredHistory::note_change(const std::string& domain) {
    if (changes_.size() == kMostChanges) {
        changes_.pop_front();
        first_change_++;
    }
    changes_.push_back(domain);
}

// One line for all discovered partners, one for those whose rate was limited, one for those at the limit of contacts.
void DiscoveredHistory::report(int64_t minutes) {
    auto line = [&](const std::string& what, uint64_t Period::*count, const char* unit) {
        std::vector<std::pair<uint64_t, std::string>> rows;
        for (const auto& [domain, period] : period_)
            if (count == &Period::messages || period.*count) rows.emplace_back(period.*count, domain);
        if (rows.empty()) return;
        std::ranges::sort(rows, [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        std::string text = what + " in the last " + std::to_string(minutes) + " min: " + std::to_string(rows.size());
        for (size_t i = 0; i < rows.size() && i < kMostNamed; i++)
            text += (i ? ", " : ": ") + rows[i].second + " (" + std::to_string(rows[i].first) + " " + unit + ")";
        if (rows.size() > kMostNamed) text += ", and " + std::to_string(rows.size() - kMostNamed) + " more";
        log_.info(text);
    };
    line("discovered partners", &Period::messages, "messages");
    line("discovered partners whose rate was limited", &Period::limited, "messages refused");
    line("discovered partners at the limit of contacts", &Period::contacts_refused, "messages refused");
    if (not_remembered_) log_.info("further discovered partners: " + std::to_string(not_remembered_) + " messages");
}

}  // namespace fedge::control
