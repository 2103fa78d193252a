/* Every tests/golden/manifest/NAME.yaml is loaded, and what it says is compared with NAME.err: one kind of
 * mistake each.
 *
 * A manifest without mistakes has an empty NAME.err. UPDATE_GOLDEN=1 writes what is said now as the new
 * expectation: look at the difference before you commit it. */
#include "fixture.h"
#include "base/file.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const variables[] = {"SET=set", "SECRET=hunter2",
                                        "ConnectionStrings__from_environment=localhost:1",
                                        "Parameters__from_environment=x"};

/* What is said about a manifest; the folder's own path does not matter. */
static char *say(const char *name, const char *folder)
{
    cleanup_strlist struct strlist environment = {0};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        strlist_add(&environment, variables[i]);
    struct manifest_options options = {.environment = environment.items};
    struct manifest_problems problems = {0};
    struct strbuf out = {0};
    strlist_add(&options.files, name);
    struct model *model = manifest_load(&options, &problems);
    manifest_problems_print(&problems, false, &out);
    assert_true((model != NULL) == (problems.errors == 0));
    manifest_free(model);
    manifest_problems_free(&problems);
    strlist_free(&options.files);
    for (char *at; out.data && (at = strstr(out.data, folder));)
        memmove(at, at + strlen(folder) + 1, strlen(at + strlen(folder) + 1) + 1);
    return strbuf_take(&out);
}

static bool is_as_expected(const char *name, const char *folder)
{
    cleanup_free char *stem = xstrndup(name, strlen(name) - strlen(".yaml"));
    cleanup_free char *path = xasprintf("%s.err", stem);
    cleanup_free char *said = say(name, folder);
    if (getenv("UPDATE_GOLDEN"))
        assert_int_equal(file_write_atomic(path, said, strlen(said), 0644, NULL), 0);
    cleanup_free char *wanted = file_read(path, 1 << 20, NULL, NULL);
    if (wanted && strcmp(wanted, said) == 0)
        return true;
    print_error("%s: wanted\n%s\n--- but it says\n%s\n", name, wanted ? wanted : "(no .err file)", said);
    return false;
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    char folder[4096];
    glob_t found;
    size_t wrong = 0;
    assert_int_equal(chdir("tests/golden/manifest"), 0);
    assert_non_null(getcwd(folder, sizeof folder));
    assert_int_equal(glob("*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 40);
    for (size_t i = 0; i < found.gl_pathc; i++)
        wrong += !is_as_expected(found.gl_pathv[i], folder);
    globfree(&found);
    assert_int_equal(wrong, 0);
}

/* The samples of the project itself. */
static void samples_are_good(void **state)
{
    (void)state;
    char folder[4096];
    glob_t found;
    assert_int_equal(chdir("../../../manifests"), 0);
    assert_non_null(getcwd(folder, sizeof folder));
    assert_int_equal(glob("*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 3);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        cleanup_free char *said = say(found.gl_pathv[i], folder);
        assert_string_equal(said, "");
    }
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_is_wrong),
                                       cmocka_unit_test(samples_are_good)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
