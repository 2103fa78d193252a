/* Who listens on a TCP port of this machine: the socket's inode from /proc/net/tcp, its owner from
 * /proc/PID/fd. */
#include "cli/doctor.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t inode_of(const char *path, int port)
{
    char line[512];
    uint64_t found = 0;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned local = 0, state = 0;
        uint64_t inode = 0;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*d %" SCNu64, &local,
                   &state, &inode) == 3 &&
            (int)local == port && state == 0x0a /* LISTEN */)
            found = inode;
    }
    if (file)
        fclose(file);
    return found;
}

static bool holds(const char *pid, const char *socket)
{
    char path[300], target[64];
    bool found = false;
    struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *folder = opendir(path);
    while (folder && !found && (entry = readdir(folder))) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        found = !strcmp(target, socket);
    }
    if (folder)
        closedir(folder);
    return found;
}

static char *describe(const char *pid)
{
    char path[300], name[64] = "";
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    cleanup_free char *shown = str_printable(name);
    return xasprintf("%s (pid %s)", shown, pid);
}

char *doctor_port_holder(int port)
{
    uint64_t inode = inode_of("/proc/net/tcp", port);
    if (!inode)
        inode = inode_of("/proc/net/tcp6", port);
    if (!inode)
        return NULL;
    cleanup_free char *socket = xasprintf("socket:[%" PRIu64 "]", inode);
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    char *holder = NULL;
    while (folder && !holder && (entry = readdir(folder)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && holds(entry->d_name, socket))
            holder = describe(entry->d_name);
    if (folder)
        closedir(folder);
    return holder;
}

bool doctor_port_is_free(const char *address, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    if (inet_pton(AF_INET, address && *address ? address : "127.0.0.1", &in.sin_addr) != 1)
        return true;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool free = fd < 0 || !bind(fd, (struct sockaddr *)&in, sizeof in);
    if (fd >= 0)
        close(fd);
    return free;
}
