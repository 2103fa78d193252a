#include "manifest/manifest.h"
char *manifest_schema_json(void)
{
    return xstrdup("{}");
}
char *manifest_man_page(void)
{
    return xstrdup("");
}
