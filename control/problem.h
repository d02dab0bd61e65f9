// How control refuses something: what is wrong, with which key, and what to do about it. The API shows all three.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace fedge::control {

struct Problem {
    std::string key;   // setting or request field; empty if none is to blame
    std::string what;  // one sentence
    std::string fix;   // what the operator does next
};

enum class RefusalKind : uint8_t { invalid, not_found, conflict, unavailable };

// Thrown by whatever cannot do what it was asked; nothing was changed.
class Refusal : public std::runtime_error {
  public:
    Refusal(RefusalKind kind, Problem problem) : Refusal(kind, std::vector<Problem>{std::move(problem)}) {}
    // At least one problem.
    Refusal(RefusalKind kind, std::vector<Problem> problems)
        : std::runtime_error(problems.at(0).what), kind_(kind), problems_(std::move(problems)) {}

    RefusalKind kind() const { return kind_; }
    const Problem& problem() const { return problems_.front(); }
    const std::vector<Problem>& problems() const { return problems_; }

  private:
    RefusalKind kind_;
    std::vector<Problem> problems_;
};

}  // namespace fedge::control
