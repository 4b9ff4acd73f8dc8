// Server-sent events (WHATWG HTML section 9.2.6): bytes in, events out.
#ifndef SSE_H
#define SSE_H

#include "text.h"

struct sse {
    struct buffer line; // the line whose end has not arrived
    struct buffer data, type; // of the event that is not complete
    struct buffer text; // data of the last event, as UTF-8
    size_t held; // bytes of the event that is not complete
    bool started; // the place of a byte order mark is behind us
    bool after_cr;
    bool told; // the type is that of an event that was told
};

enum sse_result { SSE_MORE, SSE_EVENT, SSE_TOO_LARGE };

// Take bytes from the front of *input* up to the end of an event. After SSE_EVENT, *type* and
// *data* hold until the next call. What comes out does not depend on where the input was cut.
enum sse_result sse_next(struct sse *sse, struct text *input, struct text *type, struct text *data);
void sse_free(struct sse *sse);

#endif
