# SPDX-License-Identifier: Apache-2.0
"""An echo server on websockets and uvloop.

Usage: websockets_echo.py [--port N]
"""

import argparse
import logging

import uvloop
from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main(port):
    async with serve(
        echo, "127.0.0.1", port, compression=None, max_size=64 << 20, backlog=4096) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"listening on ws://127.0.0.1:{port}/", flush=True)
        await server.serve_forever()


# A load that ends without a Close is no news.
logging.getLogger("websockets").setLevel(logging.CRITICAL)
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
uvloop.run(main(parser.parse_args().port))
