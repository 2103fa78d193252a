/* Late values: resolving and masking them, and their form in JSON (a string, or an array of strings and
 * objects).
 *
 * A resolved text may contain secrets: whoever asks for one owns it and keeps it out of logs. plan_mask() is
 * what may be shown. */
#include "base/digest.h"
#include "base/pick.h"
#include "base/str.h"
#include "plan/internal.h"
#include "plan/plan.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>

static char *json_inside(const char *text)
{
    cJSON *value = cJSON_CreateString(text);
    char *quoted = json_print(value);
    cJSON_Delete(value);
    size_t length = strlen(quoted);
    memmove(quoted, quoted + 1, length - 2);
    quoted[length - 2] = '\0';
    return quoted;
}

static char *apply_filter(enum plan_filter filter, const char *text)
{
    switch (filter) {
    case PLAN_FILTER_URI:
        return str_percent_encode(text);
    case PLAN_FILTER_REDIS_CONF:
        return redis_conf_quote(text);
    case PLAN_FILTER_JSON:
        return json_inside(text);
    case PLAN_FILTER_BASE64:
        return digest_base64(text, strlen(text), 0);
    case PLAN_FILTER_NONE:
    case PLAN_FILTER_COUNT:
        break;
    }
    return xstrdup(text);
}

static bool is_gateway(const struct plan_part *part)
{
    return part->kind == PLAN_HOST && str_eq(part->text, PLAN_HOST_GATEWAY);
}

/* What stands for it where it cannot be asked for. */
static const char *likely_host(const struct plan_part *part)
{
    if (is_gateway(part))
        return PLAN_HOST_GATEWAY;
    return PLAN_LIKELY_HOST;
}

static bool add_host(const struct plan_part *part, const struct plan_lookup *lookup, struct strbuf *out)
{
    const char *host = likely_host(part);
    if (lookup && is_gateway(part) && lookup->gateway)
        host = lookup->gateway(lookup->data);
    else if (lookup && !is_gateway(part) && lookup->host)
        host = lookup->host(lookup->data);
    return host && strbuf_adds(out, host);
}

static bool add_part(const struct plan_part *part, const struct plan_lookup *lookup, struct strbuf *out)
{
    if (part->kind == PLAN_LITERAL)
        return strbuf_adds(out, part->text), true;
    if (part->kind == PLAN_PORT) {
        int port = 0;
        if (lookup && lookup->port)
            port = lookup->port(part->text, part->endpoint, lookup->data);
        if (port > 0)
            strbuf_addf(out, "%d", port);
        return port > 0;
    }
    if (part->kind == PLAN_HOST)
        return add_host(part, lookup, out);

    const char *secret = NULL;
    if (lookup && lookup->secret)
        secret = lookup->secret(part->text, lookup->data);
    if (!secret)
        return false;
    char *filtered = apply_filter(part->filter, secret);
    strbuf_adds(out, filtered);
    mem_wipe(filtered, strlen(filtered));
    free(filtered);
    return true;
}

char *plan_resolve(const struct plan_text *text, const struct plan_lookup *lookup, const char **missing)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < text->count; i++) {
        if (add_part(&text->parts[i], lookup, &out))
            continue;
        if (missing)
            *missing = text->parts[i].text;
        mem_wipe(out.data, out.length);
        strbuf_free(&out);
        return NULL;
    }
    return strbuf_take(&out);
}

char *plan_mask(const struct plan_text *text, const struct plan_lookup *lookup)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < text->count; i++) {
        const struct plan_part *part = &text->parts[i];
        if (part->kind == PLAN_SECRET)
            strbuf_adds(&out, "***");
        else if (!add_part(part, lookup, &out))
            strbuf_addc(&out, '?');
    }
    return strbuf_take(&out);
}

bool plan_has_secret(const struct plan_text *text)
{
    for (size_t i = 0; i < text->count; i++)
        if (text->parts[i].kind == PLAN_SECRET)
            return true;
    return false;
}

static NAMES(
    filter_names, PLAN_FILTER_COUNT, [PLAN_FILTER_NONE] = "", [PLAN_FILTER_URI] = "uri",
    [PLAN_FILTER_REDIS_CONF] = "redis-conf", [PLAN_FILTER_JSON] = "json", [PLAN_FILTER_BASE64] = "base64");
static NAMES(part_names, PLAN_PART_KIND_COUNT, [PLAN_LITERAL] = "literal", [PLAN_PORT] = "port",
             [PLAN_SECRET] = "secret", [PLAN_HOST] = "host");

static cJSON *part_to_json(const struct plan_part *part)
{
    if (part->kind == PLAN_LITERAL)
        return cJSON_CreateString(part->text);
    cJSON *object = cJSON_CreateObject();
    json_add_string(object, names_text(&part_names, part->kind), part->text);
    json_add_string(object, "endpoint", part->endpoint);
    if (part->filter)
        json_add_string(object, "filter", names_text(&filter_names, part->filter));
    return object;
}

static const char *likely_text(const struct plan_part *part)
{
    if (part->kind == PLAN_HOST)
        return likely_host(part);
    return part->text;
}

/* The late host becomes what it mostly is, and one with the literals around it. */
static cJSON *settled_to_json(const struct plan_text *text)
{
    cJSON *array = cJSON_CreateArray();
    cleanup_strbuf struct strbuf literal = {0};
    for (size_t i = 0; i < text->count; i++) {
        const struct plan_part *part = &text->parts[i];
        bool is_late = part->kind == PLAN_PORT || part->kind == PLAN_SECRET;
        if (!is_late)
            strbuf_adds(&literal, likely_text(part));
        if (literal.length && (is_late || i + 1 == text->count))
            cJSON_AddItemToArray(array, cJSON_CreateString(strbuf_text(&literal)));
        if (is_late) {
            strbuf_truncate(&literal, 0);
            cJSON_AddItemToArray(array, part_to_json(part));
        }
    }

    if (json_count(array) != 1 || !cJSON_IsString(array->child))
        return array;
    cJSON *single = cJSON_DetachItemFromArray(array, 0);
    cJSON_Delete(array);
    return single;
}

static bool has_late_host(const struct plan_text *text)
{
    for (size_t i = 0; i < text->count; i++)
        if (text->parts[i].kind == PLAN_HOST)
            return true;
    return false;
}

cJSON *plan_text_to_json(const struct plan_text *text, bool is_spec)
{
    if (is_spec && has_late_host(text))
        return settled_to_json(text);
    if (text->count == 0)
        return cJSON_CreateString("");
    if (text->count == 1 && text->parts[0].kind == PLAN_LITERAL)
        return cJSON_CreateString(text->parts[0].text);
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < text->count; i++)
        cJSON_AddItemToArray(array, part_to_json(&text->parts[i]));
    return array;
}

static bool part_from_json(const cJSON *json, struct arena *arena, struct plan_part *part)
{
    if (cJSON_IsString(json)) {
        *part = (struct plan_part){.kind = PLAN_LITERAL, .text = arena_strdup(arena, json->valuestring)};
        return true;
    }

    const char *port = json_string(json, "port", NULL), *secret = json_string(json, "secret", NULL);
    const char *endpoint = json_string(json, "endpoint", NULL), *filter = json_string(json, "filter", "");
    const char *host = json_string(json, "host", NULL), *text = text_or(port, secret);
    if (!text && !host)
        return false;
    part->kind = PLAN_SECRET;
    if (port)
        part->kind = PLAN_PORT;
    if (!text)
        part->kind = PLAN_HOST;
    part->text = arena_strdup(arena, text_or(text, host));
    part->endpoint = NULL;
    if (endpoint)
        part->endpoint = arena_strdup(arena, endpoint);
    int known = names_find(&filter_names, filter);
    if (known < 0) /* a secret in the wrong form would be put where it breaks something */
        return false;
    part->filter = (enum plan_filter)known;
    return true;
}

bool plan_text_from_json(const cJSON *json, struct arena *arena, struct plan_text *text)
{
    if (cJSON_IsString(json) && !*json->valuestring)
        return true;

    bool single = cJSON_IsString(json);
    int count = 1;
    if (!single)
        count = json_count(json);
    if (count <= 0)
        return cJSON_IsArray(json);
    text->parts = arena_alloc(arena, (size_t)count * sizeof *text->parts);
    const cJSON *item = json;
    if (!single)
        item = json->child;
    for (int i = 0; i < count; i++, item = item->next)
        if (!part_from_json(item, arena, &text->parts[text->count++]))
            return false;

    return true;
}
