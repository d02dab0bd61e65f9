// sim-tcp: random simulations by seed.
#include <boost/program_options.hpp>
#include <cstdio>
#include <exception>
#include <iostream>

#include "tests/sim/eal.h"
#include "tests/sim/run.h"
#include "tests/sim/throughput.h"

namespace po = boost::program_options;

int main(int argc, char** argv) try {
    uint64_t seed = 0;
    uint64_t first = 1;
    uint64_t runs = 1000;
    po::options_description options{
        "sim-tcp: two TCPs, one bad wire, virtual time.\n"
        "One run per seed; prints each that fails with the command that replays it. Exit code 1 when one failed"};
    options.add_options()("help", "this text")                                                //
        ("seed", po::value(&seed), "one run with this seed")                                  //
        ("verbose", "every packet and event of it, on standard output")                       //
        ("throughput", "the table of tests/sim/expected_throughput.txt, on standard output")  //
        ("runs", po::value(&runs)->default_value(runs), "so many runs")                       //
        ("first", po::value(&first)->default_value(first), "with seeds from this one on");    //
    po::variables_map chosen;
    po::store(po::parse_command_line(argc, argv, options), chosen);
    po::notify(chosen);
    if (chosen.count("help")) {
        std::cout << options;
        return 0;
    }
    fedge::sim::start_eal();
    if (chosen.count("throughput")) {
        std::cout << fedge::sim::throughput_table();
        return 0;
    }
    if (chosen.count("seed")) {
        auto report = fedge::sim::run(seed, chosen.count("verbose") ? stdout : nullptr);
        std::cout << report.text();
        return report.ok ? 0 : 1;
    }
    uint64_t failed = 0;
    for (uint64_t i = 0; i < runs; i++) {
        auto report = fedge::sim::run(first + i);
        if (!report.ok) {
            failed++;
            std::cout << report.text() << std::flush;
        } else if (chosen.count("verbose")) {
            std::cout << report.text() << std::flush;
        }
    }
    std::cout << runs << " runs, " << failed << " failed\n";
    return failed ? 1 : 0;
} catch (const std::exception& error) {
    std::cerr << "sim-tcp: " << error.what() << "\n";
    return 2;
}
