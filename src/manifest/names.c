/* Names: their rules, and the tables of what a manifest declares. Unique without regard to case; the case is
 * kept. */
#include "manifest/loader.h"
#include "base/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 63 };

static const char *const reserved[] = {"parameters", "apphost", "docker"};

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '-';
}

/* What is wrong with a name, or NULL. */
static const char *find_fault(const char *name)
{
    size_t length = strlen(name);
    if (!length)
        return "a name cannot be empty";
    if (length > MAX_NAME)
        return "a name has at most 63 characters";
    for (const char *p = name; *p; p++)
        if (!is_name_char(*p))
            return "a name has only ASCII letters, digits and hyphens";
    if (!isalpha((unsigned char)*name))
        return "a name starts with a letter";
    if (strstr(name, "--"))
        return "a name has no two hyphens in a row";
    if (name[length - 1] == '-')
        return "a name does not end with a hyphen";
    return NULL;
}

/* The nearest text that follows the rules. May be empty. */
static char *sanitise(const char *text)
{
    struct strbuf out = {0};
    for (const char *p = text; *p && out.length < MAX_NAME; p++) {
        if (!out.length && !isalpha((unsigned char)*p))
            continue;
        if (is_name_char(*p) && *p != '-')
            strbuf_addc(&out, *p);
        else if (out.data[out.length - 1] != '-')
            strbuf_addc(&out, '-');
    }
    while (out.length && out.data[out.length - 1] == '-')
        strbuf_truncate(&out, out.length - 1);
    return strbuf_take(&out);
}

int manifest_check_name(struct loader *l, const struct yaml_node *node, const char *what, const char *name)
{
    const char *fault = find_fault(name);
    if (fault) {
        const char *article = "a";
        if (strchr("aeiou", *what))
            article = "an";
        manifest_problem(l, node, "`%s` cannot be the name of %s %s: %s", name, article, what, fault);
        cleanup_free char *better = sanitise(name);
        if (*better)
            manifest_hint(l, "for example `%s`", better);
        return -1;
    }

    bool is_resource = strcmp(what, "resource") == 0;
    for (size_t i = 0; is_resource && i < sizeof reserved / sizeof *reserved; i++)
        if (strcasecmp(name, reserved[i]) == 0)
            return manifest_problem(l, node, "`%s` cannot be the name of a resource: it is reserved", name);
    return 0;
}

char *manifest_name_of_folder(const char *folder)
{
    char *name = sanitise(path_basename(folder));
    if (*name) {
        for (char *p = name; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        return name;
    }
    free(name);
    return xstrdup("app");
}

struct declared *manifest_declared(struct declared *table, const char *name)
{
    struct declared *found = NULL;
    HASH_FIND_STR(table, name, found);
    return found;
}

static void declare(struct loader *l, struct declared *entry, struct declared **table,
                    struct declared **folded)
{
    struct declared *twin = NULL;
    HASH_FIND(hh_folded, *folded, entry->folded, strlen(entry->folded), twin);
    if (twin) {
        manifest_problem(l, entry->key, "`%s` and `%s` differ in case only", entry->name, twin->name);
        manifest_hint(l, "the first one is in line %d; names are unique without regard to case",
                      twin->key->pos.line);
    } else {
        HASH_ADD_KEYPTR(hh_folded, *folded, entry->folded, strlen(entry->folded), entry);
    }
    HASH_ADD_KEYPTR(hh, *table, entry->name, strlen(entry->name), entry);
}

void manifest_declare(struct loader *l, struct yaml_node *map, const char *what, struct declared **table,
                      struct declared **folded)
{
    for (size_t i = 0; i < map->count; i++) {
        struct declared *entry = arena_alloc(l->arena, sizeof *entry);
        cleanup_free char *lower = str_lower(map->keys[i]->text);
        *entry = (struct declared){
            .name = map->keys[i]->text, .key = map->keys[i], .value = map->items[i], .index = i};
        entry->folded = arena_strdup(l->arena, lower);
        manifest_check_name(l, entry->key, what, entry->name);
        declare(l, entry, table, folded);
    }
}

void manifest_forget(struct declared **table, struct declared **folded)
{
    HASH_CLEAR(hh_folded, *folded);
    HASH_CLEAR(hh, *table);
}

void manifest_hint_declared(struct loader *l, struct declared *table, const char *name, const char *fallback)
{
    size_t count = 0;
    const char **names = xcalloc(HASH_COUNT(table) + 1, sizeof *names);
    for (struct declared *entry = table; entry; entry = entry->hh.next)
        names[count++] = entry->name;
    manifest_hint_nearest(l, name, names, count, fallback);
    free(names);
}
