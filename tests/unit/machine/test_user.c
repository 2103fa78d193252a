/* Who started a user namespace, and a machine's id. */
#include "machine/user.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void users_from_outside(void **state)
{
    (void)state;
    static const char machine[] = "         0          0 4294967295\n";
    static const char rootless[] = "         0       1000          1\n         1     100000      65536\n";
    assert_int_equal(machine_outer_uid_in(machine, 1000), 1000);
    assert_int_equal(machine_outer_uid_in(rootless, 0), 1000);
    assert_int_equal(machine_outer_uid_in(rootless, 1000), 100999);
    assert_int_equal(machine_outer_uid_in("", 65534), 65534);
    assert_int_equal(machine_outer_uid_in(NULL, 7), 7);
    assert_int_equal(machine_outer_uid_in("nonsense\n", 7), 7);
    assert_int_equal(machine_outer_uid_in(rootless, 65537 + 7), 65537 + 7);
}

static void an_id_is_whole_or_none(void **state)
{
    (void)state;
    cleanup_free char *id = machine_lasting_id();
    assert_true(!id || strspn(id, "0123456789abcdef") == 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_from_outside),
        cmocka_unit_test(an_id_is_whole_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
