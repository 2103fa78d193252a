/* Garnet: its configuration text and its launch line. See redis.h.
 *
 * What differs from Redis: persistence is a log of operations that is committed by time, never by the number
 * of changes, and the server saves nothing when it is stopped: it is told to before (redis_save_command), and
 * for those who are stopped by others the interval is a very short one by default.
 *
 * Garnet ignores members that it does not know, and spells them exactly. Some have other names in Garnet 2
 * than in 1: whichever stands in the manifest, both are written. */
#include "redis/redis.h"
#include "base/mem.h"
#include "base/ours.h"

#include <stdlib.h>
#include <string.h>

enum { COMMIT_MS = 10 };

static void add_string(struct strbuf *out, const char *text)
{
    strbuf_addc(out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            strbuf_addf(out, "\\%c", *p);
        else if (*p < 0x20)
            strbuf_addf(out, "\\u%04x", *p);
        else
            strbuf_addc(out, (char)*p);
    }
    strbuf_addc(out, '"');
}

/* Its reader takes numbers from strings, but not truth values. */
static void add_value(struct strbuf *out, const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        strbuf_adds(out, text);
    else
        add_string(out, text);
}

static bool is_configured(const struct model_redis *redis, const char *name)
{
    for (size_t i = 0; i < redis->config_count; i++) {
        if (strcmp(redis->config[i].name, name) == 0)
            return true;
    }
    return false;
}

static void add_persistence(const struct model_redis *redis, const char *folder, struct strbuf *out)
{
    if (!redis_is_persistent(redis))
        return;
    long long pause_ms = COMMIT_MS;
    if (redis->persistence.interval_s > 0)
        pause_ms = redis->persistence.interval_s * 1000LL;
    cleanup_free char *checkpoints = xasprintf("%s/checkpoints", folder);
    strbuf_adds(out, "\"CheckpointDir\": ");
    add_string(out, checkpoints);
    strbuf_addf(out, ",\n\"Recover\": true,\n\"EnableAOF\": true,\n\"CommitFrequencyMs\": %lld,\n", pause_ms);
    /* Its native device needs libaio, liburing and a new C library, and without them it aborts. */
    if (!is_configured(redis, "DeviceType"))
        strbuf_adds(out, "\"DeviceType\": \"RandomAccess\",\n");
}

/* Without a password it refuses whoever is not on its own loopback: behind a published port that is
 * everybody. */
static void add_protection(const struct model_redis *redis, struct strbuf *out)
{
    bool is_open = redis->password_kind == MODEL_PASSWORD_NONE && !is_configured(redis, "ProtectedMode");
    if (is_open && !redis->host_network)
        strbuf_adds(out, "\"ProtectedMode\": \"no\",\n");
}

static void add_setting(const char *name, const char *value, struct strbuf *out)
{
    add_string(out, name);
    strbuf_adds(out, ": ");
    add_value(out, value);
    strbuf_adds(out, ",\n");
}

/* The other name of a setting that Garnet 2 calls differently, or NULL. */
static const char *other_name(const char *name)
{
    static const char *const renamed[][2] = {{"MemorySize", "LogMemorySize"},
                                             {"IndexSize", "IndexMemorySize"},
                                             {"IndexMaxSize", "IndexMaxMemorySize"}};
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++) {
        if (strcmp(name, renamed[i][0]) == 0)
            return renamed[i][1];
        if (strcmp(name, renamed[i][1]) == 0)
            return renamed[i][0];
    }
    return NULL;
}

static void add_settings(const struct model_redis *redis, struct strbuf *out)
{
    for (size_t i = 0; i < redis->config_count; i++) {
        const struct model_pair *setting = &redis->config[i];
        const char *other = other_name(setting->name);
        add_setting(setting->name, setting->value, out);
        if (other && !is_configured(redis, other))
            add_setting(other, setting->value, out);
    }
}

void redis_garnet_text(const struct model_redis *redis, const char *folder, struct strbuf *out)
{
    const char *address = "0.0.0.0";
    if (redis->host_network)
        address = "127.0.0.1";
    strbuf_addf(out, "{\n\"Address\": \"%s\",\n", address);
    add_persistence(redis, folder, out);
    add_protection(redis, out);
    add_settings(redis, out);
}

char *redis_garnet_launch_line(void)
{
    /* printf is part of the shell: nothing of it is seen in an argv. */
    return xstrdup("umask 077\n"
                   "printf '%s' \"$" VARIABLE_REDIS_CONF "\" >" REDIS_GARNET_FILE "\n"
                   "unset " VARIABLE_REDIS_CONF "\n"
                   "server=/app/GarnetServer\n"
                   "[ -x \"$server\" ] || server=GarnetServer\n"
                   "exec \"$server\" --config-import-path " REDIS_GARNET_FILE "\n");
}
