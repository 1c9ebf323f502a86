# SPDX-License-Identifier: Apache-2.0
"""An echo server on picows and uvloop. It echoes frames and validates no text.

Usage: picows_echo.py [--port N]
"""

import argparse
import asyncio

import picows
import uvloop


class Echo(picows.WSListener):
    def on_ws_frame(self, transport, frame):
        if frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), frame.fin)


async def main(port):
    server = await picows.ws_create_server(
        lambda request: Echo(), "127.0.0.1", port, max_frame_size=64 << 20,
        websocket_handshake_timeout=10, backlog=4096)
    print(f"listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
    await server.serve_forever()


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
uvloop.run(main(parser.parse_args().port))
