#include "tests/packet/flow.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace fedge::packet {

void Flow::compare(Bytes bytes) {
    for (uint8_t byte : bytes) wrong_bytes |= byte != payload_byte(true, read++);
}

size_t Flow::take(size_t most) {
    std::vector<uint8_t> buffer(std::min<size_t>(most, 4096));
    size_t total = 0;
    while (total < most) {
        size_t n = stream->read({buffer.data(), std::min(buffer.size(), most - total)});
        if (n == 0) break;
        compare({buffer.data(), n});
        total += n;
    }
    return total;
}

size_t Flow::consume(size_t most) {
    size_t total = 0;
    while (total < most) {
        Bytes bytes = stream->peek();
        if (bytes.empty()) break;
        bytes = bytes.first(std::min(bytes.size(), most - total));
        compare(bytes);
        total += bytes.size();
        stream->consume(bytes.size());
    }
    return total;
}

void Flow::react(Reaction reaction) {
    switch (reaction) {
        case Reaction::none: return;
        case Reaction::read: take(SIZE_MAX); return;
        case Reaction::echo: write(std::max<size_t>(take(SIZE_MAX), 1)); return;
        case Reaction::shutdown: stream->shutdown(); return;
        case Reaction::close: std::exchange(stream, nullptr)->close(); return;
        case Reaction::abort: std::exchange(stream, nullptr)->abort(); return;
    }
}

size_t Flow::write(size_t count) {
    std::vector<uint8_t> buffer(count);
    for (size_t i = 0; i < count; i++) buffer[i] = payload_byte(false, written + i);
    size_t taken = stream->write(buffer);
    written += taken;
    return taken;
}

}  // namespace fedge::packet
