/*
 * Options as text: the whole connection string in the original's order, and single values.
 *
 * Booleans print as True and False, blank texts are left out, what was not set is left out, and secrets are
 * ***** unless asked for.
 */
#include "client_options/options.h"
#include "client_base/pick.h"
#include "client_base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value as text in `small` or in the value itself; NULL when there is none. */
static const char *show(const struct apphost_options *options, enum option_id id, char small[16])
{
    const struct option_value *value = &options->values[id];
    static const char *const proxies[] = {"None", "Twemproxy", "Envoyproxy"};

    if (!value->is_set)
        return NULL;
    switch (option_rows[id].type) {
    case OPTION_BOOL:
        if (value->number)
            return "True";
        return "False";
    case OPTION_INT:
        snprintf(small, 16, "%d", value->number);
        return small;
    case OPTION_PROXY:
        return proxies[value->number];
    case OPTION_PROTOCOL:
        if (value->number == 3)
            return "resp3";
        return "resp2";
    default:
        return value->text;
    }
}

const char *apphost_options_get(const struct apphost_options *options, const char *key)
{
    static _Thread_local char small[16];
    enum option_id id = OPT_COUNT;
    if (options && key)
        id = option_find(key);

    if (id == OPT_COUNT && options && key)
        id = option_find_config(key);
    if (id == OPT_COUNT)
        return NULL;
    return show(options, id, small);
}

static void add_part(struct text *text, const char *key, const char *value)
{
    text_addf(text, "%s%s=%s", pick(text->len, ",", ""), key, value);
}

char *apphost_options_format(const struct apphost_options *options, unsigned flags)
{
    struct text text = {0};
    char small[16];

    for (size_t i = 0; options && i < options->endpoint_count; i++)
        text_addf(&text, "%s%s", pick(i, ",", ""), options->endpoints[i].text);
    for (int i = 0; options && i < OPT_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        const char *value = NULL;
        if (row->key)
            value = show(options, (enum option_id)i, small);

        if (!value || !value[strspn(value, " \t")])
            continue;
        if (row->type == OPTION_SECRET && !(flags & APPHOST_FORMAT_SECRETS))
            value = "*****";
        add_part(&text, row->key, value);
    }
    for (size_t i = 0; options && i < options->alias_count; i++)
        text_addf(&text, "%s$%s=%s", pick(text.len, ",", ""), options->aliases[i].name,
                  options->aliases[i].alias);
    return text_take(&text);
}
