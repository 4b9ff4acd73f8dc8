#include "sse.h"

#include <string.h>

enum { MAX_EVENT = 8 << 20 }; // a peer that never ends a line would fill the memory

static void take_field(struct sse *sse, struct text line) {
    const char *colon = memchr(line.at, ':', line.size);
    struct text name = {line.at, colon ? (size_t)(colon - line.at) : line.size}, value = {"", 0};
    if (colon)
        value = (struct text){colon + 1, line.size - name.size - 1};
    if (value.size && value.at[0] == ' ')
        value.at++, value.size--;
    if (text_is(name, "data")) {
        put(&sse->data, value);
        put_byte(&sse->data, '\n');
    } else if (text_is(name, "event")) {
        sse->type.size = 0;
        put(&sse->type, value);
    } // id and retry are of no use here
}

// A blank line. "If the data buffer is an empty string, set the data buffer and the event
// type buffer to the empty string and return."
static bool dispatch(struct sse *sse, struct text *type, struct text *data) {
    bool some = sse->data.size > 1; // each line put its own line end after it
    sse->text.size = 0;
    if (some)
        put_utf8(&sse->text, (struct text){sse->data.data, sse->data.size - 1});
    *data = text_from(&sse->text);
    *type = text_from(&sse->type);
    sse->data.size = 0;
    sse->held = 0;
    return some;
}

// Move the next line, or what there is of it, to the buffer; true when it is complete.
static bool take_line(struct sse *sse, struct text *input) {
    if (sse->after_cr && input->size) {
        // The CR ended its line at once: waiting for a LF would hold the event back.
        sse->after_cr = false;
        if (input->at[0] == '\n')
            input->at++, input->size--;
    }
    size_t size = 0;
    while (size < input->size && input->at[size] != '\n' && input->at[size] != '\r')
        size++;
    put(&sse->line, (struct text){input->at, size});
    sse->held += size;
    if (size == input->size) {
        *input = (struct text){input->at + size, 0};
        return false;
    }
    sse->after_cr = input->at[size] == '\r';
    input->at += size + 1;
    input->size -= size + 1;
    return true;
}

enum sse_result sse_next(struct sse *sse, struct text *input, struct text *type, struct text *data) {
    if (sse->told)
        sse->type.size = 0;
    sse->told = false;
    while (input->size) {
        bool complete = take_line(sse, input);
        if (sse->held > MAX_EVENT)
            return SSE_TOO_LARGE;
        if (!complete)
            return SSE_MORE;
        struct text line = text_from(&sse->line);
        if (!sse->started && line.size >= 3 && !memcmp(line.at, "\xef\xbb\xbf", 3))
            line.at += 3, line.size -= 3;
        sse->started = true;
        if (line.size)
            take_field(sse, line);
        sse->line.size = 0;
        if (line.size)
            continue;
        sse->told = dispatch(sse, type, data);
        if (sse->told)
            return SSE_EVENT;
        sse->type.size = 0;
    }
    return SSE_MORE;
}

void sse_free(struct sse *sse) {
    buffer_free(&sse->line);
    buffer_free(&sse->data);
    buffer_free(&sse->type);
    buffer_free(&sse->text);
}
