/* The supervisor's own log: standard error, which the guard shares, bounded while the session lasts.
 *
 * A session may run for weeks beside a resource that flaps. When the file has become large, its content moves
 * to supervisor.log.1 and it is cut to nothing, instead of being renamed: everybody appends to it, the guard
 * with a descriptor of its own. What cannot be kept (a full disk) is let go; the bound holds. */
#include "supervisor/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { READ_LIMIT = 64 << 20 };

static NAMES(
    level_names,
    LOG_LEVEL_COUNT, [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug");

static char *path; /* of the log, absolute; for the process's life */

static void keep_small(void)
{
    struct stat st;
    if (fstat(STDERR_FILENO, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < SUPERVISOR_LOG_LIMIT)
        return;
    cleanup_free char *old = xasprintf("%s.1", path);
    size_t length = 0;
    cleanup_free char *text = file_read_own(path, READ_LIMIT, &length, NULL);
    size_t kept = length < SUPERVISOR_LOG_LIMIT ? length : SUPERVISOR_LOG_LIMIT;
    if (text)
        file_write_atomic(old, text + length - kept, kept, 0600, NULL);
    if (ftruncate(STDERR_FILENO, 0) < 0)
        return; /* nothing to be done, and nobody to tell */
}

static void write_line(enum log_level level, const char *line, void *data)
{
    struct timespec now;
    struct tm utc;
    char stamp[32];
    (void)data;
    keep_small();
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
    dprintf(STDERR_FILENO, "%s.%03ldZ %s %s\n", stamp, now.tv_nsec / 1000000, names_text(&level_names, level),
            line);
}

void supervisor_log_to(const struct state *state)
{
    path = path_join(state_path(state), SUPERVISOR_LOG);
    log_setup(getenv(VARIABLE_DEBUG) ? LOG_DEBUG : LOG_INFO, write_line, NULL);
}
