# SPDX-License-Identifier: Apache-2.0
"""script/plot on measurements that are made up.

Usage: python3 Benchmarks/Tests/plot.py [options of unittest]
"""

import json
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def compared(server, shape, rate, cpu):
    return {"server": server, "shape": shape, "mode": "closed", "connections": 64, "depth": 1,
            "size": 32, "messages_per_second": rate, "server_cpu_ns": cpu}


def loaded(connections, cpu, depth=1, size=32):
    return {"mode": "closed", "connections": connections, "depth": depth, "size": size,
            "messages_per_second": 1000.0, "server_cpu_ns": cpu}


def kernel(operation, subject, text, size, ns):
    return {"operation": operation, "subject": subject, "kernel": None, "text": text, "size": size,
            "alignment": "aligned", "bytes": float(size), "ns": {"median": ns}}


RAMP = {"mode": "idle-ramp", "steps": [
    {"connections": 0, "server_private_bytes": 1e7},
    {"connections": 1000, "server_private_bytes": 1.1e7, "private_bytes_per_connection": 1234.0}]}


class Pictures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def plot(self, *files, output="out"):
        return subprocess.run(
            [ROOT / "script/plot", "--output", self.folder / output, *map(str, files)],
            capture_output=True, text=True, timeout=300)

    def file(self, lines, name="lines.json"):
        path = self.folder / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    def draw(self, *files, **options):
        """The pictures: a text each, by name."""
        result = self.plot(*files, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        pictures = {}
        for path in map(pathlib.Path, result.stdout.split()):
            tree = xml.etree.ElementTree.parse(path)
            self.assertEqual(tree.getroot().tag, f"{SVG}svg")
            pictures[path.name] = [text.text for text in tree.iter(f"{SVG}text")]
        return pictures

    def refuse(self, because, *files):
        result = self.plot(*files)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(because, result.stderr)
        self.assertNotIn("Traceback", result.stderr)

    def test_servers(self):
        lines = []
        for noise in (1, 2, 0.5):
            lines += [compared("limit", "d1", 1000 * noise, 1000 * noise),
                      compared("callback, io_uring", "d1", 900 * noise, 1100 * noise),
                      compared("Other", "d1", 500 * noise, 3000 * noise)]
        pictures = self.draw(self.file(lines))
        self.assertEqual(set(pictures), {"cpu.svg", "throughput.svg"})
        for word in ("limit", "callback, io_uring", "Other", "1.10", "3.00", "1.00"):
            self.assertTrue(any(word in text for text in pictures["cpu.svg"]), word)
        self.assertTrue(any("0.90" in text for text in pictures["throughput.svg"]))
        self.assertTrue(any("64 connections" in text for text in pictures["cpu.svg"]))

    def test_server_without_cpu_is_left_out_of_cpu(self):
        lines = [compared("limit", "d1", 1000, 1000), compared("Other", "d1", 500, 1)]
        del lines[1]["server_cpu_ns"]
        pictures = self.draw(self.file(lines))
        self.assertFalse(any("Other" in text for text in pictures["cpu.svg"]))
        self.assertTrue(any("Other" in text for text in pictures["throughput.svg"]))

    def test_kernels(self):
        lines = [kernel("mask", subject, "binary", size, ns)
                 for size, ns in ((64, 4.0), (1024, 20.0)) for subject in ("memcpy", "mask", "naive")]
        pictures = self.draw(self.file(lines))
        self.assertEqual(set(pictures), {"kernels.svg"})
        texts = pictures["kernels.svg"]
        for word in ("Masking in place", "memcpy", "binary"):
            self.assertTrue(any(word in text for text in texts), word)
        self.assertFalse(any("naive" in text for text in texts))

    def test_best_kernel_is_drawn(self):
        lines = [kernel("fused-copy", subject, "ascii", 64, ns)
                 for subject, ns in (("memcpy", 4.0), ("fused", 8.0), ("fused", 2.0), ("fused", 9.0))]
        texts = self.draw(self.file(lines))["kernels.svg"]
        self.assertIn("ascii", texts)

    def test_curves_and_memory(self):
        files = [f"callback={self.file([loaded(1, 9000.0), loaded(64, 8000.0)], 'a.json')}",
                 f"limit={self.file([loaded(1, 8000.0), loaded(64, 7000.0)], 'b.json')}",
                 f"idle={self.file([RAMP], 'c.json')}"]
        pictures = self.draw(*files)
        self.assertEqual(set(pictures), {"curves.svg", "memory.svg"})
        for word in ("callback", "limit", "connections"):
            self.assertTrue(any(word in text for text in pictures["curves.svg"]), word)
        self.assertTrue(any("idle: 1,234 octets each" in text for text in pictures["memory.svg"]))

    def test_same_measurements_make_the_same_octets(self):
        path = self.file([compared("limit", "d1", 1000, 1000)])
        self.draw(path, output="one")
        self.draw(path, output="two")
        for name in ("cpu.svg", "throughput.svg"):
            self.assertEqual((self.folder / "one" / name).read_bytes(),
                             (self.folder / "two" / name).read_bytes())

    def test_mistakes(self):
        self.refuse("is empty", self.file([]))
        self.refuse("No such file", self.folder / "missing.json")
        self.refuse("there is no limit", self.file([compared("Other", "d1", 1, 1)]))
        self.refuse("line 1, is none of the measurements", self.file([{"mode": "handshakes"}]))
        broken = self.folder / "broken.json"
        broken.write_text("a table\n")
        self.refuse("line 1, is no object", broken)


if __name__ == "__main__":
    unittest.main()
