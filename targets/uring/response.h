// Heads of the responses that a client gets.
#ifndef RESPONSE_H
#define RESPONSE_H

#include "text.h"

void put_stream_head(struct buffer *out, struct text more_lines);
// A whole response: a JSON object with the error.
void put_error_response(struct buffer *out, int status, struct text message);

#endif
