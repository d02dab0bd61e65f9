// Looks settings up with their defaults.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "control/settings/config.h"
#include "control/settings/settings.h"
#include "control/settings/table.h"

namespace fedge::control {

class Reader {
  public:
    explicit Reader(const Settings& settings) : settings_(settings) {}

    Values list(const std::string& key) const {
        if (auto found = settings_.find(key); found != settings_.end()) return found->second;
        const std::string& initially = find_setting(key).definition->initially;
        return initially.empty() ? Values{} : Values{initially};
    }
    std::string text(const std::string& key) const {
        Values values = list(key);
        return values.empty() ? "" : values.front();
    }
    template <typename T>
    T number(const std::string& key) const {
        return static_cast<T>(parse_integer(text(key)).value_or(0));
    }
    bool flag(const std::string& key) const { return text(key) == "on"; }
    bool set(const std::string& key) const { return settings_.contains(key); }
    Side side(const std::string& key) const { return text(key) == "internal" ? Side::internal : Side::external; }

    std::vector<Prefix> prefixes(const std::string& key) const { return parsed<Prefix>(key); }
    std::vector<IpAddress> addresses(const std::string& key) const { return parsed<IpAddress>(key); }
    std::vector<Endpoint> endpoints(const std::string& key) const { return parsed<Endpoint>(key); }

    // What stands for NAME, PREFIX or ADDRESS in keys that start with `head`, in order, once each.
    std::vector<std::string> names(std::string_view head) const {
        std::vector<std::string> names;
        for (auto it = settings_.lower_bound(std::string(head)); it != settings_.end() && it->first.starts_with(head);
             ++it) {
            std::string name = find_setting(it->first).name;
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
        return names;
    }

  private:
    template <typename T>
    std::vector<T> parsed(const std::string& key) const {
        std::vector<T> out;
        for (const auto& value : list(key)) {
            if (auto item = T::parse(value)) out.push_back(*item);
        }
        return out;
    }

    const Settings& settings_;
};

}  // namespace fedge::control
