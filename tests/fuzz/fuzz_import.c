/* room: import */
/* Any bytes as a compose file: it ends in an error, or in a manifest that is YAML and that our own reader
 * loads or refuses without a crash; the texts of what was taken over never break out of their quotes. A first
 * byte of 1 splits the rest at the first NUL into a file and one that is laid over it. */
#include "import/import.h"
#include "base/file.h"
#include "base/mem.h"
#include "manifest/manifest.h"

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

static void add_file(struct strlist *files, const char *name, const uint8_t *data, size_t size)
{
    cleanup_free char *path = path_join(folder, name);
    if (file_write_atomic(path, data, size, 0600, NULL) < 0)
        abort();
    strlist_add(files, path);
}

static void add_files(struct strlist *files, const uint8_t *data, size_t size)
{
    const uint8_t *cut = size && *data == 1 ? memchr(data, 0, size) : NULL;
    if (!cut) {
        add_file(files, "compose.yaml", data, size);
        return;
    }
    add_file(files, "compose.yaml", data + 1, (size_t)(cut - data) - 1);
    add_file(files, "over.yaml", cut + 1, size - (size_t)(cut + 1 - data));
}

/* What was written is YAML: whatever else is wrong with it, our reader gets to its fields. */
static void check_manifest(const struct strbuf *text)
{
    struct manifest_options options = {.project_name = "fuzz"};
    struct manifest_problems problems = {0};
    add_file(&options.files, "apphost.yaml", (const uint8_t *)strbuf_text(text), text->length);
    struct model *model = manifest_load(&options, &problems);
    for (size_t i = 0; i < problems.count; i++)
        if (str_starts(problems.items[i].error.text, "not YAML"))
            abort();
    manifest_free(model);
    manifest_problems_free(&problems);
    strlist_free(&options.files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready && (!mkdtemp(folder) || atexit(remove_folder)))
        abort();
    is_ready = true;
    struct strlist files = {0};
    struct strbuf out = {0};
    struct import_result result = {0};
    cleanup_error struct error error = {0};
    add_files(&files, data, size);
    const struct import_request request = {.files = &files, .name = "fuzz"};

    int failed = import_compose(&request, &out, &result, &error);
    if (failed && !error_is_set(&error))
        abort();
    if (!failed)
        check_manifest(&out);
    strbuf_free(&out);
    strlist_free(&files);
    return 0;
}
