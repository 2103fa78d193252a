/* Which container, and where a folder lies: from what Docker, Podman and a plain machine show. */
#include "machine/self.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ID "21fb42170f8f7d91d818a4e5d7e4476179be7c3b824379381caf538676b5390f"
#define OTHER "3e508a68d2a3082d59bdc76938c6117da67a8099ef5f0b7d9498f6d8b9a9e3c1"

static const char docker[] =
    "72 48 0:39 / / rw,relatime master:2 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/UB:/x\n"
    "73 72 0:42 / /proc rw,nosuid - proc proc rw\n"
    "89 72 254:0 /var/lib/docker/volumes/" OTHER "/_data /data rw,relatime master:1 - ext4 /dev/vda rw\n"
    "90 72 254:0 /var/lib/docker/containers/" ID "/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw\n"
    "91 72 254:0 /var/lib/docker/containers/" ID "/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw\n"
    "92 72 254:0 /home/u/my\\040shop /workspaces/my\\040shop rw,relatime - ext4 /dev/vda rw\n"
    "93 72 254:0 /home/u/parts /workspaces/my\\040shop/parts rw shared:3 master:1 - ext4 /dev/vda rw\n"
    "94 72 0:55 / /whole rw - ext4 /dev/vdb rw\n";

static const char podman[] = "72 48 0:39 / / rw,relatime - overlay overlay rw\n"
                             "91 72 0:50 /containers/storage/overlay-containers/" ID
                             "/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n";

/* Somebody's own hosts file was mounted, and the volume's name looks like an id. */
static const char nested[] = "72 48 0:39 / / rw,relatime - overlay overlay rw\n"
                             "88 72 254:0 /home/u/hosts /etc/hosts rw - ext4 /dev/vda rw\n"
                             "89 72 254:0 /var/lib/docker/volumes/" OTHER "/_data/containers/" ID
                             "/hostname /etc/hostname rw - ext4 /dev/vda rw\n";

static const char plain[] = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
                            "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
                            "28 27 254:1 / /home rw,relatime - ext4 /dev/vdb rw\n";

static void check_id(const char *mountinfo, const char *cgroup, const char *expected)
{
    cleanup_free char *id = machine_container_id_in(mountinfo, cgroup);
    if (expected)
        assert_string_equal(id, expected);
    else
        assert_null(id);
}

static void id_of_mounts(void **unused)
{
    (void)unused;
    check_id(docker, "", ID);
    check_id(podman, "", ID);
    check_id(nested, "", ID);
    check_id(docker, "4:memory:/docker/" OTHER "\n", ID);
}

static void id_of_cgroup(void **unused)
{
    (void)unused;
    check_id(plain, "4:memory:/docker/" ID "\n0::/\n", ID);
    check_id(plain, "9:name=systemd:/\n4:memory:/docker/" OTHER "/docker/" ID "\n", ID);
    check_id(plain, "0::/system.slice/docker-" ID ".scope\n", ID);
    check_id(plain, "0::/machine.slice/libpod-" ID ".scope/container\n", ID);
}

static void no_container(void **unused)
{
    (void)unused;
    check_id(plain, "0::/user.slice/user-1000.slice/session-3.scope\n", NULL);
    check_id(plain, "4:memory:/process_api/2e25c92c35d84ed0e867c86de6112472\n0::/\n", NULL);
    check_id("", "", NULL);
    check_id("nonsense\n1 2 3\n91 72 254:0 /containers/" ID " /etc/hostname rw\n", "no id\n", NULL);
    check_id("91 72 254:0 /containers/" ID "/x /etc/other rw - ext4 /dev/vda rw\n", "", NULL);
    check_id("91 72 254:0 /containers/" ID "0/x /etc/hostname rw - ext4 /dev/vda rw\n", "", NULL);
}

static void check_outside(const char *mountinfo, const char *path, const char *expected, bool is_bind)
{
    struct machine_outside outside;
    machine_outside_in(mountinfo, path, &outside);
    assert_string_equal(outside.path, expected);
    assert_int_equal(outside.is_bind, is_bind);
    machine_outside_free(&outside);
}

static void outside(void **unused)
{
    (void)unused;
    check_outside(docker, "/workspaces/my shop", "/home/u/my shop", true);
    check_outside(docker, "/workspaces/my shop/web", "/home/u/my shop/web", true);
    check_outside(docker, "/workspaces/my shop/parts/a", "/home/u/parts/a", true);
    check_outside(docker, "/workspaces/my shopping", "/workspaces/my shopping", false);
    check_outside(docker, "/data", "/var/lib/docker/volumes/" OTHER "/_data", true);
    check_outside(docker, "/whole", "/", false);
    check_outside(docker, "/whole/x", "/x", false);
    check_outside(docker, "/", "/", false);
    check_outside(plain, "/home/u/shop", "/u/shop", false);
}

static void outside_of_what_is_covered(void **unused)
{
    (void)unused;
    check_outside("1 0 254:0 /old /work rw - ext4 /dev/vda rw\n2 0 254:0 /new /work rw - ext4 /dev/vda rw\n",
                  "/work", "/new", true);
    struct machine_outside outside;
    machine_outside_in("", "/x", &outside);
    assert_null(outside.path);
    machine_outside_free(&outside);
}

static void this_machine(void **unused)
{
    (void)unused;
    struct machine_outside outside;
    machine_outside("/proc", &outside);
    assert_string_equal(outside.path, "/");
    assert_null(machine_bound_from("/proc")); /* all of a file system, not a part that somebody gave */
    machine_outside_free(&outside);
    cleanup_free char *id = machine_container_id();
    if (id)
        assert_int_equal(strlen(id), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_of_mounts),
        cmocka_unit_test(id_of_cgroup),
        cmocka_unit_test(no_container),
        cmocka_unit_test(outside),
        cmocka_unit_test(outside_of_what_is_covered),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
