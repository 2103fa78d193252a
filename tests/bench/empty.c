/*
 * A program that does nothing but link the libraries that apphost links: what the dynamic loader alone costs.
 * One function of each is named, so that the linker keeps them all.
 */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <uv.h>
#include <yaml.h>

void *volatile keep[] = {(void *)curl_global_init, (void *)uv_default_loop, (void *)yaml_get_version_string,
                         (void *)cJSON_Version, (void *)OPENSSL_version_major};

int main(void)
{
    return keep[0] == NULL;
}
