/* room: publish */
/* Any bytes as texts that are published (separated by NULs), or as files that stand there already; the first
 * byte says which. What is written as YAML is read back as the same texts, by the library that everybody
 * reads it with, or refused; a file of our own is known, one that was changed is left as it is; what values
 * it has is learnt, and never a crash. */
#include "publish/publish.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/apphost-fuzz-XX"
                       "XX"
                       "XX";

static void remove_folder(void)
{
    file_remove_tree(folder, NULL);
}

static void make_folder(void)
{
    static bool is_ready;
    if (!is_ready && (!mkdtemp(folder) || atexit(remove_folder)))
        abort();
    is_ready = true;
}

/* ---- texts ---- */

/* Of the list that is the document's only member, under the first text. */
static void check_scalars(const char *yaml, const cJSON *list, const char *key)
{
    yaml_parser_t parser;
    yaml_event_t event;
    const cJSON *next = list->child;
    bool has_key = false, is_over = false;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, strlen(yaml));
    while (!is_over) {
        if (!yaml_parser_parse(&parser, &event))
            abort();
        is_over = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_SCALAR_EVENT) {
            const char *value = (const char *)event.data.scalar.value;
            const char *wanted = has_key ? (next ? next->valuestring : NULL) : key;
            if (!wanted || strlen(wanted) != event.data.scalar.length || strcmp(wanted, value) != 0)
                abort();
            next = has_key ? next->next : next;
            has_key = true;
        }
        yaml_event_delete(&event);
    }
    if (next)
        abort();
    yaml_parser_delete(&parser);
}

static void check_yaml(const char *texts, size_t size)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = cJSON_CreateArray();
    const char *key = NULL;
    bool is_text = true;
    for (size_t at = 0; at < size; at += strlen(texts + at) + 1) {
        const char *text = texts + at;
        is_text = is_text && str_is_utf8(text, strlen(text));
        if (key)
            cJSON_AddItemToArray(list, cJSON_CreateString(text));
        else
            key = text;
    }
    if (!key)
        key = "none";
    cJSON_AddItemToObject(document, key, list);
    const cJSON *all[] = {document};
    cleanup_free char *yaml = publish_yaml(all, 1, NULL);
    if ((yaml != NULL) != is_text)
        abort();
    if (yaml)
        check_scalars(yaml, list, key);
}

/* ---- files ---- */

static void publish(const char *text, struct publish_files *files)
{
    *files = (struct publish_files){.folder = folder};
    publish_add(files, PUBLISH_WHOLE, "compose.yaml", xstrdup(text));
}

/* What is there is foreign unless it begins with our mark; what we wrote is ours. */
static void check_marks(const char *text, size_t size)
{
    cleanup_free char *path = path_join(folder, "compose.yaml");
    cleanup_error struct error err = {0};
    struct publish_files files;
    if (file_write_atomic(path, text, size, 0600, NULL) < 0)
        abort();
    publish(text, &files);
    if (publish_look(&files, false, &err) < 0 && !error_is_set(&err))
        abort();
    if (publish_write(&files, true, NULL) < 0 || publish_look(&files, false, NULL) < 0 ||
        files.items[0].is_changed)
        abort();
    publish_free(&files);
    unlink(path);
}

/* Both kinds of file that values are taken back from. */
static void take_back(const char *text, size_t size)
{
    static const char *const names[] = {".env", "secrets/values.generated.yaml"};
    struct deployment_secret secret = {.name = "cache-password", .is_generated = true};
    struct deployment d = {.secrets = &secret, .secret_count = 1};
    struct publish_files files = {.folder = folder};
    cleanup_free char *below = path_join(folder, "secrets");
    if (file_mkdirs(below, 0700, NULL) < 0)
        abort();
    for (int i = 0; i < 2; i++) {
        cleanup_free char *path = path_join(folder, names[i]);
        cleanup_error struct error err = {0};
        if (file_write_atomic(path, text, size, 0600, NULL) < 0)
            abort();
        if (i == 0)
            publish_take_compose(&files, &d, &err);
        else
            publish_take_generated(&files, &d, &err);
        unlink(path);
    }
    arena_free(&d.arena);
    publish_free(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    cleanup_free char *bytes = xcalloc(size, 1);
    memcpy(bytes, data + 1, size - 1);
    if (*data % 2 == 0) {
        check_yaml(bytes, size - 1);
        return 0;
    }
    make_folder();
    check_marks(bytes, strlen(bytes));
    take_back(bytes, size - 1);
    return 0;
}
