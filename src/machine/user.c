/* Reads /proc/self/uid_map and /etc/machine-id; see user.h. */
#include "machine/user.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAP_LIMIT = 64 << 10, ID_LENGTH = 32 };

uid_t machine_outer_uid_in(const char *uid_map, uid_t uid)
{
    unsigned long inside, outside, count;
    int length = 0;
    for (const char *at = uid_map; at && sscanf(at, "%lu %lu %lu%n", &inside, &outside, &count, &length) == 3;
         at += length) {
        if (uid >= inside && uid - inside < count)
            return (uid_t)(outside + (uid - inside));
    }
    return uid;
}

uid_t machine_outer_uid(uid_t uid)
{
    cleanup_free char *map = file_read("/proc/self/uid_map", MAP_LIMIT, NULL, NULL);
    return machine_outer_uid_in(map, uid);
}

static bool is_mounted_over(const char *file, const char *folder)
{
    struct stat of_file, of_folder;
    return stat(file, &of_file) || stat(folder, &of_folder) || of_file.st_dev != of_folder.st_dev;
}

char *machine_lasting_id(void)
{
    static const char path[] = "/etc/machine-id";
    cleanup_free char *text = NULL;
    if (access(path, R_OK) == 0)
        text = file_read(path, 256, NULL, NULL);
    size_t length = 0;
    if (text)
        length = strspn(text, "0123456789abcdef");
    if (length != ID_LENGTH || is_mounted_over(path, "/etc"))
        return NULL;
    return xstrndup(text, length);
}

static const ino_t first_pid_namespace = 4026531836; /* on every Linux: PROC_PID_INIT_INO */

bool machine_sees_all_processes(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == first_pid_namespace;
}
