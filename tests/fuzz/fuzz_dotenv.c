/* room: manifest */
/* Environment files: any text without a NUL gives pairs or one error with a line. */
#include "base/dotenv.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_pair(const char *name, const char *value, int line, void *data)
{
    size_t *total = data;
    if (!*name || line < 1)
        abort();
    *total += strlen(name) + (value ? strlen(value) : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xstrndup((const char *)data, size);
    cleanup_error struct error err = {0};
    size_t total = 0;
    int rc = dotenv_read("f", text, on_pair, &total, &err);
    if ((rc < 0) != (err.code == ERROR_MANIFEST) || total > size)
        abort();
    return 0;
}
