/* Errors as values: filling them in, and the names of their codes. */
#include "client_base/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifndef APPHOST_VERSION
#define APPHOST_VERSION "0.0.0"
#endif

int fail_set(struct apphost_error *error, enum apphost_code code, const char *parameter, const char *format,
             ...)
{
    va_list args;

    if (!error)
        return -1;
    error->code = code;
    snprintf(error->parameter, sizeof(error->parameter), "%s", parameter ? parameter : "");
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -1;
}

int fail_memory(struct apphost_error *error)
{
    return fail_set(error, APPHOST_E_MEMORY, NULL, "out of memory");
}

int fail_argument(struct apphost_error *error, const char *parameter, const char *why)
{
    return fail_set(error, APPHOST_E_ARGUMENT, parameter, "%s: %s", parameter, why);
}

const char *apphost_code_name(enum apphost_code code)
{
    static const char *const names[] = {
        [APPHOST_OK] = "ok",
        [APPHOST_E_ARGUMENT] = "argument",
        [APPHOST_E_MEMORY] = "memory",
        [APPHOST_E_CONFIG] = "config",
        [APPHOST_E_CONNECT] = "connect",
        [APPHOST_E_AUTH] = "auth",
        [APPHOST_E_TLS] = "tls",
        [APPHOST_E_TIMEOUT] = "timeout",
        [APPHOST_E_BUSY] = "busy",
        [APPHOST_E_SERVER] = "server",
        [APPHOST_E_PROTOCOL] = "protocol",
        [APPHOST_E_UNSUPPORTED] = "unsupported",
        [APPHOST_E_CLOSED] = "closed",
        [APPHOST_E_OPEN] = "open",
        [APPHOST_E_CANCELLED] = "cancelled",
    };

    _Static_assert(sizeof(names) / sizeof(names[0]) == APPHOST_E_CANCELLED + 1, "a name for each code");
    if ((size_t)code < sizeof(names) / sizeof(names[0]))
        return names[code];
    return "unknown";
}

const char *apphost_version(void)
{
    return APPHOST_VERSION;
}

int fail_null(struct apphost_error *error, const void *first, const char *first_name, const char *second_name)
{
    if (first)
        return fail_argument(error, second_name, "is NULL");
    return fail_argument(error, first_name, "is NULL");
}
