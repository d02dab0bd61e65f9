#include "tests/sim/application.h"

#include <array>
#include <vector>

namespace fedge::sim {

using Ending = Behaviour::Ending;

std::string text_of(const Behaviour& b) {
    static constexpr std::array<const char*, 5> kEndings{"shutdown", "shutdown then close", "close at end",
                                                         "close early", "abort early"};
    auto ms = [](Duration d) { return std::to_string(duration_cast<std::chrono::milliseconds>(d).count()) + " ms"; };
    return "sends " + std::to_string(b.to_send) + " by " + std::to_string(b.write_min) + ".." +
           std::to_string(b.write_max) + " every " + ms(b.write_pause) + ", reads " + std::to_string(b.read_max) +
           " every " + ms(b.read_pause) + (b.peeks ? ", peeks" : "") + (b.waits_for_end ? ", waits for the end" : "") +
           ", " + kEndings[static_cast<size_t>(b.ending)] + (b.disturbs() ? " after " + ms(b.early) : "");
}

void Application::start(tcp::Stream& stream, bool open) {
    stream_ = &stream;
    local_ = stream.local();
    remote_ = stream.remote();
    last_progress_ = network_.now();
    network_.note(name_ + (open ? " accepts " : " connects ") + local_.text() + " to " + remote_.text() + ", " +
                  text_of(behaviour_));
    if (behaviour_.disturbs())
        network_.scheduler().after(behaviour_.early, [this] {
            end_early();
            host_.flush();
        });
    if (open) became_open();
}

void Application::became_open() {
    opened_ = true;
    last_progress_ = network_.now();
    write_some();
}

// Every callback begins here.
void Application::enter(const char* callback) {
    network_.note(name_ + " " + callback);
    if (in_call_) fault(std::string{callback} + " from within a call of the stream");
    if (over()) fault(std::string{callback} + " after the end");
}

void Application::on_open() {
    enter("on_open");
    if (opened_) fault("on_open for a stream that is open");
    became_open();
}

void Application::on_readable() {
    enter("on_readable");
    read_some();
}

void Application::on_writable() {
    enter("on_writable");
    stuck_ = false;
    write_some();
}

void Application::on_closed(tcp::CloseReason reason) {
    network_.note(name_ + " closed: " + std::string{tcp::name(reason)});
    enter("on_closed");
    closed_ = true;
    reason_ = reason;
    stream_ = nullptr;
    last_progress_ = network_.now();
}

void Application::later(Duration pause, bool& pending, void (Application::*what)()) {
    if (pending) return;
    pending = true;
    network_.scheduler().after(dice_.between(Duration{1}, 2 * pause), [this, &pending, what] {
        pending = false;
        if (over()) return;
        (this->*what)();
        host_.flush();
    });
}

void Application::write_some() {
    if (!stream_ || !opened_ || (behaviour_.waits_for_end && !saw_end_)) return;
    while (!stuck_ && written_ < behaviour_.to_send) {
        if (behaviour_.write_pause == Duration{0}) {
            write_piece();
            continue;
        }
        return later(behaviour_.write_pause, write_waits_, &Application::write_piece);
    }
    if (written_ < behaviour_.to_send || shut_) return;
    bool shuts = behaviour_.ending == Ending::shutdown || behaviour_.ending == Ending::shutdown_then_close;
    if (shuts) {
        shut_ = true;
        network_.note(name_ + " shuts down");
        stream_->shutdown();
    } else if (behaviour_.ending == Ending::close_at_end && saw_end_) {
        release(false);
    }
}

void Application::write_piece() {
    if (stuck_) return;
    uint64_t left = behaviour_.to_send - written_;
    auto size = std::min<uint64_t>(left, dice_.between(behaviour_.write_min, behaviour_.write_max));
    Bytes piece = sends_.at(written_, size);
    in_call_ = true;
    size_t room = stream_->writable();
    size_t taken = stream_->write(piece);
    in_call_ = false;
    if (taken > piece.size()) return fault("write() took more than given");
    if (taken < std::min(room, piece.size())) fault("write() took less than writable() said");
    stuck_ = taken < piece.size();
    written_ += taken;
    if (taken) last_progress_ = network_.now();
    check_info();
    // A write by timer goes on from here.
    if (behaviour_.write_pause != Duration{0}) write_some();
}

void Application::read_some() {
    if (!stream_) return;
    if (behaviour_.read_pause != Duration{0}) {
        later(behaviour_.read_pause, read_waits_, &Application::read_piece_by_timer);
        return look_for_end();
    }
    while (stream_ && read_piece() > 0) {
    }
    look_for_end();
}

void Application::read_piece_by_timer() {
    if (read_piece() > 0 && !saw_end_) later(behaviour_.read_pause, read_waits_, &Application::read_piece_by_timer);
    look_for_end();
}

size_t Application::read_piece() {
    std::array<uint8_t, 65536> buffer;
    size_t n = 0;
    in_call_ = true;
    if (behaviour_.peeks) {
        Bytes view = stream_->peek();
        n = std::min<size_t>(view.size(), behaviour_.read_max);
        took(view.first(n));
        if (n) stream_->consume(n);
    } else {
        n = stream_->read(MutableBytes{buffer}.first(std::min<size_t>(behaviour_.read_max, buffer.size())));
        took(Bytes{buffer}.first(n));
    }
    in_call_ = false;
    check_info();
    return n;
}

void Application::took(Bytes bytes) {
    if (bytes.empty()) return;
    if (saw_end_) fault("bytes after the end");
    if (!opened_) fault("bytes before on_open");
    if (!expects_.matches(received_, bytes)) fault("wrong bytes near offset " + std::to_string(received_));
    received_ += bytes.size();
    last_progress_ = network_.now();
}

void Application::look_for_end() {
    if (!stream_ || saw_end_ || !stream_->at_end()) return;
    network_.note(name_ + " has read everything: " + std::to_string(received_));
    saw_end_ = true;
    ended_ = network_.now();
    last_progress_ = network_.now();
    std::array<uint8_t, 1> more;
    if (stream_->read(more) != 0) fault("there is more behind the end");
    if (shut_ && behaviour_.ending == Ending::shutdown_then_close) return release(false);
    write_some();
    if (stream_ && shut_ && behaviour_.ending == Ending::shutdown_then_close) release(false);
}

void Application::end_early() {
    if (over()) return;
    release(behaviour_.ending == Ending::abort_early);
}

void Application::release(bool abort) {
    network_.note(name_ + (abort ? " aborts" : " closes"));
    tcp::Stream& stream = *stream_;
    stream_ = nullptr;
    released_ = true;
    last_progress_ = network_.now();
    in_call_ = true;
    if (abort) {
        stream.abort();
    } else {
        stream.close();
    }
    in_call_ = false;
}

void Application::check_info() {
    tcp::StreamInfo info = stream_->info();
    if (info.unread > options_.receive_buffer)
        fault("unread beyond the receive buffer: " + std::to_string(info.unread));
    if (info.unsent + info.in_flight > options_.send_buffer + 1)
        fault("send queue beyond its cap: " + std::to_string(info.unsent + info.in_flight));
}

}  // namespace fedge::sim
