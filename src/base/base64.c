/* Base64 as RFC 4648 has it, in both of its alphabets. */
#include "base/digest.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 3, LETTERS = 4 };

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Up to three bytes as four letters; what is missing is padded. */
static void encode_group(const unsigned char *bytes, size_t count, const char *alphabet, char *out)
{
    unsigned bits = 0;
    for (size_t i = 0; i < WHOLE; i++) {
        bits <<= 8;
        if (i < count)
            bits |= bytes[i];
    }
    for (size_t i = 0; i < LETTERS; i++) {
        out[i] = '=';
        if (i <= count)
            out[i] = alphabet[bits >> (18 - 6 * i) & 63];
    }
}

char *digest_base64(const void *data, size_t length, int url)
{
    const unsigned char *bytes = data;
    const char *alphabet = standard;
    char *text = xmalloc((length + 2) / WHOLE * LETTERS + 1), *out = text;
    if (url)
        alphabet = for_urls;
    for (; length > 0; out += LETTERS) {
        size_t count = length;
        if (count > WHOLE)
            count = WHOLE;
        encode_group(bytes, count, alphabet, out);
        bytes += count;
        length -= count;
    }
    *out = '\0';
    return text;
}

/* False: one of the letters is none. */
static bool decode_group(const char *letters, size_t count, unsigned char *out)
{
    unsigned bits = 0;
    for (size_t i = 0; i < LETTERS; i++) {
        const char *place = standard;
        if (i < count)
            place = memchr(standard, letters[i], sizeof standard - 1);
        if (!place)
            return false;
        bits = bits << 6 | (unsigned)(place - standard);
    }
    for (size_t i = 0; i + 1 < count; i++)
        out[i] = (unsigned char)(bits >> (16 - 8 * i));
    return true;
}

char *digest_unbase64(const char *text, size_t *length)
{
    size_t n = strlen(text), padding = 0;
    if (n % LETTERS)
        return NULL;
    while (padding < 2 && n > padding && text[n - 1 - padding] == '=')
        padding++;

    unsigned char *data = xmalloc(n / LETTERS * WHOLE + 1), *out = data;
    for (size_t at = 0; at < n; at += LETTERS) {
        size_t count = LETTERS;
        if (at + LETTERS == n)
            count -= padding;
        if (!decode_group(text + at, count, out)) {
            free(data);
            return NULL;
        }
        out += count - 1;
    }
    *out = '\0';
    *length = (size_t)(out - data);
    return (char *)data;
}
