/* Thin wrappers over OpenSSL's one-shot functions; see digest.h. */
#include "base/digest.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void to_hex(const unsigned char sum[32], char out[65])
{
    for (int i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

void digest_sha256(const void *data, size_t length, char out[65])
{
    unsigned char sum[32];
    SHA256(data, length, sum);
    to_hex(sum, out);
}

void digest_hmac(const void *key, size_t key_length, const void *data, size_t length, char out[65])
{
    unsigned char sum[32];
    unsigned size = sizeof sum;
    if (!HMAC(EVP_sha256(), key, (int)key_length, data, length, sum, &size))
        abort();
    to_hex(sum, out);
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

void digest_random_text(char *out, size_t length, const char *alphabet)
{
    size_t letters = strlen(alphabet), i = 0;
    unsigned usable = 256U - 256U % (unsigned)letters;
    while (i < length) {
        unsigned char byte;
        if (RAND_bytes(&byte, 1) != 1)
            abort();
        if (byte < usable)
            out[i++] = alphabet[byte % letters];
    }
    out[length] = '\0';
}

char *digest_base64(const void *data, size_t length, int url)
{
    char *text = xmalloc((length + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)text, data, (int)length);
    for (char *p = text; url && *p; p++) {
        if (*p == '+')
            *p = '-';
        else if (*p == '/')
            *p = '_';
    }
    return text;
}

char *digest_unbase64(const char *text, size_t *length)
{
    size_t n = strlen(text), padding = 0;
    if (n % 4)
        return NULL;
    while (padding < 2 && n > padding && text[n - 1 - padding] == '=')
        padding++;
    unsigned char *data = xmalloc(n / 4 * 3 + 1);
    int decoded = EVP_DecodeBlock(data, (const unsigned char *)text, (int)n);
    if (decoded < 0) {
        free(data);
        return NULL;
    }
    *length = (size_t)decoded - padding;
    data[*length] = '\0';
    return (char *)data;
}
