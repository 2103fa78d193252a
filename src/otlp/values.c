/* Single values as OTLP/JSON has them: numbers of 64 bits are strings, because readers keep doubles; numbers
 * that are none are words. */
#include "otlp/messages.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a text may be cut so that no letter is. */
static size_t cut(const char *text, size_t length)
{
    if (length <= OTLP_TEXT_LIMIT)
        return length;
    length = OTLP_TEXT_LIMIT - (sizeof "…" - 1);
    for (int i = 0; i < 3 && ((unsigned char)text[length] & 0xc0) == 0x80; i++)
        length--;
    return length;
}

cJSON *otlp_text_value(const char *text, size_t length)
{
    size_t kept = cut(text, length);
    char *copy = xmalloc(kept + sizeof "…");
    memcpy(copy, text, kept);
    copy[kept] = '\0';
    bool is_text = str_is_utf8(copy, kept);
    for (size_t i = 0; !is_text && i < kept; i++)
        if (!copy[i] || (unsigned char)copy[i] >= 0x80)
            copy[i] = '?';
    if (kept < length)
        memcpy(copy + kept, "…", sizeof "…");
    cJSON *value = cJSON_CreateString(copy);
    free(copy);
    return value;
}

cJSON *otlp_hex_value(const uint8_t *bytes, size_t length)
{
    char text[33];
    text[0] = '\0';
    for (size_t i = 0; i < length && i < sizeof text / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return cJSON_CreateString(text);
}

cJSON *otlp_base64_value(const uint8_t *bytes, size_t length)
{
    cleanup_free char *text = digest_base64(bytes, size_min(length, OTLP_TEXT_LIMIT / 4 * 3), 0);
    return cJSON_CreateString(text);
}

cJSON *otlp_double_value(double value)
{
    if (isnan(value))
        return cJSON_CreateString("NaN");
    if (isinf(value) && value > 0)
        return cJSON_CreateString("Infinity");
    if (isinf(value))
        return cJSON_CreateString("-Infinity");
    return cJSON_CreateNumber(value);
}

cJSON *otlp_signed_value(int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    return cJSON_CreateString(text);
}

cJSON *otlp_unsigned_value(uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return cJSON_CreateString(text);
}
