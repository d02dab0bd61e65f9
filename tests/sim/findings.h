// What a simulation found wrong. Bounded, because one fault tends to be found thousands of times.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/time.h"

namespace fedge::sim {

// "12.345678 s": time of a simulation for people.
std::string text_of(Instant at);

class Findings {
  public:
    void add(Instant at, std::string what) {
        total_++;
        if (list_.size() < kKept) list_.push_back(text_of(at) + "  " + std::move(what));
    }
    bool empty() const { return total_ == 0; }
    size_t total() const { return total_; }
    const std::vector<std::string>& list() const { return list_; }
    // One per line.
    std::string text() const {
        std::string all;
        for (const std::string& line : list_) all += line + "\n";
        if (total_ > list_.size()) all += "and " + std::to_string(total_ - list_.size()) + " more\n";
        return all;
    }

  private:
    static constexpr size_t kKept = 20;
    std::vector<std::string> list_;
    size_t total_ = 0;
};

}  // namespace fedge::sim
