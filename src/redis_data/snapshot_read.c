/* Reading a snapshot: map it, check all of it, hand out its records. See snapshot_file.h.
 *
 * Everything is checked once before the first record is used: frame, digest, each record's sizes, the number
 * of keys. After that snapshot_next() only decodes. The file is ours, 0600, and only ever replaced by rename:
 * a mapping of it does not shrink. */
#include "library/openssl.h"
#include "base/mem.h"
#include "redis_data/snapshot_file.h"
#include "redis_data/snapshot_format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t number_at(const char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

/* ---- the frame ---- */

static int check_head(const char *head, struct redis_data_info *info, struct error *err)
{
    if (memcmp(head, SNAPSHOT_MAGIC, SNAPSHOT_MAGIC_SIZE) != 0)
        return error_set(err, ERROR_PROTOCOL, "it is not a snapshot");
    if (memcmp(head + SNAPSHOT_MAGIC_SIZE, SNAPSHOT_VERSION, SNAPSHOT_VERSION_SIZE) != 0) {
        error_set(err, ERROR_PROTOCOL, "another version of apphost wrote it");
        error_hint(err, "make the snapshot anew");
        return -1;
    }
    const char *at = head + SNAPSHOT_MAGIC_SIZE + SNAPSHOT_VERSION_SIZE;
    info->created_ms = (int64_t)number_at(at, 8);
    memcpy(info->server, at + 8, SNAPSHOT_SERVER_SIZE);
    info->server[sizeof info->server - 1] = '\0';
    return 0;
}

static int check_end(const char *end, struct redis_data_info *info, struct error *err)
{
    if (*end != 'E')
        return error_set(err, ERROR_PROTOCOL, "it is damaged: its end is missing");
    info->keys = number_at(end + 1, 8);
    return 0;
}

static int check_frame(struct snapshot_reader *reader, struct error *err)
{
    if (reader->length < SNAPSHOT_HEAD_SIZE)
        return error_set(err, ERROR_PROTOCOL, "it is not a snapshot");
    if (check_head(reader->bytes, &reader->info, err))
        return -1;
    if (reader->length < SNAPSHOT_HEAD_SIZE + SNAPSHOT_END_SIZE)
        return error_set(err, ERROR_PROTOCOL, "it is damaged: its end is missing");
    reader->info.bytes = (int64_t)reader->length;
    reader->records_at = SNAPSHOT_HEAD_SIZE;
    return check_end(reader->bytes + reader->length - SNAPSHOT_END_SIZE, &reader->info, err);
}

static int check_digest(const struct snapshot_reader *reader, struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t length = reader->length - SNAPSHOT_DIGEST_SIZE;
    if (libcrypto_open(err) < 0)
        return -1;
    if (!EVP_Digest(reader->bytes, length, digest, NULL, EVP_sha256(), NULL))
        return error_set(err, ERROR_FAILED, "SHA-256 is not available");
    if (memcmp(digest, reader->bytes + length, SNAPSHOT_DIGEST_SIZE) != 0)
        return error_set(err, ERROR_PROTOCOL, "it is damaged: its checksum does not match");
    return 0;
}

/* ---- records ---- */

/* Takes size bytes; NULL when the records end before. */
static const char *take(const struct snapshot_reader *reader, size_t *at, size_t size)
{
    size_t end = reader->length - SNAPSHOT_END_SIZE;
    if (size > end - *at)
        return NULL;
    const char *bytes = reader->bytes + *at;
    *at += size;
    return bytes;
}

static bool take_text(const struct snapshot_reader *reader, size_t *at, const char **text, size_t *length)
{
    const char *size = take(reader, at, 4);
    *length = 0;
    if (size)
        *length = number_at(size, 4);
    *text = NULL;
    if (size)
        *text = take(reader, at, *length);
    return *text != NULL;
}

static bool take_record(const struct snapshot_reader *reader, size_t *at, struct snapshot_record *record)
{
    const char *kind = take(reader, at, 1), *number = NULL;
    *record = (struct snapshot_record){.kind = kind ? *kind : 'E'};
    switch (record->kind) {
    case 'E':
        return kind == NULL;
    case 'D':
        number = take(reader, at, 4);
        record->database = 0;
        if (number)
            record->database = (uint32_t)number_at(number, 4);
        return number != NULL;
    case 'F':
        return take_text(reader, at, &record->payload, &record->payload_length);
    case 'K':
        number = take(reader, at, 8);
        record->expires_ms = 0;
        if (number)
            record->expires_ms = (int64_t)number_at(number, 8);
        return number && record->expires_ms >= 0 &&
               take_text(reader, at, &record->key, &record->key_length) &&
               take_text(reader, at, &record->payload, &record->payload_length) &&
               record->payload_length >= SNAPSHOT_PAYLOAD_MIN;
    default:
        return false;
    }
}

void snapshot_next(const struct snapshot_reader *reader, size_t *at, struct snapshot_record *record)
{
    take_record(reader, at, record);
}

static int check_records(struct snapshot_reader *reader, struct error *err)
{
    struct snapshot_record record;
    size_t at = reader->records_at, keys = 0;
    bool is_sound;
    reader->databases = 0;
    do {
        is_sound = take_record(reader, &at, &record) && (record.kind != 'K' || reader->databases);
        keys += record.kind == 'K';
        reader->databases += record.kind == 'D';
    } while (is_sound && record.kind != 'E');
    if (!is_sound || keys != reader->info.keys)
        return error_set(err, ERROR_PROTOCOL, "it is damaged: its records do not fit");
    return 0;
}

int snapshot_check(struct snapshot_reader *reader, bool trusting, struct error *err)
{
    if (check_frame(reader, err) || (!trusting && check_digest(reader, err)))
        return -1;
    return check_records(reader, err);
}

/* ---- files ---- */

static int open_file(const char *path, size_t *length, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, errno == ENOENT ? ERROR_NO_FILE : ERROR_FAILED, "%s", strerror(errno));
    if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
        *length = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return error_set(err, ERROR_PROTOCOL, "it is not a snapshot");
}

int snapshot_open(struct snapshot_reader *reader, const char *path, struct error *err)
{
    cleanup_error struct error why = {0};
    *reader = (struct snapshot_reader){0};
    int fd = open_file(path, &reader->length, &why);
    if (fd >= 0 && reader->length) {
        void *map = mmap(NULL, reader->length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (map == MAP_FAILED)
            error_set(&why, ERROR_FAILED, "%s", strerror(errno));
        else
            reader->bytes = map;
    }

    if (fd >= 0)
        close(fd);
    if (!error_is_set(&why) && snapshot_check(reader, false, &why) == 0)
        return 0;
    snapshot_close(reader);
    error_wrap(&why, "cannot use %s", path);
    error_move(err, &why);
    return -1;
}

void snapshot_close(struct snapshot_reader *reader)
{
    if (reader->bytes)
        munmap((void *)reader->bytes, reader->length);
    *reader = (struct snapshot_reader){0};
}

static int read_frame(int fd, size_t length, struct redis_data_info *info, struct error *err)
{
    char head[SNAPSHOT_HEAD_SIZE], end[SNAPSHOT_END_SIZE];
    if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head)
        return error_set(err, ERROR_PROTOCOL, "it is not a snapshot");
    if (check_head(head, info, err))
        return -1;
    if (length < SNAPSHOT_HEAD_SIZE + SNAPSHOT_END_SIZE ||
        pread(fd, end, sizeof end, (off_t)(length - sizeof end)) != (ssize_t)sizeof end)
        return error_set(err, ERROR_PROTOCOL, "it is damaged: its end is missing");
    return check_end(end, info, err);
}

int redis_data_info(const char *path, struct redis_data_info *info, struct error *err)
{
    cleanup_error struct error why = {0};
    size_t length = 0;
    *info = (struct redis_data_info){0};
    int fd = open_file(path, &length, &why);
    if (fd >= 0)
        read_frame(fd, length, info, &why);
    if (fd >= 0)
        close(fd);
    info->bytes = (int64_t)length;
    if (!error_is_set(&why))
        return 0;
    error_wrap(&why, "cannot use %s", path);
    error_move(err, &why);
    return -1;
}
