/* Files that are filled before they have their name: who is killed at any moment of it, what the next one
 * finds. rename() and access() are ours here: the first one to die in, the second one to have no /proc. */
#include "base/draft.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { NAMELESS, NAMED, WAYS };
enum { WHILE_WRITING, BEFORE_RENAME, MOMENTS };

static bool dies_in_rename, has_no_proc;

int rename(const char *from, const char *to)
{
    if (dies_in_rename)
        raise(SIGKILL);
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int access(const char *path, int mode)
{
    if (has_no_proc && strncmp(path, "/proc/", 6) == 0)
        return -1;
    return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

static char folder[64];

static int begin(void **state)
{
    (void)state;
    dies_in_rename = has_no_proc = false;
    strcpy(folder, "/tmp/draft-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *listing = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(listing));)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(listing);
    return count;
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void has_text(const char *path, const char *text)
{
    cleanup_free char *found = file_read_own(path, 100, NULL, NULL);
    assert_string_equal(found, text);
}

/* Somebody who does not come to the end of it. */
static void die(const char *path, int way, int moment)
{
    pid_t child = fork();
    if (child == 0) {
        struct draft draft;
        has_no_proc = way == NAMED;
        dies_in_rename = moment == BEFORE_RENAME;
        if (draft_open(&draft, path, 0600, NULL) == 0 && write(draft.fd, "secret", 6) == 6 &&
            moment == BEFORE_RENAME)
            draft_keep(&draft, NULL);
        raise(SIGKILL);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static bool has_nameless(void)
{
    int fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void who_is_killed_while_writing_leaves_nothing(void **state)
{
    (void)state;
    cleanup_free char *path = path_join(folder, ".env");
    if (!has_nameless())
        skip(); /* a file system on which everything that is written has a name */
    die(path, NAMELESS, WHILE_WRITING);
    assert_int_equal(count_files(), 0);
    die(path, NAMELESS, BEFORE_RENAME); /* nothing is renamed where nothing stands */
    assert_int_equal(count_files(), 1);
    has_text(path, "secret");
}

/* Also of another file in the same folder. */
static void the_next_one_removes_what_is_left(void **state)
{
    (void)state;
    cleanup_free char *path = path_join(folder, ".env"), *other = path_join(folder, "other");
    for (int way = 0; way < WAYS; way++) {
        for (int moment = 0; moment < MOMENTS; moment++) {
            write_file(path, "old");
            die(path, way, moment);
            has_text(path, "old");
            assert_in_range(count_files(), 1, 2);
            write_file(other, "new");
            assert_int_equal(count_files(), 2);
            assert_int_equal(unlink(other), 0);
        }
    }
}

static void note(const char *path, void *data)
{
    snprintf(data, 200, "%s", path);
}

static void what_somebody_fills_is_left_alone(void **state)
{
    (void)state;
    cleanup_free char *path = path_join(folder, "file");
    struct draft draft;
    char left[200] = "";

    has_no_proc = true;
    assert_int_equal(draft_open(&draft, path, 0600, NULL), 0);
    assert_non_null(draft.temporary);
    assert_int_equal(draft_sweep(folder, note, left), 0);
    assert_true(file_exists(draft.temporary));
    assert_int_equal(write(draft.fd, "whole", 5), 5);
    assert_int_equal(draft_keep(&draft, NULL), 0);
    has_text(path, "whole");
    assert_int_equal(count_files(), 1);
    assert_string_equal(left, "");
}

static void only_what_is_called_so_is_swept(void **state)
{
    (void)state;
    static const char *const kept[] = {"file.123.tmp", "file.apphost-.tmp", "file.apphost-0123456.tmp",
                                       "file.apphost-0123456g.tmp", "file.apphost-01234567.tmp.x"};
    cleanup_free char *left = path_join(folder, "file.apphost-01234567.tmp");
    cleanup_free char *link = path_join(folder, "file.apphost-11234567.tmp");
    cleanup_free char *pipe = path_join(folder, "file.apphost-21234567.tmp");
    size_t count = sizeof kept / sizeof *kept;
    char told[200] = "";

    for (size_t i = 0; i < count; i++) {
        cleanup_free char *path = path_join(folder, kept[i]);
        write_file(path, "theirs");
    }
    assert_int_equal(symlink("file.123.tmp", link), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    int fd = open(left, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    close(fd);

    assert_int_equal(draft_find_left(folder, note, told), 1);
    assert_string_equal(told, left);
    assert_true(file_exists(left));
    assert_int_equal(draft_sweep(folder, NULL, NULL), 1);
    assert_int_equal(count_files(), count + 2);
}

/* Whatever stands in the place of a file, or is linked to it, is not written into. */
static void half_written_files_are_new(void **state)
{
    (void)state;
    cleanup_free char *path = path_join(folder, "file"), *other = path_join(folder, "other");
    for (int way = 0; way < WAYS; way++) {
        has_no_proc = way == NAMED;
        write_file(other, "theirs");
        assert_int_equal(link(other, path), 0);
        write_file(path, "secret");
        has_text(other, "theirs");
        has_text(path, "secret");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(other, path), 0);
        write_file(path, "secret");
        has_text(other, "theirs");
        has_text(path, "secret");
        assert_int_equal(unlink(path), 0);
    }
}

static void modes_are_what_was_said(void **state)
{
    (void)state;
    cleanup_free char *path = path_join(folder, "file");
    mode_t before = umask(0777);
    for (int way = 0; way < WAYS; way++) {
        struct stat st;
        has_no_proc = way == NAMED;
        assert_int_equal(file_write_atomic(path, "text", 4, 0644, NULL), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
    }
    umask(before);
}

static void what_cannot_be_written_is_named(void **state)
{
    (void)state;
    cleanup_free char *path = path_join(folder, "none/file");
    cleanup_error struct error err = {0};
    assert_int_equal(file_write_atomic(path, "text", 4, 0600, &err), -1);
    assert_int_equal(err.code, ERROR_NO_FILE);
    assert_non_null(strstr(err.text, path));

    cleanup_error struct error other = {0};
    cleanup_free char *taken = path_join(folder, "taken");
    assert_int_equal(mkdir(taken, 0700), 0);
    assert_int_equal(file_write_atomic(taken, "text", 4, 0600, &other), -1);
    assert_non_null(strstr(other.text, taken));
    assert_int_equal(count_files(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_killed_while_writing_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(the_next_one_removes_what_is_left, begin, end),
        cmocka_unit_test_setup_teardown(what_somebody_fills_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(only_what_is_called_so_is_swept, begin, end),
        cmocka_unit_test_setup_teardown(half_written_files_are_new, begin, end),
        cmocka_unit_test_setup_teardown(modes_are_what_was_said, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_named, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
