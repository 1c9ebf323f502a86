// SPDX-License-Identifier: Apache-2.0
/* Makes system calls that a server has no use for, and prints what each is answered: its name and
 * the errno, 0 for success.
 *
 * Each is made so that without a filter nobody is refused it with EPERM, whatever privileges they
 * have: most have arguments that cannot be right. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
attempt(const char *name, long number, long a, long b, long c)
{
    errno = 0;
    syscall(number, a, b, c, 0L, 0L, 0L);
    printf("%s %d\n", name, errno);
}

int
main(void)
{
    attempt("connect", SYS_connect, -1, 0, 0);
    attempt("sendmsg", SYS_sendmsg, -1, 0, 0);
    attempt("socket of unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    attempt("socket of netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0);
    attempt("socketpair of tcp", SYS_socketpair, AF_INET, SOCK_STREAM, 0);
    attempt("clone into a namespace", SYS_clone, CLONE_NEWUSER | CLONE_THREAD, 0, 0);
    attempt("clone3", SYS_clone3, 0, 0, 0);
    attempt("unshare", SYS_unshare, 0, 0, 0);
    attempt("setns", SYS_setns, -1, 0, 0);
    attempt("ptrace", SYS_ptrace, PTRACE_DETACH, getpid(), 0);
    attempt("process_vm_readv", SYS_process_vm_readv, getpid(), 0, 0);
    attempt("kill", SYS_kill, getpid(), 0, 0);
    attempt("memfd_create", SYS_memfd_create, 0, 0, 0);
    attempt("execveat", SYS_execveat, -1, 0, 0);
    attempt("unlinkat", SYS_unlinkat, -1, 0, 0);
    attempt("mkdirat", SYS_mkdirat, -1, 0, 0);
    attempt("renameat2", SYS_renameat2, -1, 0, -1);
    attempt("add_key", SYS_add_key, 0, 0, 0);
    attempt("perf_event_open", SYS_perf_event_open, 0, 0, 0);
    return 0;
}
