/* Variables written down for a shell, a file, a CI or a program. Pure text. Inside cli/ only. */
#ifndef CLI_ENV_FORMAT_H
#define CLI_ENV_FORMAT_H

#include "base/json.h"
#include "base/str.h"

/* environment: {"NAME": {"value", "secret", …}}. format: "shell", "dotenv", "json", "github", "powershell".
 * Every value survives being read back by its reader: quotes, dollars, backslashes, line breaks. Names that
 * the format cannot hold are left out with a comment that says so. */
void env_format(const cJSON *environment, const char *format, struct strbuf *out);
/* The "::add-mask::" lines for the secrets, for GitHub Actions: one a line of a value. */
void env_format_masks(const cJSON *environment, struct strbuf *out);

#endif
