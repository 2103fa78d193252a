/* Digests, random text and the encodings that engines and registries want. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* Lower-case hex SHA-256 of data; out holds 65 bytes. */
void digest_sha256(const void *data, size_t length, char out[65]);
/* Keyed (HMAC-SHA-256), for values that contain secrets. */
void digest_hmac(const void *key, size_t key_length, const void *data, size_t length, char out[65]);
/* FNV-1a, for stable small numbers (ports); not for security. */
uint32_t digest_fnv1a(const char *text);
uint64_t digest_fnv1a_64(const char *text);
/* Fills out with `length` characters of the alphabet, from the system's random source, without modulo bias,
 * and ends it with NUL (out holds length + 1). Aborts when the system has no randomness. */
void digest_random_text(char *out, size_t length, const char *alphabet);
/* Base64; url: the URL alphabet, padded. The caller frees. */
char *digest_base64(const void *data, size_t length, int url);
/* Decodes standard base64; NULL when it is none. *length without the NUL that is added. The caller frees. */
char *digest_unbase64(const char *text, size_t *length);

#endif
