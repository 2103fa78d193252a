/* The specification of a node: its canonical JSON, its hash, and what differs between two of them in human
 * words. */
#include "plan/internal.h"
#include "base/digest.h"
#include "base/pick.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

cJSON *plan_node_spec(const struct plan_node *node)
{
    cJSON *json = cJSON_CreateObject();
    record_write(&plan_record_node, node, true, json);
    return json;
}

void plan_hash_node(struct plan *plan, struct plan_node *node)
{
    cJSON *json = plan_node_spec(node);
    char *text = json_print_canonical(json);
    char sum[65];
    digest_sha256(text, strlen(text), sum);
    node->spec_hash = arena_strndup(&plan->arena, sum, 16);
    free(text);
    cJSON_Delete(json);
}

enum { MOST_DIFFERENCES = 4, MOST_SHOWN = 60 };

/* A short form of a value; late values already stand there by name, never by content. Environment values that
 * are literal may hold what the user keeps secret outside of our knowledge: they are not shown. */
static char *show(const cJSON *value, bool hidden)
{
    if (!value)
        return xstrdup("none");
    if (hidden)
        return xstrdup("(changed)");
    char *text = NULL;
    if (cJSON_IsString(value))
        text = xstrdup(value->valuestring);
    else
        text = json_print(value);
    char *safe = str_printable(text);
    free(text);
    if (strlen(safe) > MOST_SHOWN)
        strcpy(safe + MOST_SHOWN - 3, "...");
    return safe;
}

static const cJSON *by_name(const cJSON *array, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (str_eq(json_string(item, "name", NULL), name))
            return item;
    }
    return NULL;
}

static void add_difference(struct strbuf *out, int *count, const char *what, const char *change)
{
    if (++*count > MOST_DIFFERENCES)
        return;
    strbuf_addf(out, "%s%s%s", text_if(out->length > 0, "; "), what, change);
}

static void compare_named(const char *field, const cJSON *old, const cJSON *new, struct strbuf *out,
                          int *count)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, new)
    {
        const char *name = json_string(item, "name", "?");
        const cJSON *before = by_name(old, name);
        cleanup_free char *what = xasprintf("%s %s", field, name);
        if (!before)
            add_difference(out, count, what, " added");
        else if (!cJSON_Compare(before, item, true))
            add_difference(out, count, what, " changed");
    }

    cJSON_ArrayForEach(item, old)
    {
        const char *name = json_string(item, "name", "?");
        cleanup_free char *what = xasprintf("%s %s", field, name);
        if (!by_name(new, name))
            add_difference(out, count, what, " removed");
    }
}

static void compare_member(const char *field, const cJSON *old, const cJSON *new, struct strbuf *out,
                           int *count)
{
    if (cJSON_Compare(old, new, true) || (!old && !new))
        return;
    const struct record_field *row = record_find(&plan_record_run, field);
    if (row && row->sub && record_find(row->sub, "name")) {
        compare_named(field, old, new, out, count);
        return;
    }
    bool hidden = row && row->sub == &plan_record_word;
    cleanup_free char *before = show(old, hidden), *after = show(new, hidden);
    cleanup_free char *change = NULL;
    if (hidden)
        change = xstrdup(" changed");
    else
        change = xasprintf(": %s → %s", before, after);
    add_difference(out, count, field, change);
}

char *plan_explain(const cJSON *old_spec, const cJSON *new_spec)
{
    struct strbuf out = {0};
    int count = 0;
    const cJSON *old_run = json_get(old_spec, "run"), *new_run = json_get(new_spec, "run"), *item;

    cJSON_ArrayForEach(item, new_run)
    {
        compare_member(item->string, json_get(old_run, item->string), item, &out, &count);
    }
    cJSON_ArrayForEach(item, old_run)
    {
        if (!json_get(new_run, item->string))
            compare_member(item->string, item, NULL, &out, &count);
    }

    compare_member("value", json_get(old_spec, "value"), json_get(new_spec, "value"), &out, &count);
    if (count > MOST_DIFFERENCES)
        strbuf_addf(&out, "; and %d more", count - MOST_DIFFERENCES);
    return strbuf_take(&out);
}
