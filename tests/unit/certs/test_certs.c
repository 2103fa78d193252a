/* The development authority: made once, used again, good in the eyes of openssl(1); server certificates
 * alike. */
#include "certs/certs.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[32];
static const char *const hosts[] = {"cache", "localhost", "127.0.0.1", "::1"};

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/certs-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static void openssl_accepts_the_chain(void **state)
{
    (void)state;
    struct certs_pair pair = {0};
    char *ca = NULL;
    assert_int_equal(certs_ensure_ca(folder, &ca, NULL), 0);
    assert_int_equal(certs_server(folder, "x", hosts, 4, &pair, NULL), 0);
    static const char *const purposes[] = {"sslserver", "sslclient"};
    char *command = NULL;
    for (int i = 0; i < 2; i++) {
        command = xasprintf("openssl verify -x509_strict -purpose %s -CAfile %s -verify_hostname cache "
                            "-verify_ip 127.0.0.1 %s/x.pem >/dev/null",
                            purposes[i], ca, folder);
        assert_int_equal(system(command), 0);
        free(command);
    }
    command =
        xasprintf("openssl verify -CAfile %s -verify_hostname other %s/x.pem >/dev/null 2>&1", ca, folder);
    assert_int_not_equal(system(command), 0);
    free(command);
    free(ca);
    certs_pair_free(&pair);
}

/* Whoever has the lock and does not go on keeps nobody for ever. */
static void a_lock_that_stays_is_an_error(void **state)
{
    (void)state;
    cleanup_free char *path = xasprintf("%s/lock", folder);
    cleanup_error struct error err = {0};
    struct certs_pair pair = {0};
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(certs_server(folder, "x", hosts, 4, &pair, &err), -1);
    assert_non_null(strstr(err.text, path));
    close(fd);
    assert_int_equal(certs_server(folder, "x", hosts, 4, &pair, NULL), 0);
    certs_pair_free(&pair);
}

static void keys_are_private(void **state)
{
    (void)state;
    static const char *const files[] = {"ca-key.pem", "x-key.pem"};
    struct certs_pair pair = {0};
    assert_int_equal(certs_server(folder, "x", hosts, 4, &pair, NULL), 0);
    certs_pair_free(&pair);
    for (int i = 0; i < 2; i++) {
        struct stat st;
        char *path = path_join(folder, files[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        free(path);
    }
}

static void certificates_are_used_again_until_names_change(void **state)
{
    (void)state;
    struct certs_pair first = {0}, second = {0}, third = {0};
    assert_int_equal(certs_server(folder, "x", hosts, 3, &first, NULL), 0);
    assert_int_equal(certs_server(folder, "x", hosts, 3, &second, NULL), 0);
    assert_string_equal(first.cert, second.cert);
    assert_int_equal(certs_server(folder, "x", hosts, 4, &third, NULL), 0);
    assert_string_not_equal(first.cert, third.cert);
    certs_pair_free(&first);
    certs_pair_free(&second);
    certs_pair_free(&third);
}

static void a_broken_authority_is_replaced_with_its_certificates(void **state)
{
    (void)state;
    struct certs_pair first = {0}, second = {0};
    char *ca = path_join(folder, "ca.pem");
    assert_int_equal(certs_server(folder, "x", hosts, 2, &first, NULL), 0);
    assert_int_equal(file_write_atomic(ca, "garbage", 7, 0644, NULL), 0);
    assert_int_equal(certs_server(folder, "x", hosts, 2, &second, NULL), 0);
    assert_string_not_equal(first.cert, second.cert);
    certs_pair_free(&first);
    certs_pair_free(&second);
    free(ca);
}

static void a_users_pair_must_match(void **state)
{
    (void)state;
    struct certs_pair pair = {0};
    struct error err = {0};
    assert_int_equal(certs_server(folder, "a", hosts, 1, &pair, NULL), 0);
    certs_pair_free(&pair);
    assert_int_equal(certs_server(folder, "b", hosts, 1, &pair, NULL), 0);
    certs_pair_free(&pair);
    char *cert = path_join(folder, "a.pem"), *key = path_join(folder, "a-key.pem"),
         *other = path_join(folder, "b-key.pem");
    assert_int_equal(certs_load(cert, key, &pair, &err), 0);
    certs_pair_free(&pair);
    assert_int_equal(certs_load(cert, other, &pair, &err), -1);
    assert_int_equal(err.code, ERROR_MANIFEST);
    error_clear(&err);
    assert_int_equal(certs_load(cert, "/nonexistent", &pair, &err), -1);
    assert_int_equal(err.code, ERROR_NO_FILE);
    error_clear(&err);
    free(cert);
    free(key);
    free(other);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(openssl_accepts_the_chain),
        T(a_lock_that_stays_is_an_error),
        T(keys_are_private),
        T(certificates_are_used_again_until_names_change),
        T(a_broken_authority_is_replaced_with_its_certificates),
        T(a_users_pair_must_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
