/* Any bytes as a file of commands: no crash, every step goes forward, and where the stream is cut never
 * matters. */
#include "redis_data/redis_data.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many words there are before the end or an error; the first `cut` bytes come first. */
static size_t count_words(const char *bytes, size_t size, size_t cut, int *rc)
{
    struct redis_data_words words = {0};
    size_t at = 0, count = 0, end = cut;

    for (;;) {
        size_t used = 0;
        *rc = redis_data_read_command(&words, bytes + at, end - at, end == size, &used, NULL);
        if (*rc < 0 || (*rc == 0 && end == size))
            break;
        if (*rc == 0) {
            end = size;
            continue;
        }
        if (used == 0 || used > end - at)
            abort();
        at += used;
        for (size_t i = 0; i < words.count; i++)
            count += 1 + words.lengths[i];
    }
    redis_data_words_free(&words);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int whole_rc = 0, cut_rc = 0;

    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t cut = data[0] % size, whole = count_words(bytes, size - 1, size - 1, &whole_rc);
    if (count_words(bytes, size - 1, cut, &cut_rc) != whole || whole_rc != cut_rc)
        abort();
    return 0;
}
