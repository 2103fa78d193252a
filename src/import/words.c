/* Command lines as lists of words. See internal.h. */
#include "import/internal.h"

#include "base/pick.h"

#include <ctype.h>
#include <string.h>

void words_add(struct import *im, struct word_list *words, const char *text)
{
    if (words->count == words->capacity) {
        words->capacity = grown(words->capacity, 8);
        words->items =
            arena_grow(im->arena, words->items, words->count, words->capacity, sizeof *words->items);
    }
    words->items[words->count++] = text;
}

/* One character of a line; returns what follows. */
static const char *take(struct strbuf *word, const char *p, char *quote)
{
    bool is_quote = *quote ? *p == *quote : *p == '"' || *p == '\'';
    if (is_quote) {
        if (*quote)
            *quote = '\0';
        else
            *quote = *p;
        return p + 1;
    }
    if (*p == '\\' && p[1] && *quote != '\'')
        p++;
    strbuf_addc(word, *p);
    return p + 1;
}

void words_split(struct import *im, struct word_list *words, const char *text)
{
    cleanup_strbuf struct strbuf word = {0};
    char quote = '\0';
    bool is_open = false;
    for (const char *p = text; *p;) {
        if (!quote && isspace((unsigned char)*p)) {
            if (is_open)
                words_add(im, words, arena_strdup(im->arena, strbuf_text(&word)));
            strbuf_truncate(&word, 0);
            is_open = false;
            p++;
            continue;
        }
        is_open = true;
        p = take(&word, p, &quote);
    }

    if (is_open)
        words_add(im, words, arena_strdup(im->arena, strbuf_text(&word)));
}

void words_of(struct import *im, struct word_list *words, const struct yaml_node *node)
{
    if (!node || node->kind == NODE_MAP || manifest_is_null(node))
        return;
    if (node->kind == NODE_SCALAR) {
        words_split(im, words, node->text);
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        if (node->items[i]->kind == NODE_SCALAR)
            words_add(im, words, node->items[i]->text);
}

static bool is_server_program(const char *word)
{
    const char *slash = strrchr(word, '/');
    if (slash)
        word = slash + 1;
    return !strcmp(word, "redis-server") || !strcmp(word, "valkey-server") || !strcmp(word, "GarnetServer") ||
           !strcmp(word, "redis-sentinel") || !strcmp(word, "valkey-sentinel");
}

/* A word that ends a command in a shell. */
static bool ends_command(const char *word)
{
    return !strcmp(word, "&&") || !strcmp(word, "||") || !strcmp(word, "|") || !strcmp(word, ";") ||
           !strcmp(word, "&") || !strcmp(word, "done") || !strcmp(word, "fi");
}

static const char *without_semicolon(struct import *im, const char *word, bool *is_end)
{
    size_t length = strlen(word);
    *is_end = length > 1 && word[length - 1] == ';';
    if (*is_end)
        return arena_strndup(im->arena, word, length - 1);
    return word;
}

/* From the server's program on, to the end of its command. */
static void keep_server(struct import *im, struct word_list *words)
{
    struct word_list kept = {0};
    bool is_in = false, is_end = false;
    for (size_t i = 0; i < words->count && !is_end; i++) {
        const char *word = words->items[i];
        if (is_in && ends_command(word))
            break;
        is_in = is_in || is_server_program(word);
        if (is_in)
            words_add(im, &kept, without_semicolon(im, word, &is_end));
    }
    if (is_in)
        *words = kept;
}

void words_unshell(struct import *im, struct word_list *words)
{
    struct word_list flat = {0};
    for (size_t i = 0; i < words->count; i++) {
        bool is_script = i && words->items[i - 1][0] == '-' && str_ends(words->items[i - 1], "c") &&
                         strlen(words->items[i - 1]) < 5;
        if (is_script)
            words_split(im, &flat, words->items[i]);
        else
            words_add(im, &flat, words->items[i]);
    }
    keep_server(im, &flat);
    *words = flat;
}
