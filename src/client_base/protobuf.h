/*
 * Inside the library: as much of the protobuf encoding as OTLP needs.
 *
 * Messages are built inside out: a part is a `struct text`, and pb_message() moves it into the whole. Memory
 * that runs out is remembered by the text and shows at text_take().
 */
#ifndef CLIENT_BASE_PROTOBUF_H
#define CLIENT_BASE_PROTOBUF_H

#include "client_base/text.h"

#include <stdint.h>

void pb_bytes(struct text *out, unsigned field, const void *data, size_t len);
void pb_text(struct text *out, unsigned field, const char *text);
void pb_number(struct text *out, unsigned field, uint64_t value);
void pb_fixed64(struct text *out, unsigned field, uint64_t value);
void pb_double(struct text *out, unsigned field, double value);

/* `count` values of eight bytes each: packed fixed64 or double. */
void pb_packed64(struct text *out, unsigned field, const uint64_t *values, size_t count);
uint64_t pb_double_bits(double value);

/* Moves `part` into `out` as a sub-message. */
void pb_message(struct text *out, unsigned field, struct text *part);

/* KeyValue, as OTLP has it; a NULL text means the number. */
void pb_attribute(struct text *out, unsigned field, const char *key, const char *text, int64_t number);

#endif
