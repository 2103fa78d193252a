/* Log lines: the level rules of Logging:LogLevel, and formatting. */
#include "client_base/log.h"
#include "client_base/lock.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const level_names[] = {
    [APPHOST_LOG_TRACE] = "Trace",
    [APPHOST_LOG_DEBUG] = "Debug",
    [APPHOST_LOG_INFORMATION] = "Information",
    [APPHOST_LOG_WARNING] = "Warning",
    [APPHOST_LOG_ERROR] = "Error",
    [APPHOST_LOG_CRITICAL] = "Critical",
    [APPHOST_LOG_NONE] = "None",
};

_Static_assert(sizeof(level_names) / sizeof(level_names[0]) == APPHOST_LOG_NONE + 1, "a name for each level");

const char *apphost_log_level_name(enum apphost_log_level level)
{
    if ((size_t)level < sizeof(level_names) / sizeof(level_names[0]))
        return level_names[level];
    return "None";
}

static enum apphost_log_level level_of(const struct log *log, const char *category)
{
    enum apphost_log_level level = APPHOST_LOG_INFORMATION;
    size_t longest = 0;

    for (size_t i = 0; i < log->rule_count; i++) {
        const struct log_rule *rule = &log->rules[i];
        size_t len = strlen(rule->category);
        bool is_default = strcasecmp(rule->category, "Default") == 0;
        bool is_prefix =
            strncasecmp(category, rule->category, len) == 0 && (!category[len] || category[len] == '.');

        if (is_default && longest == 0)
            level = rule->level;
        if (!is_default && is_prefix && len > longest) {
            longest = len;
            level = rule->level;
        }
    }
    return level;
}

void log_write(const struct log *log, enum apphost_log_level level, const char *category, const char *format,
               ...)
{
    char text[1024];
    va_list args;

    if (!log || !log->sink || atomic_load(&log->is_silent) || level < level_of(log, category) ||
        level >= APPHOST_LOG_NONE)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    user_code();
    log->sink(log->user, level, category, text);
}

void log_add_rule(void *user, const char *category, const char *level)
{
    struct log *log = user;

    for (int i = 0; i <= APPHOST_LOG_NONE; i++) {
        if (strcasecmp(level_names[i], level) != 0 || log->rule_count == LOG_RULES)
            continue;
        struct log_rule *rule = &log->rules[log->rule_count++];

        snprintf(rule->category, sizeof(rule->category), "%s", category);
        rule->level = (enum apphost_log_level)i;
    }
}

void log_init(struct log *log, apphost_log_fn sink, void *user)
{
    *log = (struct log){.sink = sink, .user = user};
}
