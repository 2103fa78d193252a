/* Watching real folders. That something is not reported is shown by what is reported next: a file that
 * counts, alone.
 */
#include "watch/watch.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/testing.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { LIMIT_MS = 60000 };

struct fixture {
    struct loop loop;
    char folder[64];
    char *top;
    struct watch *watch;
    char *path; /* last report */
    bool more;
    int reports, troubles;
    bool frees_itself;
    struct error trouble;
    struct timer limit;
    bool is_late;
};

static void on_change(const char *path, bool more, int64_t changed_ms, void *data)
{
    struct fixture *f = data;
    assert_true(changed_ms <= loop_now_ms(&f->loop));
    free(f->path);
    f->path = xstrdup(path);
    f->more = more;
    f->reports++;
    if (f->frees_itself)
        watch_free(take_ptr(&f->watch));
}

static void on_trouble(const struct error *err, void *data)
{
    struct fixture *f = data;
    f->troubles++;
    error_clear(&f->trouble);
    error_copy(&f->trouble, err);
}

static void on_limit(void *data)
{
    struct fixture *f = data;
    f->is_late = true;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/watch.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->top = xasprintf("%s/top", f->folder);
    assert_int_equal(loop_init(&f->loop, NULL), 0);
    timer_init(&f->loop, &f->limit, on_limit, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *command = xasprintf("rm -rf %s", f->folder);
    watch_free(f->watch);
    timer_stop(&f->limit);
    assert_int_equal(loop_fini(&f->loop), 0);
    assert_int_equal(system(command), 0);
    error_clear(&f->trouble);
    free(f->path);
    free(f->top);
    free(f);
    return 0;
}

static char *in_top(const struct fixture *f, const char *path)
{
    return xasprintf("%s/%s", f->top, path);
}

static void make_folder(const struct fixture *f, const char *path)
{
    cleanup_free char *whole = in_top(f, path);
    assert_int_equal(file_mkdirs(whole, 0755, NULL), 0);
}

static void write_file(const struct fixture *f, const char *path)
{
    cleanup_free char *whole = in_top(f, path);
    int fd = open(whole, O_WRONLY | O_CREAT | O_APPEND, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

/* One that was there long before. */
static void write_old_file(const struct fixture *f, const char *path)
{
    const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    cleanup_free char *whole = in_top(f, path);
    write_file(f, path);
    assert_int_equal(utimensat(AT_FDCWD, whole, times, 0), 0);
}

static void move(const struct fixture *f, const char *from, const char *to)
{
    cleanup_free char *old = in_top(f, from), *new = in_top(f, to);
    assert_int_equal(rename(old, new), 0);
}

static void start(struct fixture *f, const char *glob, size_t most_folders)
{
    struct watch_options options = {
        .folder = f->top,
        .globs = &glob,
        .glob_count = 1,
        .most_folders = most_folders,
        .on_change = on_change,
        .on_trouble = on_trouble,
        .data = f,
    };
    f->watch = watch_new(&f->loop, &options);
}

/* Until it has looked at the tree; turns of the loop, not time. */
static void settle(struct fixture *f)
{
    for (int i = 0; i < 200; i++)
        uv_run(&f->loop.uv, UV_RUN_NOWAIT);
}

static void expect(struct fixture *f, const char *path, bool more)
{
    int before = f->reports;
    f->is_late = false;
    timer_start(&f->limit, LIMIT_MS);
    while (f->reports == before && !f->is_late)
        loop_run_once(&f->loop);
    timer_stop(&f->limit);
    assert_false(f->is_late);
    assert_string_equal(f->path, path);
    assert_int_equal(f->more, more);
}

static void a_burst_is_one_report(void **state)
{
    struct fixture *f = *state;
    make_folder(f, "src/deep");
    write_old_file(f, "src/deep/a.c");
    start(f, "src/**/*.c", 0);
    settle(f);
    for (int i = 0; i < 50; i++)
        write_file(f, "src/deep/a.c");
    expect(f, "src/deep/a.c", false);
    write_file(f, "src/b.c");
    write_file(f, "src/deep/a.c");
    expect(f, "src/b.c", true);
    assert_int_equal(f->reports, 2);
}

static void what_does_not_match_is_not_seen(void **state)
{
    struct fixture *f = *state;
    make_folder(f, ".git");
    make_folder(f, "sub/.cache");
    start(f, "**/*.c", 0);
    settle(f);
    write_file(f, "a.h");
    write_file(f, ".git/a.c");
    write_file(f, "sub/.cache/a.c");
    write_file(f, "sub/.a.c.swp");
    write_file(f, "sub/a.c");
    expect(f, "sub/a.c", false);
}

/* As editors save: beside it, then over it; or the old one away first. */
static void saved_by_renaming(void **state)
{
    struct fixture *f = *state;
    make_folder(f, ".");
    write_old_file(f, "a.c");
    start(f, "*.c", 0);
    settle(f);
    write_file(f, "a.c.tmp");
    move(f, "a.c.tmp", "a.c");
    expect(f, "a.c", false);
    move(f, "a.c", "a.c~");
    write_file(f, "a.c");
    expect(f, "a.c", false);
    cleanup_free char *path = in_top(f, "a.c");
    assert_int_equal(unlink(path), 0);
    expect(f, "a.c", false);
}

static void links_count_when_they_are_made(void **state)
{
    struct fixture *f = *state;
    make_folder(f, ".");
    start(f, "*.c", 0);
    settle(f);
    cleanup_free char *path = in_top(f, "link.c");
    assert_int_equal(symlink("elsewhere", path), 0);
    expect(f, "link.c", false);
}

static void new_folders_are_noticed(void **state)
{
    struct fixture *f = *state;
    make_folder(f, ".");
    start(f, "src/**/*.c", 0);
    settle(f);
    make_folder(f, "src/new/er");
    write_file(f, "src/new/er/a.c"); /* before anybody has looked there */
    expect(f, "src/new/er/a.c", false);
    write_file(f, "src/new/er/b.c");
    expect(f, "src/new/er/b.c", false);
}

static void moved_folders_go_and_come(void **state)
{
    struct fixture *f = *state;
    make_folder(f, "src/one");
    write_old_file(f, "src/one/a.c");
    start(f, "src/**/*.c", 0);
    settle(f);
    move(f, "src/one", "elsewhere");
    expect(f, "src/one", false);
    write_file(f, "elsewhere/a.c");
    write_file(f, "src/b.c");
    expect(f, "src/b.c", false);
    move(f, "elsewhere", "src/two");
    expect(f, "src/two/a.c", false);
    write_file(f, "src/two/a.c");
    expect(f, "src/two/a.c", false);
}

static void the_top_may_come_later_and_come_again(void **state)
{
    struct fixture *f = *state;
    start(f, "**/*.c", 0);
    settle(f);
    make_folder(f, "src");
    write_file(f, "src/a.c");
    expect(f, "src/a.c", false);
    write_file(f, "src/a.c");
    expect(f, "src/a.c", false);
    cleanup_free char *gone = xasprintf("%s/gone", f->folder);
    assert_int_equal(rename(f->top, gone), 0);
    settle(f);
    make_folder(f, "src");
    write_file(f, "src/b.c");
    expect(f, "src/b.c", false);
}

/* What was written since the start counts although its folder had not been reached. */
static void changes_before_the_first_look(void **state)
{
    struct fixture *f = *state;
    make_folder(f, "src");
    write_old_file(f, "src/old.c");
    start(f, "src/*.c", 0);
    write_file(f, "src/young.c");
    expect(f, "src/young.c", false);
}

static void too_many_folders_are_told_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        cleanup_free char *path = xasprintf("src%d", i);
        make_folder(f, path);
    }
    start(f, "**", 4);
    settle(f);
    assert_int_equal(f->troubles, 1);
    assert_non_null(strstr(f->trouble.text, f->top));
    assert_non_null(strstr(f->trouble.hint, "narrower"));
    write_file(f, "a.c");
    expect(f, "a.c", false);
    make_folder(f, "one-more");
    settle(f);
    assert_int_equal(f->troubles, 1);
}

static void a_full_queue_is_a_change(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *text = file_read("/proc/sys/fs/inotify/max_queued_events", 64, NULL, NULL);
    int most = text ? atoi(text) : 0;
    if (most <= 0 || most > 100000)
        skip();
    make_folder(f, "src");
    write_old_file(f, "a");
    start(f, "**/*.c", 0);
    settle(f);
    for (int i = 0; i < most; i++)
        move(f, i % 2 ? "b" : "a", i % 2 ? "a" : "b");
    expect(f, "many files", false);
    settle(f);
    write_file(f, "src/a.c");
    expect(f, "src/a.c", false);
}

static void it_may_be_freed_by_its_report(void **state)
{
    struct fixture *f = *state;
    make_folder(f, ".");
    f->frees_itself = true;
    start(f, "*", 0);
    settle(f);
    write_file(f, "a");
    expect(f, "a", false);
    assert_null(f->watch);
}

static void freed_in_the_middle(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 200; i++) {
        cleanup_free char *path = xasprintf("%d/sub", i);
        make_folder(f, path);
    }
    start(f, "**", 0);
    loop_run_once(&f->loop);
    write_file(f, "a");
    watch_free(take_ptr(&f->watch));
    start(f, "**", 0);
    watch_free(take_ptr(&f->watch));
    assert_int_equal(f->reports, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_burst_is_one_report),
        TEST(what_does_not_match_is_not_seen),
        TEST(saved_by_renaming),
        TEST(links_count_when_they_are_made),
        TEST(new_folders_are_noticed),
        TEST(moved_folders_go_and_come),
        TEST(the_top_may_come_later_and_come_again),
        TEST(changes_before_the_first_look),
        TEST(too_many_folders_are_told_once),
        TEST(a_full_queue_is_a_change),
        TEST(it_may_be_freed_by_its_report),
        TEST(freed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
