/* Which project a command is about, without its manifest being read. */
#include "place.h"
#include "project/find.h"
#include "project/nested.h"

#include <string.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

static void the_manifest_of_this_folder(void **state)
{
    struct place *place = *state;
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_true(str_ends(place->project.manifest, "/shop/apphost.yaml"));
    assert_null(place->project.prefix); /* nothing is known of it, not even its name */
    assert_int_equal(strlen(place->project.hash), 8);

    cleanup_free char *hash = xstrdup(place->project.hash);
    place_state(place, "shop", hash, "shop/apphost.yaml", PLACE_DEAD);
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_string_equal(place->project.name, "shop");
    assert_string_equal(place->project.hash, hash);
    cleanup_free char *folder = project_folder(&place->project);
    assert_true(str_starts(folder, place->root));
}

static void the_same_from_below_and_by_its_path(void **state)
{
    struct place *place = *state;
    place_identify(place, NO_WORDS);
    cleanup_free char *hash = xstrdup(place->project.hash);
    place_enter(place, "shop/src/deep");
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_string_equal(place->project.hash, hash);
    assert_int_equal(place_identify(place, WORDS("-f", "../../apphost.yaml")), 0);
    assert_string_equal(place->project.hash, hash);
    place_manifest(place, "other", "name: shop\nresources: {}\n");
    place_enter(place, "other");
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_string_not_equal(place->project.hash, hash); /* the name is no identity */
}

static void nothing_here_and_nothing_above(void **state)
{
    struct place *place = *state;
    place_enter(place, "empty");
    assert_int_equal(place_identify(place, NO_WORDS), -1);
    assert_int_equal(place->error.code, ERROR_MANIFEST);
    assert_non_null(strstr(place->error.hint, "apphost init"));
}

/* Its manifest was deleted: the session tells that it was here. */
static void a_session_of_this_folder(void **state)
{
    struct place *place = *state;
    place_enter(place, "gone/deep");
    int lock = place_state(place, "gone", "0123abcd", "gone/apphost.yaml", PLACE_RUNS);
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_string_equal(place->project.prefix, "gone-0123abcd");
    assert_null(place->project.manifest);
    close(lock);
}

static void what_is_over_belongs_to_no_folder(void **state)
{
    struct place *place = *state;
    place_enter(place, "gone");
    place_state(place, "gone", "0123abcd", "gone/apphost.yaml", PLACE_OVER);
    assert_int_equal(place_identify(place, NO_WORDS), -1);
    assert_int_equal(place->error.code, ERROR_MANIFEST);
}

/* ---- by name ---- */

static void a_name_from_anywhere(void **state)
{
    struct place *place = *state;
    place_state(place, "far", "0123abcd", "far/apphost.yaml", PLACE_DEAD);
    assert_int_equal(place_identify(place, WORDS("-p", "far")), 0);
    assert_string_equal(place->project.prefix, "far-0123abcd");
}

static void a_name_that_nobody_has(void **state)
{
    struct place *place = *state;
    int lock = place_state(place, "far", "0123abcd", "far/apphost.yaml", PLACE_RUNS);
    assert_int_equal(place_identify(place, WORDS("-p", "near")), -1);
    assert_int_equal(place->error.code, ERROR_NOT_RUNNING);
    assert_non_null(strstr(place->error.text, "\"near\""));
    assert_non_null(strstr(place->error.hint, "far"));
    close(lock);
}

static void two_of_one_name_are_never_chosen_between(void **state)
{
    struct place *place = *state;
    place_state(place, "far", "0123abcd", "a/apphost.yaml", PLACE_DEAD);
    place_state(place, "far", "4567abcd", "b/apphost.yaml", PLACE_DEAD);
    assert_int_equal(place_identify(place, WORDS("-p", "far")), -1);
    assert_int_equal(place->error.code, ERROR_USAGE);
    assert_non_null(strstr(place->error.text, "/a"));
    assert_non_null(strstr(place->error.text, "/b"));
}

static void who_runs_comes_before_who_is_over(void **state)
{
    struct place *place = *state;
    place_state(place, "far", "0123abcd", "a/apphost.yaml", PLACE_OVER);
    int lock = place_state(place, "far", "4567abcd", "b/apphost.yaml", PLACE_RUNS);
    assert_int_equal(place_identify(place, WORDS("-p", "far")), 0);
    assert_string_equal(place->project.hash, "4567abcd");
    close(lock);
}

/* APPHOST_PROJECT_NAME is the whole identity, wherever the folder is. */
static void a_name_from_the_environment_is_the_identity(void **state)
{
    struct place *place = *state;
    strlist_add(&place->environment, "APPHOST_PROJECT_NAME=ci");
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    cleanup_free char *hash = xstrdup(place->project.hash);
    assert_string_equal(place->project.name, "ci");
    place_enter(place, "elsewhere");
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_string_equal(place->project.hash, hash);
}

static void standard_input_is_the_folder_and_the_name(void **state)
{
    struct place *place = *state;
    assert_int_equal(place_identify(place, WORDS("-f", "-", "-p", "one")), 0);
    cleanup_free char *one = xstrdup(place->project.hash);
    assert_int_equal(place_identify(place, WORDS("-f", "-", "-p", "two")), 0);
    assert_string_not_equal(place->project.hash, one);
    assert_int_equal(place_identify(place, WORDS("-f", "-", "-p", "one")), 0);
    assert_string_equal(place->project.hash, one);
}

static void workers_are_projects_of_their_own(void **state)
{
    struct place *place = *state;
    assert_int_equal(place_identify(place, WORDS("-f", "apphost.yaml", "-p", "shop")), 0);
    cleanup_free char *hash = xstrdup(place->project.hash);
    place->options.isolate = "2";
    assert_int_equal(place_identify(place, WORDS("-f", "apphost.yaml", "-p", "shop")), 0);
    assert_string_equal(place->project.name, "shop-2");
    assert_string_not_equal(place->project.hash, hash);
}

/* ---- inside of a session ---- */

static void inside_of_a_session_that_one_is_meant(void **state)
{
    struct place *place = *state;
    strlist_add(&place->environment, "APPHOST_SESSION=0123456789abcdef");
    place_enter(place, "elsewhere");
    int lock = place_state(place, "around", "0123abcd", "around/apphost.yaml", PLACE_RUNS);
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_string_equal(place->project.prefix, "around-0123abcd");

    place_enter(place, "shop");
    assert_int_equal(place_identify(place, WORDS("-f", "apphost.yaml")), 0); /* another one is named */
    assert_string_not_equal(place->project.hash, "0123abcd");
    close(lock);
    assert_int_equal(place_identify(place, NO_WORDS), 0); /* it is over: the folder's */
    assert_string_not_equal(place->project.hash, "0123abcd");
}

static void what_ignores_the_session_sees_the_folder(void **state)
{
    struct place *place = *state;
    strlist_add(&place->environment, "APPHOST_SESSION=0123456789abcdef");
    int lock = place_state(place, "around", "0123abcd", "around/apphost.yaml", PLACE_RUNS);
    place->options.ignores_session = true;
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_true(str_ends(place->project.manifest, "/shop/apphost.yaml"));
    close(lock);
}

/* ---- the list ---- */

static void the_nearest_folder_wins(void **state)
{
    struct place *place = *state;
    cleanup_find struct find_list list = {0};
    cleanup_free char *deep = xasprintf("%s/a/b/c", place->folder),
                      *beside = xasprintf("%s/ab", place->folder);
    place_state(place, "outer", "0123abcd", "a/apphost.yaml", PLACE_DEAD);
    place_state(place, "inner", "4567abcd", "a/b/apphost.yaml", PLACE_DEAD);
    assert_int_equal(find_all(place->root, &list, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(find_by_folder(&list, deep)->identity.name, "inner");
    assert_null(find_by_folder(&list, beside)); /* a name that begins alike is no folder above */
    assert_string_equal(find_by_prefix(&list, "outer-0123abcd")->identity.hash, "0123abcd");
    assert_null(find_by_prefix(&list, "outer"));
    assert_null(find_by_hash(&list, "ffffffff"));
}

static void folders_that_are_no_projects_are_none(void **state)
{
    struct place *place = *state;
    cleanup_find struct find_list list = {0};
    cleanup_free char *odd = path_join(place->root, "no-hash"), *version = path_join(odd, "version");
    place_state(place, "far", "0123abcd", "far/apphost.yaml", PLACE_DEAD);
    assert_int_equal(file_mkdirs(odd, 0700, NULL), 0);
    assert_int_equal(file_write_atomic(version, "1", 1, 0600, NULL), 0);
    assert_int_equal(find_all(place->root, &list, NULL), 0);
    assert_int_equal(list.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_manifest_of_this_folder),
        TEST(the_same_from_below_and_by_its_path),
        TEST(nothing_here_and_nothing_above),
        TEST(a_session_of_this_folder),
        TEST(what_is_over_belongs_to_no_folder),
        TEST(a_name_from_anywhere),
        TEST(a_name_that_nobody_has),
        TEST(two_of_one_name_are_never_chosen_between),
        TEST(who_runs_comes_before_who_is_over),
        TEST(a_name_from_the_environment_is_the_identity),
        TEST(standard_input_is_the_folder_and_the_name),
        TEST(workers_are_projects_of_their_own),
        TEST(inside_of_a_session_that_one_is_meant),
        TEST(what_ignores_the_session_sees_the_folder),
        TEST(the_nearest_folder_wins),
        TEST(folders_that_are_no_projects_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
