/* See port.h. A socket is known by its inode: the table of the network names it, and so do the links in the
 * descriptor folders of the processes that have it open. */
#include "machine/port.h"
#include "machine/processes.h"
#include "machine/self.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0A, TABLE_LIMIT = 16 << 20, MOUNTS_LIMIT = 1 << 20 };

/* ---- the table ---- */

/* Words of eight digits in this machine's order of bytes. */
static void write_address(const char *digits, char *out, size_t room)
{
    uint32_t words[4] = {0};
    char word[9] = "";
    bool is_v6 = strlen(digits) == 32;
    for (size_t i = 0; i < (is_v6 ? 4U : 1U); i++) {
        memcpy(word, digits + 8 * i, 8);
        words[i] = (uint32_t)strtoul(word, NULL, 16);
    }
    if (!inet_ntop(is_v6 ? AF_INET6 : AF_INET, words, out, (socklen_t)room))
        *out = '\0';
}

/* only: this port, or 0 for all. */
static void take_line(const char *line, int only, struct machine_listeners *out)
{
    unsigned port = 0, state = 0;
    unsigned long inode = 0;
    char address[33] = "";
    int fields = sscanf(line, " %*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu", address,
                        &port, &state, &inode);
    bool is_whole = strlen(address) == 8 || strlen(address) == 32;
    bool is_meant = fields == 4 && state == STATE_LISTEN && is_whole && (!only || only == (int)port);
    if (!is_meant || out->count == sizeof out->items / sizeof *out->items)
        return;
    struct machine_listener *listener = &out->items[out->count++];
    *listener = (struct machine_listener){.port = (int)port, .inode = inode};
    write_address(address, listener->address, sizeof listener->address);
}

static void take_lines(const char *text, int only, struct machine_listeners *out)
{
    for (const char *line = text; line && *line;) {
        take_line(line, only, out);
        line = strchr(line, '\n');
        if (line)
            line++;
    }
}

void machine_listeners_in(const char *text, struct machine_listeners *out)
{
    take_lines(text, 0, out);
}

bool machine_is_listened_in(const char *text, int port)
{
    struct machine_listeners listeners = {0};
    take_lines(text, port, &listeners);
    return listeners.count > 0;
}

static void read_network(pid_t pid, int only, struct machine_listeners *out)
{
    static const char *const tables[] = {"tcp", "tcp6"};
    *out = (struct machine_listeners){0};
    for (size_t i = 0; i < 2; i++) {
        cleanup_free char *path = xasprintf("/proc/%ld/net/%s", (long)pid, tables[i]);
        cleanup_free char *text = file_read(path, TABLE_LIMIT, NULL, NULL);
        take_lines(text, only, out);
    }
}

/* ---- who has a socket open ---- */

/* Marks the listeners that a process has open; returns whether there is one. */
static bool mark_open(pid_t pid, const struct machine_listeners *all, bool *marks)
{
    char path[300], link[64], want[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        link[length > 0 ? length : 0] = '\0';
        for (size_t i = 0; i < all->count && str_starts(link, "socket:"); i++) {
            snprintf(want, sizeof want, "socket:[%lu]", all->items[i].inode);
            marks[i] = marks[i] || !strcmp(link, want);
            found = found || marks[i];
        }
    }

    if (folder)
        closedir(folder);
    return found;
}

static long session_of(pid_t pid)
{
    struct machine_process process;
    if (machine_look_at_process(pid, &process))
        return process.session;
    return -1;
}

/* Which of all are open, in the processes that were walked through. */
struct open_ports {
    struct machine_listeners all;
    bool marks[sizeof((struct machine_listeners){0}.items) / sizeof(struct machine_listener)];
    pid_t session;
    char *holder; /* in words */
};

static bool look_in_session(pid_t pid, void *data)
{
    struct open_ports *ports = data;
    if (session_of(pid) == (long)ports->session)
        mark_open(pid, &ports->all, ports->marks);
    return false;
}

void machine_listeners_of_session(pid_t session, struct machine_listeners *out)
{
    struct open_ports ports = {.session = session};
    read_network(session, 0, &ports.all);
    *out = (struct machine_listeners){0};
    if (ports.all.count)
        machine_each_process(look_in_session, &ports);
    for (size_t i = 0; i < ports.all.count; i++)
        if (ports.marks[i])
            out->items[out->count++] = ports.all.items[i];
}

bool machine_listeners_of_container(pid_t pid, const char *id, struct machine_listeners *out)
{
    cleanup_free char *mounts_path = xasprintf("/proc/%ld/mountinfo", (long)pid);
    cleanup_free char *cgroup_path = xasprintf("/proc/%ld/cgroup", (long)pid);
    cleanup_free char *mounts = NULL;
    if (pid > 0)
        mounts = file_read(mounts_path, MOUNTS_LIMIT, NULL, NULL);
    cleanup_free char *cgroup = NULL;
    if (pid > 0)
        cgroup = file_read(cgroup_path, MOUNTS_LIMIT, NULL, NULL);
    cleanup_free char *found = NULL;
    if (mounts)
        found = machine_container_id_in(mounts, text_or_empty(cgroup));
    if (!id || !str_eq(found, id))
        return false;
    read_network(pid, 0, out);
    return true;
}

/* ---- in words ---- */

static char *describe(pid_t pid)
{
    char path[300], name[64] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    cleanup_free char *shown = str_printable(*name ? name : "a process");
    return xasprintf("%s (pid %ld)", shown, (long)pid);
}

static bool look_for_holder(pid_t pid, void *data)
{
    struct open_ports *ports = data;
    if (mark_open(pid, &ports->all, ports->marks))
        ports->holder = describe(pid);
    return ports->holder != NULL;
}

char *machine_port_holder(int port)
{
    struct open_ports ports = {0};
    read_network(getpid(), port, &ports.all);
    if (ports.all.count)
        machine_each_process(look_for_holder, &ports);
    return ports.holder;
}

/* ---- is it free? ---- */

bool machine_port_is_free(const char *address, int port)
{
    if (!address || !*address)
        address = "127.0.0.1";
    bool is_six = strchr(address, ':') != NULL;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool ok;
    if (is_six)
        ok = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
    else
        ok = inet_pton(AF_INET, address, &four.sin_addr) == 1;
    if (!ok)
        return true; /* not an address of this machine's spelling: whoever uses it will tell */

    int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int rc;
    if (is_six)
        rc = bind(fd, (struct sockaddr *)&six, sizeof six);
    else
        rc = bind(fd, (struct sockaddr *)&four, sizeof four);
    int why = errno;
    close(fd);
    return rc == 0 || why != EADDRINUSE;
}

bool machine_lacks_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_one = fd >= 0 && inet_pton(AF_INET, text, &address.sin_addr) == 1;
    bool is_foreign =
        is_one && bind(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno == EADDRNOTAVAIL;
    if (fd >= 0)
        close(fd);
    return is_foreign;
}
