/* room: machine */
/* Any text as /proc/self/mountinfo, and what follows the first NUL as /proc/self/cgroup: an id of 64 digits
 * or none, a path outside or none. */
#include "machine/self.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const char *id)
{
    if (id && (strlen(id) != 64 || strspn(id, "0123456789abcdefABCDEF") != 64))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *mounts = xstrndup((const char *)data, size);
    size_t length = strlen(mounts);
    const char *rest = "";
    if (length < size)
        rest = (const char *)data + length + 1;
    cleanup_free char *cgroup = xstrndup(rest, length < size ? size - length - 1 : 0);
    cleanup_free char *id = machine_container_id_in(mounts, cgroup);
    check_id(id);

    static const char *const paths[] = {"/", "/home/u/shop", "/etc/hosts", "/var/lib/a b"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct machine_outside outside = {0};
        machine_outside_in(mounts, paths[i], &outside);
        if (outside.path && (!outside.point || !outside.type))
            abort();
        machine_outside_free(&outside);
    }
    return 0;
}
