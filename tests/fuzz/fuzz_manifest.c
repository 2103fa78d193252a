/* room: manifest */
/* Whatever bytes stand in a manifest: loading ends in a model or in problems that can be shown. A first byte
 * of 1 splits the rest at the first NUL into a manifest and an override. */
#include "manifest/manifest.h"
#include "base/file.h"

#include <stdint.h>
#include <stdio.h>
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
        add_file(files, "a.yaml", data, size);
        return;
    }
    add_file(files, "a.yaml", data + 1, (size_t)(cut - data) - 1);
    add_file(files, "b.yaml", cut + 1, size - (size_t)(cut + 1 - data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready && (!mkdtemp(folder) || atexit(remove_folder)))
        abort();
    is_ready = true;
    struct manifest_options options = {.project_name = "fuzz"};
    struct manifest_problems problems = {0};
    struct strbuf out = {0};
    add_files(&options.files, data, size);
    struct model *model = manifest_load(&options, &problems);
    if ((model != NULL) != (problems.errors == 0))
        abort();
    manifest_problems_print(&problems, true, &out);
    cJSON_Delete(manifest_problems_to_json(&problems));
    manifest_free(model);
    manifest_problems_free(&problems);
    strbuf_free(&out);
    strlist_free(&options.files);
    return 0;
}
