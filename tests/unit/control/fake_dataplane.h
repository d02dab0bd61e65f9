// A dataplane for tests: listens, greets with real counter memory, adopts or refuses, answers questions. Runs in a
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/contract/channel.h"
#include "dataplane/contract/counters.h"

namespace fedge::control {

class FakeDataplane {
  public:
    struct Behaviour {
        uint32_t contract = fedge::contract::kContractVersion;
        bool greet = true;
        bool send_counters = true;
        uint32_t cores = 2;
        bool answer_publish = true;
        std::string refuse;  // reason; empty: adopts
        bool answer_questions = true;
        uint32_t allocations = 0;  // rows that exist
        uint32_t page_rows = 10;   // rows in a page at most
        uint32_t connections = 0;  // that live, with ids from 1; as many have ended, with ids from 1001
        std::string event;         // sent after the greeting
        std::vector<std::vector<uint8_t>> messages;  // likewise
    };

    FakeDataplane(const std::string& path, Behaviour behaviour);
    ~FakeDataplane();
    FakeDataplane(const FakeDataplane&) = delete;
    FakeDataplane& operator=(const FakeDataplane&) = delete;

    // Copies of the snapshots that arrived, in order.
    std::vector<std::vector<uint8_t>> snapshots();
    // Copies of the answers to its questions (contract::Answer) that arrived, in order.
    std::vector<std::vector<uint8_t>> answers();
    // What it was told about traces: "start ID DOMAIN CALL CONNECTION RATE", "stop ID".
    std::vector<std::string> orders();
    // What came with verdict tables: the tables in order of arrival, and what publications named.
    struct Tables {
        std::vector<uint64_t> sent;
        std::vector<std::pair<uint64_t, uint64_t>> named;  // base, delta
    };
    Tables tables();
    // Sends a message.
    void say(std::vector<uint8_t> message);
    // Sends the report of a core about one discovered partner.
    void report(const std::string& domain, uint32_t messages);
    size_t connections() const { return connections_; }
    void refuse_from_now(const std::string& reason);

  private:
    void run();
    void greet(contract::Channel& channel);
    void send_reports(contract::Channel& channel);
    void on_message(contract::Channel& channel, std::span<const uint8_t> bytes, contract::Descriptor fd);

    contract::ChannelListener listener_;
    std::mutex mutex_;
    Behaviour behaviour_;
    std::vector<std::vector<uint8_t>> snapshots_;
    std::vector<std::vector<uint8_t>> answers_;
    std::vector<std::string> orders_;
    Tables tables_;
    std::vector<std::pair<std::string, uint32_t>> reports_;  // to be sent
    std::vector<std::vector<uint8_t>> sayings_;              // likewise
    uint64_t revision_ = 0;
    std::atomic<size_t> connections_{0};
    std::atomic<bool> end_{false};
    std::thread thread_;
};

}  // namespace fedge::control
