/* Sizes and words of the snapshot format that reader and writer share; see snapshot_file.h. Inside
 * redis_data/ only. */
#ifndef REDIS_DATA_SNAPSHOT_FORMAT_H
#define REDIS_DATA_SNAPSHOT_FORMAT_H

#define SNAPSHOT_MAGIC "apphost redis snapshot "
#define SNAPSHOT_VERSION "1\n"

enum {
    SNAPSHOT_MAGIC_SIZE = sizeof SNAPSHOT_MAGIC - 1,
    SNAPSHOT_VERSION_SIZE = sizeof SNAPSHOT_VERSION - 1,
    SNAPSHOT_SERVER_SIZE = 32,
    SNAPSHOT_HEAD_SIZE = SNAPSHOT_MAGIC_SIZE + SNAPSHOT_VERSION_SIZE + 8 + SNAPSHOT_SERVER_SIZE,
    SNAPSHOT_DIGEST_SIZE = 32,
    SNAPSHOT_END_SIZE = 1 + 8 + SNAPSHOT_DIGEST_SIZE,
    SNAPSHOT_PAYLOAD_MIN = 10, /* of a DUMP: version and checksum */
};

#endif
