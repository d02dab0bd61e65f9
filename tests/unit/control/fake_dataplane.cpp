#include "tests/unit/control/fake_dataplane.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "dataplane/contract/counters.h"
#include "message_generated.h"

namespace fedge::control {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

template <typename T>
void send(contract::Channel& channel, Builder& builder, contract::Body type, flatbuffers::Offset<T> body, int fd = -1) {
    contract::FinishMessageBuffer(builder, contract::CreateMessage(builder, type, body.Union()));
    channel.send({builder.GetBufferPointer(), builder.GetSize()}, fd);
}

// Counter i of core c holds 1000 * c + i, drops likewise plus 500.
contract::Descriptor counter_memory(uint32_t cores) {
    std::vector<uint8_t> bytes(64 + cores * sizeof(contract::CounterBlock));
    contract::CounterHeader header{contract::kCounterMagic, contract::kContractVersion, cores,
                                   contract::kCounterCount, contract::kDropCount,       sizeof(contract::CounterBlock)};
    std::memcpy(bytes.data(), &header, sizeof(header));
    for (uint32_t c = 0; c < cores; c++) {
        contract::CounterBlock block{};
        for (size_t i = 0; i < contract::kCounterCount; i++) block.values[i] = 1000 * c + i;
        for (size_t i = 0; i < contract::kDropCount; i++) block.drops[i] = 1000 * c + 500 + i;
        std::memcpy(bytes.data() + 64 + c * sizeof(block), &block, sizeof(block));
    }
    contract::Descriptor memory(memfd_create("fake-counters", MFD_CLOEXEC));
    if (write(memory.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("memfd");
    return memory;
}

flatbuffers::Offset<contract::AllocationRow> allocation_row(Builder& b, uint64_t id) {
    auto user = b.CreateString(id % 2 ? "odd" : "even");
    auto client = b.CreateString("198.51.100.2:4000");
    contract::AllocationRowBuilder row(b);
    row.add_id(id);
    row.add_user(user);
    row.add_client(client);
    return row.Finish();
}

// Every third is of TURN over TCP, the others are of TLS.
flatbuffers::Offset<contract::ConnectionRow> connection_row(Builder& b, uint64_t id, bool ended) {
    auto service = b.CreateString(id % 3 ? "turn-tls" : "turn-tcp");
    auto remote = b.CreateString("198.51.100.2:" + std::to_string(4000 + id));
    auto version = b.CreateString(id % 3 ? "TLSv1.3" : "");
    auto why = b.CreateString(ended ? "closed by the peer" : "");
    contract::ConnectionRowBuilder row(b);
    row.add_id(ended ? 1000 + id : id);
    row.add_service(service);
    row.add_remote(remote);
    row.add_tls_version(version);
    row.add_ended(why);
    return row.Finish();
}

}  // namespace

FakeDataplane::FakeDataplane(const std::string& path, Behaviour behaviour)
    : listener_(contract::ChannelListener::listen(path, 0600)), behaviour_(std::move(behaviour)) {
    if (!listener_.open()) throw std::runtime_error("fake dataplane: " + path);
    thread_ = std::thread([this] { run(); });
}

FakeDataplane::~FakeDataplane() {
    end_ = true;
    thread_.join();
}

std::vector<std::vector<uint8_t>> FakeDataplane::snapshots() {
    std::lock_guard lock(mutex_);
    return snapshots_;
}

std::vector<std::string> FakeDataplane::orders() {
    std::lock_guard lock(mutex_);
    return orders_;
}

std::vector<std::vector<uint8_t>> FakeDataplane::answers() {
    std::lock_guard lock(mutex_);
    return answers_;
}

void FakeDataplane::refuse_from_now(const std::string& reason) {
    std::lock_guard lock(mutex_);
    behaviour_.refuse = reason;
}

FakeDataplane::Tables FakeDataplane::tables() {
    std::lock_guard lock(mutex_);
    return tables_;
}

void FakeDataplane::report(const std::string& domain, uint32_t messages) {
    std::lock_guard lock(mutex_);
    reports_.emplace_back(domain, messages);
}

void FakeDataplane::say(std::vector<uint8_t> message) {
    std::lock_guard lock(mutex_);
    sayings_.push_back(std::move(message));
}

void FakeDataplane::send_reports(contract::Channel& channel) {
    std::lock_guard lock(mutex_);
    for (const auto& message : sayings_) channel.send(message);
    sayings_.clear();
    if (reports_.empty()) return;
    Builder b;
    std::vector<flatbuffers::Offset<contract::PartnerReport>> rows;
    for (const auto& [domain, messages] : reports_)
        rows.push_back(contract::CreatePartnerReportDirect(b, domain.c_str(), messages));
    send(channel, b, contract::Body::PartnerReports, contract::CreatePartnerReportsDirect(b, 0, &rows));
    reports_.clear();
}

void FakeDataplane::run() {
    contract::Channel channel;
    std::vector<uint8_t> buffer(contract::kMaxMessage);
    while (!end_) {
        pollfd waits[2] = {{listener_.descriptor(), POLLIN, 0},
                           {channel.open() ? channel.descriptor() : -1, POLLIN, 0}};
        poll(waits, 2, 5);
        if (contract::Channel next = listener_.accept(); next.open()) {
            channel = std::move(next);
            connections_++;
            greet(channel);
        }
        if (channel.open()) send_reports(channel);
        while (channel.open()) {
            size_t size;
            contract::Descriptor fd;
            auto status = channel.receive(buffer, size, fd);
            if (status == contract::ChannelStatus::again) break;
            if (status == contract::ChannelStatus::ok) {
                on_message(channel, std::span(buffer).first(size), std::move(fd));
            } else {
                channel.close();
            }
        }
    }
}

void FakeDataplane::greet(contract::Channel& channel) {
    std::lock_guard lock(mutex_);
    if (!behaviour_.greet) return;
    Builder b;
    std::vector<flatbuffers::Offset<contract::BootPort>> ports{
        contract::CreateBootPortDirect(b, "wan", "net_fake", "fake", 1, 1500)};
    auto hello =
        contract::CreateHelloDirect(b, behaviour_.contract, "9.9", 77, 1'000'000'000, revision_, true, "poll", &ports);
    contract::Descriptor memory = counter_memory(behaviour_.cores);
    send(channel, b, contract::Body::Hello, hello, behaviour_.send_counters ? memory.get() : -1);
    for (const auto& message : behaviour_.messages) channel.send(message);
    if (behaviour_.event.empty()) return;
    Builder e;
    send(channel, e, contract::Body::Event,
         contract::CreateEventDirect(e, contract::Severity::warning, behaviour_.event.c_str()));
}

void FakeDataplane::on_message(contract::Channel& channel, std::span<const uint8_t> bytes, contract::Descriptor fd) {
    std::lock_guard lock(mutex_);
    const auto* message = contract::GetMessage(bytes.data());
    Builder b;
    if (const auto* publish = message->body_as_Publish()) {
        std::vector<uint8_t> snapshot(static_cast<size_t>(lseek(fd.get(), 0, SEEK_END)));
        if (pread(fd.get(), snapshot.data(), snapshot.size(), 0) != static_cast<ssize_t>(snapshot.size())) return;
        snapshots_.push_back(std::move(snapshot));
        tables_.named.emplace_back(publish->base(), publish->delta());
        if (!behaviour_.answer_publish) return;
        if (behaviour_.refuse.empty()) {
            revision_ = publish->revision();
            send(channel, b, contract::Body::Adopted, contract::CreateAdopted(b, publish->revision()));
        } else {
            send(channel, b, contract::Body::Refused,
                 contract::CreateRefusedDirect(b, publish->revision(), behaviour_.refuse.c_str()));
        }
    } else if (const auto* table = message->body_as_PublishTable()) {
        if (lseek(fd.get(), 0, SEEK_END) > 0) tables_.sent.push_back(table->id());
    } else if (const auto* lookup = message->body_as_Lookup(); lookup && behaviour_.answer_questions) {
        std::string name = lookup->name()->str();
        std::vector<flatbuffers::Offset<contract::LookupRow>> rows;
        for (uint16_t c = 0; c < behaviour_.cores; c++)
            rows.push_back(contract::CreateLookupRowDirect(b, c, revision_, 1, 2, "allowed", name.c_str()));
        send(channel, b, contract::Body::LookedUp,
             name == "busy" ? contract::CreateLookedUpDirect(b, lookup->id(), nullptr, "not now")
                            : contract::CreateLookedUpDirect(b, lookup->id(), &rows));
    } else if (const auto* query = message->body_as_Query(); query && behaviour_.answer_questions) {
        std::vector<flatbuffers::Offset<contract::AllocationRow>> rows;
        std::vector<flatbuffers::Offset<contract::CoreRow>> cores;
        std::vector<flatbuffers::Offset<contract::ConnectionRow>> connections;
        uint64_t next = 0;
        if (query->kind() == contract::Kind::allocations) {
            uint64_t end = std::min<uint64_t>(behaviour_.allocations,
                                              query->cursor() + std::min(query->limit(), behaviour_.page_rows));
            for (uint64_t id = query->cursor() + 1; id <= end; id++) rows.push_back(allocation_row(b, id));
            if (end < behaviour_.allocations) next = end;
        } else if (query->kind() == contract::Kind::connections || query->kind() == contract::Kind::endings) {
            bool ended = query->kind() == contract::Kind::endings;
            uint64_t end = std::min<uint64_t>(behaviour_.connections,
                                              query->cursor() + std::min(query->limit(), behaviour_.page_rows));
            for (uint64_t id = query->cursor() + 1; id <= end; id++)
                connections.push_back(connection_row(b, id, ended));
            if (end < behaviour_.connections) next = end;
        } else if (query->kind() == contract::Kind::cores) {
            for (uint16_t c = 0; c < behaviour_.cores; c++) {
                cores.push_back(contract::CreateCoreRowDirect(b, c, c, "media", 5, 50.0, 180.0, 1, 1, 3, 100));
            }
        } else if (query->kind() == contract::Kind::streams) {
            send(channel, b, contract::Body::Page,
                 contract::CreatePageDirect(b, query->id(), query->kind(), 0, "no streams today"));
            return;
        }
        send(channel, b, contract::Body::Page,
             contract::CreatePageDirect(b, query->id(), query->kind(), next, nullptr, &rows, nullptr, nullptr, &cores,
                                        nullptr, &connections));
    } else if (const auto* start = message->body_as_StartTrace()) {
        orders_.push_back("start " + std::to_string(start->id()) + " " + start->domain()->str() + " " +
                          start->call_id()->str() + " " + std::to_string(start->connection()) + " " +
                          std::to_string(start->rate()));
    } else if (const auto* stop = message->body_as_StopTrace()) {
        orders_.push_back("stop " + std::to_string(stop->id()));
    } else if (message->body_as_Answer()) {
        answers_.emplace_back(bytes.begin(), bytes.end());
    } else if (const auto* order = message->body_as_Disconnect()) {
        send(channel, b, contract::Body::Disconnected,
             contract::CreateDisconnected(b, order->id(), order->user() ? 2 : 1));
    }
}

}  // namespace fedge::control
