#include "dataplane/tcp/assembler.h"

#include <algorithm>

namespace fedge::tcp {

bool Assembler::has_room(Seq left, Seq right) const {
    if (count_ < kMaxRanges) return true;
    // Touching a range needs no other.
    return std::any_of(ranges_.begin(), ranges_.begin() + count_,
                       [&](const wire::SackRange& r) { return Seq{r.right} >= left && Seq{r.left} <= right; });
}

Assembler::Added Assembler::add(Seq left, Seq right) {
    if (!has_room(left, right)) return Added::full;
    // [from, to): the ranges that the new one touches.
    uint32_t from = 0;
    while (from < count_ && Seq{ranges_[from].right} < left) from++;
    uint32_t to = from;
    Seq merged_left = left;
    Seq merged_right = right;
    uint32_t known = 0;
    while (to < count_ && Seq{ranges_[to].left} <= right) {
        const wire::SackRange& r = ranges_[to];
        Seq a = later(Seq{r.left}, left);
        Seq b = earlier(Seq{r.right}, right);
        if (a < b) known += b - a;
        merged_left = earlier(merged_left, Seq{r.left});
        merged_right = later(merged_right, Seq{r.right});
        to++;
    }
    if (to == from) {
        std::copy_backward(ranges_.begin() + from, ranges_.begin() + count_, ranges_.begin() + count_ + 1);
        count_++;
    } else {
        std::copy(ranges_.begin() + to, ranges_.begin() + count_, ranges_.begin() + from + 1);
        count_ -= to - from - 1;
    }
    ranges_[from] = {merged_left.raw(), merged_right.raw()};
    note_recent(left);
    if (known == right - left) return Added::known;
    return known ? Added::partly : Added::fresh;
}

Seq Assembler::advance(Seq next) {
    uint32_t gone = 0;
    while (gone < count_ && Seq{ranges_[gone].left} <= next) {
        next = later(next, Seq{ranges_[gone].right});
        gone++;
    }
    std::copy(ranges_.begin() + gone, ranges_.begin() + count_, ranges_.begin());
    count_ -= gone;
    return next;
}

const wire::SackRange* Assembler::find(Seq seq) const {
    auto end = ranges_.begin() + count_;
    auto it = std::find_if(ranges_.begin(), end,
                           [&](const wire::SackRange& r) { return Seq{r.left} <= seq && seq < Seq{r.right}; });
    return it == end ? nullptr : &*it;
}

void Assembler::note_recent(Seq seq) {
    uint32_t keep = std::min<uint32_t>(recent_count_, recent_.size() - 1);
    std::copy_backward(recent_.begin(), recent_.begin() + keep, recent_.begin() + keep + 1);
    recent_[0] = seq.raw();
    recent_count_ = keep + 1;
}

size_t Assembler::report(std::span<wire::SackRange> out) const {
    size_t n = 0;
    auto told = [&](const wire::SackRange& r) { return std::find(out.begin(), out.begin() + n, r) != out.begin() + n; };
    for (uint32_t i = 0; i < recent_count_ && n < out.size(); i++)
        if (const wire::SackRange* r = find(Seq{recent_[i]}); r && !told(*r)) out[n++] = *r;
    for (uint32_t i = 0; i < count_ && n < out.size(); i++)
        if (!told(ranges_[i])) out[n++] = ranges_[i];
    return n;
}

}  // namespace fedge::tcp
