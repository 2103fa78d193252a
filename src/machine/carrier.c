/* Walks /proc; see carrier.h. */
#include "machine/carrier.h"
#include "machine/processes.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENVIRONMENT_LIMIT = 4 << 20, ANCESTORS_LIMIT = 64 };

void machine_carrier_free(struct machine_carrier *carrier)
{
    free(carrier->entry);
    free(carrier->environment);
    *carrier = (struct machine_carrier){0};
}

static const char *entry_of(const char *environment, const char *start)
{
    for (const char *entry = environment; *entry; entry += strlen(entry) + 1) {
        if (str_starts(entry, start))
            return entry;
    }
    return NULL;
}

const char *machine_carrier_value(const struct machine_carrier *carrier, const char *name)
{
    cleanup_free char *start = xasprintf("%s=", name);
    const char *entry = entry_of(carrier->environment, start);
    if (entry)
        return entry + strlen(start);
    return NULL;
}

/* ---- whom we descend from ---- */

static pid_t parent_of(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    cleanup_free char *text = file_read(path, 4096, NULL, NULL);
    const char *end_of_name = NULL;
    long parent = 0;
    if (text)
        end_of_name = strrchr(text, ')');
    if (end_of_name && sscanf(end_of_name, ") %*c %ld", &parent) == 1)
        return (pid_t)parent;
    return 0;
}

static bool is_ancestor(pid_t pid)
{
    pid_t one = getpid();
    for (int i = 0; i < ANCESTORS_LIMIT && one > 0; i++) {
        if (one == pid)
            return true;
        one = parent_of(one);
    }
    return false;
}

/* ---- the search ---- */

struct carrier_question {
    const char *start;
    machine_carrier_cb *is_meant;
    void *data;
    struct machine_carrier *carrier;
};

/* All of it, with a NUL behind the last entry's own; NULL: not ours, or gone. */
static char *environment_of(pid_t pid)
{
    char path[32];
    struct stat st;
    size_t length = 0;
    snprintf(path, sizeof path, "/proc/%ld", (long)pid);
    if (stat(path, &st) < 0 || st.st_uid != geteuid())
        return NULL;
    snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
    cleanup_free char *text = file_read(path, ENVIRONMENT_LIMIT, &length, NULL);
    if (!text || !length)
        return NULL;
    char *all = xcalloc(length + 2, 1);
    memcpy(all, text, length);
    return all;
}

static bool ask(pid_t pid, void *data)
{
    const struct carrier_question *asking = data;
    struct machine_carrier one = {.pid = pid, .environment = environment_of(pid)};
    const char *entry = NULL;
    if (one.environment)
        entry = entry_of(one.environment, asking->start);
    if (entry && !is_ancestor(pid)) {
        one.entry = xstrdup(entry);
        if (asking->is_meant(&one, asking->data)) {
            *asking->carrier = one;
            return true;
        }
    }
    machine_carrier_free(&one);
    return false;
}

bool machine_find_carrier(const char *start, machine_carrier_cb *is_meant, void *data,
                          struct machine_carrier *carrier)
{
    struct carrier_question asking = {start, is_meant, data, carrier};
    *carrier = (struct machine_carrier){0};
    machine_each_process(ask, &asking);
    return carrier->pid != 0;
}
