// The only translation unit that includes Asio and Beast.
#include "control/api/server.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <stdexcept>

#include "control/api/message.h"
#include "control/api/router.h"

namespace fedge::control::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol>;
using ErrorCode = boost::system::error_code;

constexpr size_t kMaxBody = 1024 * 1024;
constexpr uint32_t kMaxHeader = 16 * 1024;
constexpr size_t kMaxConnections = 64;
constexpr auto kIdleTime = std::chrono::seconds(30);
constexpr auto kWriteTime = std::chrono::seconds(10);
constexpr auto kTick = std::chrono::milliseconds(100);

std::string peer_name(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unknown";
    char buffer[4096];
    passwd entry{}, *found = nullptr;
    if (getpwuid_r(peer.uid, &entry, buffer, sizeof(buffer), &found) == 0 && found) return found->pw_name;
    return "uid " + std::to_string(peer.uid);
}

class Session;
// Those whose request is being answered. The answer finds them by a weak pointer: it may come when the loop is gone.
using Waiting = std::set<std::shared_ptr<Session>>;

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Protocol::socket socket, Router& router, Waiting& waiting, size_t& open)
        : stream_(std::move(socket)),
          router_(router),
          waiting_(waiting),
          open_(open),
          who_(peer_name(stream_.socket().native_handle())) {
        open_++;
    }
    ~Session() { open_--; }

    void read() {
        parser_.emplace();
        parser_->body_limit(kMaxBody);
        parser_->header_limit(kMaxHeader);
        stream_.expires_after(kIdleTime);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](ErrorCode error, size_t) { self->on_read(error); });
    }

  private:
    void on_read(ErrorCode error) {
        if (error == http::error::body_limit) {
            return answer(error_response(413, {"", "the request body is longer than 1 MiB", "send less at once"}),
                          false);
        }
        if (error && error.category() == make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message) {
            return answer(error_response(400, {"", "that is no HTTP request: " + error.message(), "speak HTTP/1.1"}),
                          false);
        }
        if (error) return;  // closed, timed out
        const auto& message = parser_->get();
        bool keep_alive = message.keep_alive();
        Request request;
        request.method = std::string(message.method_string());
        request.body = message.body();
        request.who = who_;
        if (!parse_target({message.target().data(), message.target().size()}, request)) {
            return answer(error_response(400, {"", "the path is malformed", "encode it as RFC 3986 says"}), false);
        }
        stream_.expires_never();  // the router answers in bounded time
        waiting_.insert(shared_from_this());
        router_.handle(request, [weak = weak_from_this(), keep_alive](Response response) {
            auto self = weak.lock();
            if (!self) return;
            self->waiting_.erase(self);
            self->answer(std::move(response), keep_alive);
        });
    }

    void answer(Response response, bool keep_alive) {
        response_ = {};
        response_.version(11);
        response_.result(static_cast<unsigned>(response.status));
        response_.set(http::field::content_type, response.content_type);
        response_.set(http::field::cache_control, "no-store");
        response_.keep_alive(keep_alive);
        response_.body() = std::move(response.body);
        response_.prepare_payload();
        stream_.expires_after(kWriteTime);
        http::async_write(stream_, response_, [self = shared_from_this(), keep_alive](ErrorCode error, size_t) {
            if (error) return;
            if (keep_alive) return self->read();
            ErrorCode ignored;
            self->stream_.socket().shutdown(Protocol::socket::shutdown_send, ignored);
        });
    }

    Stream stream_;
    Router& router_;
    Waiting& waiting_;
    size_t& open_;
    std::string who_;
    beast::flat_buffer buffer_{kMaxBody + kMaxHeader};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
};

[[noreturn]] void fail(const std::string& what, const std::string& fix) {
    throw std::runtime_error("api-socket: " + what + "; " + fix);
}

void remove_left_over(const std::string& path) {
    struct stat info;
    if (::lstat(path.c_str(), &info) != 0) return;
    if (!S_ISSOCK(info.st_mode)) fail(path + " is there and is no socket", "move it away or set api-socket");
    asio::io_context context;
    Protocol::socket probe(context);
    ErrorCode error;
    probe.connect(Protocol::endpoint(path), error);
    if (!error) fail("another process serves " + path, "stop it or set api-socket");
    ::unlink(path.c_str());
}

void give_to_group(const std::string& path, const std::string& name) {
    if (::chmod(path.c_str(), 0660) != 0) fail("mode of " + path + ": " + std::strerror(errno), "check the directory");
    if (name.empty()) return;
    const group* entry = ::getgrnam(name.c_str());
    if (!entry)
        throw std::runtime_error("api-group: there is no group " + name + "; create it (groupadd " + name +
                                 ") or unset api-group");
    if (::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0) {
        throw std::runtime_error("api-group: " + path + " cannot be given to " + name + ": " + std::strerror(errno) +
                                 "; run fedge-control as root or as a member of the group");
    }
}

}  // namespace

struct Server::Loop {
    Loop(Control& c, const ServerOptions& options, Log& l)
        : control(c),
          log(l),
          router(c),
          path(options.socket_path),
          acceptor(context),
          timer(context),
          signals(context, SIGTERM, SIGINT) {
        if (path.size() >= sizeof(sockaddr_un::sun_path))
            fail(path + " is too long for a socket", "set a shorter path");
        remove_left_over(path);
        mode_t old = ::umask(0117);
        ErrorCode error;
        acceptor.open();
        acceptor.bind(Protocol::endpoint(path), error);
        ::umask(old);
        if (error) fail(path + ": " + error.message(), "create its directory or set api-socket");
        give_to_group(path, options.group);
        acceptor.listen();
        bound = true;
    }
    ~Loop() {
        if (bound) ::unlink(path.c_str());
    }

    void accept() {
        acceptor.async_accept([this](ErrorCode error, Protocol::socket socket) {
            if (error == asio::error::operation_aborted) return;
            if (error) {
                log.warning("api: accept: " + error.message());
            } else if (open_sessions >= kMaxConnections) {
                log.warning("api: too many connections");  // closed with the socket
            } else {
                std::make_shared<Session>(std::move(socket), router, waiting, open_sessions)->read();
            }
            accept();
        });
    }

    void tick() {
        guarded([this] { control.on_tick(); });
        watch_dataplane();
        watch_resolver();
        if (!working) work();
        timer.expires_after(kTick);
        timer.async_wait([this](ErrorCode error) {
            if (!error) tick();
        });
    }

    // Slice after slice, with everything else in between.
    void work() {
        working = false;
        guarded([this] { working = control.work(); });
        if (working) asio::post(context, [this] { work(); });
    }

    // Watches a duplicate of the dataplane's descriptor, because the connection closes its own whenever it likes.
    void watch_dataplane() {
        Dataplane& dataplane = control.dataplane();
        uint64_t connection = dataplane.descriptor() < 0 ? 0 : dataplane.connection();
        if (connection == watched) return;
        plane.reset();
        watched = connection;
        if (!connection) return;
        plane.emplace(context, ::dup(dataplane.descriptor()));
        wait_for_dataplane();
    }

    void wait_for_dataplane() {
        plane->async_wait(asio::posix::stream_descriptor::wait_read, [this, mine = watched](ErrorCode error) {
            if (error || mine != watched) return;
            guarded([this] { control.dataplane().on_readable(control.time().steady()); });
            watch_dataplane();
            if (mine == watched) wait_for_dataplane();
        });
    }

    // Likewise: new settings close the resolver's.
    void watch_resolver() {
        auto& discovery = control.discovery();
        uint64_t generation = discovery.descriptor() < 0 ? 0 : discovery.generation();
        if (generation == watched_resolver) return;
        resolver.reset();
        watched_resolver = generation;
        if (!generation) return;
        resolver.emplace(context, ::dup(discovery.descriptor()));
        wait_for_resolver();
    }

    void wait_for_resolver() {
        resolver->async_wait(asio::posix::stream_descriptor::wait_read,
                             [this, mine = watched_resolver](ErrorCode error) {
                                 if (error || mine != watched_resolver) return;
                                 guarded([this] { control.discovery().on_readable(control.time().steady()); });
                                 watch_resolver();
                                 if (mine == watched_resolver) wait_for_resolver();
                             });
    }

    // A full disk or a bad row must not end the daemon.
    template <typename Work>
    void guarded(Work work) {
        try {
            work();
        } catch (const std::exception& error) {
            log.error(error.what());
        }
    }

    Control& control;
    Log& log;
    Router router;
    std::string path;
    bool bound = false;
    size_t open_sessions = 0;
    asio::io_context context{1};
    Waiting waiting;  // behind the context, so that it is empty before that goes
    Protocol::acceptor acceptor;
    asio::steady_timer timer;
    asio::signal_set signals;
    std::optional<asio::posix::stream_descriptor> plane;
    uint64_t watched = 0;
    std::optional<asio::posix::stream_descriptor> resolver;
    uint64_t watched_resolver = 0;
    bool working = false;
};

Server::Server(Control& control, const ServerOptions& options, Log& log)
    : loop_(std::make_unique<Loop>(control, options, log)) {}

Server::~Server() = default;

void Server::run() {
    loop_->signals.async_wait([this](ErrorCode error, int signal) {
        if (error) return;
        loop_->log.info("ending on signal " + std::to_string(signal));
        loop_->context.stop();
    });
    loop_->accept();
    loop_->tick();
    loop_->context.run();
}

void Server::stop() {
    asio::post(loop_->context, [this] { loop_->context.stop(); });
}

}  // namespace fedge::control::api
