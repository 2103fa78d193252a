/* room: logs */
/* Any bytes as a log file: no crash, and the way from the end agrees with the way from the beginning: as many
 * lines are delivered from where feed_seek_tail() went as it said. */
#include "base/mem.h"
#include "logs/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/fuzz-logs-XXXXXX", path[64];

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static void write_file(const uint8_t *data, size_t size)
{
    if (!path[0]) {
        if (!mkdtemp(folder))
            abort();
        snprintf(path, sizeof path, "%s/x.log", folder);
        atexit(remove_folder);
    }
    FILE *file = fopen(path, "w");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static int64_t count_delivered(struct feed *feed)
{
    int64_t lines = 0;
    while (feed_fill(feed)) {
        lines += record_count_lines(&feed->record);
        feed->has_record = false;
    }
    return lines;
}

static void read_tail(int64_t count)
{
    struct feed *feed = feed_new(folder, "x", false, 0);
    feed_open(feed);
    int64_t said = count < 0 ? -1 : feed_seek_tail(feed, count, NULL);
    int64_t lines = count_delivered(feed);
    feed_free(feed);
    if (said >= 0 && said != lines)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    write_file(data, size);
    for (int64_t count = -1; count < 4; count++)
        read_tail(count);
    read_tail(INT64_MAX / 2);
    return 0;
}
