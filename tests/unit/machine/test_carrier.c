/* Who was started with an entry in his environment. */
#include "machine/carrier.h"
#include "base/mem.h"
#include "base/str.h"

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

static char *program;

static bool take_pid(const struct machine_carrier *carrier, void *data)
{
    const pid_t *pid = data;
    return carrier->pid == *pid;
}

static bool take(const struct machine_carrier *carrier, void *data)
{
    (void)carrier;
    (void)data;
    return true;
}

/* `cat` with this environment, which has answered: it has been executed. */
static pid_t start(const char *const environment[], int *input)
{
    int to[2], from[2];
    char byte = 0;
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        close(from[0]);
        const char *const command[] = {"cat", NULL};
        execve("/bin/cat", (char *const *)command, (char *const *)environment);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    assert_int_equal(write(to[1], "x", 1), 1);
    assert_int_equal(read(from[0], &byte, 1), 1);
    close(from[0]);
    *input = to[1];
    return pid;
}

static void finds_who_carries(void **state)
{
    (void)state;
    char entry[64];
    snprintf(entry, sizeof entry, "APPHOST_TEST_CARRIER=%ld-more", (long)getpid());
    const char *const environment[] = {"A=1", entry, "XDG_STATE_HOME=/there", "EMPTY=", NULL};
    int input = -1;
    pid_t pid = start(environment, &input);

    struct machine_carrier carrier;
    cleanup_free char *begin = xstrndup(entry, strlen(entry) - 5);
    assert_true(machine_find_carrier(begin, take_pid, &pid, &carrier));
    assert_int_equal(carrier.pid, pid);
    assert_string_equal(carrier.entry, entry);
    assert_string_equal(machine_carrier_value(&carrier, "XDG_STATE_HOME"), "/there");
    assert_string_equal(machine_carrier_value(&carrier, "EMPTY"), "");
    assert_null(machine_carrier_value(&carrier, "XDG_STATE"));
    machine_carrier_free(&carrier);

    pid_t nobody = 0;
    assert_false(machine_find_carrier(begin, take_pid, &nobody, &carrier));
    assert_null(carrier.environment);
    assert_false(machine_find_carrier("APPHOST_TEST_CARRIER=none", take_pid, &pid, &carrier));

    close(input);
    waitpid(pid, NULL, 0);
    assert_false(machine_find_carrier(begin, take_pid, &pid, &carrier));
}

/* Whoever is started from within a session is not what that has left: here a shell carries the entry, and
 * this program, run by it with `search`, does not. */
static void ancestors_do_not_count(void **state)
{
    (void)state;
    char entry[64];
    snprintf(entry, sizeof entry, "APPHOST_TEST_CARRIER=%ld-above", (long)getpid());
    const char *const environment[] = {"PATH=/usr/bin:/bin", entry, NULL};
    const char *const command[] = {
        "sh", "-c", "env -u APPHOST_TEST_CARRIER \"$0\" search \"$1\"; exit $?", program, entry, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        execve("/bin/sh", (char *const *)command, (char *const *)environment);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int search(const char *entry)
{
    struct machine_carrier carrier;
    bool is_found = machine_find_carrier(entry, take, NULL, &carrier);
    machine_carrier_free(&carrier);
    return is_found;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_who_carries),
        cmocka_unit_test(ancestors_do_not_count),
    };
    program = argv[0];
    if (argc == 3 && str_eq(argv[1], "search"))
        return search(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
