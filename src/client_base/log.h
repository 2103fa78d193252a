/* Inside the library: where log lines go. A NULL log is silent. */
#ifndef CLIENT_BASE_LOG_H
#define CLIENT_BASE_LOG_H

#include <apphost/telemetry.h>

#include <stdatomic.h>

#define LOG_REDIS "Aspire.StackExchange.Redis"
#define LOG_LEVELS "Logging:LogLevel"
#define LOG_CACHE "Microsoft.Extensions.Caching.StackExchangeRedis"

enum { LOG_RULES = 32 };

struct log_rule {
    char category[96];
    enum apphost_log_level level;
};

/* The most specific rule wins: the longest category that is a prefix. */
struct log {
    apphost_log_fn sink;
    void *user;
    atomic_bool is_silent; /* its host was closed: `user` may be gone */
    struct log_rule rules[LOG_RULES];
    size_t rule_count;
};

void log_init(struct log *log, apphost_log_fn sink, void *user);
/* "Information" for a category, or for "Default"; another word is no level, and heeded by nobody. An
 * apphost_config_fn, for what stands below LOG_LEVELS; user: the log. */
void log_add_rule(void *user, const char *category, const char *level);

__attribute__((format(printf, 4, 5))) void log_write(const struct log *log, enum apphost_log_level level,
                                                     const char *category, const char *format, ...);

#endif
