/* Files of variables in compose's dialect (".env", `env_file`). Pure: text in, pairs out.
 *
 * A line is NAME=value, NAME: value, or NAME alone (take it from the environment); "export " before it, blank
 * lines and
 * "#" lines are skipped; " #" ends an unquoted value. '…' is literal but for \', "…" knows \a \b \f \n \r \t
 * \v
 * \" \\ \$ and \0 with three octal digits; both may span lines. A name is made of letters, digits and _.-[].
 * Values are not expanded. The text has no byte order mark (see file_read_text()). */
#ifndef BASE_DOTENV_H
#define BASE_DOTENV_H

#include "base/error.h"

/* value NULL: a name alone. Both are valid during the call only. */
typedef void dotenv_pair(const char *name, const char *value, int line, void *data);

/* Calls `pair` for each; −1 with ERROR_MANIFEST at the line (never the value) on the first line that is none.
 */
int dotenv_read(const char *file, const char *text, dotenv_pair *pair, void *data, struct error *err);

#endif
