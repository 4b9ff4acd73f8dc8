// One HTTP/1.1 response (RFC 9112): bytes in, parts out. Nothing else uses its connection.
#ifndef HTTP_H
#define HTTP_H

#include "text.h"

struct http {
    int state;
    struct buffer line; // the line whose end has not arrived
    size_t head_size;
    int status;
    struct buffer status_line;
    bool has_length, has_coding, chunked, coded;
    unsigned long long length, left; // of the body; of it, or of the chunk, still to come
    const char *wrong; // after HTTP_BAD: what is wrong
};

enum http_part { HTTP_MORE, HTTP_HEAD, HTTP_BODY, HTTP_END, HTTP_BAD };

// Take bytes from the front of *input* up to the end of a part. After HTTP_BODY, *body* is a
// slice of what *input* was. After HTTP_HEAD, status, status_line and coded (a content coding
// is used) tell of the final response; interim ones (1xx) are passed over.
enum http_part http_next(struct http *http, struct text *input, struct text *body);
// The connection was closed: HTTP_END, or HTTP_BAD where the message is not complete (section 8).
enum http_part http_close(struct http *http);
void http_free(struct http *http);

#endif
