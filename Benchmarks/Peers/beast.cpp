// SPDX-License-Identifier: Apache-2.0
// An echo server on Boost.Beast: one thread, one io_context, whole messages.
// Usage: beast [--port N]

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

// One connection: read a message, write it back, read the next.
class session : public std::enable_shared_from_this<session> {
    beast::websocket::stream<tcp::socket> stream;
    beast::flat_buffer buffer;

    void read()
    {
        stream.async_read(buffer, [self = shared_from_this()](beast::error_code error, size_t) {
            if (!error)
                self->write();
        });
    }

    void write()
    {
        stream.text(stream.got_text());
        stream.async_write(
            buffer.data(), [self = shared_from_this()](beast::error_code error, size_t) {
                self->buffer.clear();
                if (!error)
                    self->read();
            });
    }

public:
    explicit session(tcp::socket socket) : stream(std::move(socket)) {}

    void run()
    {
        beast::error_code ignored;
        stream.next_layer().set_option(tcp::no_delay(true), ignored);
        stream.read_message_max(64 << 20);
        stream.auto_fragment(false);
        stream.async_accept([self = shared_from_this()](beast::error_code error) {
            if (!error)
                self->read();
        });
    }
};

static void accept(tcp::acceptor &acceptor)
{
    acceptor.async_accept([&](beast::error_code error, tcp::socket socket) {
        if (!error)
            std::make_shared<session>(std::move(socket))->run();
        accept(acceptor);
    });
}

int main(int count, char **words)
{
    unsigned short port = 0;
    for (int i = 1; i + 1 < count; i++) {
        if (std::strcmp(words[i], "--port") == 0)
            port = static_cast<unsigned short>(std::atoi(words[i + 1]));
    }
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), port});
    acceptor.listen(4096);
    std::cout << "listening on ws://127.0.0.1:" << acceptor.local_endpoint().port() << "/"
              << std::endl;
    accept(acceptor);
    context.run();
}
