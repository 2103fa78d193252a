/* Protobuf: tags, varints, length-delimited parts, eight-byte numbers. */
#include "client_base/protobuf.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

static void put_varint(struct text *out, uint64_t value)
{
    do {
        unsigned char byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

        text_add(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void put_tag(struct text *out, unsigned field, unsigned wire)
{
    put_varint(out, field << 3 | wire);
}

static void put_little_endian(struct text *out, uint64_t value)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    text_add(out, bytes, sizeof(bytes));
}

void pb_bytes(struct text *out, unsigned field, const void *data, size_t len)
{
    put_tag(out, field, WIRE_BYTES);
    put_varint(out, len);
    text_add(out, data, len);
}

void pb_text(struct text *out, unsigned field, const char *text)
{
    pb_bytes(out, field, text, strlen(text));
}

void pb_number(struct text *out, unsigned field, uint64_t value)
{
    put_tag(out, field, WIRE_VARINT);
    put_varint(out, value);
}

void pb_fixed64(struct text *out, unsigned field, uint64_t value)
{
    put_tag(out, field, WIRE_FIXED64);
    put_little_endian(out, value);
}

uint64_t pb_double_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

void pb_double(struct text *out, unsigned field, double value)
{
    pb_fixed64(out, field, pb_double_bits(value));
}

void pb_packed64(struct text *out, unsigned field, const uint64_t *values, size_t count)
{
    put_tag(out, field, WIRE_BYTES);
    put_varint(out, count * 8);
    for (size_t i = 0; i < count; i++)
        put_little_endian(out, values[i]);
}

void pb_message(struct text *out, unsigned field, struct text *part)
{
    pb_bytes(out, field, part->data, part->len);
    out->is_failed = out->is_failed || part->is_failed;
    text_drop(part);
}

/* KeyValue { key = 1, value = 2 { string_value = 1, int_value = 3 } } */
void pb_attribute(struct text *out, unsigned field, const char *key, const char *text, int64_t number)
{
    struct text pair = {0}, value = {0};

    if (text)
        pb_text(&value, 1, text);
    else
        pb_number(&value, 3, (uint64_t)number);
    pb_text(&pair, 1, key);
    pb_message(&pair, 2, &value);
    pb_message(out, field, &pair);
}
