/* SHA-256 by libmd, which is a few kilobytes, because every command needs one, and starting a library that
 * can do everything takes longer than the rest of the command. HMAC stands on it as RFC 2104 says. */
#include "base/digest.h"

#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BLOCK = 64, SUM = 32 };

static void to_hex(const unsigned char sum[SUM], char out[65])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < SUM; i++) {
        *out++ = digits[sum[i] >> 4];
        *out++ = digits[sum[i] & 15];
    }
    *out = '\0';
}

static void sum_of(const void *first, size_t first_length, const void *data, size_t length,
                   unsigned char sum[SUM])
{
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, first, first_length);
    SHA256Update(&context, data, length);
    SHA256Final(sum, &context);
    explicit_bzero(&context, sizeof context);
}

void digest_sha256(const void *data, size_t length, char out[65])
{
    unsigned char sum[SUM];
    sum_of("", 0, data, length, sum);
    to_hex(sum, out);
}

void digest_hmac(const void *key, size_t key_length, const void *data, size_t length, char out[65])
{
    unsigned char inner[BLOCK] = {0}, outer[BLOCK], sum[SUM];
    if (key_length > BLOCK)
        sum_of("", 0, key, key_length, inner);
    else
        memcpy(inner, key, key_length);
    for (int i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }

    sum_of(inner, BLOCK, data, length, sum);
    sum_of(outer, BLOCK, sum, SUM, sum);
    to_hex(sum, out);
    explicit_bzero(inner, sizeof inner);
    explicit_bzero(outer, sizeof outer);
}

uint32_t digest_fnv1a(const char *text)
{
    uint32_t hash = 2166136261U;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        hash = (hash ^ *p) * 16777619U;
    return hash;
}

uint64_t digest_fnv1a_64(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static unsigned char random_byte(void)
{
    unsigned char byte;
    ssize_t n;
    do
        n = getrandom(&byte, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        abort();
    return byte;
}

void digest_random_text(char *out, size_t length, const char *alphabet)
{
    size_t letters = strlen(alphabet), i = 0;
    unsigned usable = 256U - 256U % (unsigned)letters;
    while (i < length) {
        unsigned char byte = random_byte();
        if (byte < usable)
            out[i++] = alphabet[byte % letters];
    }
    out[length] = '\0';
}
