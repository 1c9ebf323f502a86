// SPDX-License-Identifier: Apache-2.0
/* Runs a command as in a container that refuses io_uring.
 *
 *   blocked EPERM|ENOSYS COMMAND [ARGUMENT...]
 *
 * A seccomp filter answers that error to the three system calls of io_uring, and lets all others
 * pass: EPERM as the default profiles of Docker and Kubernetes, ENOSYS as a kernel without it. The
 * command inherits the filter; no privilege is needed. Exits with 2 on a wrong usage, and with 126
 * where the filter cannot be installed or the command not be run. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#else
#error "the numbers of system calls are checked for x86_64 and arm64 only"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_K | BPF_JEQ, (value), (yes), (no))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))

static int
install(unsigned error)
{
    struct sock_filter filter[] = {
        /* Another machine's calls have other numbers, and would slip through. */
        LOAD(arch),
        IF_EQUAL(THIS_MACHINE, 1, 0),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        IF_EQUAL(__NR_io_uring_setup, 3, 0),
        IF_EQUAL(__NR_io_uring_enter, 2, 0),
        IF_EQUAL(__NR_io_uring_register, 1, 0),
        ANSWER(SECCOMP_RET_ALLOW),
        ANSWER(SECCOMP_RET_ERRNO | error),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    /* Without this the kernel takes filters from root only. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

int
main(int argc, char **argv)
{
    const char *name = argc > 2 ? argv[1] : "";
    unsigned error = strcmp(name, "EPERM") == 0 ? EPERM : strcmp(name, "ENOSYS") == 0 ? ENOSYS : 0;
    if (error == 0) {
        fprintf(stderr, "usage: blocked EPERM|ENOSYS COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (install(error) != 0) {
        fprintf(stderr, "blocked: the filter cannot be installed: %s\n", strerror(errno));
        return 126;
    }
    execvp(argv[2], &argv[2]);
    fprintf(stderr, "blocked: %s cannot be run: %s\n", argv[2], strerror(errno));
    return 126;
}
