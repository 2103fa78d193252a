/* Whether a port of this machine is free: a socket of ours could listen there. */
#include "doctor/doctor.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
