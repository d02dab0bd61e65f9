// What came of connecting to partners, counted for control.
#include "dataplane/core/attempt_reports.h"

#include <gtest/gtest.h>

#include "dataplane/contract/channel.h"

namespace fedge::core {
namespace {

Attempt attempt(const char* host, const char* endpoint, uint16_t code, std::string_view error = {}) {
    return {std::string_view(host), *Endpoint::parse(endpoint), code, error};
}

// "host address:port good/failed code error" of each row, in one line.
std::string taken(AttemptReports& reports) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(reports.take(builder));
    std::string out;
    for (const auto* row : *flatbuffers::GetRoot<contract::TargetReports>(builder.GetBufferPointer())->rows()) {
        Endpoint endpoint{IpAddress::v6_bytes(row->address()->octets()->data()), row->port()};
        out += (out.empty() ? "" : ", ") + row->host()->str() + " " + endpoint.text() + " " +
               std::to_string(row->good()) + "/" + std::to_string(row->failed());
        if (row->code()) out += " " + std::to_string(row->code()) + " " + row->error()->str();
    }
    return out;
}

TEST(AttemptReportsTest, ArePlacesWithTheirCounts) {
    AttemptReports reports;
    EXPECT_TRUE(reports.empty());
    reports.add(attempt("sip.a.example", "203.0.113.5:5061", 1046, "refused"));
    reports.add(attempt("sip.a.example", "203.0.113.5:5061", 1010, "expired"));
    reports.add(attempt("sip.a.example", "203.0.113.5:5061", 0));
    reports.add(attempt("sip.a.example", "[2001:db8::1]:5061", 0));
    reports.add(attempt("sip.b.example", "203.0.113.5:5061", 1047, "an alert"));
    EXPECT_EQ(taken(reports),
              "sip.a.example 203.0.113.5:5061 1/2 1010 expired, sip.b.example 203.0.113.5:5061 0/1 1047 an alert, "
              "sip.a.example [2001:db8::1]:5061 1/0");
    EXPECT_TRUE(reports.empty());
}

TEST(AttemptReportsTest, AreBoundedInAllAndInAMessage) {
    AttemptReports reports;
    Attempt one = attempt(std::string(policy::kMaxName, 'h').c_str(), "203.0.113.5:1", 1046, std::string(200, 'e'));
    for (size_t i = 0; i < AttemptReports::kMost + 100; i++) {
        one.endpoint.port = static_cast<uint16_t>(i + 1);
        reports.add(one);
    }
    one.endpoint.port = 1;
    reports.add(one);  // what is counted already goes on
    size_t rows = 0, messages = 0;
    for (; !reports.empty(); messages++) {
        flatbuffers::FlatBufferBuilder builder;
        builder.Finish(reports.take(builder));
        const auto* body = flatbuffers::GetRoot<contract::TargetReports>(builder.GetBufferPointer());
        if (rows == 0) EXPECT_EQ(body->rows()->Get(0)->failed(), 2U);
        EXPECT_LT(builder.GetSize(), contract::kMaxMessage - 256);
        rows += body->rows()->size();
    }
    EXPECT_EQ(rows, AttemptReports::kMost);
    EXPECT_EQ(messages, AttemptReports::kMost / AttemptReports::kRows);
}

TEST(AttemptReportsTest, ARingLosesWhatHasNoRoomAndGoesOn) {
    auto ring = std::make_unique<AttemptRing>();
    int put = 0;
    while (put < 10000 && ring->put(attempt("sip.a.example", "203.0.113.5:5061", 1010, "expired"))) put++;
    EXPECT_EQ(put, 256);
    Attempt out;
    ASSERT_TRUE(ring->take(out));
    EXPECT_EQ(out.host.view(), "sip.a.example");
    EXPECT_EQ(out.code, 1010);
    EXPECT_EQ(out.error.view(), "expired");
    EXPECT_TRUE(ring->put(out));
    int taken = 0;
    while (ring->take(out)) taken++;
    EXPECT_EQ(taken, 256);
}

}  // namespace
}  // namespace fedge::core
