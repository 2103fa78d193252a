/* room: manifest */
/* Any text as a value of the manifest that may hold references, and as the value of a variable that it refers
 * to (what follows the first NUL): a model whose texts can be walked, or problems at a position. */
#include "manifest/manifest.h"
#include "base/file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/apphost-fuzz-XX"
                       "XX"
                       "XX";

static void remove_folder(void)
{
    file_remove_tree(folder, NULL);
}

/* The text as a quoted YAML scalar is its JSON form. */
static char *write_manifest(const char *text)
{
    cleanup_json cJSON *quoted = cJSON_CreateString(text);
    cleanup_free char *scalar = json_print(quoted);
    cleanup_free char *content =
        xasprintf("parameters:\n  p: {default: plain}\nresources:\n  cache: {type: redis}\n"
                  "  app: {type: process, command: [app, %s], environment: {A: %s}}\n",
                  scalar, scalar);
    char *path = path_join(folder, "apphost.yaml");
    if (file_write_atomic(path, content, strlen(content), 0600, NULL) < 0)
        abort();
    return path;
}

static void check(const struct manifest_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->items[i].error.text || problems->items[i].error.source.line < 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready && (!mkdtemp(folder) || atexit(remove_folder)))
        abort();
    is_ready = true;
    cleanup_free char *text = xstrndup((const char *)data, size);
    size_t rest = strlen(text) < size ? size - strlen(text) - 1 : 0;
    cleanup_free char *value = xstrndup((const char *)data + size - rest, rest);
    cleanup_free char *path = write_manifest(text);
    struct strlist environment = {0};
    struct manifest_options options = {.project_name = "fuzz"};
    struct manifest_problems problems = {0};
    struct strbuf out = {0};
    strlist_addf(&environment, "V=%s", value);
    strlist_add(&environment, "EMPTY=");
    options.environment = environment.items;
    strlist_add(&options.files, path);
    struct model *model = manifest_load(&options, &problems);
    if ((model != NULL) != (problems.errors == 0))
        abort();
    check(&problems);
    manifest_problems_print(&problems, true, &out);
    manifest_free(model);
    manifest_problems_free(&problems);
    strbuf_free(&out);
    strlist_free(&options.files);
    strlist_free(&environment);
    return 0;
}
