/* Protobuf: the bytes of a message to its tree, by its table. It stands across from the client library's
 * writer (client_base/protobuf.c).
 *
 * Nothing is read outside of the bytes that were given; a part's length is held against what is left of the
 * whole. Recursion goes as deep as tables do, and has an end. Groups, which OTLP never had, are an error. */
#include "otlp/messages.h"

#include <string.h>

enum { VARINT = 0, EIGHT_BYTES = 1, BYTES = 2, FOUR_BYTES = 5, VARINT_BYTES = 10 };

struct wire_bytes {
    const uint8_t *at, *end;
};

/* One field as it stands on the wire. */
struct wire_field {
    unsigned number, type;
    uint64_t value;
    struct wire_bytes bytes;
};

struct wire_reader {
    struct otlp_budget budget;
    struct error *err;
    int depth;
};

static bool refuse(struct error *err, const char *why)
{
    error_set(err, ERROR_USAGE, "that is no OTLP: %s", why);
    return false;
}

/* ---- bytes ---- */

static bool read_varint(struct wire_bytes *in, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < VARINT_BYTES && in->at < in->end; i++) {
        uint8_t byte = *in->at++;
        *value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_fixed(struct wire_bytes *in, size_t count, uint64_t *value)
{
    *value = 0;
    if ((size_t)(in->end - in->at) < count)
        return false;
    for (size_t i = 0; i < count; i++)
        *value |= (uint64_t)in->at[i] << (8 * i);
    in->at += count;
    return true;
}

static bool read_part(struct wire_bytes *in, struct wire_bytes *part)
{
    uint64_t length = 0;
    if (!read_varint(in, &length) || length > (uint64_t)(in->end - in->at))
        return false;
    *part = (struct wire_bytes){in->at, in->at + length};
    in->at += length;
    return true;
}

static bool read_field(struct wire_bytes *in, struct wire_field *field)
{
    uint64_t tag = 0;
    *field = (struct wire_field){0};
    if (!read_varint(in, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
        return false;
    field->number = (unsigned)(tag >> 3);
    field->type = tag & 7;
    switch (field->type) {
    case VARINT:
        return read_varint(in, &field->value);
    case EIGHT_BYTES:
        return read_fixed(in, 8, &field->value);
    case FOUR_BYTES:
        return read_fixed(in, 4, &field->value);
    case BYTES:
        return read_part(in, &field->bytes);
    default:
        return false;
    }
}

/* ---- values ---- */

static unsigned type_of(enum otlp_kind kind)
{
    switch (kind) {
    case OTLP_TEXT:
    case OTLP_HEX:
    case OTLP_BASE64:
    case OTLP_MESSAGE:
        return BYTES;
    case OTLP_FIXED64:
    case OTLP_SFIXED64:
    case OTLP_DOUBLE:
        return EIGHT_BYTES;
    case OTLP_FIXED32:
        return FOUR_BYTES;
    case OTLP_INT32:
    case OTLP_UINT32:
    case OTLP_SINT32:
    case OTLP_INT64:
    case OTLP_UINT64:
    case OTLP_BOOL:
        break;
    }
    return VARINT;
}

static cJSON *make_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return otlp_double_value(value);
}

static cJSON *make_number(enum otlp_kind kind, uint64_t value)
{
    switch (kind) {
    case OTLP_INT64:
    case OTLP_SFIXED64:
        return otlp_signed_value((int64_t)value);
    case OTLP_UINT64:
    case OTLP_FIXED64:
        return otlp_unsigned_value(value);
    case OTLP_DOUBLE:
        return make_double(value);
    case OTLP_BOOL:
        return cJSON_CreateBool(value != 0);
    case OTLP_INT32:
        return cJSON_CreateNumber((int32_t)value);
    case OTLP_SINT32:
        return cJSON_CreateNumber((int32_t)((uint32_t)value >> 1 ^ (0 - ((uint32_t)value & 1))));
    default:
        return cJSON_CreateNumber((uint32_t)value);
    }
}

static bool read_message(struct wire_reader *reader, const struct otlp_message *message, struct wire_bytes in,
                         cJSON *into);

static cJSON *make_message(struct wire_reader *reader, const struct otlp_message *message,
                           struct wire_bytes bytes)
{
    cJSON *json = cJSON_CreateObject();
    if (read_message(reader, message, bytes, json))
        return json;
    cJSON_Delete(json);
    return NULL;
}

static cJSON *make_value(struct wire_reader *reader, const struct otlp_field *row,
                         const struct wire_field *field)
{
    const struct wire_bytes *bytes = &field->bytes;
    size_t length = (size_t)(bytes->end - bytes->at);
    if (!otlp_spend(&reader->budget, reader->err))
        return NULL;
    switch (row->kind) {
    case OTLP_TEXT:
        return otlp_text_value((const char *)bytes->at, length);
    case OTLP_HEX:
        return otlp_hex_value(bytes->at, length);
    case OTLP_BASE64:
        return otlp_base64_value(bytes->at, length);
    case OTLP_MESSAGE:
        return make_message(reader, row->message, *bytes);
    default:
        return make_number(row->kind, field->value);
    }
}

/* The last one of a field that is no list is the one that holds. */
static bool put_value(const struct otlp_field *row, cJSON *into, cJSON *value)
{
    cJSON *list = into;
    if (!value)
        return false;
    if (!row->is_list) {
        cJSON_DeleteItemFromObjectCaseSensitive(into, row->name);
        return cJSON_AddItemToObjectCS(into, row->name, value);
    }
    list = json_get(into, row->name);
    if (!list) {
        list = cJSON_CreateArray();
        cJSON_AddItemToObjectCS(into, row->name, list);
    }
    return cJSON_AddItemToArray(list, value);
}

/* Numbers of a list that stand together in one part. */
static bool read_packed(struct wire_reader *reader, const struct otlp_field *row, struct wire_bytes in,
                        cJSON *into)
{
    struct wire_field field = {0};
    while (in.at < in.end) {
        bool is_whole;
        if (type_of(row->kind) == EIGHT_BYTES)
            is_whole = read_fixed(&in, 8, &field.value);
        else
            is_whole = read_varint(&in, &field.value);
        if (!is_whole)
            return refuse(reader->err, "a list of numbers is cut short");
        if (!put_value(row, into, make_value(reader, row, &field)))
            return false;
    }
    return true;
}

static const struct otlp_field *find_row(const struct otlp_message *message, unsigned number)
{
    for (size_t i = 0; i < message->count; i++)
        if (message->fields[i].number == number)
            return &message->fields[i];
    return NULL;
}

static bool take_field(struct wire_reader *reader, const struct otlp_message *message,
                       const struct wire_field *field, cJSON *into)
{
    const struct otlp_field *row = find_row(message, field->number);
    if (!row)
        return true;
    if (field->type == type_of(row->kind))
        return put_value(row, into, make_value(reader, row, field));
    if (field->type == BYTES && row->is_list)
        return read_packed(reader, row, field->bytes, into);
    return refuse(reader->err, "a field is of another type");
}

static bool read_message(struct wire_reader *reader, const struct otlp_message *message, struct wire_bytes in,
                         cJSON *into)
{
    bool is_good = reader->depth < OTLP_DEPTH;
    if (!is_good)
        return refuse(reader->err, "it is nested too deep");
    reader->depth++;
    while (is_good && in.at < in.end) {
        struct wire_field field;
        if (read_field(&in, &field))
            is_good = take_field(reader, message, &field, into);
        else
            is_good = refuse(reader->err, "the protobuf is broken");
    }
    reader->depth--;
    return is_good;
}

cJSON *otlp_from_wire(const struct otlp_message *message, const void *bytes, size_t length, struct error *err)
{
    struct wire_reader reader = {.budget = {OTLP_VALUES}, .err = err};
    struct wire_bytes in = {bytes, (const uint8_t *)bytes + length};
    return make_message(&reader, message, in);
}
