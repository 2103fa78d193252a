/* Which program of a PATH we start for ourselves, and which one anybody could have put there. */
#include "base/file.h"
#include "base/mem.h"
#include "base/tool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tool-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

/* folder/WHERE/NAME, which may be executed. */
static char *put(const char *where, const char *name)
{
    cleanup_free char *place = path_join(folder, where);
    assert_int_equal(file_mkdirs(place, 0700, NULL), 0);
    char *file = path_join(place, name);
    assert_int_equal(file_write_atomic(file, "#!/bin/sh\n", 10, 0755, NULL), 0);
    return file;
}

static void open_to_all(const char *where, mode_t mode)
{
    cleanup_free char *place = path_join(folder, where);
    assert_int_equal(chmod(place, mode), 0);
}

/* Looks in folder/FIRST and then folder/SECOND; NULL for wanted: none. */
static void finds(const char *wanted, const char *passed)
{
    cleanup_free char *path = xasprintf("%s/first:%s/second", folder, folder);
    cleanup_free char *over = NULL, *found = tool_find(path, "tool", &over);
    if (wanted)
        assert_string_equal(found, wanted);
    else
        assert_null(found);
    if (passed)
        assert_string_equal(over, passed);
    else
        assert_null(over);
    assert_int_equal(tool_is_there(path, "tool"), wanted != NULL);
}

static void the_first_one_is_taken(void **state)
{
    (void)state;
    cleanup_free char *second = put("second", "tool");
    finds(second, NULL);
    cleanup_free char *first = put("first", "tool");
    finds(first, NULL);
    assert_int_equal(chmod(first, 0644), 0);
    finds(second, NULL);
}

static void a_folder_that_everybody_may_write_is_passed_over(void **state)
{
    (void)state;
    cleanup_free char *first = put("first", "tool");
    open_to_all("first", 0777);
    finds(NULL, first);
    cleanup_free char *second = put("second", "tool");
    finds(second, NULL);
    open_to_all("first", 0775); /* a group is trusted by whoever gave it */
    finds(first, NULL);
}

static void so_is_a_file_and_a_folder_above(void **state)
{
    (void)state;
    cleanup_free char *first = put("first", "tool");
    assert_int_equal(chmod(first, 0777), 0);
    finds(NULL, first);
    assert_int_equal(chmod(first, 0755), 0);
    finds(first, NULL);
    assert_int_equal(chmod(folder, 0777), 0);
    finds(NULL, first);
    assert_int_equal(chmod(folder, 01777), 0); /* as /tmp: what is ours there stays ours */
    finds(first, NULL);
}

static void a_link_is_judged_by_where_it_leads(void **state)
{
    (void)state;
    cleanup_free char *theirs = put("open", "tool"), *place = path_join(folder, "first");
    cleanup_free char *link = path_join(place, "tool");
    assert_int_equal(mkdir(place, 0700), 0);
    assert_int_equal(symlink(theirs, link), 0);
    finds(link, NULL);
    open_to_all("open", 0777);
    finds(NULL, link);
}

static void somebody_elses_in_a_folder_for_all_is_not_ours(void **state)
{
    (void)state;
    cleanup_free char *first = put("first", "tool");
    open_to_all("first", 01777);
    finds(first, NULL);
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    assert_int_equal(chown(first, 65534, 65534), 0);
    finds(NULL, first);
}

static void the_folder_we_are_in_is_none(void **state)
{
    (void)state;
    cleanup_free char *first = put("first", "tool"), *place = path_dirname(first);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chdir(place), 0);
    static const char *const paths[] = {".", "", ":", "..:.", "../first"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_false(tool_is_there(paths[i], "tool"));
    assert_true(tool_is_there(place, "tool"));
    assert_false(tool_is_there(NULL, "tool"));
    assert_int_equal(fchdir(here), 0);
    close(here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_one_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_everybody_may_write_is_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(so_is_a_file_and_a_folder_above, begin, end),
        cmocka_unit_test_setup_teardown(a_link_is_judged_by_where_it_leads, begin, end),
        cmocka_unit_test_setup_teardown(somebody_elses_in_a_folder_for_all_is_not_ours, begin, end),
        cmocka_unit_test_setup_teardown(the_folder_we_are_in_is_none, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
