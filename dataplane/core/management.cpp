#include "dataplane/core/management.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "dataplane/core/log.h"
#include "dataplane/core/rows.h"

namespace fedge::core {
namespace {

using contract::Body;
using contract::ChannelStatus;
using contract::Severity;
using flatbuffers::FlatBufferBuilder;

constexpr size_t kQuestions = 16;
constexpr size_t kOutbox = 64;
constexpr int kBusyPollMs = 1;     // while a core owes an answer
constexpr int kInquiryPollMs = 2;  // with signalling cores: their questions make no noise
constexpr int kIdlePollMs = 200;   // heartbeats are looked at this often
constexpr auto kReportPeriod = 1s;
constexpr auto kAttemptsPeriod = 250ms;  // what failed is looked up again, so this adds to how long a partner is lost
constexpr size_t kReportRows = 256;      // a report must fit a message
constexpr auto kStalled = 1s;

// A cursor of a page: the core in the upper bits, the core's own cursor below.
constexpr unsigned kCursorBits = 48;
uint64_t page_cursor(uint16_t core, uint64_t inner) {
    return uint64_t{core} << kCursorBits | inner;
}

std::vector<uint16_t> signalling_cores(std::span<std::unique_ptr<Core>> cores) {
    std::vector<uint16_t> out;
    for (const auto& core : cores)
        if (core->inquiries()) out.push_back(core->setup().index);
    return out;
}

}  // namespace

Management::Management(const BootConfig& boot, bool hugepages, Assembly& assembly)
    : boot_(boot),
      hugepages_(hugepages),
      ports_(assembly.ports()),
      context_(assembly.context),
      cores_(assembly.cores()),
      counters_(assembly.counters),
      adoption_(assembly.adoption),
      replies_(assembly.replies),
      inquiry_box_(assembly.inquiries()),
      partners_(assembly.partners()),
      clock_(assembly.clock()),
      buffer_(contract::kMaxMessage),
      traces_(make_trace_board(cores_)),
      inquiries_(
          signalling_cores(cores_), [this](uint32_t id, const Inquiry& inquiry) { return ask_control(id, inquiry); },
          [this](Inquiry* inquiry) {
              cores_[inquiry->core]->inquiries()->inbox().send(inquiry);  // there is room for all that exist
          }),
      pulses_(cores_.size(), Pulse{-1, std::chrono::steady_clock::now(), false}) {
    std::string path = boot.run_dir + "/dataplane.sock";
    listener_ = contract::ChannelListener::listen(path, 0600);
    if (!listener_.open()) {
        std::string fix = errno == EADDRINUSE
                              ? "another fedge-dataplane is running there; stop it or set another run-dir"
                              : "create the directory or set run-dir";
        throw std::runtime_error("run-dir: cannot listen on " + path + ": " + std::strerror(errno) + "; " + fix);
    }
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signals_ = contract::Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) throw std::runtime_error(std::string("signalfd: ") + std::strerror(errno));
    for (size_t i = 0; i < kQuestions; i++) questions_.push_back(std::make_unique<Question>());
    auto now = std::chrono::system_clock::now().time_since_epoch();
    started_unix_ns_ = static_cast<uint64_t>(duration_cast<std::chrono::nanoseconds>(now).count());
}

void Management::run() {
    for (;;) {
        bool waiting = adopting_ || std::any_of(questions_.begin(), questions_.end(), [](auto& q) { return q->busy; });
        short control_events = outbox_.empty() ? POLLIN : POLLIN | POLLOUT;
        std::array<pollfd, 3> fds{{{signals_.get(), POLLIN, 0},
                                   {listener_.descriptor(), POLLIN, 0},
                                   {control_.open() ? control_.descriptor() : -1, control_events, 0}}};
        if (poll(fds.data(), fds.size(),
                 waiting        ? kBusyPollMs
                 : inquiry_box_ ? kInquiryPollMs
                                : kIdlePollMs) < 0 &&
            errno != EINTR) {
            log(Severity::error, std::string("poll: ") + std::strerror(errno));
            return;
        }
        if (fds[0].revents) return;
        if (fds[2].revents & POLLOUT) write_control();
        if (fds[2].revents & ~POLLOUT) read_control();
        if (fds[1].revents) accept_control();
        collect_answers();
        check_adoption();
        collect_log();
        collect_traced();
        auto now = std::chrono::steady_clock::now();
        collect_inquiries(now);
        report_partners(now);
        report_attempts(now);
        check_heartbeats(now);
    }
}

void Management::accept_control() {
    contract::Channel next = listener_.accept();
    if (!next.open()) return;
    if (control_.open()) {
        log(Severity::warning, "a second control connected and replaces the first");
        drop_control();
    }
    control_ = std::move(next);
    outbox_.clear();
    verdict_shelf_.clear();
    log(Severity::info, "control connected");
    send_hello();
}

void Management::read_control() {
    // A bounded number per turn, so that heartbeats and answers are never starved by a flood of questions.
    for (int i = 0; i < 64 && control_.open(); i++) {
        size_t size = 0;
        contract::Descriptor descriptor;
        switch (control_.receive(buffer_, size, descriptor)) {
            case ChannelStatus::ok: on_message({buffer_.data(), size}, std::move(descriptor)); break;
            case ChannelStatus::again: return;
            case ChannelStatus::too_big:
                log(Severity::warning, "control sent a message that is too long; ignored");
                break;
            case ChannelStatus::closed:
            case ChannelStatus::failed:
                drop_control();
                log(Severity::warning, "control is gone; going on with revision " +
                                           std::to_string(adoption_.latest() ? adoption_.latest()->revision : 0));
                return;
        }
    }
}

void Management::drop_control() {
    control_.close();
    outbox_.clear();
    traces_.stop_all();
    inquiries_.on_control_gone();
    attempts_.clear();
}

void Management::write_control() {
    while (!outbox_.empty()) {
        ChannelStatus status = control_.send(outbox_.front());
        if (status == ChannelStatus::again) return;
        outbox_.pop_front();  // sent, or never going to be: a dead connection shows up in read_control
    }
}

void Management::on_message(std::span<const uint8_t> bytes, contract::Descriptor descriptor) {
    flatbuffers::Verifier verifier(bytes.data(), bytes.size());
    if (!contract::VerifyMessageBuffer(verifier))
        return log(Severity::warning, "control sent a damaged message; ignored");
    const contract::Message* message = contract::GetMessage(bytes.data());
    switch (message->body_type()) {
        case Body::Publish: {
            const contract::Publish& publish = *message->body_as_Publish();
            return on_publish({publish.revision(), publish.base(), publish.delta(), std::move(descriptor)});
        }
        case Body::PublishTable: return verdict_shelf_.put(message->body_as_PublishTable()->id(), descriptor);
        case Body::Query: return on_query(*message->body_as_Query());
        case Body::Disconnect: return on_disconnect(*message->body_as_Disconnect());
        case Body::Answer: return inquiries_.on_answer(*message->body_as_Answer());
        case Body::Lookup: return on_lookup(*message->body_as_Lookup());
        case Body::StartTrace: return on_start_trace(*message->body_as_StartTrace());
        case Body::StopTrace: return traces_.stop(message->body_as_StopTrace()->id());
        case Body::TestPartner: return on_test_partner(*message->body_as_TestPartner());
        default: return log(Severity::warning, "control sent a message that only the dataplane sends; ignored");
    }
}

void Management::on_publish(Waiting publish) {
    // Configurations build on the one before, so one must be everywhere before the next is compiled; the latest waits.
    if (adopting_) {
        waiting_ = std::move(publish);
        return;
    }
    try {
        if (!publish.descriptor) throw SnapshotError("the snapshot's descriptor did not arrive");
        adoption_.offer(load_snapshot(publish.descriptor.get(), context_, adoption_.latest(),
                                      verdict_shelf_.take(publish.base, publish.delta)));
        adopting_ = true;
    } catch (const SnapshotError& error) {
        log(Severity::error, "revision " + std::to_string(publish.revision) + " refused: " + error.what());
        FlatBufferBuilder b;
        auto body = contract::CreateRefusedDirect(b, publish.revision, error.what());
        send(b, Body::Refused, body.Union());
    }
}

void Management::check_adoption() {
    if (!adopting_ || !adoption_.complete()) return;
    adopting_ = false;
    uint64_t revision = adoption_.latest()->revision;
    log(Severity::info, "revision " + std::to_string(revision) + " is in force on all cores");
    FlatBufferBuilder b;
    auto body = contract::CreateAdopted(b, revision);
    send(b, Body::Adopted, body.Union());
    if (waiting_) {
        Waiting next = std::move(*waiting_);
        waiting_.reset();
        on_publish(std::move(next));
    }
}

void Management::on_query(const contract::Query& query) {
    CoreRequest::Kind kind{};
    switch (query.kind()) {
        case contract::Kind::cores: return send_cores(query.id());
        case contract::Kind::ports: return send_ports(query.id());
        case contract::Kind::allocations: kind = CoreRequest::Kind::allocations; break;
        case contract::Kind::streams: kind = CoreRequest::Kind::streams; break;
        case contract::Kind::neighbors: kind = CoreRequest::Kind::neighbors; break;
        case contract::Kind::connections: kind = CoreRequest::Kind::connections; break;
        case contract::Kind::endings: kind = CoreRequest::Kind::endings; break;
        case contract::Kind::dialogs: kind = CoreRequest::Kind::dialogs; break;
        case contract::Kind::next_hops: kind = CoreRequest::Kind::next_hops; break;
        case contract::Kind::scanners: kind = CoreRequest::Kind::scanners; break;
        default: return send_page_error(query.id(), query.kind(), "unknown kind of rows");
    }
    uint64_t core = query.cursor() >> kCursorBits;
    if (core >= cores_.size()) return send_page_error(query.id(), query.kind(), "the cursor names no core");
    Question* question = free_question();
    if (!question) return send_page_error(query.id(), query.kind(), "too many questions at a time; ask again");
    question->id = query.id();
    question->disconnect = false;
    question->request.kind = kind;
    question->request.core = static_cast<uint16_t>(core);
    question->request.cursor = query.cursor() & ((uint64_t{1} << kCursorBits) - 1);
    question->request.limit = query.limit() ? std::min(query.limit(), kRowsPerRequest) : kRowsPerRequest;
    if (!ask(*question)) send_page_error(query.id(), query.kind(), "the core does not take questions now; ask again");
}

void Management::on_disconnect(const contract::Disconnect& order) {
    Question* question = free_question();
    if (!question) {
        FlatBufferBuilder b;
        return send(b, Body::Disconnected, contract::CreateDisconnected(b, order.id(), 0).Union());
    }
    question->id = order.id();
    question->disconnect = true;
    question->disconnected = 0;
    CoreRequest& request = question->request;
    request.kind = order.allocation() ? CoreRequest::Kind::disconnect_id : CoreRequest::Kind::disconnect_user;
    request.allocation = order.allocation();
    request.core = 0;
    request.cursor = 0;
    std::string_view user = order.user() ? order.user()->string_view() : std::string_view{};
    request.user.length = static_cast<uint8_t>(std::min(user.size(), request.user.text.size()));
    std::copy_n(user.begin(), request.user.length, request.user.text.begin());
    ask(*question);
}

void Management::on_lookup(const contract::Lookup& lookup) {
    Question* question = free_question();
    if (question) {
        question->id = lookup.id();
        question->disconnect = false;
        question->verdicts.clear();
        question->request.kind = CoreRequest::Kind::verdict;
        question->request.core = 0;
        question->request.cursor = 0;
        question->request.name = VerdictName(lookup.name()->string_view());
        if (ask(*question)) return;
    }
    FlatBufferBuilder b;
    send(b, Body::LookedUp,
         contract::CreateLookedUpDirect(b, lookup.id(), nullptr, "too many questions at a time; ask again").Union());
}

void Management::answer_lookup(Question& question) {
    question.verdicts.push_back(question.request.verdict);
    question.request.core++;
    if (question.request.core < cores_.size() && ask(question)) return;
    bool all = question.verdicts.size() == cores_.size();
    FlatBufferBuilder b;
    auto body = make_looked_up(b, question.id, question.verdicts, all ? nullptr : "a core does not take questions now");
    send(b, Body::LookedUp, body.Union());
}

Management::Question* Management::free_question() {
    for (auto& question : questions_)
        if (!question->busy) return question.get();
    return nullptr;
}

bool Management::ask(Question& question) {
    question.busy = cores_[question.request.core]->requests().send(&question.request);
    return question.busy;
}

void Management::collect_answers() {
    std::array<CoreRequest*, 16> answers;
    uint32_t n = replies_.receive(answers);
    for (uint32_t i = 0; i < n; i++) {
        auto it =
            std::find_if(questions_.begin(), questions_.end(), [&](auto& q) { return &q->request == answers[i]; });
        answer(**it);
    }
}

void Management::answer(Question& question) {
    question.busy = false;
    CoreRequest& request = question.request;
    if (request.kind == CoreRequest::Kind::verdict) return answer_lookup(question);
    if (request.kind == CoreRequest::Kind::test_partner) {
        FlatBufferBuilder b;
        auto body = make_partner_tested(b, question.id, request.tested);
        return send(b, Body::PartnerTested, body.Union());
    }
    bool last_core = request.core + 1U == cores_.size();
    if (question.disconnect) {
        question.disconnected += request.count;
        bool found = request.kind == CoreRequest::Kind::disconnect_id && request.count;
        if (!found && (request.cursor || !last_core)) {
            if (!request.cursor) request.core++;
            if (ask(question)) return;
        }
        FlatBufferBuilder b;
        return send(b, Body::Disconnected, contract::CreateDisconnected(b, question.id, question.disconnected).Union());
    }
    uint64_t next = request.cursor ? page_cursor(request.core, request.cursor)
                    : last_core    ? 0
                                   : page_cursor(static_cast<uint16_t>(request.core + 1), 0);
    FlatBufferBuilder b(16384);
    auto page = make_page(b, question.id, request, adoption_.latest(), next);
    send(b, Body::Page, page.Union());
}

void Management::collect_inquiries(SteadyTime now) {
    if (!inquiry_box_) return;
    std::array<Inquiry*, 64> inquiries;
    while (uint32_t n = inquiry_box_->receive(inquiries))
        for (uint32_t i = 0; i < n; i++) inquiries_.on_inquiry(inquiries[i], now);
    inquiries_.advance(now);
}

bool Management::ask_control(uint32_t id, const Inquiry& inquiry) {
    // A question that cannot leave at once is not worth waiting for.
    if (!control_.open() || !outbox_.empty()) return false;
    FlatBufferBuilder b;
    std::string domain(inquiry.domain.view()), via(inquiry.via.view());
    auto wait = duration_cast<std::chrono::milliseconds>(inquiry.wait).count();
    auto body = contract::CreateQuestionDirect(b, id, domain.c_str(), inquiry.service, inquiry.srv_mode,
                                               via.empty() ? nullptr : via.c_str(), inquiry.namespace_rule,
                                               static_cast<uint32_t>(wait));
    contract::FinishMessageBuffer(b, contract::CreateMessage(b, Body::Question, body.Union()));
    return control_.send({b.GetBufferPointer(), b.GetSize()}) == ChannelStatus::ok;
}

void Management::report_partners(SteadyTime now) {
    if (!partners_ || now < next_report_ || !control_.open() || !outbox_.empty() || !adoption_.latest()) return;
    next_report_ = now + kReportPeriod;
    FlatBufferBuilder b;
    std::vector<flatbuffers::Offset<contract::PartnerReport>> rows;
    partners_->take_reports(kReportRows, adoption_.latest()->partner_limits, clock_.now(), [&](const auto& report) {
        std::string domain(report.name());
        rows.push_back(contract::CreatePartnerReportDirect(b, domain.c_str(), report.messages, report.limited,
                                                           report.finals, report.failed, report.contacts,
                                                           report.contacts_refused, report.suspicious));
    });
    if (rows.empty()) return;
    if (rows.size() == kReportRows) next_report_ = now;  // there are more
    auto body = contract::CreatePartnerReportsDirect(b, 0, &rows);
    send(b, Body::PartnerReports, body.Union());
}

void Management::report_attempts(SteadyTime now) {
    for (auto& core : cores_)
        if (InquiryDesk* desk = core->inquiries())
            for (Attempt attempt; desk->attempts().take(attempt);)
                if (control_.open()) attempts_.add(attempt);
    if (attempts_.empty() || now < next_attempts_ || !control_.open() || !outbox_.empty()) return;
    next_attempts_ = now + kAttemptsPeriod;
    FlatBufferBuilder b;
    auto body = attempts_.take(b);
    send(b, Body::TargetReports, body.Union());
}

void Management::collect_log() {
    for (auto& core : cores_)
        for (LogLine line; core->log().take(line);) event(line.severity, std::string(line.text.view()));
}

void Management::check_heartbeats(SteadyTime now) {
    // Judged by whether a heartbeat changed since it was last seen: the cores' clock is not read here.
    for (size_t i = 0; i < cores_.size(); i++) {
        int64_t beat = cores_[i]->stats().heartbeat_ns.load(std::memory_order_relaxed);
        Pulse& pulse = pulses_[i];
        if (beat != pulse.beat) {
            if (pulse.stalled) event(Severity::warning, "core " + std::to_string(i) + " runs again");
            pulse = {beat, now, false};
        } else if (!pulse.stalled && now - pulse.seen > kStalled) {
            pulse.stalled = true;
            event(Severity::error, "core " + std::to_string(i) + " (CPU " + std::to_string(cores_[i]->setup().cpu) +
                                       ") has not come round for a second; is the CPU taken by something else?");
        }
    }
}

void Management::send(FlatBufferBuilder& builder, Body type, flatbuffers::Offset<void> body, int descriptor) {
    contract::FinishMessageBuffer(builder, contract::CreateMessage(builder, type, body));
    if (!control_.open()) return;
    std::span<const uint8_t> bytes(builder.GetBufferPointer(), builder.GetSize());
    if (outbox_.empty()) {
        ChannelStatus status = control_.send(bytes, descriptor);
        if (status == ChannelStatus::ok) return;
        if (status != ChannelStatus::again) return log(Severity::warning, "a message to control could not be sent");
    }
    if (outbox_.size() >= kOutbox) return log(Severity::warning, "control does not read; a message to it was dropped");
    outbox_.emplace_back(bytes.begin(), bytes.end());
}

void Management::send_hello() {
    FlatBufferBuilder b;
    std::vector<flatbuffers::Offset<contract::BootPort>> ports;
    for (const port::Port* port : ports_)
        ports.push_back(contract::CreateBootPortDirect(b, port->name().c_str(), port->device().c_str(),
                                                       port->driver().c_str(), port->queues(), port->mtu(),
                                                       port->mac().text().c_str()));
    uint64_t revision = adoption_.latest() ? adoption_.latest()->revision : 0;
    auto hello =
        contract::CreateHelloDirect(b, contract::kContractVersion, FEDGE_VERSION, getpid(), started_unix_ns_, revision,
                                    hugepages_, boot_.idle == Idle::poll ? "poll" : "backoff", &ports);
    send(b, Body::Hello, hello.Union(), counters_.descriptor());
}

void Management::send_cores(uint32_t id) {
    FlatBufferBuilder b;
    std::vector<flatbuffers::Offset<contract::CoreRow>> rows;
    auto now = std::chrono::steady_clock::now();
    for (size_t i = 0; i < cores_.size(); i++) {
        const Core& core = *cores_[i];
        const CoreStats& stats = core.stats();
        auto read = [](const auto& cell) { return cell.load(std::memory_order_relaxed); };
        auto sip = [&](signal::PeerKind kind) { return read(stats.sip_connections[static_cast<size_t>(kind)]); };
        uint64_t total = read(stats.total_cycles), busy = read(stats.busy_cycles), packets = read(stats.busy_packets);
        Counters counters = counters_.core(static_cast<uint32_t>(i));
        auto silent = duration_cast<std::chrono::milliseconds>(now - pulses_[i].seen).count();
        rows.push_back(contract::CreateCoreRowDirect(
            b, static_cast<uint16_t>(i), core.setup().cpu, core.role(), read(stats.iterations),
            total ? 100.0 * static_cast<double>(busy) / static_cast<double>(total) : 0.0,
            packets ? static_cast<double>(busy) / static_cast<double>(packets) : 0.0,
            counters.value(Counter::rx_packets), counters.value(Counter::tx_packets), read(stats.allocations),
            core.max_allocations(), core.free_mbufs(), read(stats.revision), static_cast<uint32_t>(silent),
            sip(signal::PeerKind::partner), sip(signal::PeerKind::front_end), sip(signal::PeerKind::client)));
    }
    auto page = contract::CreatePageDirect(b, id, contract::Kind::cores, 0, nullptr, nullptr, nullptr, nullptr, &rows);
    send(b, Body::Page, page.Union());
}

void Management::send_ports(uint32_t id) {
    FlatBufferBuilder b;
    std::vector<flatbuffers::Offset<contract::PortRow>> rows;
    for (const port::Port* port : ports_) {
        port::PortStats s = port->stats();
        rows.push_back(contract::CreatePortRowDirect(
            b, port->name().c_str(), port->device().c_str(), port->driver().c_str(), port->link().c_str(), port->mtu(),
            port->mac().text().c_str(), port->queues(), port->offloads().c_str(), s.rx_packets, s.rx_bytes,
            s.tx_packets, s.tx_bytes, s.rx_missed, s.rx_errors, s.tx_errors, s.rx_nombuf));
    }
    auto page =
        contract::CreatePageDirect(b, id, contract::Kind::ports, 0, nullptr, nullptr, nullptr, nullptr, nullptr, &rows);
    send(b, Body::Page, page.Union());
}

void Management::send_page_error(uint32_t id, contract::Kind kind, const char* text) {
    FlatBufferBuilder b;
    auto page = contract::CreatePageDirect(b, id, kind, 0, text);
    send(b, Body::Page, page.Union());
}

void Management::event(Severity severity, const std::string& text) {
    log(severity, text);
    FlatBufferBuilder b;
    auto body = contract::CreateEventDirect(b, severity, text.c_str());
    send(b, Body::Event, body.Union());
}

}  // namespace fedge::core
