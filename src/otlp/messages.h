/* The messages of OTLP (opentelemetry-proto 1.x) as tables: number and name of each field, and how it stands
 * in protobuf and in JSON. One table, two readers: wire.c and text.c. A field that is in no table is left
 * out. */
#ifndef OTLP_MESSAGES_H
#define OTLP_MESSAGES_H

#include "otlp/otlp.h"

enum otlp_kind {
    OTLP_TEXT,
    OTLP_HEX,    /* bytes; hexadecimal in JSON */
    OTLP_BASE64, /* bytes */
    OTLP_INT32,  /* varint; a number */
    OTLP_UINT32, /* likewise; enums too */
    OTLP_SINT32, /* varint, zigzag; a number */
    OTLP_FIXED32,
    OTLP_INT64, /* varint; decimal digits as a string */
    OTLP_UINT64,
    OTLP_FIXED64,
    OTLP_SFIXED64,
    OTLP_DOUBLE,
    OTLP_BOOL,
    OTLP_MESSAGE,
};

struct otlp_message;
struct otlp_field {
    unsigned number;
    const char *name;
    enum otlp_kind kind;
    bool is_list;
    const struct otlp_message *message;
};
struct otlp_message {
    const struct otlp_field *fields;
    size_t count;
};

/* The body of an export. */
const struct otlp_message *otlp_request_message(enum otlp_signal signal);

/* How much a body may become. Counted down. */
struct otlp_budget {
    size_t values;
};
enum { OTLP_DEPTH = 24, OTLP_VALUES = 400000, OTLP_TEXT_LIMIT = 16 << 10 };
/* False: nothing is left, and err says so. */
bool otlp_spend(struct otlp_budget *budget, struct error *err);

/* ---- wire.c, text.c: NULL with an error ---- */
cJSON *otlp_from_wire(const struct otlp_message *message, const void *bytes, size_t length,
                      struct error *err);
cJSON *otlp_from_json(const struct otlp_message *message, const char *text, size_t length, struct error *err);

/* ---- values.c: as they stand in JSON ---- */
/* Cut where it is too long; bytes that are no UTF-8 become '?'. */
cJSON *otlp_text_value(const char *text, size_t length);
cJSON *otlp_hex_value(const uint8_t *bytes, size_t length);
cJSON *otlp_base64_value(const uint8_t *bytes, size_t length);
cJSON *otlp_double_value(double value);
cJSON *otlp_signed_value(int64_t value);
cJSON *otlp_unsigned_value(uint64_t value);

/* ---- inflate.c ---- */
/* The caller frees; NULL with an error. */
char *otlp_inflate(const void *bytes, size_t length, size_t limit, size_t *out_length, struct error *err);

#endif
