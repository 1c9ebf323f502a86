// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CSimulator.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile uint64_t running_seed;

void
sim_set_seed(uint64_t seed)
{
    running_seed = seed;
}

/* Only what a signal handler may do. */
static void
say(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void
say_crash(int number)
{
    char digits[24];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    uint64_t rest = running_seed;
    do
        *--first = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    say("simulate: seed ");
    say(first);
    say(" FAILED: the process crashed: ");
    say(strsignal(number));
    say("\n  replay: script/simulate --seed ");
    say(first);
    say(" --trace\n");
    _exit(3);
}

void
sim_name_crashes(void)
{
    static const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
    struct sigaction action = {.sa_handler = say_crash};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}
