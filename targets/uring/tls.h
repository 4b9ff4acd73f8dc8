// TLS between two buffers (OpenSSL over memory): the sockets stay the event loop's.
#ifndef TLS_H
#define TLS_H

#include "text.h"

struct tls;

enum tls_result { TLS_GOES_ON, TLS_END, TLS_BAD };

void tls_start(void); // once; ends with a message where there is no TLS
struct tls *tls_open(void);
// Take bytes from the peer; append what they say to *plain*, and what is to be sent to *wire*.
enum tls_result tls_take(struct tls *tls, struct text input, struct buffer *plain, struct buffer *wire);
bool tls_ready(const struct tls *tls); // the handshake is done
void tls_write(struct tls *tls, struct text plain, struct buffer *wire);
const char *tls_wrong(const struct tls *tls); // after TLS_BAD
void tls_close(struct tls *tls);

#endif
