#include "control/publish/dataplane.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "message_generated.h"

namespace fedge::control {
namespace {

using contract::ChannelStatus;

constexpr size_t kMaxQuestions = 1024;
constexpr int kMessagesPerCall = 64;  // so that a chatty dataplane cannot starve the API

template <typename T>
std::vector<uint8_t> message_of(flatbuffers::FlatBufferBuilder& builder, contract::Body type,
                                flatbuffers::Offset<T> body) {
    contract::FinishMessageBuffer(builder, contract::CreateMessage(builder, type, body.Union()));
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::string text(const flatbuffers::String* s) {
    return s ? s->str() : std::string();
}

}  // namespace

Dataplane::Dataplane(std::string socket_path, Log& log)
    : path_(std::move(socket_path)), log_(log), buffer_(contract::kMaxMessage) {}

void Dataplane::publish(uint64_t revision, contract::Descriptor snapshot, PublishedTables tables, Clock::time_point now,
                        Clock::time_point deadline, AdoptionCallback done) {
    snapshot_ = std::move(snapshot);
    tables_ = std::move(tables);
    revision_ = revision;
    generation_++;
    refused_reason_.clear();
    if (done) waiters_.push_back({generation_, revision, deadline, std::move(done)});
    if (!channel_.open()) connect(now);
    send_snapshot();
}

void Dataplane::query(contract::Kind kind, uint64_t cursor, uint32_t limit, Clock::time_point now, PageCallback done) {
    flatbuffers::FlatBufferBuilder builder;
    uint32_t id = next_id_++;
    auto message = message_of(builder, contract::Body::Query, contract::CreateQuery(builder, id, kind, cursor, limit));
    ask(id, message, {now + kAnswerTime, std::move(done), {}, {}, {}});
}

void Dataplane::disconnect_allocations(uint64_t allocation, const std::string& user, Clock::time_point now,
                                       CountCallback done) {
    flatbuffers::FlatBufferBuilder builder;
    uint32_t id = next_id_++;
    auto name = user.empty() ? 0 : builder.CreateString(user);
    auto message =
        message_of(builder, contract::Body::Disconnect, contract::CreateDisconnect(builder, id, allocation, name));
    ask(id, message, {now + kAnswerTime, {}, std::move(done), {}, {}});
}

void Dataplane::lookup(const std::string& name, Clock::time_point now, LookupCallback done) {
    flatbuffers::FlatBufferBuilder builder;
    uint32_t id = next_id_++;
    auto message = message_of(builder, contract::Body::Lookup, contract::CreateLookupDirect(builder, id, name.c_str()));
    ask(id, message, {now + kAnswerTime, {}, {}, std::move(done), {}});
}

void Dataplane::test_partner(const PartnerTestOrder& test, std::chrono::milliseconds wait, Clock::time_point now,
                             PartnerTestedCallback done) {
    flatbuffers::FlatBufferBuilder builder;
    uint32_t id = next_id_++;
    std::vector<flatbuffers::Offset<contract::Target>> list;
    for (const TestTarget& target : test.targets) {
        std::vector<contract::Ip> addresses;
        for (const IpAddress& address : target.addresses)
            addresses.emplace_back(flatbuffers::span<const uint8_t, 16>(address.octets()));
        list.push_back(
            contract::CreateTargetDirect(builder, target.host.c_str(), target.port, 0, 0, false, &addresses));
    }
    auto order =
        contract::CreateTestPartnerDirect(builder, id, test.domain.c_str(), test.from.c_str(), &list,
                                          static_cast<uint32_t>(wait.count()), test.proves.c_str(), test.purpose);
    auto message = message_of(builder, contract::Body::TestPartner, order);
    Question question{now + wait + kAnswerTime, {}, {}, {}, std::move(done)};
    ask(id, message, std::move(question));
}

void Dataplane::Question::fail(const std::string& error) const {
    if (tested) {
        tested(nullptr, error);
    } else if (page) {
        page(nullptr, error);
    } else if (lookup) {
        lookup(nullptr, error);
    } else {
        count(0, error);
    }
}

void Dataplane::ask(uint32_t id, std::span<const uint8_t> message, Question question) {
    std::string error;
    if (!greeted_) {
        error = "the dataplane is not connected";
    } else if (questions_.size() >= kMaxQuestions) {
        error = "too many questions are waiting for the dataplane";
    } else if (channel_.send(message) != ChannelStatus::ok) {
        error = "the dataplane takes no questions now";
    }
    if (error.empty()) {
        questions_.emplace(id, std::move(question));
    } else {
        question.fail(error);
    }
}

void Dataplane::connect(Clock::time_point now) {
    next_attempt_ = now + kRetry;
    channel_ = contract::Channel::connect(path_);
    if (channel_.open()) {
        connection_++;
        return;
    }
    complain("no dataplane at " + path_ + " (" + std::strerror(errno) + "); trying every " +
             std::to_string(kRetry.count()) + " ms");
}

void Dataplane::complain(std::string what) {
    if (what != complaint_) log_.warning(what);
    complaint_ = std::move(what);
}

void Dataplane::drop_connection(const std::string& why) {
    channel_.close();
    greeted_ = false;
    complain("dataplane: " + why + "; connecting again");
    counters_.reset();
    in_flight_ = sent_generation_ = adopted_generation_ = adopted_revision_ = 0;
    sent_tables_.clear();
    auto questions = std::exchange(questions_, {});
    for (auto& [id, question] : questions) question.fail(why);
}

void Dataplane::on_tick(Clock::time_point now) {
    if (!channel_.open() && now >= next_attempt_) connect(now);
    send_snapshot();
    std::vector<uint32_t> late;
    for (const auto& [id, question] : questions_) {
        if (now >= question.deadline) late.push_back(id);
    }
    for (uint32_t id : late) {
        answer(id, [](Question& q) { q.fail("the dataplane did not answer in time"); });
    }
    std::vector<Waiter> over;
    std::erase_if(waiters_, [&](Waiter& w) {
        if (now < w.deadline) return false;
        over.push_back(std::move(w));
        return true;
    });
    for (auto& waiter : over) {
        waiter.done(Adoption::pending,
                    greeted_ ? "the dataplane has not adopted it yet" : "the dataplane is not connected");
    }
}

bool Dataplane::tell(std::span<const uint8_t> message) {
    return greeted_ && channel_.send(message) == ChannelStatus::ok;
}

void Dataplane::on_readable(Clock::time_point now) {
    for (int i = 0; i < kMessagesPerCall && channel_.open(); i++) {
        size_t size;
        contract::Descriptor fd;
        ChannelStatus status = channel_.receive(buffer_, size, fd);
        if (status == ChannelStatus::again) return;
        if (status == ChannelStatus::closed) return drop_connection("the connection was closed");
        if (status == ChannelStatus::failed) return drop_connection(std::strerror(errno));
        if (status == ChannelStatus::too_big) return drop_connection("it sent a message that is too long");
        flatbuffers::Verifier verifier(buffer_.data(), size);
        if (!contract::VerifyMessageBuffer(verifier)) return drop_connection("it sent a message that does not verify");
        handle(*contract::GetMessage(buffer_.data()), std::move(fd), now);
    }
}

void Dataplane::handle(const contract::Message& message, contract::Descriptor fd, Clock::time_point now) {
    if (const auto* hello = message.body_as_Hello()) return greet(*hello, std::move(fd));
    if (!greeted_) return drop_connection("it did not greet first");
    if (const auto* adopted = message.body_as_Adopted()) {
        on_adoption(adopted->revision(), Adoption::adopted, {});
    } else if (const auto* refused = message.body_as_Refused()) {
        on_adoption(refused->revision(), Adoption::refused, text(refused->reason()));
    } else if (const auto* page = message.body_as_Page()) {
        answer(page->id(), [&](Question& q) {
            if (!q.page) return;
            std::string error = text(page->error());
            q.page(error.empty() ? page : nullptr, error);
        });
    } else if (const auto* disconnected = message.body_as_Disconnected()) {
        answer(disconnected->id(), [&](Question& q) {
            if (q.count) q.count(disconnected->count(), {});
        });
    } else if (const auto* question = message.body_as_Question()) {
        if (asked_) asked_(*question, now);
    } else if (const auto* found = message.body_as_LookedUp()) {
        answer(found->id(), [&](Question& q) {
            if (!q.lookup) return;
            std::string error = text(found->error());
            q.lookup(error.empty() ? found : nullptr, error);
        });
    } else if (const auto* traced = message.body_as_Traced()) {
        if (traced_) traced_(*traced);
    } else if (const auto* tested = message.body_as_PartnerTested()) {
        answer(tested->id(), [&](Question& q) {
            if (q.tested) q.tested(tested, {});
        });
    } else if (const auto* reports = message.body_as_PartnerReports()) {
        if (partner_reports_) partner_reports_(*reports);
    } else if (const auto* targets = message.body_as_TargetReports()) {
        if (target_reports_) target_reports_(*targets, now);
    } else if (const auto* event = message.body_as_Event()) {
        auto severity = event->severity() == contract::Severity::error     ? Severity::error
                        : event->severity() == contract::Severity::warning ? Severity::warning
                                                                           : Severity::info;
        log_.write(severity, "dataplane: " + text(event->text()));
    } else {
        drop_connection("it sent a message that is not for control");
    }
}

void Dataplane::greet(const contract::Hello& hello, contract::Descriptor fd) {
    if (hello.contract() != contract::kContractVersion) {
        return drop_connection("it speaks contract version " + std::to_string(hello.contract()) +
                               ", this control speaks " + std::to_string(contract::kContractVersion) +
                               ": install programs of one version");
    }
    std::string why;
    counters_.reset();
    if (auto view = CounterView::map(fd, why)) {
        counters_.emplace(std::move(*view));
    } else {
        return drop_connection(why);
    }
    info_ = {text(hello.version()), hello.pid(), hello.started_unix_ns(), hello.hugepages(), text(hello.idle()), {}};
    if (hello.ports()) {
        for (const auto* p : *hello.ports()) {
            info_.ports.push_back(
                {p->name()->str(), text(p->device()), text(p->driver()), text(p->mac()), p->queues(), p->mtu()});
        }
    }
    adopted_revision_ = hello.revision();
    greeted_ = true;
    complaint_.clear();
    log_.info("dataplane " + info_.version + " connected, pid " + std::to_string(info_.pid) + ", revision in force " +
              std::to_string(hello.revision()));
    send_snapshot();
}

void Dataplane::send_snapshot() {
    if (!greeted_ || in_flight_ || sent_generation_ == generation_ || !snapshot_) return;
    // A full queue empties; the next tick tries again.
    if (!send_table(tables_.base, tables_.base_memory.get()) || !send_table(tables_.delta, tables_.delta_memory.get()))
        return;
    flatbuffers::FlatBufferBuilder builder;
    auto message = message_of(builder, contract::Body::Publish,
                              contract::CreatePublish(builder, revision_, tables_.base, tables_.delta));
    if (channel_.send(message, snapshot_.get()) != ChannelStatus::ok) return;
    in_flight_ = sent_generation_ = generation_;
    // The dataplane keeps what this publication names.
    std::erase_if(sent_tables_, [this](uint64_t id) { return id != tables_.base && id != tables_.delta; });
}

bool Dataplane::send_table(uint64_t id, const contract::Descriptor* memory) {
    if (id == 0 || sent_tables_.contains(id)) return true;
    flatbuffers::FlatBufferBuilder builder;
    auto message = message_of(builder, contract::Body::PublishTable, contract::CreatePublishTable(builder, id));
    if (channel_.send(message, memory->get()) != ChannelStatus::ok) return false;
    sent_tables_.insert(id);
    return true;
}

void Dataplane::on_adoption(uint64_t revision, Adoption outcome, const std::string& reason) {
    if (!in_flight_) return;
    uint64_t generation = std::exchange(in_flight_, 0);
    if (outcome == Adoption::adopted) {
        adopted_generation_ = generation;
        adopted_revision_ = revision;
        log_.info("dataplane runs on revision " + std::to_string(revision));
    } else {
        log_.error("dataplane refused revision " + std::to_string(revision) + ": " + reason);
        sent_tables_.clear();  // perhaps for want of one of them
        if (generation == generation_) refused_reason_ = reason;
    }
    settle(generation, revision, outcome, reason);
    send_snapshot();
}

void Dataplane::settle(uint64_t generation, uint64_t revision, Adoption outcome, const std::string& reason) {
    std::vector<Waiter> over;
    std::erase_if(waiters_, [&](Waiter& w) {
        if (w.generation > generation) return false;
        over.push_back(std::move(w));
        return true;
    });
    for (auto& waiter : over) {
        // A snapshot that was never sent shares the lot of the one that was sent in its place.
        bool superseded = outcome == Adoption::adopted && waiter.revision != revision;
        waiter.done(superseded ? Adoption::superseded : outcome,
                    superseded ? "revision " + std::to_string(revision) + " took its place" : reason);
    }
}

void Dataplane::answer(uint32_t id, const std::function<void(Question&)>& how) {
    auto found = questions_.find(id);
    if (found == questions_.end()) return;  // too late: its time ran out
    Question question = std::move(found->second);
    questions_.erase(found);
    how(question);
}

}  // namespace fedge::control
