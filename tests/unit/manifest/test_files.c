/* Finding manifests, overrides, several files, standard input's name; parameters and where their values come
 * from. */
#include "fixture.h"
#include "base/file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

static void found_here_and_in_parents(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *wanted = xasprintf("%s/apphost.yml", f->folder);
    assert_int_equal(file_mkdirs("a/b", 0755, NULL), 0);
    fixture_write("apphost.yml", "resources: {}\n");
    cleanup_free char *found = manifest_find("a/b", NULL, NULL);
    assert_string_equal(found, wanted);
    assert_int_equal(mkdir("a/.git", 0755), 0);
    cleanup_error struct error err = {0};
    assert_null(manifest_find("a/b", NULL, &err));
    assert_int_equal(err.code, ERROR_MANIFEST);
    assert_non_null(strstr(err.text, "/a/b"));
    assert_non_null(strstr(err.hint, "apphost init"));
}

static void search_ends_at_home(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(file_mkdirs("home/x", 0755, NULL), 0);
    fixture_write("apphost.yaml", "resources: {}\n");
    cleanup_free char *home = xasprintf("HOME=%s/home", f->folder);
    char *const environment[] = {home, NULL};
    assert_null(manifest_find("home/x", environment, NULL));
}

static void a_removed_folder_is_not_the_root(void **state)
{
    (void)state;
    cleanup_error struct error err = {0};
    assert_int_equal(mkdir("gone", 0755), 0);
    assert_int_equal(chdir("gone"), 0);
    assert_int_equal(rmdir("../gone"), 0);
    assert_null(manifest_find(NULL, NULL, &err));
    assert_int_equal(err.code, ERROR_MANIFEST);
    assert_non_null(strstr(err.text, "the current folder cannot be told"));
}

static void override_beside_the_manifest(void **state)
{
    struct fixture *f = *state;
    fixture_write("apphost.yaml",
                  "resources:\n  a: {type: redis, host_port: 1000, config: {maxmemory: 1mb, maxclients: 9}}\n"
                  "  b: valkey\n  c: redis\n");
    fixture_write("apphost.override.yaml", "resources:\n  a: {host_port: null, config: {maxmemory: 2mb}}\n"
                                           "  b: {host_port: 2000}\n  c: null\n  d: redis\n");
    strlist_free(&f->options.files);
    assert_non_null(fixture_reload(f));
    const struct model_resource *a = model_find(f->model, "a");
    assert_int_equal(a->redis.host_port, 0);
    assert_int_equal(a->redis.config_count, 2);
    assert_string_equal(a->redis.config[0].value, "2mb");
    assert_int_equal(model_find(f->model, "b")->kind, MODEL_VALKEY);
    assert_int_equal(model_find(f->model, "b")->redis.host_port, 2000);
    assert_null(model_find(f->model, "c"));
    assert_non_null(model_find(f->model, "d"));
}

static void override_is_not_read_with_f(void **state)
{
    fixture_write("apphost.override.yaml", "resources:\n  b: redis\n");
    struct model *model = fixture_good(*state, "resources:\n  a: redis\n");
    assert_int_equal(model->resource_count, 1);
}

static void problems_name_the_file_they_are_in(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir("sub", 0755), 0);
    fixture_write(
        "sub/over.yaml",
        "resources:\n  a: {data_bind_mount: here}\n  p: {type: process, command: x, working_dir: w}\n");
    strlist_add(&f->options.files, "sub/over.yaml");
    fixture_bad(f, "resources:\n  a: redis\n", "sub/over.yaml:2:24: error:");
    assert_non_null(strstr(strbuf_text(&f->printed), "/sub/here: No such file"));
    assert_int_equal(mkdir("sub/here", 0755), 0);
    assert_non_null(fixture_reload(f));
    cleanup_free char *wanted = xasprintf("%s/sub/w", f->folder);
    assert_string_equal(model_find(f->model, "p")->process.working_dir, wanted);
    assert_string_equal(f->model->folder, f->folder);
}

static void missing_files_are_said(void **state)
{
    struct fixture *f = *state;
    assert_null(fixture_reload(f));
    assert_non_null(strstr(strbuf_text(&f->printed), "error: cannot open apphost.yaml"));
    strlist_free(&f->options.files);
    f->options.directory = "/";
    assert_null(fixture_reload(f));
    assert_non_null(strstr(strbuf_text(&f->printed), "there is no apphost.yaml in /"));
    f->options.directory = NULL;
}

static void directory_moves_relative_files(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir("sub", 0755), 0);
    fixture_write("sub/apphost.yaml", "resources:\n  a: redis\n");
    f->options.directory = "sub";
    assert_non_null(fixture_reload(f));
    strlist_free(&f->options.files);
    assert_non_null(fixture_reload(f));
    cleanup_free char *wanted = xasprintf("%s/sub/apphost.yaml", f->folder);
    assert_string_equal(f->model->file, wanted);
}

static const char parameters_text[] =
    "parameters:\n  my-key: {secret: true, default: fallback}\nresources:\n  a: redis\n";

static const char *value_of(struct fixture *f)
{
    return model_find_parameter(fixture_good(f, parameters_text), "my-key")->value;
}

static void sources_of_parameters(void **state)
{
    struct fixture *f = *state;
    assert_null(value_of(f));
    assert_string_equal(f->model->parameters[0].fallback, "fallback");
    fixture_write(".env", "Parameters__my_key=dotenv\n");
    assert_string_equal(value_of(f), "dotenv");
    strlist_add(&f->environment, "APPHOST_PARAM_MY_KEY=upper");
    assert_string_equal(value_of(f), "upper");
    strlist_add(&f->environment, "Parameters__my_key=aspire");
    assert_string_equal(value_of(f), "aspire");
    strlist_add(&f->environment, "Parameters__my-key=written");
    assert_string_equal(value_of(f), "written");
    fixture_write("secret", "from a file\n");
    strlist_add(&f->options.parameters, "my-key=@secret");
    assert_string_equal(value_of(f), "from a file");
    strlist_add(&f->options.parameters, "my-key=a=b");
    assert_string_equal(value_of(f), "a=b");
}

static void bad_parameter_flags(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->options.parameters, "my-kye=s3cret");
    strlist_add(&f->options.parameters, "my-key");
    strlist_add(&f->options.parameters, "my-key=@missing");
    fixture_bad(f, parameters_text, "did you mean `my-key`?");
    const char *printed = strbuf_text(&f->printed);
    assert_non_null(strstr(printed, "expected NAME=VALUE"));
    assert_non_null(strstr(printed, "cannot open missing"));
    assert_null(strstr(printed, "s3cret"));
    assert_int_equal(f->problems.errors, 3);
}

static void generated_parameters(void **state)
{
    struct model *model = fixture_good(
        *state, "parameters:\n  a: {generate: true}\n  b: {generate: {length: 40, special: true}}\n"
                "resources:\n  c: redis\n");
    assert_true(model->parameters[0].generate);
    assert_int_equal(model->parameters[0].generate_length, 22);
    assert_int_equal(model->parameters[1].generate_length, 40);
    assert_true(model->parameters[1].generate_special);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(found_here_and_in_parents),
        TEST(search_ends_at_home),
        TEST(a_removed_folder_is_not_the_root),
        TEST(override_beside_the_manifest),
        TEST(override_is_not_read_with_f),
        TEST(problems_name_the_file_they_are_in),
        TEST(missing_files_are_said),
        TEST(directory_moves_relative_files),
        TEST(sources_of_parameters),
        TEST(bad_parameter_flags),
        TEST(generated_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
