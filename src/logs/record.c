/* The codec of records: see record.h for the layout. */
#include "logs/record.h"

#include <string.h>
#include <unistd.h>

static const char magic[3] = {0x1e, 'L', '1'};

void record_write_head(char out[RECORD_HEAD], const struct log_record *record)
{
    uint32_t length = (uint32_t)record->length;
    memcpy(out, magic, sizeof magic);
    out[3] = (char)(record->stream | (record->partial ? RECORD_PARTIAL : 0));
    memcpy(out + 4, &length, 4);
    memcpy(out + 8, &record->time_ns, 8);
}

void record_write_foot(char out[RECORD_FOOT], size_t length)
{
    uint32_t value = (uint32_t)length;
    memcpy(out, &value, RECORD_FOOT);
}

static bool parse_head(const char *bytes, struct log_record *record)
{
    uint32_t length;
    int kind = (unsigned char)bytes[3];
    memcpy(&length, bytes + 4, 4);
    memcpy(&record->time_ns, bytes + 8, 8);
    record->stream = kind & ~RECORD_PARTIAL;
    record->partial = (kind & RECORD_PARTIAL) != 0;
    record->text = bytes + RECORD_HEAD;
    record->length = length;
    record->size = RECORD_HEAD + (size_t)length + RECORD_FOOT;
    return (record->stream >= 1 && record->stream <= RECORD_FILE) && length <= RECORD_TEXT_MAX;
}

static bool has_magic(const char *bytes, size_t length)
{
    return memcmp(bytes, magic, length < sizeof magic ? length : sizeof magic) == 0;
}

bool record_parse_head(const char head[RECORD_HEAD], struct log_record *record)
{
    return has_magic(head, RECORD_HEAD) && parse_head(head, record);
}

int record_parse(const char *bytes, size_t length, struct log_record *record)
{
    uint32_t foot;
    if (length == 0)
        return 0;
    if (!has_magic(bytes, length))
        return -1;
    if (length < RECORD_HEAD)
        return 0;
    if (!parse_head(bytes, record))
        return -1;
    if (length < record->size)
        return 0;
    memcpy(&foot, bytes + record->size - RECORD_FOOT, RECORD_FOOT);
    if (foot == record->length)
        return 1;
    return -1;
}

int record_parse_back(const char *bytes, size_t length, struct log_record *record)
{
    uint32_t foot;
    if (length < RECORD_HEAD + RECORD_FOOT)
        return 0;
    memcpy(&foot, bytes + length - RECORD_FOOT, RECORD_FOOT);
    if (foot > RECORD_TEXT_MAX)
        return -1;
    size_t size = RECORD_HEAD + (size_t)foot + RECORD_FOOT;
    if (length < size)
        return 0;
    const char *start = bytes + length - size;
    if (has_magic(start, RECORD_HEAD) && parse_head(start, record) && record->length == foot)
        return 1;
    return -1;
}

size_t record_resync(const char *bytes, size_t length)
{
    const char *next = NULL;
    if (length > 1)
        next = memchr(bytes + 1, magic[0], length - 1);
    if (next)
        return (size_t)(next - bytes);
    return length;
}

int64_t record_count_newlines(const char *text, size_t length)
{
    const char *end = text + length;
    int64_t count = 0;
    while (text < end && (text = memchr(text, '\n', (size_t)(end - text)))) {
        count++;
        text++;
    }
    return count;
}

int64_t record_count_lines(const struct log_record *record)
{
    if (record->stream == RECORD_FILE)
        return 0;
    bool is_open = record->length > 0 && record->text[record->length - 1] != '\n';
    return record_count_newlines(record->text, record->length) + is_open;
}

void record_write_file(char out[RECORD_FILE_SIZE], int64_t number, int64_t spill)
{
    const struct log_record record = {.stream = RECORD_FILE, .time_ns = spill, .length = sizeof number};
    record_write_head(out, &record);
    memcpy(out + RECORD_HEAD, &number, sizeof number);
    record_write_foot(out + RECORD_HEAD + sizeof number, sizeof number);
}

static bool read_first(int fd, char bytes[RECORD_FILE_SIZE], struct log_record *record)
{
    return pread(fd, bytes, RECORD_FILE_SIZE, 0) == RECORD_FILE_SIZE &&
           record_parse(bytes, RECORD_FILE_SIZE, record) == 1 && record->stream == RECORD_FILE;
}

int64_t record_read_file(int fd)
{
    char bytes[RECORD_FILE_SIZE];
    struct log_record record;
    int64_t number;
    if (!read_first(fd, bytes, &record))
        return 0;
    memcpy(&number, record.text, sizeof number);
    return number;
}

int64_t record_read_spill(int fd)
{
    char bytes[RECORD_FILE_SIZE];
    struct log_record record;
    if (read_first(fd, bytes, &record))
        return record.time_ns;
    return 0;
}
