/* See inventory.h. */
#include "library/inventory.h"
#include "library/curl.h"
#include "library/edit.h"
#include "library/microhttpd.h"
#include "library/openssl.h"
#include "library/zlib.h"

#include <dlfcn.h>
#include <string.h>
#include <uv.h>
#include <yaml.h>

/* "libcurl.so.4" → "libcurl" */
static void add_name(cJSON *entry, const char *file)
{
    cleanup_strbuf struct strbuf name = {0};
    const char *end = strstr(file, ".so");
    strbuf_add(&name, file, (size_t)(end - file));
    json_add_string(entry, "name", strbuf_text(&name));
}

static void add_path(cJSON *entry, const struct library *library)
{
    Dl_info where = {0};
    void *const *functions = library->functions;
    if (dladdr(functions[0], &where))
        json_add_string(entry, "path", where.dli_fname);
}

static void add_opened(cJSON *entry, const struct library *library)
{
    if (library->within) {
        json_add_string(entry, "how", "within");
    } else {
        json_add_string(entry, "how", "opened");
        add_path(entry, library);
    }
    if (library->version)
        json_add_string(entry, "version", library->version());
}

static void add_late(cJSON *list, const struct library *library)
{
    cleanup_error struct error error = {0};
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    add_name(entry, library->file);
    if (library_open(library, &error) == 0) {
        add_opened(entry, library);
    } else {
        json_add_string(entry, "how", "missing");
        json_add_string(entry, "error", error.text);
        json_add_string(entry, "fix", error.hint);
    }
    json_add_string(entry, "for", library->what_for);
}

static void add_linked(cJSON *list, const char *name, const char *version)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    json_add_string(entry, "name", name);
    json_add_string(entry, "how", "linked");
    json_add_string(entry, "version", version);
}

cJSON *library_inventory(void)
{
    static const struct library *const late[] = {&libcurl_library,       &libcrypto_library, &libssl_library,
                                                 &libmicrohttpd_library, &libedit_library,   &libz_library};
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof late / sizeof *late; i++)
        add_late(list, late[i]);

    add_linked(list, "libuv", uv_version_string());
    add_linked(list, "libyaml", yaml_get_version_string());
    add_linked(list, "libcjson", cJSON_Version());
    return list;
}
