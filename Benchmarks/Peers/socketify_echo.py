# SPDX-License-Identifier: Apache-2.0
"""An echo server on socketify, which is uWebSockets under Python.

Usage: socketify_echo.py --port N
"""

import argparse

from socketify import App, CompressOptions, OpCode


def echo(socket, message, opcode):
    socket.send(message, opcode)


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
port = parser.parse_args().port
app = App()
app.ws("/*", {
    "compression": CompressOptions.DISABLED,
    "max_payload_length": 64 << 20,
    "max_backpressure": 64 << 20,
    "idle_timeout": 120,
    "message": echo,
})
app.listen({"host": "127.0.0.1", "port": port},
           lambda config: print(f"listening on ws://127.0.0.1:{config.port}/", flush=True))
app.run()
