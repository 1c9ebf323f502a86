# SPDX-License-Identifier: Apache-2.0
"""Opening handshakes, and what is none."""

from servers import Case, all_servers
from raw import ACCEPT, KEY, Connection, frame, request

OFFER = "Sec_WebSocket_Extensions"


class Refused(Case):
    """Answered with a status and an end; nothing behind it is read."""

    def refuses(self, status, octets, *lines, body=True):
        def check(connection):
            head = connection.reply()
            self.assertEqual(int(head.split()[1]), status, head)
            self.assertRegex(head, r"(?i)\r\nConnection: ([^\r]*, )?close(\r|$)")
            for line in lines:
                self.assertIn(f"\r\n{line}\r\n", head + "\r\n")
            rest, end = connection.rest()
            self.assertEqual(end, "FIN")
            self.assertNotIn(b"HTTP/1.1", rest, "a second reply")
            self.assertEqual(bool(rest), body)
        self.each(octets, check, opens=False)

    def test_a_head_that_is_too_large(self):
        self.refuses(431, request(more=["X: " + "a" * 20_000]))
        self.refuses(431, request(more=[f"X-{i}: a" for i in range(101)]))
        self.refuses(431, request(more=[f"X-{i}: " + "a" * 300 for i in range(60)]))
        self.refuses(414, request(f"GET /echo?{'a' * 9000} HTTP/1.1"))

    def test_a_body_behind_a_handshake(self):
        self.refuses(400, request(Content_Length="5") + frame(b"smuggled"))
        self.refuses(400, request(Transfer_Encoding="chunked") + b"0\r\n\r\n")
        self.refuses(400, request(Content_Length="0", Transfer_Encoding="chunked"))
        self.refuses(400, request(more=["Content-Length: 1", "Content-Length: 2"]))

    def test_a_request_behind_a_refused_handshake(self):
        second = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        self.refuses(403, request(Origin="http://evil.example") + second)
        self.refuses(404, request("GET /nowhere HTTP/1.1") + second)

    def test_fields_that_hide_others(self):
        for line in ["X: a\rTransfer-Encoding: chunked", "X: a\0b", "X : a", " X: a", "X\x7f: a"]:
            self.refuses(400, request(more=[line]))
        self.refuses(400, request(more=["X: a", " b"]))
        self.refuses(400, request().replace(b"\r\n", b"\n"))

    def test_no_host_or_two(self):
        self.refuses(400, request(without=["Host"]))
        self.refuses(400, request(more=["Host: other"]))

    def test_a_key_that_is_none(self):
        self.refuses(400, request(without=["Sec-WebSocket-Key"]))
        for key in ["", "AAAA", "!" * 22 + "==", KEY[:-2], KEY + KEY]:
            self.refuses(400, request(Sec_WebSocket_Key=key))
        self.refuses(400, request(more=[f"Sec-WebSocket-Key: {KEY}"]))

    def test_another_version(self):
        names_ours = ["Sec-WebSocket-Version: 13", "Upgrade: websocket"]
        self.refuses(426, request(without=["Sec-WebSocket-Version"]), *names_ours)
        for version in ["12", "8", "013", "99", "x"]:
            self.refuses(426, request(Sec_WebSocket_Version=version), *names_ours)

    def test_another_method_or_http(self):
        self.refuses(400, request("GET /echo HTTP/1.0"))
        self.refuses(505, request("GET /echo HTTP/2.0"))
        for method in ["POST", "get", "PUT", "OPTIONS"]:
            self.refuses(405, request(f"{method} /echo HTTP/1.1"), "Allow: GET, HEAD")
        self.refuses(405, request("HEAD /echo HTTP/1.1"), body=False)

    def test_subprotocols_and_extensions_that_are_no_lists(self):
        for value in ["a b", "a,,\"b\"", "(a)"]:
            self.refuses(400, request(Sec_WebSocket_Protocol=value))
        for value in [";;", "permessage-deflate; =1", "permessage-deflate; a=\"b"]:
            self.refuses(400, request(**{OFFER: value}))

    def test_another_origin(self):
        for origin in ["http://evil.example", "null", "http://127.0.0.1.evil.example", ""]:
            self.refuses(403, request(Origin=origin))

    def test_what_is_not_http(self):
        self.refuses(400, bytes.fromhex("160301020001000001fc0303") + bytes(300))
        self.refuses(400, b"\xff\xfe\x00\x01 garbage\r\n\r\n")
        self.refuses(400, frame(b"no handshake before it") + b"\r\n\r\n")


class NoHandshake(Case):
    """Plain requests for the path of a socket: 426, and the connection goes on."""

    def test_without_the_tokens_it_takes(self):
        def check(connection):
            head = connection.reply()
            self.assertTrue(head.startswith("HTTP/1.1 426 "), head)
            self.assertIn("\r\nSec-WebSocket-Version: 13", head)
            length = int(head.lower().split("content-length: ")[1].split()[0])
            while len(connection.received) < length:
                connection.receive()
            connection.received = connection.received[length:]
            connection.send(request())
            self.assertTrue(connection.reply().startswith("HTTP/1.1 101 "))
            connection.socket.close()
        for octets in [request(Upgrade="h2c"), request(without=["Upgrade"]),
                       request(without=["Connection"]), request(Connection="keep-alive"),
                       request(Connection="Sec-WebSocket-Key"), request(Upgrade="web socket"),
                       b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"]:
            self.each(octets, check, opens=False)


class Accepted(Case):
    def accepts(self, octets, present=(), absent=(), then=()):
        def check(connection):
            head = connection.reply()
            self.assertTrue(head.startswith("HTTP/1.1 101 "), head)
            self.assertIn(f"\r\nSec-WebSocket-Accept: {ACCEPT}", head)
            for text in present:
                self.assertIn(text, head)
            for text in absent:
                self.assertNotIn(text.lower(), head.lower())
            for expected in then:
                self.assertEqual(connection.frame(), expected)
            connection.send(frame(b"on it"))
            self.assertEqual(connection.frame(), (0x81, b"on it"))
            connection.socket.close()
        self.each(octets, check, opens=False)

    def test_spellings(self):
        self.accepts(request(Upgrade="WebSocket"))
        self.accepts(request(Connection="keep-alive, UPGRADE"))
        self.accepts(request("GET http://127.0.0.1/echo HTTP/1.1"))
        self.accepts(request(Content_Length="0"))

    def test_origins_of_our_own_and_none(self):
        self.accepts(request(Origin="http://127.0.0.1"))
        self.accepts(request(Origin="https://HOST:8443", host="host:8443"))

    def test_frames_in_the_segment_of_the_request(self):
        self.accepts(request() + frame(b"early") + frame(b"too", 0x82),
                     then=[(0x81, b"early"), (0x82, b"too")])

    def test_what_is_not_asked_for_is_not_answered(self):
        self.accepts(request(Sec_WebSocket_Protocol="chat, superchat"),
                     absent=["Sec-WebSocket-Protocol"])
        for value in ["constructor", "__proto__; toString=1", "x-webkit-deflate-frame"]:
            self.accepts(request(**{OFFER: value}), absent=["Sec-WebSocket-Extensions"])
        self.accepts(request(), absent=["\r\nServer:", "Sec-WebSocket-Extensions"])

    def test_offers_of_compression_that_are_declined(self):
        for parameters in ["server_no_context_takeover; server_no_context_takeover", "unknown",
                           "server_max_window_bits=010", "server_max_window_bits=8",
                           "server_max_window_bits=16", "server_max_window_bits=7",
                           "server_max_window_bits", "client_max_window_bits=7",
                           "client_max_window_bits=1e1", "server_no_context_takeover=1"]:
            self.accepts(request(**{OFFER: f"permessage-deflate; {parameters}"}),
                         absent=["Sec-WebSocket-Extensions"])

    def test_offers_of_compression_that_are_taken(self):
        name = "Sec-WebSocket-Extensions: permessage-deflate"
        for parameters in ["", "; client_max_window_bits", "; client_max_window_bits=8",
                           "; server_max_window_bits=9", "; server_no_context_takeover",
                           "; unknown, permessage-deflate"]:
            self.accepts(request(**{OFFER: f"permessage-deflate{parameters}"}), present=[name])


class Many(Case):
    def test_handshakes_side_by_side(self):
        for server in all_servers():
            connections = [Connection(server) for _ in range(200)]
            for connection in connections:
                connection.send(request()[:-1])
            for connection in connections:
                connection.send(b"\n" + frame(b"me too"))
            for connection in connections:
                self.assertTrue(connection.reply().startswith("HTTP/1.1 101 "))
                self.assertEqual(connection.frame(), (0x81, b"me too"))
                connection.socket.close()
            self.still_serves(server)
