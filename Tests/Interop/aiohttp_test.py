# SPDX-License-Identifier: Apache-2.0
"""The client of the Python library aiohttp against wsserve: sockets, and plain requests."""

import asyncio

import aiohttp
from aiohttp import WSMsgType

from matrix import BINARIES, TEXTS, EchoTests, matrix

TIMEOUT = 20


@matrix
class Aiohttp(EchoTests):
    async def asyncSetUp(self):
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))

    async def asyncTearDown(self):
        await self.session.close()

    def open_socket(self, path="/echo", **options):
        return self.session.ws_connect(self.server.url(path, "http"), max_msg_size=0, **options)

    async def test_texts_come_back_as_texts(self):
        async with self.open_socket() as socket:
            for name, text in TEXTS.items():
                with self.subTest(name):
                    await socket.send_str(text)
                    message = await socket.receive(TIMEOUT)
                    self.assertEqual((message.type, message.data), (WSMsgType.TEXT, text))

    async def test_binaries_come_back_as_binaries(self):
        async with self.open_socket() as socket:
            for name, octets in BINARIES.items():
                with self.subTest(name):
                    await socket.send_bytes(octets)
                    message = await socket.receive(TIMEOUT)
                    self.assertEqual((message.type, message.data), (WSMsgType.BINARY, octets))

    async def test_pings_are_answered_with_their_payload(self):
        async with self.open_socket(autoping=False) as socket:
            for payload in [b"", b"payload", b"\x80" * 125]:
                await socket.ping(payload)
                message = await socket.receive(TIMEOUT)
                self.assertEqual((message.type, bytes(message.data)), (WSMsgType.PONG, payload))

    async def test_a_pong_nobody_asked_for_is_ignored(self):
        async with self.open_socket() as socket:
            await socket.pong(b"unasked")
            await socket.send_str("next")
            self.assertEqual((await socket.receive(TIMEOUT)).data, "next")

    async def test_the_close_code_comes_back(self):
        for code in [1000, 1001, 1003, 3000, 4999]:
            with self.subTest(code=code):
                async with self.open_socket() as socket:
                    await socket.close(code=code, message=b"reason")
                    self.assertEqual(socket.close_code, code)

    async def test_fifty_clients_get_their_own(self):
        async def talk(client):
            async with self.open_socket() as socket:
                for i in range(20):
                    await socket.send_str(f"{client}/{i}")
                    self.assertEqual((await socket.receive(TIMEOUT)).data, f"{client}/{i}")
        await asyncio.gather(*(talk(client) for client in range(50)))

    async def test_the_subprotocol_is_the_servers_favourite(self):
        async with self.open_socket("/subprotocol", protocols=["chat.v1", "chat.v2"]) as socket:
            self.assertEqual(socket.protocol, "chat.v2")

    async def test_the_secret_wants_its_token(self):
        with self.assertRaises(aiohttp.WSServerHandshakeError) as caught:
            await self.open_socket("/secret")
        self.assertEqual(caught.exception.status, 401)
        self.assertEqual(caught.exception.headers["WWW-Authenticate"], "Bearer")
        headers = {"Authorization": "Bearer sesame"}
        async with self.open_socket("/secret", headers=headers) as socket:
            await socket.send_str("open")
            self.assertEqual((await socket.receive(TIMEOUT)).data, "open")

    async def test_plain_requests_share_a_connection(self):
        for method, path, status, body in [
            ("GET", "/health", 200, b"ok"),
            ("HEAD", "/health", 200, b""),
            ("GET", "/nothing", 404, None),
            ("POST", "/health", 405, None),
            ("GET", "/echo", 426, None),
            ("GET", "/health?again=yes", 200, b"ok"),
        ]:
            with self.subTest(f"{method} {path}"):
                async with self.session.request(
                        method, self.server.url(path, "http")) as response:
                    self.assertEqual(response.status, status)
                    self.assertIn("Date", response.headers)
                    self.assertNotIn("Server", response.headers)
                    if body is not None:
                        self.assertEqual(await response.read(), body)
                    if status == 405:
                        self.assertEqual(response.headers["Allow"], "GET, HEAD")
                    if status == 426:
                        self.assertEqual(response.headers["Upgrade"], "websocket")

    async def test_the_page_is_whole_and_shut_to_the_outside(self):
        async with self.session.get(self.server.url("/", "http")) as response:
            page = await response.text()
            self.assertEqual(response.content_type, "text/html")
            self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
        self.assertTrue(page.startswith("<!doctype html>"))
        self.assertTrue(page.rstrip().endswith("</html>"))
        self.assertNotIn("\\(", page.split("<script>")[0])
