// What one event of a chat completion is to the client: a piece of text, an error, the end.
#ifndef CHAT_H
#define CHAT_H

#include "text.h"

enum chat_result { CHAT_GOES_ON, CHAT_DONE, CHAT_FAILED };

// Append what the client is to be sent for one event of the upstream.
enum chat_result chat_event(struct buffer *out, struct text type, struct text data);
// Append an event {"error": message}.
void chat_error(struct buffer *out, struct text message);
// Append the text for people in an error as providers write it; false where there is none.
bool chat_message(struct buffer *out, struct text json);

#endif
