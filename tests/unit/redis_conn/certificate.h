/* A self-signed certificate for the tests of TLS: its own authority, made when it is needed. */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

/* Writes "<folder>/cert.pem" and "<folder>/key.pem" that name `san` ("DNS:localhost,IP:127.0.0.1"). */
void certificate_make(const char *folder, const char *san);

#endif
