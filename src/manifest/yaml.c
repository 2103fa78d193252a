/* YAML to nodes, from libyaml's events.
 *
 * Events and not documents, because libyaml's document API resolves "&a [*a]" into a cycle and builds
 * everything before a limit can act. Here depth, nodes and expansion are bounded while events come in. The
 * first syntax error ends the file (libyaml cannot go on); everything else that is wrong is reported and
 * reading continues.
 *
 * Merge keys: "<<: *defaults" or a list of them; a map's own keys win, then the earlier of the merged ones.
 */
#include "manifest/node.h"
#include "base/pick.h"
#include "manifest/loader.h"
#include "manifest/yaml_words.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A key of a map under construction; only maps beyond a few keys get a table. */
struct seen {
    const char *text;
    UT_hash_handle hh;
};

struct anchor {
    const char *name;
    struct yaml_node *node;
    bool is_open; /* still being built: using it would be a cycle */
    UT_hash_handle hh;
};

struct frame {
    struct yaml_node *node;
    struct yaml_node *key;    /* map: waits for its value */
    struct yaml_node *merges; /* map: what stood at "<<" */
    struct anchor *anchor;
    size_t capacity;
    struct seen *seen;
};

struct builder {
    struct loader *l;
    const char *file;
    yaml_parser_t parser;
    struct frame stack[NODE_MAX_DEPTH + 1];
    int depth;
    size_t weight; /* of all nodes so far, aliases counted as copies */
    struct anchor *anchors;
    struct yaml_node *root;
    int documents;
};

enum { LINEAR_KEYS = 24 };

static struct model_pos pos_of(const struct builder *b, yaml_mark_t mark)
{
    return (struct model_pos){b->file, (int)mark.line + 1, (int)mark.column + 1};
}

static struct yaml_node *new_node(struct builder *b, enum node_kind kind, const yaml_event_t *event)
{
    struct yaml_node *node = arena_alloc(b->l->arena, sizeof *node);
    *node = (struct yaml_node){
        .kind = kind, .pos = pos_of(b, event->start_mark), .height = 1, .weight = 1, .text = ""};
    bool one_line = event->start_mark.line == event->end_mark.line;
    node->length = 1;
    if (one_line)
        node->length = (int)(event->end_mark.column - event->start_mark.column);
    if (node->length < 1)
        node->length = 1;
    return node;
}

bool manifest_is_null(const struct yaml_node *node)
{
    return node->kind == NODE_SCALAR && node->plain &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

static struct yaml_node *find_item(const struct yaml_node *map, const char *key, bool want_key)
{
    for (size_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0) {
            if (want_key)
                return map->keys[i];
            return map->items[i];
        }
    return NULL;
}

struct yaml_node *manifest_get(const struct yaml_node *map, const char *key)
{
    return find_item(map, key, false);
}

struct yaml_node *manifest_get_key(const struct yaml_node *map, const char *key)
{
    return find_item(map, key, true);
}

static bool has_key(const struct frame *frame, const char *text)
{
    struct seen *found = NULL;
    if (frame->node->count < LINEAR_KEYS)
        return manifest_get(frame->node, text) != NULL;
    HASH_FIND_STR(frame->seen, text, found);
    return found != NULL;
}

static void remember_key(struct builder *b, struct frame *frame, size_t index)
{
    struct seen *entry = arena_alloc(b->l->arena, sizeof *entry);
    entry->text = frame->node->keys[index]->text;
    HASH_ADD_KEYPTR(hh, frame->seen, entry->text, strlen(entry->text), entry);
}

static void remember_keys(struct builder *b, struct frame *frame)
{
    size_t count = frame->node->count;
    for (size_t i = count == LINEAR_KEYS ? 0 : count - 1; count >= LINEAR_KEYS && i < count; i++)
        remember_key(b, frame, i);
}

static void grow(struct builder *b, struct frame *frame)
{
    struct yaml_node *node = frame->node;
    if (node->count < frame->capacity)
        return;
    frame->capacity = grown(frame->capacity, 4);
    size_t size = sizeof *node->items;
    node->items = arena_grow(b->l->arena, node->items, node->count, frame->capacity, size);
    if (node->kind == NODE_MAP)
        node->keys = arena_grow(b->l->arena, node->keys, node->count, frame->capacity, size);
}

static void append(struct builder *b, struct frame *frame, struct yaml_node *key, struct yaml_node *value)
{
    struct yaml_node *node = frame->node;
    grow(b, frame);
    if (key)
        node->keys[node->count] = key;
    node->items[node->count++] = value;
    if (key)
        remember_keys(b, frame);
}

static int add_weight(struct builder *b, const struct yaml_node *node, int depth)
{
    b->weight += node->weight;
    if (b->weight > NODE_MAX_COUNT)
        return manifest_problem(b->l, node, "the file expands to more than %d values", NODE_MAX_COUNT);
    if (depth + node->height > NODE_MAX_DEPTH)
        return manifest_problem(b->l, node, "more than %d levels deep", NODE_MAX_DEPTH);
    return 0;
}

/* --- merge keys --- */

static bool is_merge_key(const struct yaml_node *key)
{
    return key->plain && strcmp(key->text, "<<") == 0;
}

static void merge_map(struct builder *b, struct frame *frame, const struct yaml_node *from)
{
    if (from->kind != NODE_MAP) {
        manifest_problem(b->l, from, "`<<` merges maps, and this is %s",
                         from->kind == NODE_LIST ? "a list" : "text");
        return;
    }
    for (size_t i = 0; i < from->count; i++)
        if (!has_key(frame, from->keys[i]->text))
            append(b, frame, from->keys[i], from->items[i]);
}

static void merge_all(struct builder *b, struct frame *frame)
{
    struct yaml_node *what = frame->merges;
    if (what && what->kind == NODE_LIST)
        for (size_t i = 0; i < what->count; i++)
            merge_map(b, frame, what->items[i]);
    else if (what)
        merge_map(b, frame, what);
}

/* --- placing a finished node --- */

static int place_key(struct builder *b, struct frame *frame, struct yaml_node *node)
{
    if (node->kind != NODE_SCALAR)
        return manifest_problem(b->l, node, "a key must be text");
    frame->key = node;
    return 0;
}

static void place_value(struct builder *b, struct frame *frame, struct yaml_node *node)
{
    struct yaml_node *key = take_ptr(&frame->key);
    if (is_merge_key(key) && !frame->merges) {
        frame->merges = node;
        return;
    }
    if (has_key(frame, key->text) || is_merge_key(key)) {
        const struct yaml_node *first = manifest_get_key(frame->node, key->text);
        manifest_problem(b->l, key, "`%s` is given twice", key->text);
        if (first)
            manifest_hint(b->l, "the first one is in line %d", first->pos.line);
        return;
    }
    append(b, frame, key, node);
}

static int place(struct builder *b, struct yaml_node *node)
{
    if (!b->depth) {
        b->root = node;
        return 0;
    }
    struct frame *frame = &b->stack[b->depth - 1];
    if (frame->node->kind == NODE_MAP && !frame->key)
        return place_key(b, frame, node);
    if (frame->node->kind == NODE_MAP)
        place_value(b, frame, node);
    else
        append(b, frame, NULL, node);
    frame->node->weight += node->weight;
    if (frame->node->height <= node->height)
        frame->node->height = node->height + 1;
    return 0;
}

static struct anchor *set_anchor(struct builder *b, const yaml_char_t *name, struct yaml_node *node,
                                 bool is_open)
{
    if (!name)
        return NULL;
    struct anchor *anchor = NULL;
    HASH_FIND_STR(b->anchors, (const char *)name, anchor);
    if (!anchor) {
        anchor = arena_alloc(b->l->arena, sizeof *anchor);
        anchor->name = arena_strdup(b->l->arena, (const char *)name);
        HASH_ADD_KEYPTR(hh, b->anchors, anchor->name, strlen(anchor->name), anchor);
    }
    anchor->node = node;
    anchor->is_open = is_open;
    return anchor;
}

/* --- events --- */

static int check_tag(struct builder *b, const yaml_char_t *tag, const struct yaml_node *node)
{
    const char *text = (const char *)tag;
    if (!text || !*text || str_starts(text, "tag:yaml.org,2002:") || strcmp(text, "!") == 0)
        return 0;
    return manifest_problem(b->l, node, "the tag %s has no meaning here", text);
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
    struct yaml_node *node = new_node(b, NODE_SCALAR, event);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const char *text = (const char *)event->data.scalar.value;
    if (memchr(text, '\0', event->data.scalar.length))
        return manifest_problem(b->l, node, "a NUL character cannot stand in a manifest");
    node->text = arena_strndup(b->l->arena, text, event->data.scalar.length);
    if (check_tag(b, event->data.scalar.tag, node) < 0 || add_weight(b, node, b->depth) < 0)
        return -1;
    set_anchor(b, event->data.scalar.anchor, node, false);
    return place(b, node);
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
    struct anchor *anchor = NULL;
    const char *name = (const char *)event->data.alias.anchor;
    HASH_FIND_STR(b->anchors, name, anchor);
    struct yaml_node *here = new_node(b, NODE_SCALAR, event);

    if (!anchor) {
        manifest_problem(b->l, here, "there is no anchor `&%s` above", name);
        manifest_hint(b->l, "if text was meant, quote it: \"*%s\"", name);
        return -1;
    }
    if (anchor->is_open)
        return manifest_problem(b->l, here, "`*%s` stands inside of what it repeats", name);
    here->weight = anchor->node->weight;
    here->height = anchor->node->height;
    if (add_weight(b, here, b->depth) < 0)
        return -1;

    return place(b, anchor->node);
}

static int on_open(struct builder *b, const yaml_event_t *event, enum node_kind kind)
{
    struct yaml_node *node = new_node(b, kind, event);
    bool is_map = kind == NODE_MAP;
    node->length = 1;
    if (check_tag(b, is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag, node) < 0 ||
        add_weight(b, node, b->depth) < 0)
        return -1;
    const yaml_char_t *name;
    if (is_map)
        name = event->data.mapping_start.anchor;
    else
        name = event->data.sequence_start.anchor;
    b->stack[b->depth++] = (struct frame){.node = node, .anchor = set_anchor(b, name, node, true)};
    return 0;
}

static int on_close(struct builder *b)
{
    struct frame *frame = &b->stack[b->depth - 1];
    merge_all(b, frame);
    HASH_CLEAR(hh, frame->seen);
    b->depth--;
    if (frame->anchor && frame->anchor->node == frame->node)
        frame->anchor->is_open = false;
    return place(b, frame->node);
}

static int on_document(struct builder *b, const yaml_event_t *event)
{
    if (b->documents++ == 0)
        return 0;
    return manifest_problem_at(b->l, pos_of(b, event->start_mark), 3, "a manifest is one YAML document");
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(b, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_ALIAS_EVENT:
        return on_alias(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, event, NODE_LIST);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, event, NODE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(b);
    default:
        return 0;
    }
}

/* --- syntax errors --- */

static char character_at(const struct builder *b, struct model_pos pos, const char **line, size_t *size)
{
    *line = manifest_source_line(b->l, pos.file, pos.line, size);
    if (*line && (size_t)pos.column <= *size)
        return (*line)[pos.column - 1];
    return '\0';
}

static void hint_at_syntax(struct builder *b, struct model_pos pos, const char *what)
{
    const char *line;
    size_t size = 0;
    char c = character_at(b, pos, &line, &size);

    if (yaml_says(YAML_SAYS_ESCAPE, what))
        manifest_hint(
            b->l,
            "a backslash in double quotes starts an escape: quote it with single quotes, or write \\\\");
    else if (c == '\t')
        manifest_hint(b->l, "YAML is indented with blanks, not with tabs");
    else if (line && memmem(line, size, "${", 2))
        manifest_hint(b->l, "quote it: \"${…}\" needs quotes here");
    else if (c && strchr("@`%*&!|>", c))
        manifest_hint(b->l, "quote it: a text cannot start with `%c` otherwise", c);
    else if (yaml_says(YAML_SAYS_ALIAS | YAML_SAYS_ANCHOR, what))
        manifest_hint(b->l, "quote it: `*` and `&` at the start of a text mean something else in YAML");
    else if (yaml_says(YAML_SAYS_MAPPING, what))
        manifest_hint(b->l, "quote a text that contains \": \", or look at the indentation");
}

static void report_syntax(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    struct model_pos pos = pos_of(b, p->problem_mark);
    const char *what = text_or(p->problem, "not YAML");
    if (p->error == YAML_READER_ERROR) {
        manifest_problem_at(b->l, (struct model_pos){b->file, 1, 1}, 1, "not YAML: %s", what);
        return;
    }
    if (p->context && yaml_says(YAML_SAYS_ALIAS, p->context))
        what = "an alias (`*name`) without a name";
    manifest_problem_at(b->l, pos, 1, "not YAML: %s%s%s", what, text_if(p->context, " "),
                        text_or_empty(p->context));
    hint_at_syntax(b, pos, what);
}

static int parse_events(struct builder *b)
{
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            report_syntax(b);
            return -1;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        int rc = on_event(b, &event);
        yaml_event_delete(&event);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static void fini_builder(struct builder *b)
{
    HASH_CLEAR(hh, b->anchors);
    for (int i = 0; i < b->depth; i++)
        HASH_CLEAR(hh, b->stack[i].seen);
    yaml_parser_delete(&b->parser);
}

struct yaml_node *manifest_parse_yaml(struct loader *l, const char *file, const char *text, size_t length)
{
    struct builder *b = xcalloc(1, sizeof *b);
    b->l = l;
    b->file = file;
    if (!yaml_parser_initialize(&b->parser))
        abort();
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, length);
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    int rc = parse_events(b);
    fini_builder(b);
    struct yaml_node *root = NULL;
    if (rc >= 0)
        root = b->root;
    free(b);
    return root;
}
