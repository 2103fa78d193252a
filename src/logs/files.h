/* Private to room logs: what log files are called. */
#ifndef LOGS_FILES_H
#define LOGS_FILES_H

#include <stdbool.h>

/* "<folder>/<resource>.log", or with ".1" behind it when rotated. The caller frees. */
char *log_path(const char *folder, const char *resource, bool is_old);

#endif
