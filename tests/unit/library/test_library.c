/* Libraries that are opened late: what is not there is said, with what needs it; what is there has all the
 * functions that are used, and is opened once. */
#include "library/curl.h"
#include "library/edit.h"
#include "library/inventory.h"
#include "library/microhttpd.h"
#include "library/zlib.h"
#include "library/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"nothing"};
    void *functions[1] = {NULL};
    struct library library = {.file = "libapphost-not-there.so.9",
                              .package = "not-there9",
                              .what_for = "nothing needs it",
                              .names = names,
                              .count = 1,
                              .functions = functions};
    struct error err = {0};

    assert_int_equal(library_open(&library, &err), -1);
    assert_non_null(strstr(err.text, "libapphost-not-there.so.9"));
    assert_non_null(strstr(err.text, "nothing needs it"));
    assert_string_equal(err.hint, "on Debian: apt-get install not-there9");
    assert_null(functions[0]);
    error_clear(&err);
}

/* None of its functions is used then, and it may be asked for again. */
static void a_function_that_is_missing_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"uv_version", "uv_no_such_function"};
    void *functions[2] = {NULL, NULL};
    struct library library = {
        .file = "libuv.so.1", .package = "libuv1", .what_for = "?", .names = names, .functions = functions};
    struct error err = {0};

    library.count = 2;
    assert_int_equal(library_open(&library, &err), -1);
    assert_non_null(strstr(err.text, "libuv.so.1 has no uv_no_such_function"));
    assert_null(functions[0]);
    error_clear(&err);

    library.count = 1;
    assert_int_equal(library_open(&library, &err), 0);
    assert_non_null(functions[0]);
    assert_int_equal(library_open(&library, &err), 0);
}

#define IS_THERE(function) assert_ptr_not_equal(function, NULL); /* its name is a macro for the member */

static void every_function_of_libcurl(void **state)
{
    (void)state;
    assert_int_equal(libcurl_open(NULL), 0);
    CURL_FUNCTIONS(IS_THERE)
}

static void every_function_of_openssl(void **state)
{
    (void)state;
    assert_int_equal(libssl_open(NULL), 0);
    CRYPTO_FUNCTIONS(IS_THERE)
    SSL_FUNCTIONS(IS_THERE)
}

static void every_function_of_libmicrohttpd(void **state)
{
    (void)state;
    assert_int_equal(libmicrohttpd_open(NULL), 0);
    MHD_FUNCTIONS(IS_THERE)
}

static void every_function_of_zlib(void **state)
{
    (void)state;
    assert_int_equal(libz_open(NULL), 0);
    ZLIB_FUNCTIONS(IS_THERE)
}

#undef IS_THERE
#define IS_THERE(function) assert_ptr_not_equal(libedit()->function, NULL);

static void every_function_of_libedit(void **state)
{
    (void)state;
    assert_int_equal(libedit_open(NULL), 0);
    EDIT_FUNCTIONS(IS_THERE)
}

/* Of a program that has the library within: the addresses that the linker knew, and no file is looked for. */
static void what_is_within_is_not_looked_for(void **state)
{
    (void)state;
    static const char *const names[] = {"first", "second"};
    static const char first, second;
    static const void *const within[] = {&first, &second};
    const void *functions[2] = {NULL, NULL};
    struct library library = {.file = "libapphost-not-there.so.9",
                              .names = names,
                              .count = 2,
                              .functions = functions,
                              .within = within};

    assert_int_equal(library_open(&library, NULL), 0);
    assert_ptr_equal(functions[0], &first);
    assert_ptr_equal(functions[1], &second);
}

static const cJSON *entry_of(const cJSON *inventory, const char *name)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, inventory)
    {
        if (str_eq(json_string(entry, "name", NULL), name))
            return entry;
    }
    fail_msg("the inventory has no %s", name);
    return NULL;
}

static void the_inventory_says_which_and_from_where(void **state)
{
    (void)state;
    cleanup_inventory struct library_inventory all;
    library_inventory(&all);
    cleanup_json cJSON *inventory = library_inventory_json(&all);
    static const char *const late[] = {"libcurl", "libcrypto", "libssl", "libmicrohttpd", "libedit", "libz"};
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        const cJSON *entry = entry_of(inventory, late[i]);
        assert_string_equal(json_string(entry, "how", ""), "opened");
        assert_non_null(strstr(json_string(entry, "path", ""), late[i]));
        assert_true(*json_string(entry, "for", ""));
    }
    assert_non_null(strchr(json_string(entry_of(inventory, "libcurl"), "version", ""), '.'));
    assert_non_null(strchr(json_string(entry_of(inventory, "libssl"), "version", ""), '.'));
    assert_string_equal(json_string(entry_of(inventory, "libuv"), "how", ""), "linked");
    assert_null(json_get(entry_of(inventory, "libuv"), "path"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_named),
        cmocka_unit_test(a_function_that_is_missing_is_named),
        cmocka_unit_test(every_function_of_libcurl),
        cmocka_unit_test(every_function_of_openssl),
        cmocka_unit_test(every_function_of_libmicrohttpd),
        cmocka_unit_test(every_function_of_libedit),
        cmocka_unit_test(every_function_of_zlib),
        cmocka_unit_test(what_is_within_is_not_looked_for),
        cmocka_unit_test(the_inventory_says_which_and_from_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
