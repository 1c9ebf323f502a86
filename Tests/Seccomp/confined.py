#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command under a seccomp profile, as a container's runtime would.

usage: confined.py [--kill] [--without NAME]... PROFILE.json COMMAND [ARGUMENT...]

Understands of the profiles of Docker and the OCI what docs/seccomp/wsserve.json uses, and refuses
anything else. --kill ends the process at the first system call that is not listed, where the
profile would only answer an error: so a command that lives made none. --without takes a system call
out of the profile.
"""
import argparse
import ctypes
import errno
import functools
import json
import os
import pathlib
import platform
import re
import struct
import subprocess
import sys

# From linux/audit.h, by what uname calls the machine.
MACHINES = {"x86_64": ("SCMP_ARCH_X86_64", 0xC000003E), "aarch64": ("SCMP_ARCH_AARCH64", 0xC00000B7)}
X32 = 0x40000000

# From linux/filter.h and linux/seccomp.h.
LOAD, AND, IF_EQUAL, IF_AT_LEAST, ANSWER = 0x20, 0x54, 0x15, 0x35, 0x06
ALLOW, ERROR, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
INSTRUCTIONS_MAX = 4096

# Where struct seccomp_data has its fields; the machines here keep the low half of a word first.
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16

PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38


@functools.cache
def numbers():
    """The numbers of this machine's system calls by name."""
    macros = subprocess.run(
        ["clang", "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"],
        check=True, capture_output=True, text=True).stdout
    return {name: int(number) for name, number in re.findall(r"__NR_(\w+) (\d+)\n", macros)}


def instruction(code, value, yes=0, no=0):
    return struct.pack("=HBBI", code, yes, no, value)


def action_of(rule, error):
    if rule["action"] == "SCMP_ACT_ALLOW":
        return ALLOW
    if rule["action"] == "SCMP_ACT_ERRNO":
        return ERROR | rule.get("errnoRet", error)
    raise ValueError(f"an action that is not understood: {rule['action']}")


def unless(argument):
    """Instructions that compare an argument; the list of those that do not jump away, each with
    the value it wants."""
    mask, wanted = 0xFFFFFFFFFFFFFFFF, argument["value"]
    if argument["op"] == "SCMP_CMP_MASKED_EQ":
        mask, wanted = argument["value"], argument["valueTwo"]
    elif argument["op"] != "SCMP_CMP_EQ":
        raise ValueError(f"a comparison that is not understood: {argument['op']}")
    place = ARGUMENTS + 8 * argument["index"]
    return [(place, mask & 0xFFFFFFFF, wanted & 0xFFFFFFFF), (place + 4, mask >> 32, wanted >> 32)]


def rule_for(number, action, arguments):
    """The instructions that answer `action` to one system call, if its arguments are as wanted."""
    halves = [half for argument in arguments for half in unless(argument)]
    body = b""
    for index, (place, mask, wanted) in enumerate(halves):
        # Behind this comparison: three instructions for each other half, and the answer.
        rest = 3 * (len(halves) - 1 - index) + 1
        body += instruction(LOAD, place) + instruction(AND, mask)
        body += instruction(IF_EQUAL, wanted, 0, rest)
    body += instruction(ANSWER, action)
    if halves:
        # Whoever jumped away from a comparison has an argument loaded.
        body += instruction(LOAD, NUMBER)
    return instruction(IF_EQUAL, number, 0, len(body) // 8) + body


def program(profile, kill=False, without=()):
    """The filter, as the kernel reads it."""
    unknown = set(profile) - {"defaultAction", "defaultErrnoRet", "architectures", "syscalls"}
    if unknown:
        raise ValueError(f"fields that are not understood: {unknown}")
    name, machine = MACHINES[platform.machine()]
    if name not in profile["architectures"]:
        raise ValueError(f"the profile is not for {name}")
    error = profile.get("defaultErrnoRet", errno.EPERM)
    default = action_of({"action": profile["defaultAction"]}, error)
    octets = instruction(LOAD, MACHINE) + instruction(IF_EQUAL, machine, 1, 0)
    octets += instruction(ANSWER, KILL_PROCESS) + instruction(LOAD, NUMBER)
    octets += instruction(IF_AT_LEAST, X32, 0, 1) + instruction(ANSWER, KILL_PROCESS)
    for rule in profile["syscalls"]:
        unknown = set(rule) - {"comment", "names", "action", "errnoRet", "args"}
        if unknown:
            raise ValueError(f"fields that are not understood: {unknown}")
        for call in rule["names"]:
            # As the runtimes do: a call that this machine has not needs no rule.
            if call in numbers() and call not in without:
                octets += rule_for(
                    numbers()[call], action_of(rule, error), rule.get("args", []))
    octets += instruction(ANSWER, KILL_PROCESS if kill else default)
    if len(octets) // 8 > INSTRUCTIONS_MAX:
        raise ValueError("more instructions than the kernel takes")
    return octets


def confine(octets):
    """Puts this process, and all that it becomes or starts, under the filter."""
    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    # Without this the kernel takes filters from root only.
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
    filter = Program(len(octets) // 8, octets)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("profile", type=pathlib.Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.command:
        parser.error("there is no command")
    missing = set(options.without) - set(numbers())
    if missing:
        parser.error(f"no system calls are called {missing}")
    profile = json.loads(options.profile.read_text())
    confine(program(profile, options.kill, options.without))
    os.execv(options.command[0], options.command)


if __name__ == "__main__":
    sys.exit(main())
