/* The ground of the client library: texts that fail once, errors, log rules, limits, locks, lives, threads.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/life.h"
#include "client_base/limits.h"
#include "client_base/lock.h"
#include "client_base/log.h"
#include "client_base/pick.h"
#include "client_base/text.h"
#include "client_base/thread.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- texts ---- */

static void a_text_grows_and_is_taken(void **state)
{
    struct text text = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        text_addf(&text, "%d,", i % 10);
    text_adds(&text, "end");
    assert_int_equal(text.len, 2003);

    char *taken = text_take(&text);
    assert_string_equal(taken + 1996, "8,9,end");
    assert_int_equal(text.len, 0);
    assert_null(text.data);
    free(taken);
}

static void a_long_format_is_whole(void **state)
{
    struct text text = {0};
    (void)state;
    text_addf(&text, "<%2000d>", 7);
    assert_int_equal(text.len, 2002);
    assert_string_equal(text.data + 1999, " 7>");
    text_drop(&text);
}

static void nothing_added_is_an_empty_text(void **state)
{
    struct text text = {0};
    (void)state;
    char *taken = text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
}

/* As when memory is out: the size alone is too much. */
static void what_failed_stays_failed(void **state)
{
    struct text text = {0};
    (void)state;
    text_adds(&text, "before");
    text_add(&text, "", SIZE_MAX / 4);
    assert_true(text.is_failed);
    text_adds(&text, "after");
    assert_int_equal(text.len, strlen("before"));

    assert_null(text_take(&text));
    assert_false(text.is_failed);
    assert_null(text.data);
}

static void white_space_is_trimmed(void **state)
{
    static const char *const rows[][2] = {
        {" a b\t\n", "a b"}, {"a", "a"}, {"", ""}, {" \t ", ""}, {"\va\f", "a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *trimmed = text_trimmed(rows[i][0], strlen(rows[i][0]));
        assert_string_equal(trimmed, rows[i][1]);
        free(trimmed);
    }
    assert_string_equal(text_after("key=a=b", '='), "a=b");
    assert_string_equal(text_after("key=", '='), "");
    assert_null(text_after("key", '='));
}

static void an_integer_is_one_or_none(void **state)
{
    static const struct {
        const char *text;
        int rc, value;
    } rows[] = {
        {"0", 0, 0},
        {" 42 ", 0, 42},
        {"-1", 0, -1},
        {"+7", 0, 7},
        {"007", 0, 7},
        {"", -1, 0},
        {" ", -1, 0},
        {"-", -1, 0},
        {"+-1", -1, 0},
        {"1x", -1, 0},
        {"1 2", -1, 0},
        {"0x10", -1, 0},
        {"2147483647", 0, INT_MAX},
        {"2147483648", -1, 0},
        {"-2147483648", 0, INT_MIN},
        {"-2147483649", -1, 0},
        {"99999999999999999999", -1, 0},
        {"1.5", -1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int value = 0;
        assert_int_equal(text_to_int(rows[i].text, &value), rows[i].rc);
        assert_int_equal(value, rows[i].value);
    }
}

static void a_file_is_read_up_to_a_limit(void **state)
{
    char path[] = "/tmp/client-base-XXXXXX", *text = NULL;
    size_t length = 0;
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a\0b", 3), 3);
    close(fd);

    assert_int_equal(text_read_file(path, 3, &text, &length), 0);
    assert_int_equal(length, 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);

    assert_int_equal(text_read_file(path, 2, &text, &length), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(text_read_file("/", 2, &text, &length), -1);
    assert_int_equal(errno, EISDIR);
    unlink(path);
    assert_int_equal(text_read_file(path, 2, &text, &length), -1);
    assert_int_equal(errno, ENOENT);
}

/* ---- errors ---- */

static void an_error_is_filled_in_and_fits(void **state)
{
    struct apphost_error error = {0};
    char long_text[2000];
    (void)state;
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';

    assert_int_equal(fail_set(&error, APPHOST_E_TIMEOUT, NULL, "%s", long_text), -1);
    assert_int_equal(error.code, APPHOST_E_TIMEOUT);
    assert_string_equal(error.parameter, "");
    assert_int_equal(strlen(error.text), sizeof error.text - 1);

    assert_int_equal(fail_argument(&error, "key", "is NULL"), -1);
    assert_int_equal(error.code, APPHOST_E_ARGUMENT);
    assert_string_equal(error.parameter, "key");
    assert_string_equal(error.text, "key: is NULL");
    assert_int_equal(fail_null(&error, NULL, "redis", "reply"), -1);
    assert_string_equal(error.parameter, "redis");
    assert_int_equal(fail_null(&error, &error, "redis", "reply"), -1);
    assert_string_equal(error.parameter, "reply");
    assert_int_equal(fail_memory(&error), -1);
    assert_int_equal(error.code, APPHOST_E_MEMORY);
}

static void nobody_has_to_want_the_error(void **state)
{
    (void)state;
    assert_int_equal(fail_set(NULL, APPHOST_E_TIMEOUT, "key", "late"), -1);
    assert_int_equal(fail_memory(NULL), -1);
    assert_int_equal(fail_argument(NULL, "key", "is NULL"), -1);
}

static void each_code_has_a_name(void **state)
{
    (void)state;
    for (int code = APPHOST_OK; code <= APPHOST_E_CANCELLED; code++)
        assert_string_not_equal(apphost_code_name((enum apphost_code)code), "unknown");
    assert_string_equal(apphost_code_name((enum apphost_code)(APPHOST_E_CANCELLED + 1)), "unknown");
    assert_string_equal(apphost_code_name((enum apphost_code) - 1), "unknown");
}

/* ---- the log ---- */

struct heard {
    int lines;
    enum apphost_log_level level;
    char category[64], text[1100];
};

static void hear(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    struct heard *heard = user;
    heard->lines++;
    heard->level = level;
    snprintf(heard->category, sizeof heard->category, "%s", category);
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

static void the_most_specific_rule_wins(void **state)
{
    static const struct {
        const char *category;
        enum apphost_log_level level;
        int lines;
    } rows[] = {
        {"Other", APPHOST_LOG_INFORMATION, 0},
        {"Other", APPHOST_LOG_WARNING, 1},
        {"Aspire", APPHOST_LOG_WARNING, 0},
        {"Aspire", APPHOST_LOG_ERROR, 1},
        {LOG_REDIS, APPHOST_LOG_DEBUG, 1},
        {LOG_REDIS, APPHOST_LOG_TRACE, 0},
        {"ASPIRE.stackexchange.Redis.More", APPHOST_LOG_DEBUG, 1},
        {"Aspired", APPHOST_LOG_WARNING, 1}, /* no part of Aspire */
        {LOG_CACHE, APPHOST_LOG_CRITICAL, 0},
    };
    struct heard heard = {0};
    struct log log;
    (void)state;
    log_init(&log, hear, &heard);
    log_add_rule(&log, LOG_REDIS, "debug");
    log_add_rule(&log, "Aspire", "Error");
    log_add_rule(&log, "Default", "Warning");
    log_add_rule(&log, "Microsoft", "None");
    log_add_rule(&log, "Other", "loud"); /* is no level */

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heard.lines = 0;
        log_write(&log, rows[i].level, rows[i].category, "line %zu", i);
        assert_int_equal(heard.lines, rows[i].lines);
    }
}

static void a_log_line_is_whole_or_cut(void **state)
{
    struct heard heard = {0};
    struct log log;
    (void)state;
    log_init(&log, hear, &heard);
    log_write(&log, APPHOST_LOG_INFORMATION, "A", "%d %2000d", 1, 2);
    assert_int_equal(heard.lines, 1);
    assert_int_equal(heard.level, APPHOST_LOG_INFORMATION);
    assert_string_equal(heard.category, "A");
    assert_int_equal(strlen(heard.text), 1023);
}

static void who_is_gone_hears_nothing(void **state)
{
    struct heard heard = {0};
    struct log log, none;
    (void)state;
    log_init(&log, hear, &heard);
    atomic_store(&log.is_silent, true);
    log_write(&log, APPHOST_LOG_CRITICAL, "A", "line");
    log_init(&none, NULL, NULL);
    log_write(&none, APPHOST_LOG_CRITICAL, "A", "line");
    log_write(NULL, APPHOST_LOG_CRITICAL, "A", "line");
    assert_int_equal(heard.lines, 0);
    assert_string_equal(apphost_log_level_name(APPHOST_LOG_TRACE), "Trace");
    assert_string_equal(apphost_log_level_name((enum apphost_log_level)99), "None");
}

static void more_rules_than_there_is_room_for_are_left_out(void **state)
{
    struct log log;
    char category[16];
    (void)state;
    log_init(&log, NULL, NULL);
    for (int i = 0; i < LOG_RULES + 5; i++) {
        snprintf(category, sizeof category, "c%d", i);
        log_add_rule(&log, category, "Error");
    }
    assert_int_equal(log.rule_count, LOG_RULES);
}

/* ---- limits ---- */

static void a_thread_has_limits_of_its_own(void **state)
{
    struct apphost_cancel *cancel = apphost_cancel_new();
    struct apphost_error error = {0};
    (void)state;
    assert_int_equal(limits_timeout(500), 500);
    assert_false(limits_are_cancelled());
    assert_true(limits_slice(INT64_MAX) == INT64_MAX);

    apphost_limits_set(&(struct apphost_limits){.timeout_ms = 7, .cancel = cancel});
    assert_int_equal(limits_timeout(500), 7);
    assert_true(limits_slice(INT64_MAX) < INT64_MAX); /* it looks up from time to time */
    assert_true(limits_slice(1) == 1);
    assert_false(limits_are_cancelled());
    apphost_cancel(cancel);
    assert_true(limits_are_cancelled());
    assert_int_equal(limits_fail("GET", &error), -1);
    assert_int_equal(error.code, APPHOST_E_CANCELLED);

    apphost_limits_set(NULL);
    assert_false(limits_are_cancelled());
    assert_int_equal(limits_timeout(500), 500);
    apphost_cancel_free(cancel);
    apphost_cancel(NULL);
    assert_false(apphost_is_cancelled(NULL));
}

static void what_is_left_of_a_deadline_is_a_number_for_poll(void **state)
{
    (void)state;
    assert_int_equal(clock_left(0), 0);
    assert_int_equal(clock_left(INT64_MAX), INT_MAX);
    assert_true(clock_left(clock_ms() + 3600000) > 0);
    for (int i = 0; i < 100; i++)
        assert_true(clock_random(3) < 3);
    assert_true(clock_random(1) == 0);
}

/* ---- locks, lives, threads ---- */

/* In the builds of a sanitizer, as this one is in `make check`. */
static void code_of_the_callers_under_a_lock_ends_the_program(void **state)
{
    (void)state;
#ifdef LOCK_IS_COUNTED
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int status = 0;
    lock_take(&lock);
    lock_drop(&lock);
    user_code();

    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        lock_take(&lock);
        user_code();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
#else
    user_code();
#endif
}

static int ends;

static void count_end(struct life *life)
{
    (void)life;
    ends++;
}

static void the_last_to_let_go_ends_a_life(void **state)
{
    struct life life = {.users = 1, .end = count_end};
    (void)state;
    life_hold(&life);
    life_release(&life);
    assert_int_equal(ends, 0);
    life_release(&life);
    assert_int_equal(ends, 1);
    life_hold(NULL);
    life_release(NULL);
}

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done, is_deaf;
};

static void *meet(void *user)
{
    struct meeting *meeting = user;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    lock_take(&meeting->lock);
    meeting->is_deaf = sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGCHLD);
    meeting->is_done = true;
    pthread_cond_signal(&meeting->changed);
    lock_drop(&meeting->lock);
    return NULL;
}

static void a_thread_of_ours_gets_no_signals(void **state)
{
    struct meeting meeting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    sigset_t before, after;
    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(thread_start(meet, &meeting), 0);
    lock_take(&meeting.lock);
    while (!meeting.is_done)
        pthread_cond_wait(&meeting.changed, &meeting.lock);
    lock_drop(&meeting.lock);

    assert_true(meeting.is_deaf);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGINT), sigismember(&after, SIGINT)); /* ours is as it was */
}

static void choices_have_names(void **state)
{
    (void)state;
    assert_int_equal(set_or(5, 7), 5);
    assert_int_equal(set_or(0, 7), 7);
    assert_int_equal(set_or(-1, 7), 7);
    assert_string_equal(text_or(NULL, "b"), "b");
    assert_string_equal(text_or_empty(NULL), "");
    assert_int_equal(failed_or_0(-5), -1);
    assert_int_equal(failed_or_0(3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows_and_is_taken),
        cmocka_unit_test(a_long_format_is_whole),
        cmocka_unit_test(nothing_added_is_an_empty_text),
        cmocka_unit_test(what_failed_stays_failed),
        cmocka_unit_test(white_space_is_trimmed),
        cmocka_unit_test(an_integer_is_one_or_none),
        cmocka_unit_test(a_file_is_read_up_to_a_limit),
        cmocka_unit_test(an_error_is_filled_in_and_fits),
        cmocka_unit_test(nobody_has_to_want_the_error),
        cmocka_unit_test(each_code_has_a_name),
        cmocka_unit_test(the_most_specific_rule_wins),
        cmocka_unit_test(a_log_line_is_whole_or_cut),
        cmocka_unit_test(who_is_gone_hears_nothing),
        cmocka_unit_test(more_rules_than_there_is_room_for_are_left_out),
        cmocka_unit_test(a_thread_has_limits_of_its_own),
        cmocka_unit_test(what_is_left_of_a_deadline_is_a_number_for_poll),
        cmocka_unit_test(code_of_the_callers_under_a_lock_ends_the_program),
        cmocka_unit_test(the_last_to_let_go_ends_a_life),
        cmocka_unit_test(a_thread_of_ours_gets_no_signals),
        cmocka_unit_test(choices_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
