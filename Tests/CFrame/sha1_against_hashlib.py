#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares CFrame's SHA-1 and Base64 with Python's, on every length to 300 and on random ones.

    sha1_against_hashlib.py ./kernel_test
"""
import base64
import hashlib
import random
import subprocess
import sys

random.seed(6455)
inputs = [random.randbytes(n) for n in range(301)]
inputs += [random.randbytes(random.randrange(20_000)) for _ in range(200)]
expected = [f"{hashlib.sha1(i).hexdigest()} {base64.b64encode(i).decode()}" for i in inputs]

answer = subprocess.run(
    [sys.argv[1], "--sha1"], input="".join(i.hex() + "\n" for i in inputs),
    capture_output=True, text=True, check=True)
if answer.stdout.splitlines() != expected:
    sys.exit("sha1_against_hashlib: they differ")
print(f"sha1_against_hashlib: {len(inputs)} inputs agree")
