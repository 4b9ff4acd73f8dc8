#include "tls.h"

#include "settings.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls {
    SSL *ssl;
    BIO *in, *out; // the SSL object owns them
};

static SSL_CTX *context;

void tls_start(void) {
    static const unsigned char protocols[] = "\x08http/1.1";
    context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_default_verify_paths(context) ||
        SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1))
        fail("cannot set up TLS: %s", ERR_reason_error_string(ERR_get_error()));
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, settings.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
}

static void name_peer(SSL *ssl) {
    unsigned char address[16];
    if (inet_pton(AF_INET, settings.host, address) == 1 || inet_pton(AF_INET6, settings.host, address) == 1) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), settings.host);
        return;
    }
    SSL_set1_host(ssl, settings.host);
    SSL_set_tlsext_host_name(ssl, settings.host);
}

struct tls *tls_open(void) {
    struct tls *tls = must(calloc(1, sizeof *tls));
    tls->ssl = must(SSL_new(context));
    tls->in = must(BIO_new(BIO_s_mem()));
    tls->out = must(BIO_new(BIO_s_mem()));
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    name_peer(tls->ssl);
    return tls;
}

static void flush(struct tls *tls, struct buffer *wire) {
    char *data;
    long size = BIO_get_mem_data(tls->out, &data);
    put(wire, (struct text){data, size > 0 ? (size_t)size : 0});
    (void)BIO_reset(tls->out);
}

enum tls_result tls_take(struct tls *tls, struct text input, struct buffer *plain, struct buffer *wire) {
    char data[16384];
    int size = 0;
    if (input.size)
        BIO_write(tls->in, input.at, (int)input.size);
    ERR_clear_error();
    if (!SSL_is_init_finished(tls->ssl))
        size = SSL_do_handshake(tls->ssl);
    if (SSL_is_init_finished(tls->ssl))
        while ((size = SSL_read(tls->ssl, data, sizeof data)) > 0)
            put(plain, (struct text){data, (size_t)size});
    flush(tls, wire);
    switch (SSL_get_error(tls->ssl, size)) {
    case SSL_ERROR_WANT_READ:
        return TLS_GOES_ON;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_END;
    default:
        return TLS_BAD;
    }
}

bool tls_ready(const struct tls *tls) { return SSL_is_init_finished(tls->ssl); }

void tls_write(struct tls *tls, struct text plain, struct buffer *wire) {
    SSL_write(tls->ssl, plain.at, (int)plain.size); // memory takes everything
    flush(tls, wire);
}

const char *tls_wrong(const struct tls *tls) {
    long verified = SSL_get_verify_result(tls->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    if (verified != X509_V_OK && !settings.insecure)
        return X509_verify_cert_error_string(verified);
    return reason ? reason : "TLS failed";
}

void tls_close(struct tls *tls) {
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
    ERR_clear_error();
}
