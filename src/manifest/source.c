/* Files that a load has read, kept whole so that a problem can show its line. */
#include "manifest/loader.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* Positions of references are looked up by the thousand: finding a line must not mean reading the file. */
static void index_lines(struct source_text *source)
{
    size_t capacity = source->length / 32 + 16;
    source->lines = xreallocarray(NULL, capacity, sizeof *source->lines);
    for (const char *p = source->text, *end = p + source->length; p; p = p ? p + 1 : NULL) {
        if (source->line_count == capacity) {
            capacity *= 2;
            source->lines = xreallocarray(source->lines, capacity, sizeof *source->lines);
        }
        source->lines[source->line_count++] = (uint32_t)(p - source->text);
        p = memchr(p, '\n', (size_t)(end - p));
    }
}

struct source_text *manifest_add_source(struct loader *l, const char *name, char *text, size_t length)
{
    l->sources = xreallocarray(l->sources, l->source_count + 1, sizeof *l->sources);
    struct source_text *source = &l->sources[l->source_count++];
    *source = (struct source_text){.name = arena_strdup(l->arena, name), .text = text, .length = length};
    index_lines(source);
    return source;
}

static const struct source_text *find_source(const struct loader *l, const char *name)
{
    for (size_t i = 0; name && i < l->source_count; i++)
        if (strcmp(l->sources[i].name, name) == 0)
            return &l->sources[i];
    return NULL;
}

const char *manifest_source_line(const struct loader *l, const char *name, int line, size_t *length)
{
    const struct source_text *source = find_source(l, name);
    if (!source || line < 1 || (size_t)line > source->line_count)
        return NULL;
    const char *p = source->text + source->lines[line - 1], *end = source->text + source->length;
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    if (!stop)
        stop = end;
    *length = (size_t)(stop - p);
    if (*length && p[*length - 1] == '\r')
        --*length;
    return p;
}

void manifest_free_sources(struct loader *l)
{
    for (size_t i = 0; i < l->source_count; i++) {
        free(l->sources[i].text);
        free(l->sources[i].lines);
    }
    free(l->sources);
    l->sources = NULL;
    l->source_count = 0;
}

const char *manifest_path(struct loader *l, const struct yaml_node *node, const char *path)
{
    const struct source_text *source = find_source(l, node->pos.file);
    cleanup_free char *joined = path_join(source ? source->folder : l->model->folder, path);
    return arena_strdup(l->arena, joined);
}
