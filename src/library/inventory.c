/* See inventory.h. */
#include "library/inventory.h"
#include "library/curl.h"
#include "library/edit.h"
#include "library/microhttpd.h"
#include "library/openssl.h"
#include "library/zlib.h"
#include "base/names.h"

#include <dlfcn.h>
#include <string.h>
#include <uv.h>
#include <yaml.h>

static NAMES(how_names, LIBRARY_HOW_COUNT, [LIBRARY_OPENED] = "opened", [LIBRARY_LINKED] = "linked",
             [LIBRARY_WITHIN] = "within", [LIBRARY_MISSING] = "missing");

static const char *keep(struct arena *arena, const char *text)
{
    if (text)
        return arena_strdup(arena, text);
    return NULL;
}

static const char *path_of(const struct library *library, struct arena *arena)
{
    Dl_info where = {0};
    void *const *functions = library->functions;
    if (dladdr(functions[0], &where))
        return keep(arena, where.dli_fname);
    return NULL;
}

static void note_opened(struct library_entry *entry, const struct library *library, struct arena *arena)
{
    entry->how = LIBRARY_WITHIN;
    if (!library->within) {
        entry->how = LIBRARY_OPENED;
        entry->path = path_of(library, arena);
    }
    if (library->version)
        entry->version = keep(arena, library->version());
}

/* "libcurl.so.4" is called "libcurl". */
static struct library_entry late_entry(const struct library *library, struct arena *arena)
{
    cleanup_error struct error error = {0};
    struct library_entry entry = {.how = LIBRARY_MISSING, .what_for = library->what_for};
    entry.name = arena_strndup(arena, library->file, (size_t)(strstr(library->file, ".so") - library->file));
    if (library_open(library, &error) == 0) {
        note_opened(&entry, library, arena);
        return entry;
    }
    entry.error = keep(arena, error.text);
    entry.fix = keep(arena, error.hint);
    return entry;
}

static void add_linked(struct library_inventory *inventory, const char *name, const char *version)
{
    inventory->items[inventory->count++] =
        (struct library_entry){.name = name, .how = LIBRARY_LINKED, .version = version};
}

void library_inventory(struct library_inventory *inventory)
{
    static const struct library *const late[] = {&libcurl_library,       &libcrypto_library, &libssl_library,
                                                 &libmicrohttpd_library, &libedit_library,   &libz_library};
    *inventory = (struct library_inventory){0};
    for (size_t i = 0; i < sizeof late / sizeof *late; i++)
        inventory->items[inventory->count++] = late_entry(late[i], &inventory->arena);

    add_linked(inventory, "libuv", uv_version_string());
    add_linked(inventory, "libyaml", yaml_get_version_string());
    add_linked(inventory, "libcjson", cJSON_Version());
}

void library_inventory_free(struct library_inventory *inventory)
{
    arena_free(&inventory->arena);
    inventory->count = 0;
}

cJSON *library_inventory_json(const struct library_inventory *inventory)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < inventory->count; i++) {
        const struct library_entry *entry = &inventory->items[i];
        cJSON *json = cJSON_CreateObject();
        json_add_string(json, "name", entry->name);
        json_add_string(json, "how", names_text(&how_names, entry->how));
        json_add_string(json, "path", entry->path);
        json_add_string(json, "version", entry->version);
        json_add_string(json, "error", entry->error);
        json_add_string(json, "fix", entry->fix);
        json_add_string(json, "for", entry->what_for);
        cJSON_AddItemToArray(list, json);
    }
    return list;
}
