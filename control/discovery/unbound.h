// The resolver of production: libunbound, which validates DNSSEC.
//
// It works in a thread of this process (ub_ctx_async with a thread, not a fork): a fork of the daemon would carry
// copies of its private keys, store and sockets into a process that reads what strangers send, and would not end with
// it. All calls and callbacks are on the thread that owns this object; the other one is libunbound's own business, and
// the daemon's event loop waits for its pipe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/discovery/resolver.h"
#include "control/log.h"
#include "control/settings/config.h"

struct ub_ctx;
struct ub_result;

namespace fedge::control::discovery {

// The library is started by the first question, so that an edge that looks nobody up has neither thread nor caches of
// it.
class UnboundResolver : public Resolver {
  public:
    explicit UnboundResolver(Log& log);
    ~UnboundResolver() override;
    UnboundResolver(const UnboundResolver&) = delete;
    UnboundResolver& operator=(const UnboundResolver&) = delete;

    void configure(const DnsConfig& config) override;
    const std::vector<Problem>& problems() const override { return problems_; }

    uint64_t ask(const std::string& name, RecordType type, Callback done) override;
    void cancel(uint64_t question) override;
    int descriptor() const override;
    uint64_t generation() const override { return generation_; }
    void on_readable(Time now) override;

  private:
    struct Asked {
        UnboundResolver* owner;
        uint64_t question;
        std::string name;
        RecordType type;
        Callback done;
        int async_id = 0;
        bool submitted = false;
    };
    struct Close {
        void operator()(ub_ctx* context) const;
    };
    static void on_result(void* asked, int error, ub_result* result);
    void open();
    void add_servers();
    // False if one that is configured cannot be used.
    bool add_anchors();
    void submit(Asked& asked);
    void finish(uint64_t question, const DnsAnswer& answer);

    Log& log_;
    DnsConfig config_;
    std::unique_ptr<ub_ctx, Close> context_;
    uint64_t generation_ = 0;
    uint64_t next_ = 1;
    std::map<uint64_t, std::unique_ptr<Asked>> asked_;
    std::vector<Problem> problems_;
    Time now_{};
};

}  // namespace fedge::control::discovery
