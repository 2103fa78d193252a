/* Inside the library: how an error is made. Every function accepts a NULL error and returns -1. */
#ifndef CLIENT_BASE_FAIL_H
#define CLIENT_BASE_FAIL_H

#include <apphost/error.h>

__attribute__((format(printf, 4, 5))) int fail_set(struct apphost_error *error, enum apphost_code code,
                                                   const char *parameter, const char *format, ...);
int fail_memory(struct apphost_error *error);

/* A NULL or otherwise useless argument: "parameter: why". */
int fail_argument(struct apphost_error *error, const char *parameter, const char *why);

/* One of two is NULL: the first, or else the second. */
int fail_null(struct apphost_error *error, const void *first, const char *first_name,
              const char *second_name);

#endif
