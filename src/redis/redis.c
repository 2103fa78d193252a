/* Starting a server of the family: the shell line and the configuration text. See redis.h for the way they
 * take.
 *
 * Facts measured on Redis 7.0, 8.0 and Valkey 8.1: dash writes a here document into a pipe and executes the
 * command; a server reads "-" from standard input; `save ""` is needed to really switch snapshots off,
 * because the built-in save points stay otherwise; up to 7.4 and in Valkey the images' entrypoint fails on
 * data it may not chown. */
#include "redis/redis.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_WITH_USERS = 6 };

const char *redis_server_name(enum model_kind kind)
{
    static const char *const servers[MODEL_KIND_COUNT] = {
        /* not all kinds are servers */
        [MODEL_REDIS] = "redis-server",
        [MODEL_VALKEY] = "valkey-server",
        [MODEL_GARNET] = "/app/GarnetServer",
    };
    if (kind >= MODEL_KIND_COUNT)
        return NULL;
    return servers[kind];
}

const char *redis_save_command(enum model_kind kind)
{
    static const char *const commands[MODEL_KIND_COUNT] = {/* not all: the others save when they end */
                                                           [MODEL_GARNET] = "COMMITAOF"};
    if (kind >= MODEL_KIND_COUNT)
        return NULL;
    return commands[kind];
}

const struct redis_native *redis_native(enum model_kind kind)
{
    static const struct redis_native native[] = {
        /* not all kinds are servers */
        [MODEL_REDIS] = {{"redis-server"}, "redis-server", {"-"}},
        [MODEL_VALKEY] = {{"valkey-server"}, "valkey-server", {"-"}},
        [MODEL_GARNET] = {{"garnet-server", "GarnetServer"}, NULL, {"--config-import-path", "/dev/stdin"}},
    };
    if (kind >= sizeof native / sizeof *native || !native[kind].programs[0])
        return NULL;
    return &native[kind];
}

char *redis_launch_line(const struct redis_launch *how)
{
    const char *server = redis_server_name(how->kind);
    /* The copy lets the server start with an environment that no longer holds its password. */
    struct strbuf line = {0};
    strbuf_adds(&line, "conf=$" VARIABLE_REDIS_CONF "; unset " VARIABLE_REDIS_CONF "\n");

    /* Readable for the user that the entrypoint drops to; nobody else is in there. */
    if (how->tls)
        strbuf_adds(&line, "umask 022\n"
                           "printf '%s\\n' \"$" VARIABLE_TLS_CERT "\" >" REDIS_TLS_CERT_FILE "\n"
                           "printf '%s\\n' \"$" VARIABLE_TLS_KEY "\" >" REDIS_TLS_KEY_FILE "\n"
                           "unset " VARIABLE_TLS_CERT " " VARIABLE_TLS_KEY "\n");
    if (!how->bypass_entrypoint)
        strbuf_addf(&line,
                    "if command -v docker-entrypoint.sh >/dev/null 2>&1; then\n"
                    "exec docker-entrypoint.sh %s - <<APPHOST_END\n$conf\nAPPHOST_END\nfi\n",
                    server);
    if (how->is_sentinel)
        strbuf_addf(&line,
                    "umask 077\nprintf '%%s' \"$conf\" >" REDIS_SENTINEL_FILE "\n"
                    "exec %s " REDIS_SENTINEL_FILE " --sentinel\n",
                    server);
    else
        strbuf_addf(&line, "exec %s - <<APPHOST_END\n$conf\nAPPHOST_END\n", server);
    return strbuf_take(&line);
}

int redis_image_major(const char *image)
{
    const char *colon = strchr(text_or(strrchr(image, '/'), image), ':');
    if (!colon || !isdigit((unsigned char)colon[1]))
        return 0;
    return atoi(colon + 1);
}

const char *redis_default_user(enum model_kind kind, const char *image)
{
    int major = 0;
    if (kind == MODEL_REDIS && image)
        major = redis_image_major(image);
    if (major && major < FIRST_WITH_USERS)
        return NULL;
    return "default";
}

bool redis_is_persistent(const struct model_redis *redis)
{
    if (redis->persistence.given)
        return !redis->persistence.off;
    return redis->data && !redis->data->read_only;
}

static void add_persistence(const struct model_redis *redis, struct strbuf *out)
{
    if (!redis_is_persistent(redis)) {
        strbuf_adds(out, "save \"\"\nappendonly no\n");
        return;
    }

    long long interval = 60, changes = 1;
    if (redis->persistence.interval_s > 0)
        interval = redis->persistence.interval_s;
    if (redis->persistence.keys_changed > 0)
        changes = redis->persistence.keys_changed;
    strbuf_addf(out, "save %lld %lld\n", interval, changes);
    strbuf_addf(out, "appendonly %s\n", redis->persistence.append_only ? "yes" : "no");
}

void redis_conf_text(const struct model_redis *redis, struct strbuf *out)
{
    /* Who may connect is decided by the published address and the password, not by protected mode, which
     * would refuse every connection through a published port. */
    const char *address = "* -::*";
    if (redis->host_network)
        address = "127.0.0.1";
    strbuf_addf(out, "bind %s\nprotected-mode no\n", address);
    if (redis->tls.on)
        strbuf_adds(out, "tls-cert-file " REDIS_TLS_CERT_FILE "\ntls-key-file " REDIS_TLS_KEY_FILE
                         "\ntls-auth-clients no\n");
    if (redis->data)
        strbuf_adds(out, "dir /data\n");
    add_persistence(redis, out);
    for (size_t i = 0; i < redis->config_count; i++)
        strbuf_addf(out, "%s %s\n", redis->config[i].name, redis->config[i].value);
}

char *redis_conf_quote(const char *text)
{
    struct strbuf out = {0};
    strbuf_addc(&out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            strbuf_addf(&out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7F)
            strbuf_addf(&out, "\\x%02x", *p);
        else
            strbuf_addc(&out, (char)*p);
    }
    strbuf_addc(&out, '"');
    return strbuf_take(&out);
}
