/* Bytes of others as JSON strings. What is no UTF-8 becomes U+FFFD where a text is wanted, and base64 where
 * the bytes are. Pure. */
#ifndef DASHBOARD_TEXT_H
#define DASHBOARD_TEXT_H

#include "base/str.h"

/* Appends it quoted. */
void text_add(struct strbuf *out, const char *bytes, size_t length);

#endif
