/* Who a project is: the same from every namespace, folder and environment; another one for another path, user
 * or given name; its text made and taken apart. */
#include "state/state.h"
#include "base/mem.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

static const struct identity_source shop = {.manifest = "/tmp/apphost.yaml"};

/* ---- what does not count ---- */

static int go_elsewhere(void)
{
    setenv("HOME", "/nowhere", 1);
    setenv("HOSTNAME", "other", 1);
    setenv("XDG_STATE_HOME", "/nowhere", 1);
    return chdir("/");
}

/* The hash as a grandchild sees it, who is inside of all that was unshared; false: not allowed here. */
static bool hash_inside(int namespaces, char hash[9])
{
    int ends[2];
    memset(hash, 0, 9);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(namespaces) || go_elsewhere())
            _exit(1);
        pid_t inner = fork();
        if (inner == 0) {
            char own[9];
            identity_hash(&shop, own);
            _exit(write(ends[1], own, 9) == 9 ? 0 : 1);
        }
        waitpid(inner, NULL, 0);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    close(ends[1]);
    bool is_told = read(ends[0], hash, 9) == 9;
    close(ends[0]);
    return is_told;
}

static void same_from_everywhere(void **state)
{
    (void)state;
    static const int namespaces[] = {0,
                                     CLONE_NEWPID,
                                     CLONE_NEWNS,
                                     CLONE_NEWNET,
                                     CLONE_NEWUTS,
                                     CLONE_NEWIPC,
                                     CLONE_NEWCGROUP,
                                     CLONE_NEWTIME,
                                     CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS};
    char own[9], inside[9];
    identity_hash(&shop, own);
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
        if (hash_inside(namespaces[i], inside))
            assert_string_equal(inside, own);
    assert_true(hash_inside(0, inside));
}

/* ---- what does ---- */

static void another_for_what_counts(void **state)
{
    (void)state;
    char own[9], same[9], other[9], named[9];
    identity_hash(&shop, own);
    identity_hash(&(struct identity_source){.manifest = "/tmp/../tmp/apphost.yaml"}, same);
    assert_string_equal(same, own);
    identity_hash(&(struct identity_source){.manifest = "/tmp/other.yaml"}, other);
    assert_string_not_equal(other, own);
    identity_hash(&(struct identity_source){.manifest = "/tmp/apphost.yaml", .name = "#2"}, named);
    assert_string_not_equal(named, own);

    identity_hash(&(struct identity_source){.manifest = "/tmp/apphost.yaml", .override = "ci"}, own);
    identity_hash(&(struct identity_source){.manifest = "/other", .name = "x", .override = "ci"}, same);
    assert_string_equal(same, own);
    assert_string_equal(own, "c91e75fc"); /* as it has always been */
}

static void another_user(void **state)
{
    (void)state;
    char own[9], other[9];
    if (getuid())
        skip();
    identity_hash(&shop, own);
    assert_int_equal(setresuid(4711, 4711, 0), 0);
    identity_hash(&shop, other);
    assert_int_equal(setresuid(0, 0, 0), 0);
    assert_string_not_equal(other, own);
}

static void former_hash(void **state)
{
    (void)state;
    char own[9], former[9];
    identity_hash(&shop, own);
    assert_true(identity_former_hash(&shop, former));
    assert_true(identity_is_hash(former));
    assert_string_not_equal(former, own);
    assert_false(identity_former_hash(&(struct identity_source){.manifest = "/", .override = "ci"}, former));
}

/* ---- the text ---- */

static void there_and_back(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "shop", "-1a2b3c4d", "shop-1a2b3c4", "shop-1a2b3c4D", "shop-1a2b3c4d5", "shop_1a2b3c4d",
        "1a2b3c4d"};
    cleanup_free char *prefix = identity_prefix("my-shop", "1a2b3c4d");
    cleanup_identity struct identity identity = {0};
    assert_string_equal(prefix, "my-shop-1a2b3c4d");
    assert_true(identity_parse(prefix, &identity));
    assert_string_equal(identity.name, "my-shop");
    assert_string_equal(identity.hash, "1a2b3c4d");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct identity none = {0};
        assert_false(identity_parse(bad[i], &none));
        assert_null(none.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_from_everywhere), cmocka_unit_test(another_for_what_counts),
        cmocka_unit_test(another_user),         cmocka_unit_test(former_hash),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
