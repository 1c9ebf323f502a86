# SPDX-License-Identifier: Apache-2.0
"""wsbench load against servers that do wrong on purpose, each in its way, and against right ones.

Usage: python3 Benchmarks/Tests/load.py PATH_TO_WSBENCH [options of unittest]

It takes about a minute.
"""

import json
import os
import resource
import socket
import statistics
import struct
import subprocess
import sys
import time
import unittest

from tinyserver import BINARY, CLOSE, PATIENCE, PING, PONG, TEXT, Server
from tinyserver import answer, echo, end, flip, frame, hang, messages, misanswer, read_frame
from tinyserver import read_head, reset, say_and, shake_hands, shaken, wrongly

wsbench = ""


class Run:
    """wsbench load, under way."""

    def __init__(self, url, *options, limits=None):
        def restrain():
            if limits:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)

        self.process = subprocess.Popen(
            [wsbench, "load", url, *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            preexec_fn=restrain,
        )

    def finish(self):
        try:
            self.out, self.err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.out, self.err = self.process.communicate()
            raise
        self.status = self.process.returncode
        return self


# So that the first fault ends a run long before its time.
FEW = ["--connections", 2, "--warmup", 0, "--time", 10]


class LoadTests(unittest.TestCase):
    def assertFails(self, run, pattern):
        run.finish()
        self.assertEqual(run.status, 1, run.out + run.err)
        self.assertRegex(run.err, pattern)
        self.assertEqual(run.out, "", "figures beside a failure")

    def result(self, url, *options, **more):
        run = Run(url, *options, "--json", **more).finish()
        self.assertEqual(run.status, 0, run.err)
        return json.loads(run.out)


class WrongEchoes(LoadTests):
    def check(self, respond, pattern, *options, after=3):
        with Server(wrongly(respond, after)) as server:
            self.assertFails(Run(server.url, *FEW, *options), pattern)

    def test_an_octet_differs(self):
        for at in [0, 15, 16, 31]:
            with self.subTest(at=at):
                self.check(lambda p: frame(flip(p, at)), r"connection \d: echo 3 is not what was")

    def test_an_octet_differs_in_a_large_message(self):
        self.check(
            lambda p: frame(flip(p, 99_999)), "echo 3 is not what was", "--size", 100_000
        )

    def test_an_octet_differs_in_a_record(self):
        self.check(lambda p: frame(flip(p, 700)), "echo 3 is not what", "--records", "--size", 999)

    def test_the_message_is_too_short(self):
        self.check(lambda p: frame(p[:-1]), "echo 3 is too short: 31 of 32 octets")

    def test_the_message_is_empty(self):
        self.check(lambda p: frame(b""), "echo 3 is too short: 0 of 32 octets")

    def test_the_last_fragment_is_missing(self):
        self.check(
            lambda p: frame(p[:20], fin=False) + frame(b"", 0), "echo 3 is too short: 20 of 32"
        )

    def test_the_message_is_too_long(self):
        self.check(lambda p: frame(p + b" "), "echo 3 is not what was sent")

    def test_the_answer_is_masked(self):
        self.check(lambda p: frame(p, key=b"\1\2\3\4"), "a masked frame from the server")

    def test_the_answer_is_of_another_kind(self):
        self.check(lambda p: frame(p, BINARY), "a frame that begins with 82")

    def test_a_reserved_bit_is_set(self):
        self.check(lambda p: bytes([0xC1]) + frame(p)[1:], "a frame that begins with c1")

    def test_a_control_frame_is_in_parts(self):
        self.check(lambda p: frame(b"", PING, fin=False), "a control frame that begins with 09")

    def test_a_message_comes_twice(self):
        self.check(lambda p: frame(p) + frame(p), "a message more than were|is not what was sent")

    def test_a_message_comes_again(self):
        sent = []

        def respond(payload):
            sent.append(payload)
            return frame(sent[0])

        self.check(respond, "echo 1 is not what was sent", "--connections", 1, after=0)

    def test_messages_change_places(self):
        held = []

        def respond(payload):
            held.append(payload)
            return frame(held[1]) + frame(held[0]) if len(held) == 2 else b""

        self.check(
            respond, "echo 0 is not what was", "--connections", 1, "--depth", 2, after=0
        )

    def test_a_message_of_another_connection_comes(self):
        with Server(wrongly(lambda p: frame(p.replace(b"1", b"2", 1)), 0)) as server:
            self.assertFails(
                Run(server.url, *FEW, "--depth", 2), r"connection \d: echo \d is not what was"
            )

    def test_they_are_seen_in_an_open_loop(self):
        self.check(lambda p: frame(flip(p, 31)), "echo 3 is not what was sent", "--rate", 100)

    def test_they_are_seen_in_a_ramp(self):
        with Server(wrongly(lambda p: frame(p[:-1]), 0)) as server:
            self.assertFails(
                Run(server.url, "--idle-ramp", "2,4", "--server-pid", os.getpid()),
                "echo 0 is too short",
            )

    def test_the_last_echoes_of_a_run_are_compared(self):
        # The run ends while the message behind its last one is under way.
        with Server(wrongly(lambda p: time.sleep(0.3) or frame(flip(p, 9)), 5)) as server:
            self.assertFails(
                Run(server.url, "--connections", 1, "--warmup", 0, "--messages", 5),
                "echo 5 is not what was sent",
            )


class Ends(LoadTests):
    def check(self, serve, pattern, *options):
        with Server(serve) as server:
            self.assertFails(Run(server.url, *(options or FEW)), pattern)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        for options in [FEW, ["--handshakes"]]:
            self.assertFails(
                Run(f"ws://127.0.0.1:{port}/", *options), "connecting to .*: Connection refused"
            )

    def test_the_server_ends_at_once(self):
        self.check(end, "handshake: Connection reset|ended by the server during the handshake")

    def test_the_server_ends_before_its_answer(self):
        self.check(say_and(end), r"connection \d: ended by the server during the handshake")

    def test_the_server_ends_within_its_answer(self):
        self.check(
            say_and(end, b"HTTP/1.1 101 Go on\r\n"), "ended by the server during the handshake"
        )

    def test_the_server_resets_before_its_answer(self):
        self.check(say_and(reset), "handshake: Connection reset")

    def test_the_server_refuses(self):
        self.check(
            say_and(end, b"HTTP/1.1 403 Forbidden\r\n\r\n"),
            "the server answers the handshake: HTTP/1.1 403 Forbidden",
        )

    def test_the_accept_is_wrong(self):
        self.check(misanswer, "not the right Sec-WebSocket-Accept")

    def test_the_accept_is_somewhere_else(self):
        right = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        head = b"HTTP/1.1 101 Go on\r\nX-Note: " + right + b"\r\n\r\n"
        self.check(say_and(hang, head), "not the right Sec-WebSocket-Accept")

    def test_the_answer_has_no_end(self):
        self.check(
            say_and(hang, b"HTTP/1.1 101 Go on\r\nA: " + b"a" * 9000), "an answer of more than 8192"
        )

    def test_compression_is_declined(self):
        self.check(echo, "declines permessage-deflate", *FEW, "--compressed", "--size", 99)

    def test_the_server_ends_behind_the_handshake(self):
        self.check(shaken(end), "ended by the server after 0 echoes|Connection reset|Broken pipe")

    def test_the_server_ends_within_a_frame(self):
        def serve(peer):
            for _, payload in messages(peer):
                peer.sendall(frame(payload)[:-3])
                end(peer)

        self.check(shaken(serve), "ended by the server after 0 echoes")

    def test_the_server_closes(self):
        self.check(
            wrongly(lambda _: frame(struct.pack("!H", 1001), CLOSE)),
            "closed by the server with code 1001 after 3 echoes",
        )

    def test_the_server_ends_idle_connections(self):
        def serve(peer):
            for opcode, payload in messages(peer):
                peer.sendall(frame(payload, opcode))
                time.sleep(0.3)
                end(peer)

        ramp = ["--idle-ramp", "4", "--settle", 5, "--server-pid", os.getpid()]
        self.check(shaken(serve), "ended by the server after 1 echoes", *ramp)

    def test_they_are_seen_among_handshakes(self):
        slots = ["--handshakes", "--connections", 4]
        self.check(misanswer, "not the right Sec-WebSocket-Accept", *slots)
        self.check(say_and(end), "ended by the server during the handshake", *slots)
        self.check(
            say_and(end, b"HTTP/1.1 503 Busy\r\n\r\n"), "answers the handshake: .* 503", *slots
        )


class Stalls(LoadTests):
    def test_all(self):
        """They take five seconds each, so all at a time."""
        half = wrongly(lambda p: frame(p)[:22])
        silent = wrongly(lambda _: b"")
        late = wrongly(lambda _: b"", 50)
        handshakes = ["--handshakes", "--connections", 2]
        ramp = ["--idle-ramp", "3", "--server-pid", os.getpid()]
        echo_stalls = r"no echo for five seconds: connection \d has 0 of 32 octets of echo "
        shake_stalls = "no answer to a handshake for five seconds"
        cases = {
            "within a frame": (half, FEW, r"connection \d has 20 of 32 octets of echo 3"),
            "with an echo": (silent, FEW, echo_stalls + "3"),
            "in a run that is shorter": (late, ["--time", 1, "--warmup", 0], echo_stalls + "50"),
            "in an open loop": (silent, [*FEW, "--rate", 50], echo_stalls + "3"),
            "before any echo of a ramp": (shaken(hang), ramp, echo_stalls + "0"),
            "with the answer": (say_and(hang), FEW, shake_stalls),
            "within the answer": (say_and(hang, b"HTTP/1.1 101 Go on\r\n"), FEW, shake_stalls),
            "with the answer to a ramp": (say_and(hang), ramp, shake_stalls),
            "among handshakes": (say_and(hang), [*handshakes, "--time", 20], shake_stalls),
        }
        running = []
        for name, (serve, options, pattern) in cases.items():
            server = Server(serve)
            running.append((name, server, Run(server.url, *options), pattern))
        for name, server, run, pattern in running:
            with self.subTest(name), server:
                self.assertFails(run, pattern)


class RightServers(LoadTests):
    def test_closed_loop(self):
        with Server(echo) as server:
            result = self.result(
                server.url, "--connections", 3, "--depth", 4, "--messages", 500, "--time", 20
            )
        self.assertEqual(result["mode"], "closed")
        self.assertGreaterEqual(result["messages"], 500)
        self.assertLess(0, result["latency_p50_ns"])
        self.assertLessEqual(result["latency_p50_ns"], result["latency_p99_ns"])
        self.assertLessEqual(result["latency_p99_ns"], result["latency_max_ns"])
        self.assertEqual(server.accepted, 3)

    def test_sizes_and_kinds(self):
        with Server(echo) as server:
            for size in [0, 1, 15, 16, 17, 125, 126, 65_535, 65_536]:
                for kind in [[], ["--binary"], ["--records"]]:
                    with self.subTest(size=size, kind=kind):
                        few = ["--messages", 4, "--warmup", 0, "--connections", 2]
                        result = self.result(server.url, *few, *kind, "--size", size)
                        self.assertGreaterEqual(result["messages"], 4)

    def test_fragments(self):
        for size, count in [(32, 3), (40, 40), (20, 19), (1000, 7), (70_000, 1)]:
            seen, fresh = set(), []

            def about(lengths, keys):
                seen.add(tuple(lengths))
                fresh.extend(keys)

            def serve(peer):
                for opcode, payload in messages(peer, about):
                    peer.sendall(frame(payload, opcode))

            with self.subTest(size=size, count=count), Server(shaken(serve)) as server:
                self.result(
                    server.url, *["--connections", 2, "--messages", 20, "--warmup", 0],
                    *["--size", size, "--fragments", count],
                )
                self.assertEqual(len(seen), 1)
                (lengths,) = seen
                self.assertEqual((len(lengths), sum(lengths)), (count, size))
                self.assertLessEqual(max(lengths) - min(lengths), 1)
                self.assertGreater(len(set(fresh)), len(fresh) * 0.99, "keys come again")

    def test_the_server_answers_in_frames_of_its_own(self):
        def respond(payload):
            parts = [payload[i : i + 5] for i in range(0, len(payload), 5)]
            return b"".join(
                frame(part, 0 if i else TEXT, fin=i == len(parts) - 1) + frame(b"?", PING)
                for i, part in enumerate(parts)
            )

        with Server(wrongly(respond, 0)) as server:
            for options in [[], ["--fragments", 3], ["--rate", 200, "--time", 1]]:
                self.result(server.url, *FEW[:4], "--messages", 50, *options)

    def test_pings_are_answered(self):
        got = []

        def serve(peer):
            # In one write, so that they come with the answer.
            peer.sendall(answer(read_head(peer)) + frame(b"early", PING))
            for count in range(2):
                b0, payload, _ = read_frame(peer)
                if b0 & 0x0F == PONG:
                    got.append(payload)
                else:
                    peer.sendall(frame(payload))
            peer.sendall(frame(b"idle", PING))
            got.append(read_frame(peer)[1])
            hang(peer)

        with Server(serve) as server:
            self.result(
                server.url, "--idle-ramp", "1,2", "--settle", 0.5, "--server-pid", os.getpid()
            )
            Run(server.url, "--handshakes", "--time", 0.3).finish()
        self.assertEqual(sorted(got), [b"early"] * 2 + [b"idle"] * 2)

    def test_rate(self):
        with Server(echo) as server:
            for more in [[], ["--arrivals", "poisson", "--seed", 3], ["--fragments", 4]]:
                with self.subTest(more=more):
                    result = self.result(
                        server.url, "--connections", 4, "--rate", 300, "--time", 2, *more
                    )
                    self.assertEqual(result["mode"], "open")
                    self.assertEqual(result["rate"], 300)
                    self.assertAlmostEqual(result["messages_per_second"], 300, delta=60)
                    self.assertAlmostEqual(result["sent"], 600, delta=120)

    def test_arrivals(self):
        """One connection, whose messages the server dates."""
        def variation(*options):
            times = []

            def serve(peer):
                for opcode, payload in messages(peer, lambda *_: times.append(time.monotonic())):
                    peer.sendall(frame(payload, opcode))

            with Server(shaken(serve)) as server:
                self.result(server.url, "--connections", 1, "--rate", 60, "--time", 3, *options)
            gaps = [b - a for a, b in zip(times, times[1:])]
            return statistics.stdev(gaps) / statistics.mean(gaps)

        self.assertLess(variation(), 0.4)
        self.assertGreater(variation("--arrivals", "poisson"), 0.6)

    def test_latency_counts_from_when_messages_were_due(self):
        """A server that stalls once for a second. A closed loop hardly sees it."""
        def serve(peer):
            for count, (opcode, payload) in enumerate(messages(peer)):
                if count == 100:
                    time.sleep(1)
                peer.sendall(frame(payload, opcode))

        once = ["--connections", 1, "--warmup", 0]
        with Server(shaken(serve)) as server:
            hidden = self.result(server.url, *once, "--messages", 2000, "--time", 20)
            # Of 600 messages 200 are due during the stall: 1 s to 0 s before its end.
            due = self.result(server.url, *once, "--rate", 200, "--time", 3)
            # What waits for room counts just so.
            held = self.result(server.url, *once, "--rate", 200, "--time", 3, "--depth", 1)
        self.assertGreater(hidden["latency_max_ns"], 0.9e9)
        self.assertLess(hidden["latency_p99_ns"], 0.2e9)
        for result in [due, held]:
            self.assertGreater(result["latency_p90_ns"], 0.5e9)
            self.assertGreater(result["latency_max_ns"], 0.9e9)
        self.assertEqual(due["held"], 0)
        self.assertGreater(held["held"], 100)

    def test_a_server_that_is_too_slow(self):
        def serve(peer):
            for opcode, payload in messages(peer):
                time.sleep(0.01)
                peer.sendall(frame(payload, opcode))

        with Server(shaken(serve)) as server:
            one = ["--connections", 1, "--rate", 400, "--time", 1, "--warmup", 0, "--depth", 4]
            run = Run(server.url, *one).finish()
        self.assertEqual(run.status, 0, run.err)
        self.assertRegex(run.out, r"the rate was not achieved: .* due for \d+\.\d ms")
        self.assertRegex(run.out, r"% of the messages waited for room on their connection")

    def test_handshakes(self):
        with Server(say_and(hang)) as server:
            server.serve = lambda peer: (shake_hands(peer), hang(peer))
            result = self.result(
                server.url, "--handshakes", "--connections", 8, "--time", 1, "--server-pid",
                os.getpid(),
            )
            accepted = server.accepted
        self.assertEqual(result["mode"], "handshakes")
        self.assertGreater(result["handshakes"], 50)
        self.assertLessEqual(result["handshakes"], accepted)
        self.assertLess(0, result["latency_p50_ns"])
        self.assertLess(0, result["server_cpu_ns"])

    def test_idle_ramp(self):
        held = []

        def serve(peer):
            for opcode, payload in messages(peer):
                held.append(os.urandom(100_000))
                peer.sendall(frame(payload, opcode))

        with Server(shaken(serve)) as server:
            result = self.result(
                server.url, "--idle-ramp", "10,50,110", "--settle", 0.3, "--server-pid",
                os.getpid(),
            )
        self.assertEqual(result["mode"], "idle-ramp")
        self.assertEqual([step["connections"] for step in result["steps"]], [0, 10, 50, 110])
        self.assertEqual(len(held), 110, "each exchanges one message")
        # There is a thread for each, too.
        self.assertGreater(result["steps"][-1]["private_bytes_per_connection"], 100_000)
        self.assertLess(result["steps"][-1]["private_bytes_per_connection"], 300_000)

    def test_what_the_server_used(self):
        with Server(echo) as server:
            run = Run(server.url, "--time", 1, "--server-pid", os.getpid()).finish()
        self.assertEqual(run.status, 0, run.err)
        self.assertRegex(run.out, r"ns of CPU a message, [\d,]+ user and [\d,]+ system")
        self.assertRegex(run.out, r"memory: [\d.]+ MiB resident, [\d.]+ private")

    def test_progress(self):
        with Server(echo) as server:
            run = Run(server.url, "--rate", 100, "--time", 5.1, "--progress", "--json").finish()
            self.assertEqual(run.status, 0, run.err)
            self.assertRegex(run.err, r"(?m)^2\.0 of 5\.1 s: [\d,]+ messages/s$")
            self.assertRegex(run.err, r"(?m)^4\.0 of 5\.1 s: ")
            self.assertEqual(len(run.out.splitlines()), 1)
            short = Run(server.url, "--rate", 100, "--time", 1, "--progress").finish()
            self.assertEqual(short.err, "")


class Limits(LoadTests):
    def test_too_few_descriptors(self):
        with Server(echo) as server:
            for options in [
                ["--connections", 100],
                ["--connections", 100, "--handshakes"],
                ["--idle-ramp", "10,100", "--server-pid", os.getpid()],
            ]:
                self.assertFails(
                    Run(server.url, *options, limits=(60, 60)),
                    r"100 connections need 132 descriptors, but this process may have only 60",
                )
            self.assertEqual(server.accepted, 0)

    def test_the_soft_limit_is_raised(self):
        with Server(echo) as server:
            few = ["--connections", 100, "--messages", 100]
            self.result(server.url, *few, limits=(60, 500))

    def test_the_server_may_open_too_few(self):
        helper = subprocess.Popen(
            [sys.executable, "-c", "input()"],
            stdin=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50)),
        )
        with helper, Server(echo) as server:
            self.assertFails(
                Run(server.url, "--idle-ramp", "10,100", "--server-pid", helper.pid),
                "the server may have only 50 descriptors open, too few for 100 connections",
            )
            helper.communicate(b"\n", timeout=PATIENCE)

    def test_there_is_no_such_process(self):
        with Server(echo) as server:
            for options in [[], ["--handshakes"], ["--idle-ramp", "3"]]:
                self.assertFails(
                    Run(server.url, *options, "--server-pid", 2**30), "process 1073741824"
                )


class Options(LoadTests):
    def test_what_does_not_go_together(self):
        ramp = ["--idle-ramp", "10,20", "--server-pid", os.getpid()]
        for options, pattern in {
            ("--arrivals", "poisson"): "--arrivals goes with --rate",
            ("--rate", 5, "--seed", 1): "--seed goes with --arrivals poisson",
            ("--rate", 0): "--rate takes",
            ("--rate", "nan"): "--rate takes",
            ("--rate", "inf"): "--rate takes",
            ("--rate", -3): ".",
            ("--fragments", 33): "--fragments takes 1 to the octets of a message, 32",
            ("--fragments", 0): "--fragments takes",
            ("--size", 0, "--fragments", 2): "--fragments takes",
            ("--settle", 1): "--settle goes with --idle-ramp",
            ("--idle-ramp", "10"): "needs --server-pid",
            ("--idle-ramp", "20,10", "--server-pid", 1): "--idle-ramp",
            ("--idle-ramp", "0,10", "--server-pid", 1): "--idle-ramp",
            ("--idle-ramp", "10,,20", "--server-pid", 1): "--idle-ramp",
            ("--idle-ramp", "", "--server-pid", 1): "--idle-ramp",
            (*ramp, "--connections", 4): "--connections does not go with --idle-ramp",
            (*ramp, "--depth", 4): "--depth does not go with --idle-ramp",
            (*ramp, "--rate", 4): "--rate does not go with --idle-ramp",
            (*ramp, "--time", 4): "--time does not go with --idle-ramp",
            (*ramp, "--handshakes"): "--idle-ramp does not go with --handshakes",
            (*ramp, "--settle", -1): ".",
            ("--handshakes", "--rate", 4): "--rate does not go with --handshakes",
            ("--handshakes", "--depth", 4): "--depth does not go with --handshakes",
            ("--handshakes", "--fragments", 1): "--fragments does not go with --handshakes",
            ("--handshakes", "--messages", 1): "--messages does not go with --handshakes",
            ("--time", 0): "--time must be above 0",
            ("--time", "nan"): "--time must be above 0",
            ("--warmup", "nan"): "--warmup not below",
            ("--connections", 0): "--connections takes",
            ("--depth", 65537): "--depth 1 to 65536",
            ("--depth", 65536, "--connections", 100000): "more than 4 GiB",
        }.items():
            with self.subTest(options):
                run = Run("ws://127.0.0.1:1/", *options).finish()
                self.assertEqual(run.status, 64, run.out + run.err)
                self.assertRegex(run.err, pattern)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("Usage: python3 Benchmarks/Tests/load.py PATH_TO_WSBENCH [options of unittest]")
    wsbench = sys.argv.pop(1)
    if not os.access(wsbench, os.X_OK):
        sys.exit(f"{wsbench} is no program")
    unittest.main(verbosity=2)
