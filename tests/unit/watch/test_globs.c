/* The language of globs: what matches, and which folders are worth a look. */
#include "watch/globs.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct row {
    const char *globs; /* parted by blanks */
    const char *path;
    bool wanted;
};

static bool ask(const struct row *row, bool (*question)(const struct globs *globs, const char *path))
{
    const char *texts[8];
    size_t count = 0;
    cleanup_free char *copy = xstrdup(row->globs);
    char *save = NULL;
    struct globs globs;
    for (char *text = strtok_r(copy, " ", &save); text; text = strtok_r(NULL, " ", &save))
        texts[count++] = text;
    globs_init(&globs, texts, count);
    bool answer = question(&globs, row->path);
    globs_fini(&globs);
    return answer;
}

static void check(const struct row *rows, size_t count,
                  bool (*question)(const struct globs *globs, const char *path))
{
    for (size_t i = 0; i < count; i++)
        if (ask(&rows[i], question) != rows[i].wanted)
            fail_msg("\"%s\" and %s: not %s", rows[i].globs, rows[i].path, rows[i].wanted ? "true" : "false");
}

static void files_that_match(void **state)
{
    static const struct row rows[] = {
        {"*.js", "a.js", true},
        {"*.js", "src/a.js", false},
        {"*", "src/a.js", false},
        {"./*.js", "a.js", true},
        {"src/*.js", "src/a.js", true},
        {"src/*.js", "src/b/a.js", false},
        {"src/**/*.js", "src/a.js", true},
        {"src/**/*.js", "src/b/c/a.js", true},
        {"src/**/*.js", "lib/a.js", false},
        {"**/*.js", "a.js", true},
        {"**/**/*.js", "b/a.js", true},
        {"**", "deep/er/a", true},
        {"**/lib/**/x.c", "a/lib/b/lib/c/x.c", true},
        {"**/lib/x.c", "lib/lib/x.c", true},
        {"**/lib/x.c", "lib/y/x.c", false},
        {"a?c.[ch]", "abc.h", true},
        {"a?c.[ch]", "abc.o", false},
        {"*.{ts,js}", "a.ts", true},
        {"*.{ts,js}", "a.css", false},
        {"{src,lib}/**/*.{c,h}", "lib/x/y.h", true},
        {"{a,b{c,d}}.x", "bd.x", true},
        {"{a,b{c,d}}.x", "b.x", false},
        {"a{b", "a{b", true},
        {"server.js", "server.js", true},
        {"src", "src/deep/er.txt", true},
        {"src/", "src/deep/er.txt", true},
        {"src", "srcs", false},
        {".", "any/thing", true},
        {"**/*.js !**/*.test.js", "src/a.test.js", false},
        {"**/*.js !**/*.test.js", "src/a.js", true},
        {"** !dist", "dist/a/b", false},
        {"** !dist/**", "src/dist/b", true},
    };
    (void)state;
    check(rows, sizeof rows / sizeof *rows, globs_match);
}

static void names_that_wildcards_leave_alone(void **state)
{
    static const struct row rows[] = {
        {"**", ".env", false},
        {"*", ".env", false},
        {".env", ".env", true},
        {".*", ".env", true},
        {"**/*.js", ".cache/a.js", false},
        {".cache/**", ".cache/a.js", true},
        {"**/*.js", "node_modules/a/b.js", false},
        {"*/b.js", "node_modules/b.js", false},
        {"node_modules/a/**", "node_modules/a/b.js", true},
        {"**/node_modules/a/*.js", "x/node_modules/a/b.js", true},
        {"**", ".git/config", false},
        {".git/**", ".git/config", false},
        {"src/.git/config", "src/.git/config", false},
    };
    (void)state;
    check(rows, sizeof rows / sizeof *rows, globs_match);
}

static void folders_worth_a_look(void **state)
{
    static const struct row rows[] = {
        {"*.js", "", true},
        {"*.js", "src", false},
        {"src/*.js", "src", true},
        {"src/*.js", "src/b", false},
        {"src/*.js", "lib", false},
        {"src/**/*.js", "src/b/c", true},
        {"**/*.js", "a/b/c", true},
        {"**/*.js", "a/node_modules", false},
        {"**/*.js", "a/.hidden", false},
        {"**", ".git", false},
        {"a/b/c/d.js", "a/b", true},
        {"a/b/c/d.js", "a/c", false},
        {"** !dist", "dist", false},
        {"** !dist", "dist/b", false},
        {"** !dist/*.js", "dist", true},
    };
    (void)state;
    check(rows, sizeof rows / sizeof *rows, globs_reach);
}

/* What comes out of braces is bounded, and so is the effort of stars. */
static void hostile_globs_end(void **state)
{
    static const struct row rows[] = {
        {"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,"
         "b}",
         "aaaaaaaaaaaaaaaaaaaa", true},
        {"**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/c",
         false},
    };
    (void)state;
    check(rows, sizeof rows / sizeof *rows, globs_match);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_match),
        cmocka_unit_test(names_that_wildcards_leave_alone),
        cmocka_unit_test(folders_worth_a_look),
        cmocka_unit_test(hostile_globs_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
