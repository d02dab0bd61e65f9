// The management thread of the dataplane: talks to control, hands snapshots to the cores, answers questions about their
// state, and watches that they are alive. It runs on the main lcore, may block and use the heap, and never touches a
// packet.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/contract/channel.h"
#include "dataplane/contract/message_generated.h"
#include "dataplane/core/assembly.h"
#include "dataplane/core/attempt_reports.h"
#include "dataplane/core/boot.h"
#include "dataplane/core/inquiries.h"
#include "dataplane/core/request.h"
#include "dataplane/core/trace_board.h"
#include "dataplane/core/verdict_shelf.h"

namespace fedge::core {

// Of all signalling cores.
TraceBoard make_trace_board(std::span<std::unique_ptr<Core>> cores);

class Management {
  public:
    // Everything outlives this object. Throws std::runtime_error if the socket cannot be had; the text names the fix.
    Management(const BootConfig& boot, bool hugepages, Assembly& assembly);

    // Serves until SIGTERM or SIGINT (which must be blocked in every thread).
    void run();

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    // A question of control that needs a core's answer.
    struct Question {
        CoreRequest request;
        uint32_t id = 0;
        bool disconnect = false;
        uint32_t disconnected = 0;
        std::vector<VerdictRow> verdicts;  // what the cores said so far
        bool busy = false;
    };

    struct Pulse {
        int64_t beat = -1;
        SteadyTime seen{};
        bool stalled = false;
    };
    struct Waiting {
        uint64_t revision;
        uint64_t base;
        uint64_t delta;
        contract::Descriptor descriptor;
    };

    void accept_control();
    void read_control();
    void write_control();
    void drop_control();
    void on_message(std::span<const uint8_t> bytes, contract::Descriptor descriptor);
    void on_publish(Waiting publish);
    void on_query(const contract::Query& query);
    void on_disconnect(const contract::Disconnect& order);
    void on_lookup(const contract::Lookup& lookup);
    void answer_lookup(Question& question);
    // management_sip.cpp
    void on_start_trace(const contract::StartTrace& order);
    void collect_traced();
    void send_traced(uint16_t core, const signal::TraceRecord& record, size_t which);
    void on_test_partner(const contract::TestPartner& order);
    void collect_answers();
    void collect_inquiries(SteadyTime now);
    bool ask_control(uint32_t id, const Inquiry& inquiry);
    void report_partners(SteadyTime now);
    void report_attempts(SteadyTime now);
    void answer(Question& question);
    bool ask(Question& question);
    Question* free_question();
    void check_adoption();
    void collect_log();
    void check_heartbeats(SteadyTime now);

    void send(flatbuffers::FlatBufferBuilder& builder, contract::Body type, flatbuffers::Offset<void> body,
              int descriptor = -1);
    void send_hello();
    void send_cores(uint32_t id);
    void send_ports(uint32_t id);
    void send_page_error(uint32_t id, contract::Kind kind, const char* text);
    void event(contract::Severity severity, const std::string& text);

    const BootConfig& boot_;
    bool hugepages_;
    std::span<port::Port* const> ports_;
    SnapshotContext& context_;
    std::span<std::unique_ptr<Core>> cores_;
    CounterMemory& counters_;
    Adoption& adoption_;
    RequestBox& replies_;
    InquiryBox* inquiry_box_;               // null without signalling cores
    policy::DiscoveredPartners* partners_;  // likewise
    const TscClock& clock_;

    contract::ChannelListener listener_;
    contract::Channel control_;
    contract::Descriptor signals_;
    std::vector<uint8_t> buffer_;
    std::deque<std::vector<uint8_t>> outbox_;  // bounded; Hello never waits in it, because only it carries a descriptor
    std::vector<std::unique_ptr<Question>> questions_;
    bool adopting_ = false;
    VerdictShelf verdict_shelf_;
    TraceBoard traces_;
    Inquiries inquiries_;
    SteadyTime next_report_{};
    AttemptReports attempts_;
    SteadyTime next_attempts_{};
    std::optional<Waiting> waiting_;  // came while cores were still adopting; only the latest counts
    std::vector<Pulse> pulses_;       // by core
    uint64_t started_unix_ns_;
};

}  // namespace fedge::core
