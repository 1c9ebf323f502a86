# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate between wsserve and other people's clients."""

import asyncio
import json

import aiohttp
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

import chromium_test
from matrix import BINARIES, TEXTS, EchoTests, matrix

TIMEOUT = 20
ON = ["--compression", "on"]

# Much alike, as messages are: what refers to earlier ones shows whether both sides keep the same.
RECORDS = [
    json.dumps([{"id": i * 40 + j, "name": f"name {j}", "κόσμε": j % 3 == 0} for j in range(40)])
    for i in range(30)
]


class WebsocketsCompressionTests(EchoTests):
    def open_socket(self, **parameters):
        extensions = [ClientPerMessageDeflateFactory(**parameters)]
        return connect(self.server.url("/echo"), open_timeout=TIMEOUT, close_timeout=TIMEOUT,
                       max_size=None, compression=None, extensions=extensions)

    def count_compressed(self, socket):
        """Counts the compressed messages that arrive from now on: the value of its `count`."""
        extension, = socket.protocol.extensions
        decode = extension.decode

        def counting(frame, **options):
            counting.count += frame.rsv1
            return decode(frame, **options)

        counting.count = 0
        extension.decode = counting
        return counting

    async def exchange(self, socket, messages):
        async def send():
            for message in messages:
                await socket.send(message)
        sending = asyncio.create_task(send())
        for message in messages:
            echo = await asyncio.wait_for(socket.recv(), TIMEOUT)
            self.assertTrue(echo == message, "a message came back changed")
        await sending


@matrix
class WebsocketsCompression(WebsocketsCompressionTests):
    options = ON

    async def test_what_compresses_comes_back_compressed(self):
        async with self.open_socket(client_max_window_bits=True) as socket:
            compressed = self.count_compressed(socket)
            await self.exchange(socket, RECORDS)
            self.assertEqual(compressed.count, len(RECORDS))

    async def test_what_is_short_comes_back_plain(self):
        async with self.open_socket() as socket:
            compressed = self.count_compressed(socket)
            await self.exchange(socket, ["", "short", b"short", "x" * 1023])
            self.assertEqual(compressed.count, 0)

    async def test_every_message_comes_back_as_it_was(self):
        async with self.open_socket(client_max_window_bits=True) as socket:
            await self.exchange(socket, [*TEXTS.values(), *BINARIES.values(), *RECORDS])

    async def test_every_agreement_works(self):
        agreements = [
            {"server_no_context_takeover": True}, {"client_no_context_takeover": True},
            {"server_no_context_takeover": True, "client_no_context_takeover": True},
            *({"server_max_window_bits": bits, "client_max_window_bits": bits}
              for bits in range(9, 16)),
        ]
        messages = [*TEXTS.values(), *BINARIES.values(), *RECORDS]
        for parameters in agreements:
            with self.subTest(**parameters):
                async with self.open_socket(**parameters) as socket:
                    extension, = socket.protocol.extensions
                    if "server_no_context_takeover" in parameters:
                        self.assertTrue(extension.remote_no_context_takeover)
                    if "client_no_context_takeover" in parameters:
                        self.assertTrue(extension.local_no_context_takeover)
                    bits = parameters.get("server_max_window_bits", 15)
                    self.assertEqual(extension.remote_max_window_bits, min(bits, 12))
                    await self.exchange(socket, messages)

    async def test_a_window_that_zlib_cannot_keep_is_declined(self):
        async with self.open_socket(server_max_window_bits=8) as socket:
            self.assertEqual(socket.protocol.extensions, [])
            await self.exchange(socket, RECORDS)

    async def test_fragments_come_back_as_one_message(self):
        text = "".join(RECORDS)
        octets = text.encode()
        async with self.open_socket() as socket:
            for fragments in [RECORDS, ["", text, ""],
                              [octets[i:i + 97] for i in range(0, len(octets), 97)]]:
                await socket.send(fragments)
                echo = await asyncio.wait_for(socket.recv(), TIMEOUT)
                self.assertTrue(echo == type(fragments[0])().join(fragments))


@matrix
class WebsocketsCompressionLimit(WebsocketsCompressionTests):
    limit = 40_000
    options = [*ON, "--max-message-size", str(limit)]

    async def test_the_limit_is_one_on_what_comes_out(self):
        async with self.open_socket() as socket:
            await self.exchange(socket, ["x" * self.limit, b"\0" * self.limit])
        for message in ["x" * (self.limit + 1), b"\0" * (64 << 20)]:
            with self.subTest(size=len(message)):
                async with self.open_socket() as socket:
                    with self.assertRaises(ConnectionClosedError) as caught:
                        await socket.send(message)
                        await socket.recv()
                    self.assertEqual(caught.exception.rcvd.code, 1009)


@matrix
class AiohttpCompression(EchoTests):
    options = ON

    async def asyncSetUp(self):
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))

    async def asyncTearDown(self):
        await self.session.close()

    async def test_every_message_comes_back_as_it_was(self):
        for bits in [9, 12, 15]:
            with self.subTest(bits=bits):
                async with self.session.ws_connect(
                        self.server.url("/echo", "http"), max_msg_size=0, compress=bits) as socket:
                    # It offers the server's window, and takes the limit that we set for its own.
                    self.assertEqual(socket.compress, 12)
                    for text in [*TEXTS.values(), *RECORDS]:
                        await socket.send_str(text)
                        self.assertTrue((await socket.receive(TIMEOUT)).data == text)
                    for octets in BINARIES.values():
                        await socket.send_bytes(octets)
                        self.assertTrue((await socket.receive(TIMEOUT)).data == octets)

    async def test_who_offers_nothing_gets_nothing(self):
        async with self.session.ws_connect(self.server.url("/echo", "http")) as socket:
            self.assertEqual(socket.compress, 0)
            await socket.send_str(RECORDS[0])
            self.assertEqual((await socket.receive(TIMEOUT)).data, RECORDS[0])


@matrix
class ChromiumCompression(chromium_test.ChromiumTests):
    options = ON

    async def test_a_script_exchanges_compressed_messages_exactly(self):
        await self.browser.open(self.server.url("/health", "http"))
        result = await self.browser.run(chromium_test.EXCHANGE + """([
            "", "short", "Grüße, 世界 🎈\\u0000".repeat(500), "y".repeat(65536),
            "🎈".repeat(1 << 18), new Uint8Array(5000), new Uint8Array(1 << 20),
            crypto.getRandomValues(new Uint8Array(5000)),
            Uint8Array.from({ length: 1 << 20 }, (_, i) => i * 7),
            ...Array.from({ length: 20 }, (_, i) =>
              JSON.stringify(Array.from({ length: 100 }, (_, j) => ({ id: i * j, name: "n" + j }))))
            ])""")
        self.assertEqual(result, {
            "results": ["same"] * 29, "code": 3456, "reason": "", "wasClean": True,
            "extensions": "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"})
