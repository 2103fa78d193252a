/* Published files: YAML that every reader reads alike, marks, what is never overwritten, environment files.
 */
#include "publish/publish.h"
#include "publish/internal.h"
#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    char folder[64];
    struct publish_files files;
    struct error error;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/apphost-publish-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    f->files.folder = f->folder;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    publish_free(&f->files);
    error_clear(&f->error);
    int rc = file_remove_tree(f->folder, NULL);
    free(f);
    return rc;
}

static char *path_of(const struct fixture *f, const char *name)
{
    return path_join(f->folder, name);
}

static char *content(const struct fixture *f, const char *name)
{
    cleanup_free char *path = path_of(f, name);
    return file_read(path, 1 << 20, NULL, NULL);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    cleanup_free char *path = path_of(f, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static int publish_again(struct fixture *f, const char *text, bool force)
{
    publish_free(&f->files);
    error_clear(&f->error);
    f->files.folder = f->folder;
    publish_add(&f->files, PUBLISH_WHOLE, "compose.yaml", xstrdup(text));
    return publish_write(&f->files, force, &f->error);
}

static void texts_stay_texts(void **state)
{
    (void)state;
    cleanup_json cJSON *document = cJSON_CreateObject();
    static const char *const texts[] = {"true", "1e3",   "012", "no", "",     "- x",
                                        "a: b", "{{x}}", "#c",  "~",  "0x1F", "2s"};
    cJSON *list = json_add_array(document, "texts");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(texts[i]));
    json_add_string(document, "lines", "one\n  two\n");
    json_add_int(document, "number", 5);
    json_add_object(document, "empty");
    const cJSON *all[] = {document};
    cleanup_free char *text = publish_yaml(all, 1, NULL);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cleanup_free char *quoted = xasprintf("- \"%s\"\n", texts[i]);
        assert_non_null(strstr(text, quoted));
    }
    assert_non_null(strstr(text, "lines: |\n  one\n    two\n"));
    assert_non_null(strstr(text, "number: 5\n"));
    assert_non_null(strstr(text, "empty: {}\n"));
}

/* Values of the environment may be any bytes. */
static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    cleanup_error struct error error = {0};
    cleanup_json cJSON *document = cJSON_CreateObject();
    const cJSON *all[] = {document};
    json_add_string(json_add_object(document, "stringData"), "TOKEN", "a\xff\xfe");
    assert_null(publish_yaml(all, 1, &error));
    assert_int_equal(error.code, ERROR_MANIFEST);
    assert_string_equal(error.text, "the value of TOKEN has bytes that are no text (UTF-8)");
}

static void our_own_file_is_replaced(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(publish_again(f, "a: 1\n", false), 0);
    assert_true(f->files.items[0].is_changed);
    assert_int_equal(publish_again(f, "a: 2\n", false), 0);
    assert_int_equal(publish_again(f, "a: 2\n", false), 0);
    assert_false(f->files.items[0].is_changed);
    cleanup_free char *text = content(f, "compose.yaml"), *rest = publish_read(&f->files, "compose.yaml");
    assert_true(str_starts(text, "# written by apphost publish, hash "));
    assert_string_equal(rest, "a: 2\n");
}

static void an_edited_file_is_left_alone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(publish_again(f, "a: 1\n", false), 0);
    cleanup_free char *text = content(f, "compose.yaml"), *edited = xasprintf("%sb: 2\n", text);
    put(f, "compose.yaml", edited);
    assert_int_equal(publish_again(f, "a: 1\n", false), -1);
    assert_non_null(strstr(f->error.text, "was edited"));
    assert_non_null(strstr(f->error.hint, "compose.override.yaml"));
    cleanup_free char *after = content(f, "compose.yaml");
    assert_string_equal(after, edited);
    assert_int_equal(publish_again(f, "a: 1\n", true), 0);
}

/* Not even the files that are ours are written. */
static void a_foreign_file_stops_all(void **state)
{
    struct fixture *f = *state;
    put(f, "compose.yaml", "services: {}\n");
    publish_add(&f->files, PUBLISH_WHOLE, "first.yaml", xstrdup("x: 1\n"));
    publish_add(&f->files, PUBLISH_WHOLE, "compose.yaml", xstrdup("a: 1\n"));
    assert_int_equal(publish_write(&f->files, false, &f->error), -1);
    assert_non_null(strstr(f->error.text, "was not published by apphost"));
    cleanup_free char *path = path_of(f, "first.yaml");
    assert_false(file_exists(path));
}

static void secrets_are_closed(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    put(f, ".env", "MINE=1");
    publish_add_secret(&f->files, PUBLISH_ADDED, ".env", xstrdup("A=\"b\"\n"));
    publish_add_secret(&f->files, PUBLISH_WHOLE, "secrets/a.yaml", xstrdup("a: b\n"));
    assert_int_equal(publish_write(&f->files, false, &f->error), 0);
    cleanup_free char *text = content(f, ".env");
    assert_string_equal(text, "MINE=1\nA=\"b\"\n");
    cleanup_free char *first = path_of(f, ".env"), *second = path_of(f, "secrets/a.yaml");
    assert_int_equal(stat(first, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(second, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void a_line_is_added_once(void **state)
{
    struct fixture *f = *state;
    put(f, ".gitignore", "node_modules\n.env\n");
    publish_add_missing_line(&f->files, ".gitignore", "/.env");
    publish_add_missing_line(&f->files, ".gitignore", "/secrets/");
    publish_add_missing_line(&f->files, ".gitignore", "/secrets/");
    assert_int_equal(f->files.count, 1);
    assert_string_equal(f->files.items[0].text, "/secrets/\n");
}

static void folders_are_relative(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *path, *wanted;
    } cases[] = {{"/a/b", "/a/b", "."},         {"/a/b", "/a/b/c", "./c"}, {"/a/b", "/a/c", "../c"},
                 {"/a/b/d", "/a/c", "../../c"}, {"/a/bc", "/a/b", "../b"}, {"/a", "/b/c", "../b/c"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_free char *found = publish_relative(cases[i].folder, cases[i].path);
        assert_string_equal(found, cases[i].wanted);
    }
}

static void the_page_has_every_field(void **state)
{
    (void)state;
    cleanup_free char *page = publish_man_page();
    size_t rows = 0, told = 0;
    for (const struct deployment_field *row = deployment_fields(); row->table; row++)
        rows++;
    for (const char *at = page; (at = strstr(at, ".TP\n\\fB")); at++)
        told++;
    assert_int_equal(told, rows);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(texts_stay_texts),         CASE(what_is_no_text_is_refused),
        CASE(our_own_file_is_replaced), CASE(an_edited_file_is_left_alone),
        CASE(a_foreign_file_stops_all), CASE(secrets_are_closed),
        CASE(a_line_is_added_once),     CASE(folders_are_relative),
        CASE(the_page_has_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
