// One hand-off from its payload to the last byte of its response.
#ifndef RELAY_H
#define RELAY_H

#include "text.h"

// Answer the client at the connected stream socket *client*, which is the relay's from here on.
// *whole*: *payload* is all that was sent.
void relay_start(int client, struct text payload, bool whole);

#endif
