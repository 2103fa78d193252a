/* How a service lives: `restart`, `stop_*`, `healthcheck`, limits, `deploy`. See internal.h. */
#include "import/internal.h"

#include "base/pick.h"
#include "base/signals.h"

#include <stdlib.h>
#include <string.h>

/* NULL for what is not there, too. */
static const char *optional_scalar(struct import *im, const struct yaml_node *node)
{
    if (node)
        return import_scalar(im, node);
    return NULL;
}

/* ---- restart ---- */

static bool put_restart(struct service *service, const char *policy)
{
    int64_t retries;
    if (piece_is_there(service, "restart"))
        return true;
    if (!strcmp(policy, "no") || !strcmp(policy, "none"))
        piece_text(service, "restart", "never");
    else if (!strcmp(policy, "always") || !strcmp(policy, "unless-stopped") || !strcmp(policy, "any"))
        piece_text(service, "restart", "always");
    else if (!strcmp(policy, "on-failure"))
        piece_text(service, "restart", policy);
    else if (str_starts(policy, "on-failure:") && str_to_int64(policy + 11, 0, 1000000, &retries))
        strbuf_addf(piece_value(service, "restart"), "{policy: on-failure, max_retries: %d}", (int)retries);
    else
        return false;
    return true;
}

void convert_restart(struct import *im, struct service *service, const struct yaml_node *key,
                     const struct yaml_node *value)
{
    const char *policy = optional_scalar(im, value);
    if (!policy || !put_restart(service, policy))
        piece_remark(im, service, key, "restart: is no policy");
}

/* ---- stop ---- */

/* Both fields are one map; the first that is met writes it. */
void convert_stop(struct import *im, struct service *service, const struct yaml_node *key,
                  const struct yaml_node *value)
{
    (void)value;
    const char *number = optional_scalar(im, manifest_get(service->fields, "stop_signal"));
    const char *time = optional_scalar(im, manifest_get(service->fields, "stop_grace_period"));
    int64_t ms;
    bool has_signal = !strcmp(key->text, "stop_signal");
    if (has_signal && (!number || signals_find(number) <= 0)) {
        piece_remark(im, service, key, "stop_signal: %s is no signal that is known here",
                     text_or_empty(number));
        return;
    }
    if (!has_signal && (!time || !str_to_duration_ms(time, &ms) || ms < 1 || ms > 86400000)) {
        piece_remark(im, service, key, "stop_grace_period: %s is no time", text_or_empty(time));
        return;
    }

    struct strbuf *body = piece_body(service, "stop");
    if (has_signal)
        strbuf_addf(body, "      signal: %s\n", number);
    else
        strbuf_addf(body, "      timeout: %s\n", time);
}

/* ---- memory ---- */

static bool put_memory(struct import *im, struct service *service, const struct yaml_node *node)
{
    const char *text = optional_scalar(im, node);
    int64_t bytes;
    if (!text || !str_to_size(text, &bytes) || bytes < 6 * 1024 * 1024 || service->kind == SERVICE_PROCESS)
        return false;
    if (!piece_is_there(service, "memory"))
        piece_text(service, "memory", text);
    return true;
}

void convert_memory(struct import *im, struct service *service, const struct yaml_node *key,
                    const struct yaml_node *value)
{
    if (!put_memory(im, service, value))
        piece_remark(im, service, key,
                     "mem_limit: has no counterpart (containers have `memory`, from 6m on)");
}

/* ---- copies ---- */

void convert_scale(struct import *im, struct service *service, const struct yaml_node *key,
                   const struct yaml_node *value)
{
    const char *text = optional_scalar(im, value);
    int64_t count;
    bool is_number = text && str_to_int64(text, 0, 100, &count);
    if (is_number && count == 1)
        return;
    bool is_process = service->kind == SERVICE_PROCESS;
    if (is_number && count && is_process && !piece_is_there(service, "replicas"))
        strbuf_addf(piece_value(service, "replicas"), "%d", (int)count);
    else if (service->kind == SERVICE_SERVER && service->server.is_topology)
        return;
    else
        piece_remark(im, service, key,
                     "%s: %s copies: a container is one; processes have `replicas`, servers `replication`",
                     key->text, text_or(text, "other"));
}

static void take_resources(struct import *im, struct service *service, const struct yaml_node *key,
                           const struct yaml_node *value)
{
    for (size_t i = 0; value->kind == NODE_MAP && i < value->count; i++) {
        const struct yaml_node *limits = value->items[i], *at = value->keys[i];
        bool is_limits = !strcmp(at->text, "limits") && limits->kind == NODE_MAP;
        for (size_t j = 0; is_limits && j < limits->count; j++)
            if (strcmp(limits->keys[j]->text, "memory") != 0 || !put_memory(im, service, limits->items[j]))
                piece_remark(im, service, limits->keys[j],
                             "deploy.resources.limits.%s: has no counterpart here", limits->keys[j]->text);
        if (!is_limits)
            piece_remark(im, service, at, "deploy.%s.%s: nothing is reserved here", key->text, at->text);
    }
}

static void take_policy(struct import *im, struct service *service, const struct yaml_node *key,
                        const struct yaml_node *value)
{
    const struct yaml_node *condition = manifest_get(value, "condition"),
                           *most = manifest_get(value, "max_attempts");
    const char *policy = text_or(optional_scalar(im, condition), "any"), *retries = optional_scalar(im, most);
    cleanup_free char *whole = xstrdup(policy);
    if (retries && !strcmp(policy, "on-failure")) {
        free(whole);
        whole = xasprintf("on-failure:%s", retries);
    }

    if (!put_restart(service, whole))
        piece_remark(im, service, key, "deploy.restart_policy: is no policy");
    for (size_t i = 0; value->kind == NODE_MAP && i < value->count; i++) {
        const char *name = value->keys[i]->text;
        if (strcmp(name, "condition") != 0 && strcmp(name, "max_attempts") != 0)
            piece_remark(im, service, value->keys[i],
                         "deploy.restart_policy.%s: `restart` has `backoff` for that", name);
    }
}

void convert_deploy(struct import *im, struct service *service, const struct yaml_node *key,
                    const struct yaml_node *value)
{
    if (value->kind != NODE_MAP) {
        piece_remark(im, service, key, "deploy: is no map");
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        const struct yaml_node *at = value->keys[i];
        if (!strcmp(at->text, "replicas"))
            convert_scale(im, service, at, value->items[i]);
        else if (!strcmp(at->text, "resources"))
            take_resources(im, service, at, value->items[i]);
        else if (!strcmp(at->text, "restart_policy"))
            take_policy(im, service, at, value->items[i]);
        else
            piece_remark(im, service, at, "deploy.%s: is for a swarm; see `apphost deploy swarm`", at->text);
    }
}

/* ---- healthcheck ---- */

/* The path that "curl -f http://localhost:8080/health" asks, and its port; NULL: it is something else. */
static const char *http_path(struct import *im, const struct word_list *words, int *port)
{
    const char *url = NULL;
    bool is_http = false;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->items[i];
        is_http = is_http || !strcmp(word, "curl") || !strcmp(word, "wget");
        if (str_starts(word, "http://localhost") || str_starts(word, "http://127.0.0.1"))
            url = word;
        if (i && !strcmp(words->items[i - 1], "-X") && strcmp(word, "GET") != 0)
            return NULL;
    }
    if (!is_http || !url || strchr(url, '$'))
        return NULL;

    int64_t number = 80;
    const char *path = url + strcspn(url + 7, "/") + 7,
               *colon = memchr(url + 7, ':', (size_t)(path - url - 7));
    if (colon) {
        cleanup_free char *text = xstrndup(colon + 1, (size_t)(path - colon - 1));
        if (!str_to_int64(text, 1, 65535, &number))
            return NULL;
    }
    *port = (int)number;
    size_t length = strcspn(path, " ;|&");
    if (!length)
        return "/";
    return arena_strndup(im->arena, path, length);
}

static void put_exec(struct import *im, struct service *service, const struct word_list *words, bool is_shell)
{
    struct strbuf *body = piece_body(service, "ready");
    strbuf_adds(body, text_pick(is_shell, "      exec: [sh, -c, ", "      exec: ["));
    for (size_t i = 0; i < words->count; i++) {
        strbuf_adds(body, text_if(i, ", "));
        import_put_text(body, import_text(im, words->items[i]));
    }
    strbuf_adds(body, "]\n");
}

/* The words of `test` without its first; *is_shell: they are a line for a shell. */
static bool read_test(struct import *im, const struct yaml_node *test, struct word_list *words,
                      bool *is_shell)
{
    *is_shell = test->kind == NODE_SCALAR;
    if (test->kind == NODE_SCALAR) {
        words_add(im, words, test->text);
        return *test->text;
    }
    struct word_list all = {0};
    words_of(im, &all, test);
    if (all.count < 2)
        return false;
    *is_shell = !strcmp(all.items[0], "CMD-SHELL");
    for (size_t i = 1; i < all.count; i++)
        words_add(im, words, all.items[i]);
    return *is_shell || !strcmp(all.items[0], "CMD");
}

static void put_ready(struct import *im, struct service *service, const struct word_list *words,
                      bool is_shell)
{
    struct word_list flat = {0};
    int port = 0;
    for (size_t i = 0; i < words->count && is_shell; i++)
        words_split(im, &flat, words->items[i]);
    const char *path = http_path(im, is_shell ? &flat : words, &port);
    const struct port *endpoint = NULL;
    for (size_t i = 0; path && i < service->port_count; i++)
        if (service->ports[i].target == port)
            endpoint = &service->ports[i];
    if (!endpoint) {
        put_exec(im, service, words, is_shell);
        return;
    }

    struct strbuf *body = piece_body(service, "ready");
    strbuf_adds(body, "      http: ");
    import_put_text(body, path);
    strbuf_addf(body, "\n      endpoint: %s\n", endpoint->name);
}

/* Compose's times are for a service that lives; here probes are for getting ready, and follow fast. */
static void take_times(struct import *im, struct service *service, const struct yaml_node *value)
{
    for (size_t i = 0; i < value->count; i++) {
        const char *name = value->keys[i]->text, *text = optional_scalar(im, value->items[i]);
        int64_t ms;
        bool is_short =
            text && !strcmp(name, "interval") && str_to_duration_ms(text, &ms) && ms > 0 && ms <= 5000;
        if (!strcmp(name, "test") || !strcmp(name, "disable"))
            continue;
        if (is_short)
            strbuf_addf(piece_body(service, "ready"), "      interval: %s\n", text);
        else
            piece_remark(
                im, service, value->keys[i],
                "healthcheck.%s: %s: asked at short intervals, until it is ready or `timeout` is over", name,
                text_or(text, "…"));
    }
}

void convert_healthcheck(struct import *im, struct service *service, const struct yaml_node *key,
                         const struct yaml_node *value)
{
    const struct yaml_node *test = manifest_get(value, "test");
    struct word_list words = {0};
    bool is_shell = false;
    cleanup_free char *shown = import_flow(test ? test : value);
    if (service->kind == SERVICE_SERVER) {
        piece_remark(im, service, key,
                     "healthcheck: %s: is not needed; a server is ready when it answers PING", shown);
        return;
    }

    if (import_is_true(manifest_get(value, "disable")) || !test) {
        piece_remark(im, service, key, "healthcheck: %s: without `ready` the image's own check decides",
                     shown);
        return;
    }
    if (service->kind == SERVICE_PROCESS || !read_test(im, test, &words, &is_shell)) {
        piece_remark(im, service, key, "healthcheck: %s: has no counterpart; see `ready`", shown);
        return;
    }
    put_ready(im, service, &words, is_shell);
    take_times(im, service, value);
}
