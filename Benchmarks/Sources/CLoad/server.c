// SPDX-License-Identifier: Apache-2.0
/* What the kernel says about the server: /proc and the counters of the CPU. */
#define _GNU_SOURCE
#include "CLoad.h"

#include <ctype.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reads the start of a file of /proc as a string. */
static int read_text(const char *path, char *text, size_t capacity)
{
    FILE *const file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    const size_t n = fread(text, 1, capacity - 1, file);
    text[n] = '\0';
    fclose(file);
    return 0;
}

/* The next thread of the process, from `tasks`; 0 behind the last. */
static pid_t next_thread(DIR *tasks)
{
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        if (isdigit((unsigned char)entry->d_name[0]))
            return (pid_t)atoi(entry->d_name);
    }
    return 0;
}

static DIR *open_tasks(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return opendir(path);
}

int cload_usage_of(pid_t pid, cload_usage *usage)
{
    memset(usage, 0, sizeof *usage);
    char path[96], text[1024];
    DIR *const tasks = open_tasks(pid);
    if (tasks == NULL)
        return -errno;
    for (pid_t thread = next_thread(tasks); thread != 0; thread = next_thread(tasks)) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)pid, (int)thread);
        if (read_text(path, text, sizeof text) == 0)
            usage->cpu_ns += strtoull(text, NULL, 10);
    }
    closedir(tasks);

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int error = read_text(path, text, sizeof text);
    if (error != 0)
        return error;
    /* The name, in brackets, may hold anything; behind it the fields count from the third. */
    const char *field = strrchr(text, ')');
    unsigned long long user = 0, kernel = 0;
    if (field == NULL
        || sscanf(
               field + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel)
            != 2)
        return -EINVAL;
    usage->user_ticks = user;
    usage->system_ticks = kernel;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    error = read_text(path, text, sizeof text);
    if (error != 0)
        return error;
    unsigned long long pages = 0;
    if (sscanf(text, "%*u %llu", &pages) != 1)
        return -EINVAL;
    usage->resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int cload_memory_of(pid_t pid, cload_memory *memory)
{
    memset(memory, 0, sizeof *memory);
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    const int error = read_text(path, text, sizeof text);
    if (error != 0)
        return error;
    const struct {
        const char *name;
        uint64_t *sum;
    } fields[] = {
        {"\nRss:", &memory->resident_bytes},
        {"\nPss:", &memory->proportional_bytes},
        {"\nPrivate_Clean:", &memory->private_bytes},
        {"\nPrivate_Dirty:", &memory->private_bytes},
        {"\nPrivate_Hugetlb:", &memory->private_bytes},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *const line = strstr(text, fields[i].name);
        if (line == NULL)
            return -EINVAL;
        *fields[i].sum += strtoull(line + strlen(fields[i].name), NULL, 10) << 10;
    }
    return 0;
}

int cload_descriptors_of(pid_t pid, uint64_t *most)
{
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) != 0)
        return -errno;
    *most = limit.rlim_cur;
    return 0;
}

/* ---- instructions ---- */

enum { THREADS_MAX = 512 };

struct cload_counters {
    size_t threads;
    int user[THREADS_MAX];
    int kernel[THREADS_MAX];
};

static int open_counter(pid_t thread, int of_kernel)
{
    struct perf_event_attr attributes = {
        .size = sizeof attributes,
        .type = PERF_TYPE_HARDWARE,
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .exclude_user = of_kernel ? 1 : 0,
        .exclude_kernel = of_kernel ? 0 : 1,
        .exclude_hv = 1,
        .inherit = 1,
    };
    return (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

cload_counters *cload_counters_open(pid_t pid, cload_failure *failure)
{
    cload_counters *const counters = calloc(1, sizeof *counters);
    DIR *const tasks = open_tasks(pid);
    if (counters == NULL || tasks == NULL) {
        snprintf(failure->text, sizeof failure->text, "%s", strerror(errno));
        free(counters);
        return NULL;
    }
    for (pid_t thread = next_thread(tasks); thread != 0 && counters->threads < THREADS_MAX;
         thread = next_thread(tasks)) {
        const int user = open_counter(thread, 0);
        const int kernel = user < 0 ? -1 : open_counter(thread, 1);
        if (kernel < 0) {
            const char *const why = errno == ENOENT || errno == EOPNOTSUPP
                ? "this CPU, or the virtual machine, has no counters"
                : strerror(errno);
            snprintf(failure->text, sizeof failure->text, "perf_event_open: %s", why);
            if (user >= 0)
                close(user);
            closedir(tasks);
            cload_counters_close(counters);
            return NULL;
        }
        counters->user[counters->threads] = user;
        counters->kernel[counters->threads] = kernel;
        counters->threads++;
    }
    closedir(tasks);
    return counters;
}

int cload_counters_read(cload_counters *counters, uint64_t *user, uint64_t *kernel)
{
    *user = 0;
    *kernel = 0;
    for (size_t i = 0; i < counters->threads; i++) {
        uint64_t of_user = 0, of_kernel = 0;
        if (read(counters->user[i], &of_user, sizeof of_user) != sizeof of_user
            || read(counters->kernel[i], &of_kernel, sizeof of_kernel) != sizeof of_kernel)
            return -EIO;
        *user += of_user;
        *kernel += of_kernel;
    }
    return 0;
}

void cload_counters_close(cload_counters *counters)
{
    if (counters == NULL)
        return;
    for (size_t i = 0; i < counters->threads; i++) {
        close(counters->user[i]);
        close(counters->kernel[i]);
    }
    free(counters);
}

uint16_t cload_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return 0;
    const int failed = bind(probe, (const struct sockaddr *)&address, size) != 0
                       || getsockname(probe, (struct sockaddr *)&address, &size) != 0;
    close(probe);
    return failed ? 0 : ntohs(address.sin_port);
}
