/* ${…} in scalars: variables of the environment, which are settled here, and references to resources and
 * parameters, which become parts of a text and resolve late.
 *
 * What stands before the first dot decides: a declared resource or "parameters" makes it a reference,
 * everything else is a variable. "${my-cahce.host}" would then be the variable `my` with the default
 * "cahce.host"; a default that looks like a misspelt reference is therefore an error. An operator's word
 * ("${A:-word}") is expanded only where it is used. */
#include "manifest/loader.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_NESTING = 20,
    MAX_LINE = 4096, /* beyond, a position inside of a scalar is not worth looking for */
};

struct expansion {
    struct loader *l;
    const struct yaml_node *node;
    struct strbuf literal; /* text since the last part */
    struct model_part *parts;
    size_t count, capacity;
    bool is_final; /* references must be known now */
    bool failed;
    int skipping; /* > 0: inside a word that is not used */
    int nesting;
};

static const struct {
    const char *name;
    enum model_get get;
} getters[] = {
    {"host", MODEL_GET_HOST},
    {"port", MODEL_GET_PORT},
    {"password", MODEL_GET_PASSWORD},
    {"uri", MODEL_GET_URI},
    {"url", MODEL_GET_URL},
    {"connection_string", MODEL_GET_CONNECTION_STRING},
    {"ca_file", MODEL_GET_CA_FILE},
    {"nodes", MODEL_GET_NODES},
    {"sentinels", MODEL_GET_SENTINELS},
    {"sentinel_name", MODEL_GET_SENTINEL_NAME},
};
enum { GETTERS = sizeof getters / sizeof *getters };

static int find_getter(const char *name)
{
    for (int i = 0; i < GETTERS; i++)
        if (strcmp(getters[i].name, name) == 0)
            return i;
    return -1;
}

/* --- positions inside of a scalar --- */

/* Where `text` stands in the source at or below the node; the node itself when the scalar was written
 * otherwise. */
static struct model_pos locate(const struct loader *l, const struct yaml_node *node, const char *text,
                               size_t length)
{
    struct model_pos pos = node->pos;
    size_t column = (size_t)node->pos.column - 1;

    for (int i = 0; i < 100; i++, column = 0) {
        size_t size;
        const char *line = manifest_source_line(l, node->pos.file, node->pos.line + i, &size);
        if (!line)
            break;
        if (size > MAX_LINE)
            break;
        if (column > size)
            column = size;
        const char *at = memmem(line + column, size - column, text, length);
        if (!at)
            continue;
        pos.line = node->pos.line + i;
        pos.column = 1;
        for (const char *p = line; p < at; p++)
            pos.column += ((unsigned char)*p & 0xC0) != 0x80;
        break;
    }

    return pos;
}

static int fail(struct expansion *x, const char *start, size_t length, const char *what)
{
    x->failed = true;
    struct model_pos pos = locate(x->l, x->node, start, length);
    return manifest_problem_at(x->l, pos, (int)length, "%s", what);
}

/* --- building the text --- */

static void push_part(struct expansion *x, struct model_part part)
{
    if (x->count == x->capacity) {
        x->capacity = grown(x->capacity, 2);
        x->parts = arena_grow(x->l->arena, x->parts, x->count, x->capacity, sizeof *x->parts);
    }
    x->parts[x->count++] = part;
}

static void flush_literal(struct expansion *x)
{
    if (!x->literal.length)
        return;
    push_part(x, (struct model_part){.literal = arena_strdup(x->l->arena, x->literal.data)});
    strbuf_truncate(&x->literal, 0);
}

static void add_literal(struct expansion *x, const char *text, size_t length)
{
    if (!x->skipping)
        strbuf_add(&x->literal, text, length);
}

/* --- references --- */

static void remember_use(struct loader *l, const struct model_part *part, int length)
{
    if ((l->use_count & (l->use_count - 1)) == 0)
        l->uses = xreallocarray(l->uses, l->use_count ? l->use_count * 2 : 1, sizeof *l->uses);
    l->uses[l->use_count++] = (struct late_use){.consumer = l->current, .part = *part, .length = length};
}

static int add_parameter(struct expansion *x, const char *start, size_t length, const char *name)
{
    struct loader *l = x->l;
    const struct declared *declared = manifest_declared(l->parameters, name);
    if (!declared) {
        cleanup_free char *text = xasprintf("there is no parameter `%s`", name);
        fail(x, start, length, text);
        manifest_hint_declared(l, l->parameters, name, "declare it under `parameters`");
        return -1;
    }

    const struct model_parameter *parameter = &l->model->parameters[declared->index];
    const char *known = parameter->value;
    if (!known)
        known = parameter->fallback;
    if (x->is_final && !parameter->secret && known) {
        add_literal(x, known, strlen(known));
        return 0;
    }
    if (x->is_final)
        return fail(x, start, length,
                    "a secret or generated parameter cannot stand here: it is not known yet");
    flush_literal(x);
    push_part(x, (struct model_part){.get = MODEL_GET_PARAMETER,
                                     .resource = parameter->name,
                                     .pos = locate(l, x->node, start, length)});
    return 0;
}

static int bad_getter(struct expansion *x, const char *start, size_t length, const char *got)
{
    const char *names[GETTERS];
    for (int i = 0; i < GETTERS; i++)
        names[i] = getters[i].name;
    cleanup_free char *text = xasprintf("`%s` is nothing that a reference can give", got);
    fail(x, start, length, text);
    manifest_hint_nearest(
        x->l, got, names, GETTERS,
        "host, port, password, uri, url, connection_string, ca_file, or an endpoint's name and then "
        "url, host or port");
    return -1;
}

/* `rest`: what follows the resource and its dot. Changed. */
static int add_reference(struct expansion *x, const char *start, size_t length, char *rest)
{
    struct loader *l = x->l;
    size_t head = strcspn(start + 2, ".");
    struct model_part part = {.resource = arena_strndup(l->arena, start + 2, head)};
    if (x->is_final)
        return fail(x, start, length,
                    "a reference to a resource cannot stand here: it is known only when that runs");
    char *dot = strchr(rest, '.');
    if (dot) {
        *dot = '\0';
        part.endpoint = arena_strdup(l->arena, rest);
        rest = dot + 1;
    }

    int getter = find_getter(rest);
    if (getter < 0)
        return bad_getter(x, start, length, rest);
    part.get = getters[getter].get;
    part.pos = locate(l, x->node, start, length);
    flush_literal(x);
    push_part(x, part);
    remember_use(l, &part, (int)length);
    return 0;
}

static bool is_reference_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static bool is_near_getter(const char *text)
{
    const char *names[GETTERS];
    for (int i = 0; i < GETTERS; i++)
        names[i] = getters[i].name;
    return str_nearest(text, names, GETTERS) != NULL;
}

/* Whether the whole expression looks like a reference whose resource is misspelt. A variable has no dot in
 * its name, so without a hyphen it can be nothing else. */
static bool looks_misspelt(struct expansion *x, const char *inner, size_t size, const char **head)
{
    const char *dot = memchr(inner, '.', size), *last = memrchr(inner, '.', size);
    cleanup_free char *getter = xstrndup(last + 1, size - (size_t)(last + 1 - inner));
    const char *names[1] = {"parameters"};
    *head = arena_strndup(x->l->arena, inner, (size_t)(dot - inner));
    if (!strchr(*head, '-') || str_nearest(*head, names, 1))
        return true;
    struct declared *entry = NULL;
    if (is_near_getter(getter))
        entry = x->l->resources;
    for (; entry; entry = entry->hh.next) {
        names[0] = entry->name;
        if (str_nearest(*head, names, 1))
            return true;
    }
    return false;
}

/* Reads "${name.…}" when that is what it is. 1: it was none. */
static int try_reference(struct expansion *x, const char *start, const char **after)
{
    const char *inner = start + 2, *head = NULL;
    size_t size = 0;
    while (is_reference_char(inner[size]))
        size++;
    const char *dot = memchr(inner, '.', size);
    if (!dot)
        return 1;

    cleanup_free char *name = xstrndup(inner, (size_t)(dot - inner));
    bool is_parameter = strcmp(name, "parameters") == 0;
    bool is_known = is_parameter || manifest_declared(x->l->resources, name);
    if (!is_known && !(inner[size] == '}' && looks_misspelt(x, inner, size, &head)))
        return 1;
    size_t length = size + 3;
    *after = inner + size + (inner[size] == '}');
    if (x->skipping)
        return 0;

    if (!is_known) {
        cleanup_free char *text = xasprintf("there is no resource `%s`", head);
        const char *parameters[] = {"parameters"};
        fail(x, start, length, text);
        if (str_nearest(head, parameters, 1))
            manifest_hint_nearest(x->l, head, parameters, 1, NULL);
        else
            manifest_hint_declared(x->l, x->l->resources, head, "a variable has no dot in its name");
        return -1;
    }
    if (inner[size] != '}')
        return fail(x, start, length - 1, "a reference ends with `}` after its last word; it has no default");
    cleanup_free char *rest = xstrndup(dot + 1, size - (size_t)(dot + 1 - inner));
    if (is_parameter)
        return add_parameter(x, start, length, rest);
    return add_reference(x, start, length, rest);
}

/* --- variables --- */

static const char *expand_until(struct expansion *x, const char *p, bool nested);

/* Expands or skips an operator's word; returns what follows its "}". */
static const char *expand_word(struct expansion *x, const char *word, bool is_used)
{
    x->skipping += !is_used;
    const char *end = expand_until(x, word, true);
    x->skipping -= !is_used;
    return end;
}

struct operation {
    char kind; /* '-', '?', '+', or '\0' */
    bool colon;
};

static void report_required(struct expansion *x, const char *start, const char *name, const char *message)
{
    cleanup_free char *text = NULL;
    if (*message)
        text = xasprintf("`%s` is not set: %s", name, message);
    else
        text = xasprintf("`%s` is not set", name);
    fail(x, start, strlen(name) + 2, text);
}

/* "${NAME?message}" without a value: the message is the word, expanded. */
static const char *require(struct expansion *x, const char *start, const char *word, const char *name)
{
    size_t mark = x->literal.length, parts = x->count;
    const char *end = expand_until(x, word, true);
    cleanup_free char *message = xstrdup(strbuf_text(&x->literal) + (parts == x->count ? mark : 0));
    strbuf_truncate(&x->literal, parts == x->count ? mark : 0);
    if (!x->skipping)
        report_required(x, start, name, message);
    return end;
}

static const char *apply(struct expansion *x, const char *start, const char *word, struct operation op)
{
    size_t size = strspn(start + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    cleanup_free char *name = xstrndup(start + 2, size);
    const char *value = manifest_variable(x->l, name);
    bool is_there = value && (!op.colon || *value);
    if (op.kind == '+')
        return expand_word(x, word, is_there);
    if (is_there)
        add_literal(x, value, strlen(value));
    if (is_there || op.kind == '-')
        return expand_word(x, word, !is_there);
    return require(x, start, word, name);
}

static const char *expand_plain(struct expansion *x, const char *start, const char *after)
{
    size_t size = (size_t)(after - start) - 3;
    cleanup_free char *name = xstrndup(start + 2, size);
    const char *value = manifest_variable(x->l, name);

    if (value) {
        add_literal(x, value, strlen(value));
    } else if (!x->skipping) {
        cleanup_free char *text = xasprintf("the variable `%s` is not set, and it has no default", name);
        fail(x, start, size + 3, text);
        if (manifest_declared(x->l->resources, name))
            manifest_hint(x->l,
                          "of the resource `%s` there are ${%s.host}, ${%s.port}, ${%s.connection_string} …",
                          name, name, name, name);
        else
            manifest_hint(
                x->l, "set it, put it into .env, or write ${%s:-default}; a dollar sign as such is $$", name);
    }

    return after;
}

/* At "${". Returns what follows the closing brace, or the end of the text after a problem. */
static const char *expand_expression(struct expansion *x, const char *start)
{
    const char *after = NULL;
    int rc = try_reference(x, start, &after);
    if (rc <= 0)
        return after;
    const char *p = start + 2;
    if (isalpha((unsigned char)*p) || *p == '_')
        while (isalnum((unsigned char)*p) || *p == '_')
            p++;

    if (p == start + 2 || (*p != '}' && *p != ':' && !strchr("-?+", *p ? *p : '!'))) {
        size_t length = strcspn(start, "}");
        bool is_closed = start[length] == '}';
        fail(x, start, length + is_closed,
             is_closed ? "this is neither a variable nor a reference" : "`${` without its `}`");
        manifest_hint(x->l, "${NAME}, ${NAME:-default}, ${resource.host} …; a dollar sign as such is $$");
        return start + strlen(start);
    }
    if (*p == '}')
        return expand_plain(x, start, p + 1);

    struct operation op = {.colon = *p == ':'};
    p += op.colon;
    op.kind = *p;
    if (op.kind && strchr("-?+", op.kind))
        return apply(x, start, p + 1, op);
    fail(x, start, (size_t)(p - start), "expected -, ? or + after the colon");
    return start + strlen(start);
}

/* Copies text and expands until the end, or until the "}" that closes a word. Returns what follows. */
static const char *expand_until(struct expansion *x, const char *p, bool nested)
{
    const char *start = p;
    if (++x->nesting > MAX_NESTING) {
        fail(x, p, strcspn(p, "}"), "nested too deep");
        p += strlen(p);
    }

    while (*p && !(nested && *p == '}')) {
        size_t plain = strcspn(p, nested ? "$}" : "$");
        add_literal(x, p, plain);
        p += plain;
        if (*p != '$')
            continue;
        if (p[1] == '{') {
            p = expand_expression(x, p);
            continue;
        }
        add_literal(x, "$", 1);
        p += 1 + (p[1] == '$');
    }

    x->nesting--;
    if (nested && !*p && !x->failed)
        fail(x, start, strlen(start), "`${` without its `}`");
    return p + (nested && *p == '}');
}

static int expand(struct loader *l, const struct yaml_node *node, bool is_final, struct model_text *out)
{
    struct expansion x = {.l = l, .node = node, .is_final = is_final};
    expand_until(&x, node->text, false);
    flush_literal(&x);
    mem_wipe(x.literal.data, x.literal.capacity);
    strbuf_free(&x.literal);
    *out = (struct model_text){.given = true, .pos = node->pos};
    if (x.failed)
        return -1;
    out->parts = x.parts;
    out->count = x.count;
    return 0;
}

int manifest_text(struct loader *l, const struct yaml_node *node, struct model_text *out)
{
    if (strchr(node->text, '$'))
        return expand(l, node, false, out);
    *out = (struct model_text){.given = true, .pos = node->pos};
    if (!*node->text)
        return 0;
    out->parts = arena_alloc(l->arena, sizeof *out->parts);
    out->parts->literal = node->text;
    out->count = 1;
    return 0;
}

const char *manifest_final(struct loader *l, const struct yaml_node *node)
{
    if (!strchr(node->text, '$'))
        return node->text;
    struct model_text text;
    if (expand(l, node, true, &text) < 0)
        return NULL;
    if (text.count)
        return text.parts[0].literal;
    return "";
}
