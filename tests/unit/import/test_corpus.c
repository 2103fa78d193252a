/* Every folder of tests/import becomes the manifest that stands in it, which our own reader accepts; so does
 * what the sketches are when they are no comments any more. UPDATE=1 writes what comes out: look at the
 * difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"
#include "import/import.h"
#include "manifest/manifest.h"

enum { LEAST = 40 };

static const char corpus[] = "tests/import";
static char start[4096], work[] = "/tmp/apphost-import.XXXXXX";

static char *convert(void)
{
    struct strlist files = {0};
    struct strbuf out = {0};
    struct import_result result = {0};
    struct error error = {0};
    char *list = file_read("files", 1000, NULL, NULL);
    char *rest = list;
    for (char *name = list ? strsep(&rest, " \n") : NULL; name; name = strsep(&rest, " \n"))
        if (*name)
            strlist_add(&files, name);
    if (!list)
        strlist_add(&files, "compose.yaml");
    const struct import_request request = {.files = &files, .name = "shop"};

    if (import_compose(&request, &out, &result, &error))
        fail_msg("%s:%d: %s", error.source.file, error.source.line, error.text);
    free(list);
    strlist_free(&files);
    return strbuf_take(&out);
}

static void expect_valid(const char *folder, const char *text)
{
    struct manifest_options options = {0};
    struct manifest_problems problems = {0};
    strlist_add(&options.files, "apphost.yaml");
    assert_int_equal(file_write_atomic("apphost.yaml", text, strlen(text), 0644, NULL), 0);
    struct model *model = manifest_load(&options, &problems);
    struct strbuf out = {0};
    manifest_problems_print(&problems, false, &out);
    if (!model)
        fail_msg("%s: %s\n%s", folder, strbuf_text(&out), text);
    strbuf_free(&out);
    strlist_free(&options.files);
    manifest_problems_free(&problems);
    manifest_free(model);
}

/* What it is when each sketch's two characters are taken away. */
static char *uncomment(const char *text)
{
    struct strbuf out = {0};
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (!strncmp(text, "resources: {}", 13))
            strbuf_adds(&out, "resources:");
        else if (!strncmp(text, "  # ", 4))
            strbuf_addf(&out, "  %.*s", (int)length - 4, text + 4);
        else
            strbuf_add(&out, text, length);
        strbuf_addc(&out, '\n');
        text += length + (text[length] == '\n');
    }
    return strbuf_take(&out);
}

static void check_folder(const char *folder)
{
    cleanup_free char *copy = xasprintf("rm -rf %s/* && cp -r '%s/%s/.' %s", work, start, folder, work);
    cleanup_free char *golden = xasprintf("%s/%s/apphost.yaml", start, folder);
    assert_int_equal(system(copy), 0);
    assert_int_equal(chdir(work), 0);
    cleanup_free char *got = convert();
    if (getenv("UPDATE"))
        file_write_atomic(golden, got, strlen(got), 0644, NULL);
    cleanup_free char *want = file_read(golden, 1 << 20, NULL, NULL);
    if (!want || strcmp(want, got) != 0)
        fail_msg("%s became:\n%s", folder, got);

    expect_valid(folder, got);
    cleanup_free char *whole = uncomment(got);
    expect_valid(folder, whole);
    assert_int_equal(chdir(start), 0);
}

static void test_all(void **state)
{
    (void)state;
    glob_t found;
    cleanup_free char *pattern = xasprintf("%s/*/", corpus);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= LEAST);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_folder(found.gl_pathv[i]);
    globfree(&found);
}

static int set_up(void **state)
{
    (void)state;
    return getcwd(start, sizeof start) && mkdtemp(work) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    file_remove_tree(work, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
