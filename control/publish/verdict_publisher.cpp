#include "control/publish/verdict_publisher.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace fedge::control {

VerdictPublisher::VerdictPublisher(VerdictSource& source, Keys keys, Log& log, Limits limits)
    : source_(source), keys_(std::move(keys)), log_(log), limits_(limits) {
    base_.key = keys_();
}

size_t VerdictPublisher::room() const {
    return std::min(std::max(limits_.delta, base_.entries / limits_.delta_share), limits_.delta_most);
}

bool VerdictPublisher::update() {
    if (ready_) use_new_base();
    VerdictSource::Moment now = source_.now();
    if (!overflow_ && now != seen_) {
        // More than the room that starts the building of a base: it gets used while that lasts.
        size_t most = std::max(2 * room(), limits_.delta_most);
        bool fits = source_.changes(seen_, std::min(most, limits_.at_once), [this](const NamedVerdict& verdict) {
            changes_[verdict.name] = verdict;
            changed_ = true;
        });
        seen_ = now;
        overflow_ = !fits || changes_.size() > most;
        if (overflow_) changes_.clear();
    }
    if ((overflow_ || changes_.size() > room()) && !building_) start_base();
    if (overflow_) return false;
    if (changed_) make_delta();
    return true;
}

bool VerdictPublisher::work() {
    if (!building_) return false;
    if (building_->builder) {
        if (source_.next(limits_.slice, [this](const NamedVerdict& v) { add(*building_->builder, v); })) return true;
        building_->base.entries = building_->builder->size();
        building_->result = std::async(std::launch::async,
                                       [builder = std::move(*building_->builder)] { return builder.build_sealed(); });
        building_->builder.reset();
        return false;
    }
    if (building_->result.wait_for(std::chrono::seconds(0)) == std::future_status::ready) finish_base();
    return false;
}

void VerdictPublisher::add(contract::VerdictBuilder& builder, const NamedVerdict& verdict) {
    try {
        if (verdict.rule == contract::Rule::none) {
            builder.remove(verdict.name);
        } else if (verdict.user) {
            builder.add_user(verdict.name, verdict.access);
        } else {
            builder.add({verdict.name, verdict.rule, verdict.verification, verdict.purpose, verdict.srv_mode,
                         verdict.monitored, verdict.suspicious, verdict.via});
        }
    } catch (const std::invalid_argument& error) {
        log_.error("the entry " + verdict.name + " cannot be published: " + error.what());
    }
}

void VerdictPublisher::start_base() {
    building_ = std::make_unique<Building>();
    building_->base.key = keys_();
    building_->base.since = source_.now();
    building_->builder.emplace(building_->base.key);
    building_->begin = std::chrono::steady_clock::now();
    source_.begin();
}

void VerdictPublisher::finish_base() {
    Building done = std::move(*building_);
    building_.reset();
    try {
        done.base.memory = std::make_shared<const contract::Descriptor>(done.result.get());
    } catch (const std::exception& error) {
        log_.error(std::string("the verdict table could not be built: ") + error.what());
        return;
    }
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - done.begin);
    log_.info("verdict table of " + std::to_string(done.base.entries) + " entries built in " +
              std::to_string(took.count()) + " ms");
    ready_ = std::move(done.base);
}

void VerdictPublisher::use_new_base() {
    base_ = std::move(*ready_);
    ready_.reset();
    seen_ = base_.since;
    changes_.clear();
    changed_ = true;
    overflow_ = false;
    tables_ = {};  // a delta goes with its base only
    tables_.base = next_id_++;
    tables_.base_memory = base_.memory;
}

void VerdictPublisher::make_delta() {
    changed_ = false;
    tables_.delta = 0;
    tables_.delta_memory.reset();
    if (changes_.empty()) return;
    contract::VerdictBuilder builder(base_.key);
    for (const auto& [name, verdict] : changes_) add(builder, verdict);
    tables_.delta_memory = std::make_shared<const contract::Descriptor>(builder.build_sealed());
    tables_.delta = next_id_++;
}

}  // namespace fedge::control
