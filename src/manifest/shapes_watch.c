/* The shape of `watch`: globs of files below the working directory. Their language is documented in
 * watch/watch.h. */
#include "manifest/field.h"

#include <string.h>

enum { MOST_GLOBS = 100, MOST_BYTES = 1000 };

/* A name of the path that is "..". */
static bool climbs(const char *glob)
{
    for (const char *at = glob; (at = strstr(at, "..")); at++) {
        bool begins = at == glob || at[-1] == '/', ends = at[2] == '\0' || at[2] == '/';
        if (begins && ends)
            return true;
    }
    return false;
}

static int check_glob(struct loader *l, const struct yaml_node *item, const char *text)
{
    const char *glob = text + (*text == '!');
    if (strlen(text) > MOST_BYTES)
        return manifest_problem(l, item, "a glob has at most %d bytes", MOST_BYTES);
    if (!*glob)
        return manifest_problem(l, item, "there is nothing behind the `!`");
    if (*glob != '/' && *glob != '~' && !climbs(glob))
        return 0;
    manifest_problem(l, item, "a glob of `watch` stays below `working_dir`");
    manifest_hint(l, "write it relative to `working_dir`, such as src/**/*.js");
    return -1;
}

static int read_globs(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    size_t count = manifest_item_count(value), kept = 0, plain = 0;
    const char **globs = arena_alloc(l->arena, (count + 1) * sizeof *globs);

    for (size_t i = 0; i < count; i++) {
        struct yaml_node *item = manifest_item(value, i);
        if (item->kind != NODE_SCALAR) {
            manifest_bad_value(l, field, item);
            continue;
        }
        const char *text = manifest_final(l, item);
        if (!text)
            continue;
        if (!*text)
            manifest_problem(l, item, "`%s` cannot be empty", field->name);
        else if (check_glob(l, item, text) == 0)
            globs[kept++] = text;
        plain += *text != '!';
    }

    if (count && !plain)
        manifest_problem(l, value, "`%s` only takes files out: nothing is left to watch", field->name);
    *(const char ***)manifest_slot(object, field->offset) = globs;
    *(size_t *)manifest_slot(object, field->count_offset) = kept;
    return 0;
}

const struct shape shape_globs = {.words = "a glob such as src/**/*.js, or a list of them",
                                  .accept = ACCEPT_TEXT | ACCEPT_LIST,
                                  .read = read_globs,
                                  .item = &shape_text,
                                  .most = MOST_GLOBS};
