/* Small words that several targets share. */
#include "publish/internal.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

char *publish_duration(int64_t ms)
{
    if (ms % 1000 == 0)
        return xasprintf("%llds", (long long)(ms / 1000));
    return xasprintf("%lldms", (long long)ms);
}

const char *publish_signal(int number)
{
    return sigabbrev_np(number);
}

void publish_take_text(cJSON *object, const char *key, char *text)
{
    json_add_string(object, key, text);
    mem_wipe(text, strlen(text));
    free(text);
}

cJSON *publish_list(cJSON *object, const char *key)
{
    cJSON *list = json_get(object, key);
    if (list)
        return list;
    return json_add_array(object, key);
}

cJSON *publish_object(cJSON *object, const char *key)
{
    cJSON *found = json_get(object, key);
    if (found)
        return found;
    return json_add_object(object, key);
}

char *publish_relative(const char *folder, const char *path)
{
    size_t same = 0;
    struct strbuf out = {0};
    for (size_t i = 0; folder[i] && folder[i] == path[i]; i++)
        if (folder[i] == '/')
            same = i + 1;
    bool is_inside = strncmp(folder, path, strlen(folder)) == 0 && strchr("/", path[strlen(folder)]);
    if (is_inside && !path[strlen(folder)])
        return xstrdup(".");
    if (is_inside)
        return xasprintf("./%s", path + strlen(folder) + 1);

    strbuf_adds(&out, "..");
    for (const char *p = folder + size_min(same, strlen(folder)); *p; p++)
        if (*p == '/')
            strbuf_adds(&out, "/..");
    if (path[size_min(same, strlen(path))])
        strbuf_addf(&out, "/%s", path + same);
    return strbuf_take(&out);
}
