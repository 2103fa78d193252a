/* Any bytes as a snapshot: refused, or every record of it lies inside. Without the digest: no fuzzer guesses
 * it. */
#include "redis_data/snapshot_file.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_inside(const struct snapshot_reader *reader, const char *text, size_t length)
{
    return !text || (text >= reader->bytes && text + length <= reader->bytes + reader->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snapshot_reader reader = {.bytes = (const char *)data, .length = size};
    struct snapshot_record record;
    struct error err = {0};
    size_t keys = 0;

    if (snapshot_check(&reader, true, &err)) {
        error_clear(&err);
        return 0;
    }
    size_t at = reader.records_at;
    do {
        snapshot_next(&reader, &at, &record);
        keys += record.kind == 'K';
        if (!is_inside(&reader, record.key, record.key_length) ||
            !is_inside(&reader, record.payload, record.payload_length))
            abort();
    } while (record.kind != 'E');
    if (keys != reader.info.keys)
        abort();
    return 0;
}
