// What a web server asks for in a hand-off: the JSON payload, as the request to make.
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "text.h"

struct job {
    struct buffer body; // JSON text of the request to the provider
    struct buffer fields; // header lines that it has besides those of every request
    struct buffer response_fields; // lines to add to the client's response head
};

// Read a payload; one NUL byte, or nothing, stands for one without keys. Returns NULL, or
// what is wrong with it: it is no JSON object, or a known key has a value of the wrong type.
const char *payload_read(struct job *job, struct text payload);
void job_free(struct job *job);

#endif
