/* Shapes of command lines: a list of arguments, a string that is split without a shell, a string for a shell.
 *
 * Splitting knows blanks, '…', "…" and backslash, and comes after interpolation; a reference is never split.
 * What only a shell understands ("&&", "|", "$NAME", …) is an error that points to `shell`. */
#include "manifest/field.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct argv {
    struct model_text *items;
    size_t count, capacity;
};

struct splitter {
    struct loader *l;
    const struct yaml_node *node;
    struct argv argv;
    struct strbuf word;     /* literal of the open part */
    struct model_text text; /* parts of the open word */
    size_t capacity;
    bool is_open;
    char quote;
    char found[3]; /* unquoted characters that only a shell understands */
};

static struct model_text *push(struct loader *l, struct argv *argv)
{
    if (argv->count == argv->capacity) {
        argv->capacity = grown(argv->capacity, 8);
        argv->items = arena_grow(l->arena, argv->items, argv->count, argv->capacity, sizeof *argv->items);
    }
    return &argv->items[argv->count++];
}

static void add_part(struct splitter *s, struct model_part part)
{
    struct model_text *text = &s->text;
    if (text->count == s->capacity) {
        s->capacity = grown(s->capacity, 2);
        text->parts = arena_grow(s->l->arena, text->parts, text->count, s->capacity, sizeof part);
    }
    text->parts[text->count++] = part;
    s->is_open = true;
}

static void end_literal(struct splitter *s)
{
    if (s->word.length)
        add_part(s, (struct model_part){.literal = arena_strdup(s->l->arena, s->word.data)});
    strbuf_truncate(&s->word, 0);
}

static void end_word(struct splitter *s)
{
    end_literal(s);
    if (!s->is_open)
        return;
    s->text.given = true;
    s->text.pos = s->node->pos;
    *push(s->l, &s->argv) = s->text;
    s->text = (struct model_text){0};
    s->capacity = 0;
    s->is_open = false;
}

/* One character; returns how many were used. */
static size_t take(struct splitter *s, const char *p)
{
    if (s->quote ? *p == s->quote : *p == '\'' || *p == '"') {
        if (s->quote)
            s->quote = '\0';
        else
            s->quote = *p;
        s->is_open = true;
        return 1;
    }
    if (!s->quote && isspace((unsigned char)*p)) {
        end_word(s);
        return 1;
    }
    if (*p == '\\' && p[1] && s->quote != '\'' && (!s->quote || strchr("\"\\$`", p[1]))) {
        strbuf_addc(&s->word, p[1]);
        s->is_open = true;
        return 2;
    }

    bool is_and = *p == '&' && (p[1] == '&' || ((!p[1] || p[1] == ' ') && !s->word.length));
    if (!s->quote && (strchr("|;<>`", *p) || is_and))
        memcpy(s->found, p, *s->found ? 0 : 1 + (p[1] == *p));
    strbuf_addc(&s->word, *p);
    s->is_open = true;
    return 1;
}

/* "$NAME" or "$(" as the file has it, outside of '…': "$$" and "${…}" are apphost's. */
static bool has_shell_variable(const char *raw)
{
    bool quoted = false;
    for (const char *p = raw; *p; p++) {
        quoted ^= *p == '\'';
        if (*p != '$' || quoted)
            continue;
        if (p[1] == '$' || p[1] == '{')
            p++;
        else if (isalpha((unsigned char)p[1]) || p[1] == '_' || p[1] == '(')
            return true;
    }
    return false;
}

static int split(struct splitter *s, const struct model_text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        const char *p = text->parts[i].literal;
        if (!p) {
            end_literal(s);
            add_part(s, text->parts[i]);
        }
        while (p && *p)
            p += take(s, p);
    }
    end_word(s);
    strbuf_free(&s->word);
    if (s->quote)
        return manifest_problem(s->l, s->node, "a quote (%c) is never closed", s->quote);
    return 0;
}

static int refuse_shell(struct loader *l, const struct yaml_node *value, const char *what, bool is_process)
{
    manifest_problem(l, value, "%s in a command needs a shell, and this one has none", what);
    manifest_hint(l, is_process ? "use `shell` instead of `command`" : "use [sh, -c, \"…\"]");
    return -1;
}

static int read_string(struct loader *l, const struct field *field, struct yaml_node *value,
                       struct argv *argv)
{
    struct model_text text;
    bool is_process = field->shape == &shape_command;
    if (manifest_text(l, value, &text) < 0)
        return -1;
    struct splitter s = {.l = l, .node = value};
    if (split(&s, &text) < 0)
        return -1;
    if (has_shell_variable(value->text))
        return refuse_shell(l, value, "a `$` variable", is_process);
    cleanup_free char *what = xasprintf("`%s`", s.found);
    if (*s.found)
        return refuse_shell(l, value, what, is_process);
    *argv = s.argv;
    return 0;
}

static int read_list(struct loader *l, const struct field *field, struct yaml_node *value, struct argv *argv)
{
    int rc = 0;
    for (size_t i = 0; i < value->count; i++) {
        struct yaml_node *item = value->items[i];
        if (item->kind != NODE_SCALAR)
            rc = manifest_problem(l, item, "an argument of `%s` must be text", field->name);
        else if (manifest_text(l, item, push(l, argv)) < 0)
            rc = -1;
    }
    return rc;
}

static int read_command(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct argv argv = {0};
    int rc;
    if (value->kind == NODE_LIST)
        rc = read_list(l, field, value, &argv);
    else
        rc = read_string(l, field, value, &argv);
    if (rc < 0)
        return -1;
    bool is_empty = !argv.count || (!argv.items[0].count && field->shape == &shape_command);
    if (is_empty)
        return manifest_problem(l, value, "`%s` is empty", field->name);
    *(struct model_text **)manifest_slot(object, field->offset) = argv.items;
    *(size_t *)manifest_slot(object, field->count_offset) = argv.count;
    return 0;
}

static int read_shell(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct argv argv = {0};
    *push(l, &argv) = model_literal(l->arena, "/bin/sh");
    *push(l, &argv) = model_literal(l->arena, "-c");
    if (manifest_text(l, value, push(l, &argv)) < 0)
        return -1;
    if (!argv.items[2].count)
        return manifest_problem(l, value, "`shell` is empty");
    *(struct model_text **)manifest_slot(object, field->offset) = argv.items;
    *(size_t *)manifest_slot(object, field->count_offset) = argv.count;
    return 0;
}

const struct shape shape_command = {.words = "a list of arguments, or a line that is split without a shell",
                                    .accept = ACCEPT_TEXT | ACCEPT_LIST,
                                    .read = read_command,
                                    .item = &shape_late};
const struct shape shape_words = {.words = "a list of arguments, or a line that is split without a shell",
                                  .accept = ACCEPT_TEXT | ACCEPT_LIST,
                                  .read = read_command,
                                  .item = &shape_late};
const struct shape shape_shell = {.words = "a line for /bin/sh", .accept = ACCEPT_TEXT, .read = read_shell};
