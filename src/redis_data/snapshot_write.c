/* Writing a snapshot: records through a buffered stream and a running digest into a draft (base/draft.h), so
 * that two commands never write the same file and who is killed leaves none. See snapshot_file.h. */
#include "base/draft.h"
#include "base/mem.h"
#include "library/openssl.h"
#include "redis_data/snapshot_file.h"
#include "redis_data/snapshot_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct snapshot_writer {
    struct draft draft;
    FILE *stream; /* of a descriptor of its own */
    EVP_MD_CTX *digest;
    uint64_t keys;
    int64_t bytes;
    int failure; /* errno of the first failed write, or 0 */
};

static void put(struct snapshot_writer *writer, const void *data, size_t length)
{
    if (writer->failure || !length)
        return;
    EVP_DigestUpdate(writer->digest, data, length);
    if (fwrite(data, 1, length, writer->stream) != length) {
        writer->failure = EIO;
        if (errno)
            writer->failure = errno;
    }
    writer->bytes += (int64_t)length;
}

static void put_number(struct snapshot_writer *writer, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    put(writer, bytes, size);
}

static void put_text(struct snapshot_writer *writer, const char *text, size_t length)
{
    if (length > UINT32_MAX) {
        if (!writer->failure)
            writer->failure = EFBIG;
        return;
    }
    put_number(writer, length, 4);
    put(writer, text, length);
}

static int fail(const struct snapshot_writer *writer, int number, struct error *err)
{
    return error_set(err, error_of_errno(number), "cannot write %s: %s", writer->draft.path,
                     strerror(number));
}

static void free_writer(struct snapshot_writer *writer)
{
    if (writer->stream)
        fclose(writer->stream);
    EVP_MD_CTX_free(writer->digest);
    draft_drop(&writer->draft);
    free(writer);
}

static int open_stream(struct snapshot_writer *writer, const char *path, struct error *err)
{
    if (draft_open(&writer->draft, path, 0600, err))
        return -1;
    int fd = fcntl(writer->draft.fd, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0)
        writer->stream = fdopen(fd, "wb");
    if (writer->stream)
        return 0;
    fail(writer, errno, err);
    if (fd >= 0)
        close(fd);
    return -1;
}

struct snapshot_writer *snapshot_create(const char *path, int64_t created_ms, const char *server,
                                        struct error *err)
{
    if (libcrypto_open(err) < 0)
        return NULL;
    struct snapshot_writer *writer = xcalloc(1, sizeof *writer);
    char name[SNAPSHOT_SERVER_SIZE] = "";
    if (open_stream(writer, path, err)) {
        free_writer(writer);
        return NULL;
    }

    writer->digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(writer->digest, EVP_sha256(), NULL);
    snprintf(name, sizeof name, "%s", server);
    put(writer, SNAPSHOT_MAGIC SNAPSHOT_VERSION, SNAPSHOT_MAGIC_SIZE + SNAPSHOT_VERSION_SIZE);
    put_number(writer, (uint64_t)created_ms, 8);
    put(writer, name, sizeof name);
    return writer;
}

void snapshot_put(struct snapshot_writer *writer, const struct snapshot_record *record)
{
    put(writer, &record->kind, 1);
    if (record->kind == 'D') {
        put_number(writer, record->database, 4);
        return;
    }
    if (record->kind == 'K') {
        put_number(writer, (uint64_t)record->expires_ms, 8);
        put_text(writer, record->key, record->key_length);
        writer->keys++;
    }
    put_text(writer, record->payload, record->payload_length);
}

static void put_end(struct snapshot_writer *writer)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    put(writer, "E", 1);
    put_number(writer, writer->keys, 8);
    EVP_DigestFinal_ex(writer->digest, digest, NULL);
    if (!writer->failure && fwrite(digest, 1, SNAPSHOT_DIGEST_SIZE, writer->stream) != SNAPSHOT_DIGEST_SIZE) {
        writer->failure = EIO;
        if (errno)
            writer->failure = errno;
    }
    writer->bytes += SNAPSHOT_DIGEST_SIZE;
}

int snapshot_finish(struct snapshot_writer *writer, int64_t *bytes, struct error *err)
{
    put_end(writer);
    if (fclose(writer->stream) && !writer->failure) {
        writer->failure = EIO;
        if (errno)
            writer->failure = errno;
    }

    writer->stream = NULL;
    *bytes = writer->bytes;
    int rc = 0;
    if (writer->failure)
        rc = fail(writer, writer->failure, err);
    else
        rc = draft_keep(&writer->draft, err);
    free_writer(writer);
    return rc;
}

void snapshot_abandon(struct snapshot_writer *writer)
{
    if (writer)
        free_writer(writer);
}
