// A parsed command line of one command, and the options that every command takes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fedge::cli {

struct Command;
struct Option;

// The options of every command: --json, --socket, --help.
const std::vector<Option>& common_options();

class Arguments {
  public:
    Arguments(std::vector<std::string> positionals, std::map<std::string, std::string> options)
        : positionals_(std::move(positionals)), options_(std::move(options)) {}

    const std::vector<std::string>& positionals() const { return positionals_; }
    // The positional at `index`, or "" if it was not given.
    std::string positional(size_t index) const { return index < positionals_.size() ? positionals_[index] : ""; }
    bool has(const std::string& option) const { return options_.contains(option); }
    std::string text(const std::string& option, const std::string& otherwise = {}) const;
    // Throws Failure (Exit::usage) if the value is not a whole number within the bounds.
    uint64_t number(const std::string& option, uint64_t otherwise, uint64_t least, uint64_t most) const;

  private:
    std::vector<std::string> positionals_;
    std::map<std::string, std::string> options_;
};

// `words` is the command line without the program and without the words of the command's path. Throws Failure
// (Exit::usage) for unknown options, missing values, and too few or too many positionals; with --help, positionals are
// not judged.
Arguments parse_arguments(const Command& command, const std::vector<std::string>& words);

}  // namespace fedge::cli
