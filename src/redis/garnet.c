/* Garnet: its configuration text and its launch line. See redis.h.
 *
 * What differs from Redis: persistence is a log of operations that is committed by time, never by the number
 * of changes, and the server saves nothing when it is stopped. Hence a short interval by default: with a
 * commit each second an orderly stop loses at most that. Not run here by our own tests, which have no image
 * of it: the texts are. */
#include "redis/redis.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { COMMIT_MS = 1000 };

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

static void add_persistence(const struct model_redis *redis, const char *folder, struct strbuf *out)
{
    if (!redis_is_persistent(redis))
        return;
    long long interval_s = redis->persistence.interval_s;
    cleanup_free char *checkpoints = xasprintf("%s/checkpoints", folder);
    strbuf_adds(out, "\"CheckpointDir\": ");
    add_string(out, checkpoints);
    strbuf_addf(out, ",\n\"Recover\": true,\n\"EnableAOF\": true,\n\"CommitFrequencyMs\": %lld,\n",
                interval_s > 0 ? interval_s * 1000 : COMMIT_MS);
}

void redis_garnet_text(const struct model_redis *redis, const char *folder, struct strbuf *out)
{
    strbuf_addf(out, "{\n\"Address\": \"%s\",\n", redis->host_network ? "127.0.0.1" : "0.0.0.0");
    add_persistence(redis, folder, out);
    for (size_t i = 0; i < redis->config_count; i++) {
        add_string(out, redis->config[i].name);
        strbuf_adds(out, ": ");
        add_value(out, redis->config[i].value);
        strbuf_adds(out, ",\n");
    }
}

char *redis_garnet_launch_line(void)
{
    /* printf is part of the shell: nothing of it is seen in an argv. */
    return xstrdup("umask 077\n"
                   "printf '%s' \"$" REDIS_CONF_VARIABLE "\" >" REDIS_GARNET_FOLDER "/garnet.conf\n"
                   "unset " REDIS_CONF_VARIABLE "\n"
                   "server=/app/GarnetServer\n"
                   "[ -x \"$server\" ] || server=GarnetServer\n"
                   "exec \"$server\" --config-import-path " REDIS_GARNET_FOLDER "/garnet.conf\n");
}
