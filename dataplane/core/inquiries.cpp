#include "dataplane/core/inquiries.h"

#include <algorithm>

#include "dataplane/core/inquiry_desk.h"

namespace fedge::core {
namespace {

std::string_view view(const flatbuffers::String* text) {
    return text ? text->string_view() : std::string_view{};
}

}  // namespace

policy::Route route_of(const contract::Answer& answer) {
    policy::Route route;
    route.finding = answer.finding() <= contract::Finding::MAX ? answer.finding() : contract::Finding::failed;
    route.code = answer.code();
    route.validated = answer.validated();
    route.stale = answer.stale();
    route.reason = view(answer.reason());
    if (route.finding != contract::Finding::found) return route;
    for (flatbuffers::uoffset_t i = 0; answer.targets() && i < answer.targets()->size(); i++) {
        const contract::Target* from = answer.targets()->Get(i);
        if (route.target_count == policy::kMaxTargets) break;
        if (from->host()->size() > policy::kMaxName || from->port() == 0) continue;
        policy::RouteTarget target;
        target.host = view(from->host());
        target.port = from->port();
        target.priority = from->priority();
        target.weight = from->weight();
        target.direct_tls = from->direct_tls();
        for (const contract::Ip* address : *from->addresses()) {
            if (target.address_count == policy::kMaxAddresses) break;
            target.address[target.address_count++] = IpAddress::v6_bytes(address->octets()->data());
        }
        if (target.address_count) route.target[route.target_count++] = target;
    }
    if (route.target_count == 0) {
        route.finding = contract::Finding::failed;
        route.reason = std::string_view("control found targets without an address");
    }
    return route;
}

Inquiries::Inquiries(std::vector<uint16_t> cores, Ask ask, Deliver deliver)
    : ask_(std::move(ask)),
      deliver_(std::move(deliver)),
      objects_(cores.size() * InquiryDesk::kNewsOnTheWay),
      free_(cores.size()),
      cores_(std::move(cores)),
      told_(cores_.size()) {
    for (size_t i = 0; i < objects_.size(); i++) {
        objects_[i].kind = Inquiry::Kind::news;
        objects_[i].core = cores_[i % cores_.size()];
        free_[i % cores_.size()].push_back(&objects_[i]);
    }
}

void Inquiries::on_inquiry(Inquiry* inquiry, Time now) {
    if (inquiry->kind == Inquiry::Kind::news) {
        auto core = std::ranges::find(cores_, inquiry->core) - cores_.begin();
        free_[static_cast<size_t>(core)].push_back(inquiry);
        return send_news();
    }
    Subject subject{inquiry->domain.view(), inquiry->via.view(), inquiry->service, inquiry->srv_mode,
                    inquiry->namespace_rule};
    if (auto same = by_subject_.find(subject); same != by_subject_.end()) {
        by_id_.at(same->second).waiting.push_back(inquiry);
        return;
    }
    uint32_t id = next_id_++;
    if (next_id_ == 0) next_id_ = 1;  // 0 means news
    if (!ask_(id, *inquiry)) return fail(inquiry, "control is not connected");
    by_subject_.emplace(subject, id);
    by_id_.insert_or_assign(
        id, Open{std::move(subject), now + std::chrono::nanoseconds(inquiry->wait) + kGrace, {inquiry}});
}

void Inquiries::on_answer(const contract::Answer& answer) {
    if (answer.id() == 0) {
        if (cores_.empty()) return;
        if (news_.size() == kMostNews) {
            news_.pop_front();
            forgotten_++;
        }
        news_.emplace_back(view(answer.domain()), answer.service());
        return send_news();
    }
    auto found = by_id_.find(answer.id());
    if (found == by_id_.end()) return;  // its time was over
    policy::Route route = route_of(answer);
    for (Inquiry* inquiry : found->second.waiting) {
        inquiry->route = route;
        inquiry->keep = std::chrono::seconds(answer.keep_s());
        deliver_(inquiry);
    }
    by_subject_.erase(found->second.subject);
    by_id_.erase(found);
}

void Inquiries::on_control_gone() {
    for (auto& [id, open] : by_id_)
        for (Inquiry* inquiry : open.waiting) fail(inquiry, "control is gone");
    by_id_.clear();
    by_subject_.clear();
}

void Inquiries::advance(Time now) {
    for (auto at = by_id_.begin(); at != by_id_.end();) {
        if (now < at->second.deadline) {
            ++at;
            continue;
        }
        for (Inquiry* inquiry : at->second.waiting) {
            inquiry->kind = Inquiry::Kind::unanswered;
            deliver_(inquiry);
        }
        by_subject_.erase(at->second.subject);
        at = by_id_.erase(at);
    }
}

void Inquiries::fail(Inquiry* inquiry, std::string_view why) {
    inquiry->route = policy::Route{};
    inquiry->route.reason = why;
    inquiry->keep = std::chrono::seconds(2);
    deliver_(inquiry);
}

void Inquiries::send_news() {
    uint64_t all = forgotten_ + news_.size();
    for (size_t i = 0; i < cores_.size(); i++) {
        told_[i] = std::max(told_[i], forgotten_);
        for (; told_[i] < all && !free_[i].empty(); told_[i]++) {
            Inquiry* object = free_[i].back();
            free_[i].pop_back();
            const auto& [domain, service] = news_[told_[i] - forgotten_];
            object->domain = std::string_view(domain);
            object->service = service;
            deliver_(object);
        }
    }
    uint64_t everybody = *std::ranges::min_element(told_);
    for (; forgotten_ < everybody; forgotten_++) news_.pop_front();
}

}  // namespace fedge::core
