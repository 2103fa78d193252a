/* One process-wide sink for diagnostics. The state is file-local: a log sink is the one thing that every room
 * reaches and that nobody should have to pass around. */
#include "base/log.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

static enum log_level most = LOG_WARN;
static log_sink *current;
static void *current_data;

void log_setup(enum log_level level, log_sink *sink, void *data)
{
    most = level;
    current = sink;
    current_data = data;
}

bool log_enabled(enum log_level level)
{
    return level <= most;
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    va_list args;
    va_start(args, format);
    cleanup_free char *line = xvasprintf(format, args);
    va_end(args);
    if (current)
        current(level, line, current_data);
    else
        fprintf(stderr, "apphost: %s\n", line);
}
