/* See spill.h. The name of the memory file says whose it is: a number of a process, or of a descriptor, may
 * belong to somebody else by the time it is read. */
#include "logs/spill.h"

#include "base/mem.h"
#include "base/str.h"
#include "logs/record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "apphost-log-"

static bool begin(struct log_spill *s, const char *resource)
{
    char bytes[RECORD_FILE_SIZE];
    cleanup_free char *name = xasprintf(NAME "%s", resource);
    int fd = memfd_create(name, MFD_CLOEXEC);
    record_write_file(bytes, ++s->number, 0);
    if (fd < 0 || write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes ||
        (s->fd >= 0 && dup3(fd, s->fd, O_CLOEXEC) < 0)) {
        if (fd >= 0)
            close(fd);
        return false;
    }

    if (s->fd >= 0)
        close(fd);
    else
        s->fd = fd;
    s->size = sizeof bytes;
    return true;
}

bool log_spill_write(struct log_spill *s, const char *resource, const struct iovec *pieces, int count)
{
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += pieces[i].iov_len;
    if ((s->fd < 0 || s->size + (int64_t)length > SPILL_MAX) && !begin(s, resource))
        return false;
    if (writev(s->fd, pieces, count) == (ssize_t)length) {
        s->size += (int64_t)length;
        return true;
    }
    if (ftruncate(s->fd, s->size) == 0)
        lseek(s->fd, s->size, SEEK_SET);
    return false;
}

void log_spill_close(struct log_spill *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

int64_t log_spill_address(const struct log_spill *s)
{
    return (int64_t)getpid() << 32 | s->fd;
}

char *log_spill_path(int64_t address, const char *resource)
{
    char target[512];
    cleanup_free char *path = xasprintf("/proc/%d/fd/%d", (int)(address >> 32), (int)(address & 0x7fffffff));
    cleanup_free char *wanted = xasprintf("/memfd:" NAME "%s (deleted)", resource);
    ssize_t length = -1;
    if (address)
        length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return NULL;
    target[length] = '\0';
    if (strcmp(target, wanted))
        return NULL;
    return take_ptr(&path);
}
