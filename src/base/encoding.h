/* What a text file is encoded in. Editors and shells of other systems write a byte order mark in front of
 * UTF-8, or UTF-16; both are read as plain UTF-8, so that positions and first words are right. */
#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include <stddef.h>

/* Takes a file's content (NUL-terminated, owned) and returns it without a byte order mark and as UTF-8; what
 * it replaces is wiped. Content without a mark stays as it is, valid or not. Half a surrogate pair and half a
 * unit become bytes that are not UTF-8: whoever checks the text finds them at their place. Never fails. */
char *encoding_to_utf8(char *text, size_t *length);

#endif
