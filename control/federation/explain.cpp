#include "control/federation/explain.h"

#include <array>
#include <stdexcept>
#include <utility>

#include "control/publish/federation.h"
#include "dataplane/contract/verdict_builder.h"
#include "dataplane/policy/decoration.h"

namespace fedge::control {
namespace {

using policy::Trace;

class Steps : public Trace {
  public:
    void on_step(policy::Step step, Mark mark, const std::string& words) override {
        all.push_back({step, mark, words});
    }
    std::vector<ExplainedStep> all;
};

std::string words(const RouteAnswer& answer) {
    std::string out = "DNS says: ";
    std::string targets;
    for (const std::string& target : answer.targets) targets += (targets.empty() ? "" : ", ") + target;
    out += targets.empty() ? (answer.reason.empty() ? "nothing" : answer.reason) : targets;
    if (answer.validated) out += " (validated by DNSSEC)";
    if (answer.stale) out += " (as it said last: DNS does not answer now)";
    return out;
}

// One explanation on its way. Lives in the callbacks that wait for DNS.
class Walk : public std::enable_shared_from_this<Walk> {
  public:
    Walk(std::shared_ptr<ExplainBasis> basis, ExplainQuery query, RouteFinder find,
         std::function<void(const Explanation&)> done)
        : basis_(std::move(basis)), query_(std::move(query)), find_(std::move(find)), done_(std::move(done)) {}

    void go_on() {
        Steps steps;
        policy::Decision decision = decide(steps);
        if (decision.outcome == policy::Outcome::ask && decision.ask.what == policy::Question::admission) {
            admission_ = policy::Admission::admitted;
            return go_on();
        }
        if (decision.outcome != policy::Outcome::ask || questions_.size() == kMaxQuestions) return end(decision, steps);
        questions_.push_back(steps.all.back());
        ask(decision);
    }

  private:
    static constexpr size_t kMaxQuestions = 4;  // twice what the steps can ask

    policy::Decision decide(Steps& steps) {
        policy::View view = basis_->view();
        policy::Request request{query_.protocol,
                                {query_.from_user, query_.from_domain},
                                {query_.to_user, query_.to_domain},
                                query_.content,
                                query_.mark};
        std::vector<std::string_view> hosts(answer_.hosts.begin(), answer_.hosts.end());
        policy::RouteFacts facts{answer_.finding, answer_.code, asked_with_rule_, hosts};
        const policy::RouteFacts* found = answers_.empty() ? nullptr : &facts;
        if (!query_.inbound) return policy::outbound(view, request, found, false, &steps);
        policy::Peer peer(view.config, query_.names, query_.usages);
        return policy::inbound(view, peer, request, found, admission_, &steps);
    }

    void ask(const policy::Decision& decision) {
        const policy::Domain& domain = query_.inbound ? decision.source : decision.target;
        asked_with_rule_ = decision.ask.namespace_rule;
        find_({std::string(domain.view()), std::string(decision.ask.via), decision.ask.srv_mode,
               decision.ask.namespace_rule},
              [self = shared_from_this()](RouteAnswer answer) {
                  self->answer_ = std::move(answer);
                  self->answers_.push_back(words(self->answer_));
                  self->go_on();
              });
    }

    void end(const policy::Decision& decision, Steps& steps) {
        Explanation out{{}, decision, answer_, {}, false};
        decorate(out);
        size_t next = 0;  // question that has not been shown
        for (const ExplainedStep& step : steps.all) {
            bool last = &step == &steps.all.back();
            for (; next < answers_.size() && (last || questions_[next].step <= step.step); next++) {
                out.steps.push_back(questions_[next]);
                out.steps.push_back({questions_[next].step, Trace::Mark::asks, answers_[next]});
            }
            out.steps.push_back(step);
        }
        done_(out);
    }

    void decorate(Explanation& out) const {
        const policy::Decision& decision = out.decision;
        if (!decision.accepted()) return;
        if (query_.inbound) {
            if (auto account = policy::shown_source(basis_->view(), decision, query_.from_user))
                out.decorated = std::string(account->user) + "@" + std::string(account->domain);
            return;
        }
        std::array<char, policy::kMaxAddress> memory;
        policy::Decoration name = policy::decorate(decision, query_.to_user, memory);
        out.decorated = name.address;
        out.cannot_be_decorated = name.result == policy::Decorated::impossible;
    }

    std::shared_ptr<ExplainBasis> basis_;
    ExplainQuery query_;
    RouteFinder find_;
    std::function<void(const Explanation&)> done_;
    policy::Admission admission_ = policy::Admission::not_asked;
    std::vector<ExplainedStep> questions_;
    std::vector<std::string> answers_;
    RouteAnswer answer_;
    bool asked_with_rule_ = true;
};

}  // namespace

ExplainBasis::ExplainBasis(const FederationConfig& federation, const std::vector<Entry>& patterns,
                           const std::vector<Entry>& entries) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(add_federation(builder, federation, patterns));
    config_ = std::make_unique<policy::Config>(flatbuffers::GetRoot<contract::Federation>(builder.GetBufferPointer()));
    scratch_ = config_->make_scratch();
    contract::VerdictBuilder verdicts({});
    for (const Entry& entry : entries) {
        if (entry.kind == EntryKind::user) {
            verdicts.add_user(entry.name, access_to_contract(entry.access));
        } else {
            verdicts.add({entry.name, entry.blocked ? contract::Rule::blocked : contract::Rule::allowed,
                          to_contract(entry.verification), to_contract(entry.purpose), to_contract(entry.srv_mode),
                          entry.monitored, false, entry.via});
        }
    }
    std::string error;
    table_ = contract::VerdictMemory::map(verdicts.build_sealed(), error);
    if (!table_) throw std::runtime_error(error);
}

policy::View ExplainBasis::view() const {
    return {*config_, contract::Verdicts(&table_->table(), nullptr), scratch_.get()};
}

std::vector<std::string> with_parents(const std::string& domain) {
    std::vector<std::string> names;
    for (size_t at = 0; at != std::string::npos;) {
        if (at < domain.size()) names.push_back(domain.substr(at));
        at = domain.find('.', at);
        if (at != std::string::npos) at++;
    }
    return names;
}

void explain(std::shared_ptr<ExplainBasis> basis, ExplainQuery query, RouteFinder find,
             std::function<void(const Explanation&)> done) {
    std::make_shared<Walk>(std::move(basis), std::move(query), std::move(find), std::move(done))->go_on();
}

}  // namespace fedge::control
