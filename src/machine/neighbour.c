/* SO_PEERCRED, the links in /proc/PID/ns, and one connect() that sends nothing. */
#include "machine/neighbour.h"
#include "machine/port.h"
#include "machine/processes.h"
#include "machine/socket.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_PARENTS = 64, TABLE_LIMIT = 16 << 20 };

pid_t machine_socket_peer(const char *path)
{
    struct ucred peer = {.pid = -1};
    socklen_t length = sizeof peer;
    int fd = machine_connect(path);
    if (fd < 0)
        return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        peer.pid = -1;
    close(fd);
    return peer.pid;
}

/* ---- network namespaces ---- */

static enum machine_answer is_in_our_network(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/%ld/ns/net", (long)pid);
    if (stat("/proc/self/ns/net", &ours) < 0 || stat(path, &theirs) < 0)
        return MACHINE_UNKNOWN;
    bool same = ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
    if (same)
        return MACHINE_YES;
    return MACHINE_NO;
}

/* 0: it has none, or it cannot be told. */
static pid_t parent_of(pid_t pid)
{
    struct machine_process process = {0};
    machine_look_at_process(pid, &process);
    return process.parent;
}

enum machine_answer machine_shares_network(pid_t pid)
{
    enum machine_answer answer = MACHINE_UNKNOWN;
    for (int i = 0; i < MOST_PARENTS && pid > 0; i++) {
        answer = is_in_our_network(pid);
        if (answer != MACHINE_NO)
            break; /* one that we may not look at may be the one */
        pid_t parent = parent_of(pid);
        pid = parent > 1 ? parent : 0; /* init started everything, and forwards nothing */
    }
    return answer;
}

/* A kernel without IPv6 has one table. One that is not read whole may have the line that was looked for. */
enum machine_answer machine_has_listener(int port)
{
    cleanup_error struct error why = {0};
    cleanup_free char *tcp = file_read("/proc/self/net/tcp", TABLE_LIMIT, NULL, NULL);
    cleanup_free char *tcp6 = file_read("/proc/self/net/tcp6", TABLE_LIMIT, NULL, &why);
    if (tcp && machine_is_listened_in(tcp, port))
        return MACHINE_YES;
    if (tcp6 && machine_is_listened_in(tcp6, port))
        return MACHINE_YES;
    bool is_known = tcp && (tcp6 || why.code == ERROR_NO_FILE);
    if (is_known)
        return MACHINE_NO;
    return MACHINE_UNKNOWN;
}

bool machine_has_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    int rc = connect(fd, (struct sockaddr *)&address, sizeof address);
    bool is_down = rc < 0 && errno == ENETUNREACH;
    close(fd);
    return !is_down;
}
