// One side of a stream, as applications are: writes pieces of various sizes, reads fast or slowly, ends in one of many
// ways. Checks every byte that arrives and every promise of stream.h.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/tcp/stream.h"
#include "tests/sim/content.h"
#include "tests/sim/dice.h"
#include "tests/sim/network.h"

namespace fedge::sim {

struct Behaviour {
    enum class Ending : uint8_t {
        shutdown,             // ends its direction, waits for on_closed()
        shutdown_then_close,  // ends its direction, close() as soon as the peer's end was read
        close_at_end,         // close() when everything is written and the peer's end was read
        close_early,          // close() after some time, whatever there is
        abort_early,          // abort() likewise
    };
    uint64_t to_send = 0;
    uint32_t write_min = 1;  // bytes of one write()
    uint32_t write_max = 4096;
    Duration write_pause{0};  // between writes; 0: as long as there is room
    uint32_t read_max = 65536;
    Duration read_pause{0};      // between reads; 0: as long as there is something
    bool peeks = false;          // reads by peek() and consume()
    bool waits_for_end = false;  // writes only after the peer's end: a reply to a half-closed request
    Ending ending = Ending::shutdown;
    Duration early{0};  // close_early, abort_early: so long after opening

    bool disturbs() const { return ending == Ending::close_early || ending == Ending::abort_early; }
};
std::string text_of(const Behaviour& behaviour);

class Application final : public tcp::StreamHandler {
  public:
    Application(Network& network, Host& host, std::string name, uint64_t seed, const Behaviour& behaviour,
                const tcp::StreamOptions& options, Content sends, Content expects)
        : network_(network),
          host_(host),
          name_(std::move(name)),
          dice_(seed),
          behaviour_(behaviour),
          options_(options),
          sends_(sends),
          expects_(expects) {}

    // Takes the stream: accepted ones are open, those of connect() open later.
    void start(tcp::Stream& stream, bool open);
    const Behaviour& behaviour() const { return behaviour_; }
    const std::string& name() const { return name_; }

    bool opened() const { return opened_; }
    // No stream any more: closed by either side, or aborted.
    bool over() const { return closed_ || released_; }
    bool closed() const { return closed_; }  // on_closed() came
    tcp::CloseReason reason() const { return reason_; }
    uint64_t written() const { return written_; }
    uint64_t received() const { return received_; }
    bool saw_end() const { return saw_end_; }
    // When the peer's end was read; kNever: not yet.
    Instant ended() const { return ended_; }
    Instant last_progress() const { return last_progress_; }
    Endpoint local() const { return local_; }
    Endpoint remote() const { return remote_; }
    tcp::StreamInfo info() const { return stream_ ? stream_->info() : tcp::StreamInfo{}; }

    void on_open() override;
    void on_readable() override;
    void on_writable() override;
    void on_closed(tcp::CloseReason reason) override;

  private:
    void became_open();
    void enter(const char* callback);
    void fault(const std::string& what) { network_.findings().add(network_.now(), name_ + ": " + what); }
    void write_some();
    void write_piece();
    void read_some();
    size_t read_piece();
    void read_piece_by_timer();
    void took(Bytes bytes);
    void look_for_end();
    void end_early();
    void release(bool abort);
    void check_info();
    void later(Duration pause, bool& pending, void (Application::*what)());

    Network& network_;
    Host& host_;
    std::string name_;
    Dice dice_;
    Behaviour behaviour_;
    tcp::StreamOptions options_;
    Content sends_;
    Content expects_;
    tcp::Stream* stream_ = nullptr;
    Endpoint local_;
    Endpoint remote_;
    bool in_call_ = false;  // of a Stream: no callback may come
    bool opened_ = false;
    bool closed_ = false;
    bool released_ = false;
    bool shut_ = false;
    bool saw_end_ = false;
    bool write_waits_ = false;  // a timer will write
    bool read_waits_ = false;
    bool stuck_ = false;  // write() took less than all: on_writable() is due
    tcp::CloseReason reason_{};
    uint64_t written_ = 0;
    uint64_t received_ = 0;
    Instant last_progress_{};
    Instant ended_ = kNever;
};

}  // namespace fedge::sim
