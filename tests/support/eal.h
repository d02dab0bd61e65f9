// The DPDK environment for tests: started once per test program, without hugepages, with the given virtual devices.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "dataplane/port/eal.h"

namespace fedge::test {

class EalEnvironment : public testing::Environment {
  public:
    EalEnvironment(std::vector<port::PortConfig> ports, uint16_t queues) : ports_(std::move(ports)), queues_(queues) {}

    void SetUp() override {
        port::EalConfig config;
        config.huge = false;
        config.memory_mb = 256;
        config.cpus = {0};
        config.ports = ports_;
        config.extra = {"--log-level=error"};
        eal_ = std::make_unique<port::Eal>(config, queues_);
    }
    void TearDown() override { eal_.reset(); }

  private:
    std::vector<port::PortConfig> ports_;
    uint16_t queues_;
    std::unique_ptr<port::Eal> eal_;
};

}  // namespace fedge::test
