/* The program's own diagnostics: where they go and how loud. Not resource output (room logs/).
 *
 * A sink is a callback set once at start; without one, lines go to standard error. Lines never contain
 * secrets. The calling process' loop thread only. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };
typedef void log_sink(enum log_level level, const char *line, void *data);

/* level: the most detailed one that is passed on (start: LOG_WARN). sink NULL: standard error. */
void log_setup(enum log_level level, log_sink *sink, void *data);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
