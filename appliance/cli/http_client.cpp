#include "appliance/cli/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace fedge::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr uint64_t kReplyLimit = 32u << 20;

[[noreturn]] void fail(const error_code& error) {
    using Why = HttpError::Why;
    namespace errc = boost::system::errc;
    if (error == errc::no_such_file_or_directory || error == errc::connection_refused)
        throw HttpError(Why::absent, error.message());
    if (error == errc::permission_denied || error == errc::operation_not_permitted)
        throw HttpError(Why::denied, error.message());
    if (error == beast::error::timeout) throw HttpError(Why::timeout, "no reply in time");
    if (error == http::error::end_of_stream) throw HttpError(Why::broken, "the connection was closed without a reply");
    throw HttpError(Why::broken, error.message());
}

// Beast's deadline works on asynchronous operations only, hence one asynchronous step at a time.
template <class Start>
void step(asio::io_context& io, Start start) {
    error_code result;
    start([&result](error_code error, auto&&...) { result = error; });
    io.restart();
    io.run();
    if (result) fail(result);
}

asio::local::stream_protocol::endpoint endpoint_of(const std::string& path) {
    try {
        return {path};
    } catch (const boost::system::system_error&) {
        throw HttpError(HttpError::Why::absent, "the path of the socket is too long");
    }
}

}  // namespace

HttpReply http_request(const std::string& socket_path, const HttpRequest& request, std::chrono::milliseconds timeout) {
    const auto endpoint = endpoint_of(socket_path);
    asio::io_context io;
    beast::basic_stream<asio::local::stream_protocol> stream(io);
    stream.expires_after(timeout);
    step(io, [&](auto done) { stream.async_connect(endpoint, std::move(done)); });

    http::request<http::string_body> message(http::string_to_verb(request.method), request.target, 11);
    message.set(http::field::host, "fedge");
    message.set(http::field::user_agent, "fedge/" FEDGE_VERSION);
    message.keep_alive(false);
    if (!request.body.empty()) {
        message.set(http::field::content_type, "application/json");
        message.body() = request.body;
    }
    message.prepare_payload();
    step(io, [&](auto done) { http::async_write(stream, message, std::move(done)); });

    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kReplyLimit);
    // The parser reserves what Content-Length promises before it looks at its limit.
    step(io, [&](auto done) { http::async_read_header(stream, buffer, parser, std::move(done)); });
    if (parser.content_length().value_or(0) > kReplyLimit) fail(http::error::body_limit);
    step(io, [&](auto done) { http::async_read(stream, buffer, parser, std::move(done)); });
    return {parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace fedge::cli
