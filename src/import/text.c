/* Texts on their way from a compose file to a manifest: quoting, variables, paths. See internal.h. */
#include "import/internal.h"

#include "base/file.h"
#include "base/pick.h"

#include <ctype.h>
#include <string.h>

/* ---- names ---- */

char *import_name(const char *text)
{
    cleanup_strbuf struct strbuf name = {0};
    for (; *text && name.length < 60; text++) {
        if (isalnum((unsigned char)*text) && (name.length || isalpha((unsigned char)*text)))
            strbuf_addc(&name, *text);
        else if (name.length && name.data[name.length - 1] != '-')
            strbuf_addc(&name, '-');
    }
    while (name.length && name.data[name.length - 1] == '-')
        strbuf_truncate(&name, name.length - 1);
    if (name.length)
        return strbuf_take(&name);
    return xstrdup("app");
}

/* ---- quoting ---- */

static bool is_word_of_yaml(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(words[i], text))
            return true;
    return false;
}

static bool is_plain(const char *text)
{
    if (!isalnum((unsigned char)*text) && !strchr("/._", *text))
        return false;
    size_t length = strlen(text);
    bool is_odd = text[length - 1] == ':' || is_word_of_yaml(text);
    for (const char *p = text; *p; p++)
        is_odd = is_odd || !(isalnum((unsigned char)*p) || strchr("_./:@=+%-", *p));
    return !is_odd;
}

void import_put_text(struct strbuf *out, const char *text)
{
    if (*text && is_plain(text)) {
        strbuf_adds(out, text);
        return;
    }

    strbuf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            strbuf_addf(out, "\\%c", *text);
        else if (*text == '\n')
            strbuf_adds(out, "\\n");
        else if ((unsigned char)*text < ' ' || *text == 0x7F)
            strbuf_addf(out, "\\x%02x", (unsigned char)*text);
        else
            strbuf_addc(out, *text);
    }
    strbuf_addc(out, '"');
}

enum { SHOWN = 72 };

static void add_flow(struct strbuf *out, const struct yaml_node *node, int depth)
{
    if (node->kind == NODE_SCALAR) {
        import_put_text(out, node->text);
        return;
    }
    strbuf_addc(out, node->kind == NODE_MAP ? '{' : '[');
    for (size_t i = 0; i < node->count && out->length < SHOWN && depth < 4; i++) {
        strbuf_adds(out, text_if(i, ", "));
        if (node->kind == NODE_MAP)
            strbuf_addf(out, "%s: ", node->keys[i]->text);
        add_flow(out, node->items[i], depth + 1);
    }
    strbuf_addc(out, node->kind == NODE_MAP ? '}' : ']');
}

char *import_flow(const struct yaml_node *node)
{
    cleanup_strbuf struct strbuf out = {0};
    add_flow(&out, node, 0);
    if (out.length > SHOWN) {
        size_t end = SHOWN;
        while (end && ((unsigned char)out.data[end] & 0xC0) == 0x80)
            end--;
        strbuf_truncate(&out, end);
        strbuf_adds(&out, "…");
    }
    return str_printable(strbuf_text(&out));
}

/* ---- variables ---- */

static size_t name_length(const char *text)
{
    size_t n = 0;
    if (isalpha((unsigned char)*text) || *text == '_')
        while (isalnum((unsigned char)text[n]) || text[n] == '_')
            n++;
    return n;
}

/* At "$": what it becomes; returns what follows. */
static const char *put_variable(struct strbuf *out, const char *p, const char *fallback)
{
    bool is_braced = p[1] == '{';
    const char *name = p + 1 + is_braced;
    int length = (int)name_length(name);
    if (p[1] == '$') {
        strbuf_adds(out, "$$");
        return p + 2;
    }

    bool is_bare = length && (!is_braced || name[length] == '}');
    if (is_bare) {
        strbuf_addf(out, "${%.*s:-%s}", length, name, fallback);
        return name + length + is_braced;
    }
    strbuf_adds(out, text_pick(is_braced, "${", "$"));
    return name;
}

const char *import_text_or(struct import *im, const char *raw, const char *fallback)
{
    cleanup_strbuf struct strbuf out = {0};
    if (!strchr(raw, '$'))
        return raw;
    while (*raw) {
        if (*raw == '$')
            raw = put_variable(&out, raw, fallback);
        else
            strbuf_addc(&out, *raw++);
    }
    return arena_strdup(im->arena, strbuf_text(&out));
}

const char *import_text(struct import *im, const char *raw)
{
    return import_text_or(im, raw, "");
}

const char *import_cut(const char *text, char separator)
{
    int depth = 0;
    for (; *text; text++) {
        if (*text == '$' && text[1] == '{')
            depth++;
        else if (*text == '}' && depth)
            depth--;
        else if (*text == separator && !depth)
            break;
    }
    return text;
}

/* ---- nodes ---- */

size_t import_item_count(const struct yaml_node *node)
{
    if (node->kind == NODE_LIST)
        return node->count;
    return node->kind == NODE_SCALAR && !manifest_is_null(node);
}

const struct yaml_node *import_item(const struct yaml_node *node, size_t index)
{
    if (node->kind == NODE_LIST)
        return node->items[index];
    return node;
}

bool import_is_true(const struct yaml_node *node)
{
    return node && node->kind == NODE_SCALAR && !strcasecmp(node->text, "true");
}

const char *import_path(struct import *im, const struct yaml_node *node, const char *path)
{
    cleanup_free char *folder = path_dirname(node->pos.file);
    bool is_here = !strcmp(folder, ".") || *path == '/' || *path == '~' || *path == '$';
    if (is_here)
        return path;
    cleanup_free char *joined = path_join(folder, path);
    return arena_strdup(im->arena, joined);
}
