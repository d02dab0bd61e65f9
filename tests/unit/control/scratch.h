// A directory for one test, gone afterwards.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fedge::control {

class Scratch {
  public:
    Scratch() {
        char name[] = "/tmp/fedge-control-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~Scratch() { std::filesystem::remove_all(path_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace fedge::control
