# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium against wsserve: the page at / through its own controls, and sockets of its own
script's making."""

import json

import chromium
from matrix import EchoTests, matrix
from wsserve import ROOT, Server

SCREENSHOTS = ROOT / ".build/screenshots"

# Sends messages over one socket and gives their echoes' kinds, sizes and equality.
EXCHANGE = """
(async messages => {
  const socket = new WebSocket(`ws://${location.host}/echo`);
  socket.binaryType = "arraybuffer";
  await new Promise((good, bad) => { socket.onopen = good; socket.onclose = bad; });
  const same = (a, b) => {
    if (typeof a === "string" || typeof b === "string") return a === b;
    const [x, y] = [new Uint8Array(a), new Uint8Array(b)];
    return x.length === y.length && x.every((octet, i) => octet === y[i]);
  };
  const results = [];
  for (const message of messages) {
    const echo = new Promise(got => socket.onmessage = got);
    socket.send(message);
    const { data } = await echo;
    results.push(same(message, data) ? "same" : `sent ${message.length}, got ${data}`);
  }
  const closed = new Promise(got => socket.onclose = got);
  socket.close(3456, "fin, 終");
  const { code, reason, wasClean } = await closed;
  return { results, code, reason, wasClean, extensions: socket.extensions };
})
"""

# How a socket to a path, with subprotocols and a first message or none, ends.
OUTCOME = """
((url, subprotocols, message) => new Promise(end => {
  const socket = new WebSocket(url, subprotocols);
  let opened = false;
  socket.onopen = () => {
    opened = true;
    if (message) socket.send(message); else socket.close(1000);
  };
  socket.onclose = ({ code, wasClean }) =>
    end({ opened, code, wasClean, subprotocol: socket.protocol });
}))
"""


class ChromiumTests(EchoTests):
    async def asyncSetUp(self):
        if chromium.executable() is None:
            self.skipTest("there is no Chromium: script/bootstrap --test installs one")
        self.browser = await chromium.Chromium().__aenter__()
        self.addAsyncCleanup(self.browser.__aexit__, None, None, None)

    async def outcome(self, path, subprotocols=(), message="null", server=None):
        """`message` is JavaScript."""
        url = json.dumps((server or self.server).url(path))
        return await self.browser.run(f"{OUTCOME}({url}, {json.dumps(subprotocols)}, {message})")


@matrix
class Chromium(ChromiumTests):
    async def text(self, name):
        return await self.browser.run(f"document.getElementById('{name}').textContent")

    async def click(self, name):
        await self.browser.run(f"document.getElementById('{name}').click()")

    async def log(self):
        """The log's lines as [direction, what, note], without the clock."""
        return await self.browser.run("""
            [...document.querySelectorAll("#log li")].map(line => [
              line.classList[0],
              line.querySelector(".what").lastChild.textContent,
              line.querySelector(".note").textContent.split(" · ")[0]])""")

    async def lines(self, count):
        await self.browser.until(
            f"document.querySelectorAll('#log li').length >= {count} || null")
        return (await self.log())[count - 2:count]

    async def enter(self, text):
        await self.browser.run(f"document.getElementById('message').value = {json.dumps(text)}")

    async def choose(self, name, value):
        await self.browser.run(f"document.getElementById('{name}').value = '{value}'")

    async def test_a_person_uses_the_page(self):
        page = self.browser
        await page.open(self.server.url("/", "http"))
        await page.until("document.getElementById('state').textContent === 'Connected'")
        self.assertEqual((await self.log())[0][1], f"connected to {self.server.url('/echo')}")

        await self.enter("Grüße, 世界 🎈 <b>&")
        await self.click("send-text")
        echoed = ["Grüße, 世界 🎈 <b>&", "25 octets"]
        self.assertEqual(await self.lines(3), [["sent", *echoed], ["received", *echoed]])

        await self.click("send-binary")
        octets = " ".join(f"{octet:02x}" for octet in "Grüße, 世界 🎈 <b>&".encode())
        self.assertEqual((await self.lines(5))[1][1:], [octets[:24 * 3] + "…", "25 octets"])

        await self.enter("")
        await self.click("send-text")
        self.assertEqual(await self.lines(7), [["sent", "", "0 octets"], ["received", "", "0 octets"]])

        # The key as a keyboard gives it.
        await self.enter("by the Enter key")
        await page.run("document.getElementById('message').focus()")
        for kind in ["rawKeyDown", "keyUp"]:
            await page.call("Input.dispatchKeyEvent", type=kind, key="Enter",
                            windowsVirtualKeyCode=13)
        self.assertEqual((await self.lines(9))[1], ["received", "by the Enter key", "16 octets"])

        await self.choose("random-size", 1 << 20)
        await self.click("send-random")
        sent, received = await self.lines(11)
        self.assertEqual((sent[0], received[0]), ("sent", "received"))
        self.assertEqual(sent[1:], received[1:])
        self.assertEqual(received[2], "1,048,576 octets")
        self.assertEqual(await self.text("received-total"), "5 1,048,642 octets")

        await self.choose("trip-count", 100)
        await self.click("measure")
        await page.until("document.getElementById('measure').textContent === 'Measure'"
                         " && document.getElementById('trip-n').textContent === '100'")
        for figure in ["min", "median", "p99"]:
            self.assertRegex(await self.text(f"trip-{figure}"), r"^\d+(\.\d+)? ms$")
        self.assertRegex((await self.log())[11][1], r"^100 round trips of 32 octets: median ")

        name = f"{self.handler}-{self.backend}"
        await page.screenshot(SCREENSHOTS / f"{name}-light.png", 1240, 900, "light")
        await page.screenshot(SCREENSHOTS / f"{name}-dark.png", 1240, 900, "dark")
        await page.screenshot(SCREENSHOTS / f"{name}-telephone.png", 390, 844, "dark")
        self.assertEqual(await page.run("document.documentElement.scrollWidth"), 390)

        await self.click("connect")
        await page.until("document.getElementById('state').textContent.startsWith('Closed')")
        self.assertEqual(await self.text("state"), "Closed · 1000 normal closure")
        self.assertTrue(await page.run("document.getElementById('send-text').disabled"))
        await self.click("connect")
        await page.until("document.getElementById('state').textContent === 'Connected'")

        self.assertEqual(page.complaints, [])
        self.assertTrue(await page.run("crossOriginIsolated"))
        own = self.server.url("/", "http")
        outside = [url for url in page.requests if url != own and not url.startswith("data:")]
        self.assertEqual(outside, [])

    async def test_a_script_exchanges_messages_exactly(self):
        await self.browser.open(self.server.url("/", "http"))
        result = await self.browser.run(EXCHANGE + """([
            "hello", "", "Grüße, 世界 🎈\\u0000", "x".repeat(125), "x".repeat(126),
            "y".repeat(65535), "y".repeat(65536), "🎈".repeat(1 << 18),
            new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i),
            Uint8Array.from({ length: 1 << 20 }, (_, i) => i * 7)])""")
        self.assertEqual(result, {"results": ["same"] * 11, "code": 3456, "reason": "",
                                  "wasClean": True, "extensions": ""})

    async def test_routes_answer_the_browser(self):
        await self.browser.open(self.server.url("/", "http"))
        good = {"opened": True, "code": 1000, "wasClean": True}
        bad = {"opened": False, "code": 1006, "wasClean": False, "subprotocol": ""}
        self.assertEqual(await self.outcome("/echo"), good | {"subprotocol": ""})
        self.assertEqual(await self.outcome("/subprotocol", ["chat.v1", "chat.v2"]),
                         good | {"subprotocol": "chat.v2"})
        # A browser fails the connection if none of its offers is taken up.
        for path, offers in [("/subprotocol", ["other"]), ("/secret", []), ("/nothing", [])]:
            with self.subTest(path):
                self.assertEqual(await self.outcome(path, offers), bad)

    async def test_only_the_origins_that_are_let_in_connect(self):
        # Two servers on one machine are two origins: their ports differ.
        await self.browser.open(self.server.url("/health", "http"))
        for options, let_in in [([], False), (["--origin", "https://a.example"], False),
                                (["--origin", self.server.url("", "http")], True),
                                (["--origin", "any"], True)]:
            with self.subTest(options), Server("--handler", self.handler, *options) as other:
                outcome = await self.outcome("/echo", server=other)
                self.assertEqual(outcome["opened"], let_in)


@matrix
class ChromiumLimit(ChromiumTests):
    options = ["--max-message-size", "40000"]

    async def test_a_message_above_the_limit_closes_with_1009(self):
        await self.browser.open(self.server.url("/health", "http"))
        self.assertEqual(
            await self.outcome("/echo", [], "'x'.repeat(40001)"),
            {"opened": True, "code": 1009, "wasClean": True, "subprotocol": ""})
