/* See socket.h. */
#include "machine/socket.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket whose queue is full makes who connects wait: for as long as SO_SNDTIMEO says, or until a signal.
 */
static int connect_fd(int fd, const char *path, int wait_ms)
{
    const struct timeval limit = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000L};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
        fd_set_nonblock(fd, wait_ms == 0) < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    if (fd_set_nonblock(fd, true) < 0)
        return -errno;
    return 0;
}

int machine_connect_within(const char *path, int wait_ms)
{
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return -ENAMETOOLONG;

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = connect_fd(fd, path, wait_ms);
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

int machine_connect(const char *path)
{
    return machine_connect_within(path, 0);
}
