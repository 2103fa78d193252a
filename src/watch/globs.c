/* Globs: braces are taken apart first, then each pattern is a list of names that is laid over the names of a
 * path.
 *
 * The laying is the usual one for wildcards: on a mismatch only the last `**` is extended by one name, so the
 * effort is bounded by the product of both lengths. */
#include "watch/globs.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PATTERNS = 1000 };

/* ---- making ---- */

static bool is_wild(const char *name)
{
    return strpbrk(name, "*?[\\") != NULL;
}

static bool is_star(const char *name)
{
    return strcmp(name, "**") == 0;
}

static void split(const char *text, struct strlist *names)
{
    cleanup_free char *copy = xstrdup(text);
    char *save = NULL;
    for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
        bool is_again = is_star(name) && names->count && is_star(names->items[names->count - 1]);
        if (strcmp(name, ".") != 0 && !is_again)
            strlist_add(names, name);
    }
}

static struct glob_pattern *add_pattern(struct globs *globs, const char *text, bool excludes)
{
    if (globs->count == MOST_PATTERNS)
        return NULL;
    globs->patterns = xreallocarray(globs->patterns, globs->count + 1, sizeof *globs->patterns);
    struct glob_pattern *pattern = &globs->patterns[globs->count++];
    *pattern = (struct glob_pattern){.excludes = excludes};
    split(text, &pattern->names);
    return pattern;
}

/* One that ends in a plain name may name a folder: then all below is meant. */
static void add(struct globs *globs, const char *text, bool excludes)
{
    const struct glob_pattern *pattern = add_pattern(globs, text, excludes);
    if (!pattern)
        return;
    size_t count = pattern->names.count;
    if (count && is_wild(pattern->names.items[count - 1]))
        return;
    cleanup_free char *below = xasprintf("%s/**", text);
    add_pattern(globs, below, excludes);
}

/* The brace that closes the one at `open`, or NULL. */
static const char *find_close(const char *open)
{
    int depth = 0;
    for (const char *p = open; *p; p++) {
        depth += (*p == '{') - (*p == '}');
        if (!depth)
            return p;
    }
    return NULL;
}

/* The first brace that has a comma inside: alternatives one by one, each with the rest behind it. */
static void expand(struct globs *globs, const char *text, bool excludes)
{
    const char *open = strchr(text, '{'), *close = open ? find_close(open) : NULL;
    if (!close || globs->count == MOST_PATTERNS) {
        add(globs, text, excludes);
        return;
    }

    int depth = 0;
    const char *from = open + 1;
    for (const char *p = from; p <= close; p++) {
        bool ends = !depth && (*p == ',' || p == close);
        depth += (*p == '{') - (*p == '}');
        if (!ends)
            continue;
        cleanup_free char *one =
            xasprintf("%.*s%.*s%s", (int)(open - text), text, (int)(p - from), from, close + 1);
        expand(globs, one, excludes);
        from = p + 1;
    }
}

void globs_init(struct globs *globs, const char *const *texts, size_t count)
{
    *globs = (struct globs){0};
    for (size_t i = 0; i < count; i++) {
        bool excludes = texts[i][0] == '!';
        expand(globs, texts[i] + excludes, excludes);
    }
}

void globs_fini(struct globs *globs)
{
    for (size_t i = 0; i < globs->count; i++)
        strlist_free(&globs->patterns[i].names);
    free(globs->patterns);
    *globs = (struct globs){0};
}

/* ---- laying over ---- */

/* What a wildcard may stand for. */
static bool is_common(const char *name)
{
    return name[0] != '.' && strcmp(name, "node_modules") != 0;
}

static bool fits(const char *pattern, const char *name)
{
    if (!is_wild(pattern))
        return strcmp(pattern, name) == 0;
    return strcmp(name, "node_modules") != 0 && fnmatch(pattern, name, FNM_PERIOD) == 0;
}

/* is_part: the path is a folder, and something below it is enough. */
static bool covers(const struct strlist *pattern, const struct strlist *path, bool is_part)
{
    size_t at = 0, star = SIZE_MAX, mark = 0;

    for (size_t i = 0; i < path->count;) {
        if (at < pattern->count && is_star(pattern->items[at])) {
            star = at++;
            mark = i;
        } else if (at < pattern->count && fits(pattern->items[at], path->items[i])) {
            i++;
            at++;
        } else if (star != SIZE_MAX && is_common(path->items[mark])) {
            at = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }

    if (is_part)
        return at < pattern->count || star != SIZE_MAX;

    while (at < pattern->count && is_star(pattern->items[at]))
        at++;
    return at == pattern->count;
}

/* It, or a folder that it is in. */
static bool is_excluded(const struct globs *globs, const struct strlist *path)
{
    for (size_t i = 0; i < globs->count; i++) {
        for (size_t n = 1; globs->patterns[i].excludes && n <= path->count; n++) {
            const struct strlist part = {path->items, n, n};
            if (covers(&globs->patterns[i].names, &part, false))
                return true;
        }
    }
    return false;
}

static bool is_meant(const struct globs *globs, const char *text, bool is_part)
{
    cleanup_strlist struct strlist path = {0};
    split(text, &path);
    if (strlist_has(&path, ".git") || is_excluded(globs, &path))
        return false;
    for (size_t i = 0; i < globs->count; i++) {
        const struct glob_pattern *pattern = &globs->patterns[i];
        if (!pattern->excludes && covers(&pattern->names, &path, is_part))
            return true;
    }
    return false;
}

bool globs_match(const struct globs *globs, const char *path)
{
    return is_meant(globs, path, false);
}

bool globs_reach(const struct globs *globs, const char *folder)
{
    return is_meant(globs, folder, true);
}
