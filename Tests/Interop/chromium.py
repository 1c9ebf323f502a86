# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven through the DevTools protocol with the library websockets."""

import asyncio
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from websockets.asyncio.client import connect

NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
TIMEOUT = 30


def executable():
    """The path of a Chromium; None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One browser with one tab. Use as an asynchronous context."""

    async def __aenter__(self):
        self._folder = tempfile.mkdtemp(prefix="chromium-")
        self._said = pathlib.Path(self._folder, "stderr")
        options = [
            "--headless", "--remote-debugging-port=0", f"--user-data-dir={self._folder}/profile",
            "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-gpu", "--no-proxy-server",
            "--disable-dev-shm-usage", "--mute-audio",
        ]
        if os.geteuid() == 0:
            options.append("--no-sandbox")
        with open(self._said, "wb") as said:
            self._process = subprocess.Popen(
                [executable(), *options, "about:blank"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                start_new_session=True)
        try:
            self._devtools = await connect(
                await self._address(), max_size=None, compression=None, open_timeout=TIMEOUT)
        except BaseException:
            self._end()
            raise
        self._answers = {}
        self._calls = 0
        self._listener = asyncio.create_task(self._listen())
        self.complaints = []
        self.requests = []
        self._session = None
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ["Runtime", "Log", "Page", "Network"]:
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_):
        self._listener.cancel()
        await self._devtools.close()
        self._end()

    async def _address(self):
        for _ in range(TIMEOUT * 10):
            said = self._said.read_text(errors="replace")
            found = re.search(r"DevTools listening on (ws://\S+)", said)
            if found:
                return found[1]
            if self._process.poll() is not None:
                break
            await asyncio.sleep(0.1)
        raise RuntimeError(f"Chromium did not start: {self._said.read_text(errors='replace')}")

    def _end(self):
        """Ends the browser and the processes of its own."""
        try:
            os.killpg(self._process.pid, 9)
        except ProcessLookupError:
            pass
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _listen(self):
        async for text in self._devtools:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
                continue
            method, details = message["method"], message["params"]
            if method == "Runtime.exceptionThrown":
                self.complaints.append(details["exceptionDetails"])
            elif method == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
                self.complaints.append(details["entry"])
            elif method == "Network.requestWillBeSent":
                self.requests.append(details["request"]["url"])

    async def call(self, method, **params):
        """One command of the DevTools protocol; gives its result."""
        self._calls += 1
        number = self._calls
        self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        future = self._answers[number]
        await self._devtools.send(json.dumps(message))
        answer = await asyncio.wait_for(future, TIMEOUT)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def open(self, url):
        """Loads a page and waits for its load event."""
        await self.call("Page.navigate", url=url)
        await self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    async def run(self, script):
        """Evaluates JavaScript on the page, awaits it, and gives its value."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, condition):
        """Waits until a JavaScript expression holds."""
        for _ in range(TIMEOUT * 20):
            if await self.run(condition):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"never came: {condition}")

    async def screenshot(self, path, width, height, scheme):
        """Saves what the page looks like in this window, light or dark."""
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                        deviceScaleFactor=2 if width < 600 else 1, mobile=width < 600)
        await self.call("Emulation.setEmulatedMedia",
                        features=[{"name": "prefers-color-scheme", "value": scheme}])
        image = await self.call("Page.captureScreenshot", format="png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(image["data"]))
