# SPDX-License-Identifier: Apache-2.0
"""The client of the Python library websockets against wsserve."""

import asyncio

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from matrix import BINARIES, TEXTS, EchoTests, matrix

TIMEOUT = 20


def open_socket(server, path="/echo", **options):
    return connect(server.url(path), open_timeout=TIMEOUT, close_timeout=TIMEOUT,
                   max_size=None, **options)


async def receive(socket):
    return await asyncio.wait_for(socket.recv(), TIMEOUT)


@matrix
class Websockets(EchoTests):
    async def test_texts_come_back_as_texts(self):
        async with open_socket(self.server) as socket:
            for name, text in TEXTS.items():
                with self.subTest(name):
                    await socket.send(text)
                    self.assertEqual(await receive(socket), text)

    async def test_binaries_come_back_as_binaries(self):
        async with open_socket(self.server) as socket:
            for name, octets in BINARIES.items():
                with self.subTest(name):
                    await socket.send(octets)
                    self.assertEqual(await receive(socket), octets)

    async def test_fragments_come_back_as_one_message(self):
        cases = {
            "text, a character cut by no fragment": ["Grü", "ße ", "世界"],
            "text with empty fragments": ["", "a", "", "b", ""],
            "only empty fragments": ["", "", ""],
            "binary": [b"\x00" * 125, b"\x01" * 126, b"\x02" * 65536],
            "a thousand": [bytes([i % 256]) for i in range(1000)],
            "1 MiB in 64": [bytes([i]) * 16384 for i in range(64)],
        }
        async with open_socket(self.server) as socket:
            for name, fragments in cases.items():
                with self.subTest(name):
                    await socket.send(fragments)
                    whole = type(fragments[0])().join(fragments)
                    self.assertEqual(await receive(socket), whole)

    async def test_a_ping_between_fragments_is_answered_at_once(self):
        async with open_socket(self.server) as socket:
            async def fragments():
                yield "before, "
                pong = await socket.ping(b"between")
                await asyncio.wait_for(pong, TIMEOUT)
                yield "after"
            await socket.send(fragments())
            self.assertEqual(await receive(socket), "before, after")

    async def test_pings_are_answered(self):
        async with open_socket(self.server) as socket:
            for payload in [b"", b"a", b"\xff" * 125]:
                with self.subTest(length=len(payload)):
                    await asyncio.wait_for(await socket.ping(payload), TIMEOUT)
            await socket.send("still here")
            self.assertEqual(await receive(socket), "still here")

    async def test_many_messages_on_their_way_keep_their_order(self):
        messages = [f"message {i} " + "x" * (i % 300) for i in range(2000)]
        async with open_socket(self.server) as socket:
            async def send():
                for message in messages:
                    await socket.send(message)
            sending = asyncio.create_task(send())
            self.assertEqual([await receive(socket) for _ in messages], messages)
            await sending

    async def test_a_hundred_clients_get_their_own(self):
        async def talk(client):
            async with open_socket(self.server) as socket:
                for i in range(20):
                    message = f"client {client}, message {i}"
                    await socket.send(message)
                    self.assertEqual(await receive(socket), message)
        await asyncio.gather(*(talk(client) for client in range(100)))

    async def test_the_close_code_comes_back(self):
        for code, reason in [(1000, ""), (1000, "done"), (1001, ""), (1011, "oh"), (3000, "é"),
                             (4999, "r" * 123)]:
            with self.subTest(code=code, reason=reason):
                async with open_socket(self.server) as socket:
                    await socket.send("last words")
                    await socket.close(code, reason)
                    received = socket.protocol.close_rcvd
                    self.assertEqual(received.code, code)
                    self.assertEqual(received.reason, "")
                    self.assertFalse(socket.protocol.close_rcvd_then_sent)

    async def test_the_subprotocol_is_the_servers_favourite(self):
        for offered, chosen in [(["chat.v1", "chat.v2"], "chat.v2"), (["chat.v1"], "chat.v1"),
                                (["other"], None), (None, None)]:
            with self.subTest(offered=offered):
                async with open_socket(self.server, "/subprotocol",
                                       subprotocols=offered) as socket:
                    self.assertEqual(socket.subprotocol, chosen)
                    await socket.send("hello")
                    self.assertEqual(await receive(socket), "hello")

    async def test_the_secret_wants_its_token(self):
        for headers, status in [({}, 401), ({"Authorization": "Bearer wrong"}, 401)]:
            with self.subTest(headers=headers), self.assertRaises(InvalidStatus) as caught:
                async with open_socket(self.server, "/secret", additional_headers=headers):
                    pass
            self.assertEqual(caught.exception.response.status_code, status)
        async with open_socket(self.server, "/secret",
                               additional_headers={"Authorization": "Bearer sesame"}) as socket:
            await socket.send("open")
            self.assertEqual(await receive(socket), "open")

    async def test_only_pages_of_the_same_host_connect(self):
        own = f"http://{self.server.host}:{self.server.port}"
        async with open_socket(self.server, origin=own) as socket:
            await socket.send("same")
            self.assertEqual(await receive(socket), "same")
        for origin in ["http://evil.example", own + "0", "null"]:
            with self.subTest(origin=origin), self.assertRaises(InvalidStatus) as caught:
                async with open_socket(self.server, origin=origin):
                    pass
            self.assertEqual(caught.exception.response.status_code, 403)

    async def test_what_is_no_socket_answers_as_http(self):
        for path, status in [("/health", 200), ("/", 200), ("/nothing", 404)]:
            with self.subTest(path=path), self.assertRaises(InvalidStatus) as caught:
                async with open_socket(self.server, path):
                    pass
            self.assertEqual(caught.exception.response.status_code, status)

    async def test_an_offer_of_compression_is_declined(self):
        async with open_socket(self.server, compression="deflate") as socket:
            self.assertEqual(socket.protocol.extensions, [])
            await socket.send("plain" * 1000)
            self.assertEqual(await receive(socket), "plain" * 1000)


@matrix
class WebsocketsLimit(EchoTests):
    # Small enough that what is still on its way when the limit is seen fits into what the server
    # reads and drops while it closes: else a reset may overtake its Close.
    limit = 40_000
    options = ["--max-message-size", str(limit)]

    async def test_a_message_above_the_limit_closes_with_1009(self):
        for name, message in {"one frame": b"x" * (self.limit + 1),
                              "text": "x" * (self.limit + 1),
                              "fragments": [b"x" * 20_000, b"x" * 20_000, b"x"]}.items():
            with self.subTest(name):
                async with open_socket(self.server) as socket:
                    with self.assertRaises(ConnectionClosedError) as caught:
                        await socket.send(message)
                        await receive(socket)
                    self.assertEqual(caught.exception.rcvd.code, 1009)

    async def test_a_message_of_the_limit_passes(self):
        async with open_socket(self.server) as socket:
            for message in [b"x" * self.limit, ["x" * 20_000, "x" * 20_000, ""]]:
                await socket.send(message)
                self.assertEqual(len(await receive(socket)), self.limit)
