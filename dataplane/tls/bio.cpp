#include "dataplane/tls/bio.h"

#include <algorithm>
#include <climits>
#include <cstring>

namespace fedge::tls {
namespace {

StreamLink& link_of(BIO* bio) {
    return *static_cast<StreamLink*>(BIO_get_data(bio));
}

int read(BIO* bio, char* out, size_t size, size_t* got) {
    BIO_clear_retry_flags(bio);
    StreamLink& link = link_of(bio);
    *got = link.take({reinterpret_cast<uint8_t*>(out), size});
    if (*got > 0) return 1;
    if (link.at_end()) return 0;  // and BIO_CTRL_EOF says so
    BIO_set_retry_read(bio);
    return -1;
}

int write(BIO* bio, const char* bytes, size_t size, size_t* put) {
    BIO_clear_retry_flags(bio);
    link_of(bio).put({reinterpret_cast<const uint8_t*>(bytes), size});
    *put = size;
    return 1;
}

long control(BIO* bio, int command, long, void*) {
    switch (command) {
        case BIO_CTRL_EOF: return link_of(bio).at_end();
        case BIO_CTRL_FLUSH: return 1;  // what is written leaves with the turn
        case BIO_CTRL_WPENDING: return static_cast<long>(std::min<size_t>(link_of(bio).held(), LONG_MAX));
        default: return 0;
    }
}

int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
        BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fedge stream");
        if (!m) return m;
        BIO_meth_set_read_ex(m, read);
        BIO_meth_set_write_ex(m, write);
        BIO_meth_set_ctrl(m, control);
        BIO_meth_set_create(m, create);
        return m;
    }();
    return made;
}

}  // namespace

BIO* StreamLink::make_bio() {
    BIO* bio = method() ? BIO_new(method()) : nullptr;
    if (bio) BIO_set_data(bio, this);
    return bio;
}

bool StreamLink::flush() {
    if (held_.empty()) return true;
    size_t taken = below_ ? below_->write(held_) : held_.size();
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!held_.empty()) return false;
    held_ = {};  // gives the memory back
    return true;
}

size_t StreamLink::take(MutableBytes out) {
    if (!gathered_.empty()) {
        size_t n = std::min(out.size(), gathered_.size() - gathered_used_);
        std::memcpy(out.data(), gathered_.data() + gathered_used_, n);
        gathered_used_ += n;
        if (gathered_used_ == gathered_.size()) {
            gathered_ = {};
            gathered_used_ = 0;
        }
        return n;
    }
    size_t n = below_ ? below_->read(out) : 0;
    dry_ = dry_ || n == 0;
    return n;
}

void StreamLink::put(Bytes bytes) {
    if (!below_) return;
    size_t taken = held_.empty() ? below_->write(bytes) : 0;
    held_.insert(held_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
}

}  // namespace fedge::tls
