// Feeds every file named on the command line, and every file below every folder named there, to the fuzz target once.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

size_t replayed = 0;

void replay(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    std::vector<char> content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    // An exact-size copy, so that a sanitizer sees a read of even one byte too many.
    std::vector<uint8_t> input(content.begin(), content.end());
    input.shrink_to_fit();
    std::fprintf(stderr, "%s\n", path.c_str());  // the last line names the input that crashed
    LLVMFuzzerTestOneInput(input.data(), input.size());
    replayed++;
}

}  // namespace

int main(int argc, char** argv) try {
    for (int i = 1; i < argc; i++) {
        if (!std::filesystem::is_directory(argv[i])) {
            replay(argv[i]);
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i]))
            if (entry.is_regular_file()) replay(entry.path());
    }
    std::fprintf(stderr, "%zu inputs\n", replayed);
    return replayed ? 0 : 2;  // an empty corpus is a broken checkout, not a success
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
}
