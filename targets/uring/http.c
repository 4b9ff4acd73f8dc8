#include "http.h"

#include <ctype.h>
#include <string.h>

enum { MAX_HEAD = 65536, MAX_CHUNK_LINE = 4096 };
enum state { STATUS_LINE, FIELD_LINE, FIXED, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER, REST, DONE };

static enum http_part bad(struct http *http, const char *wrong) {
    http->wrong = wrong;
    return HTTP_BAD;
}

// Move the next line, or what there is of it, to the buffer; true when it is complete.
static bool take_line(struct http *http, struct text *input) {
    const char *end = memchr(input->at, '\n', input->size);
    size_t size = end ? (size_t)(end - input->at) : input->size;
    put(&http->line, (struct text){input->at, size});
    http->head_size += size;
    input->at += size + (end != NULL);
    input->size -= size + (end != NULL);
    return end;
}

static bool digits(const char *at, size_t size) {
    for (size_t n = 0; n < size; n++)
        if (at[n] < '0' || at[n] > '9')
            return false;
    return size > 0;
}

static bool take_status(struct http *http, struct text line) { // HTTP/1.x SP 3DIGIT [SP reason]
    if (line.size < 12 || memcmp(line.at, "HTTP/1.", 7) || !digits(line.at + 7, 1) || line.at[8] != ' ' ||
        !digits(line.at + 9, 3) || line.at[9] == '0' || (line.size > 12 && line.at[12] != ' '))
        return false;
    http->status = (line.at[9] - '0') * 100 + (line.at[10] - '0') * 10 + line.at[11] - '0';
    http->status_line.size = 0;
    put(&http->status_line, (struct text){line.at + 9, line.size - 9});
    http->has_length = http->has_coding = http->chunked = http->coded = false;
    return true;
}

static bool take_length(struct http *http, struct text value) {
    while (value.at) { // the same length several times is one length (section 6.3)
        const char *comma = memchr(value.at, ',', value.size);
        struct text item = text_trim((struct text){value.at, comma ? (size_t)(comma - value.at) : value.size});
        unsigned long long length = 0;
        if (!digits(item.at, item.size) || item.size > 18)
            return false;
        for (size_t n = 0; n < item.size; n++)
            length = length * 10 + (unsigned)(item.at[n] - '0');
        if (http->has_length && http->length != length)
            return false;
        http->has_length = true;
        http->length = length;
        value = comma ? (struct text){comma + 1, value.size - (size_t)(comma + 1 - value.at)} : (struct text){0};
    }
    return true;
}

static const char *take_field(struct http *http, struct text line) {
    const char *colon = memchr(line.at, ':', line.size);
    struct text name = {line.at, colon ? (size_t)(colon - line.at) : 0};
    for (size_t n = 0; n < name.size; n++)
        if (!isalnum((unsigned char)name.at[n]) && (!name.at[n] || !strchr("!#$%&'*+-.^_`|~", name.at[n])))
            name.size = 0;
    if (!name.size || memchr(line.at, '\0', line.size) || memchr(line.at, '\r', line.size))
        return "the response has a malformed header field";
    struct text value = text_trim((struct text){colon + 1, line.size - name.size - 1});
    if (text_is_caseless(name, "transfer-encoding")) {
        if (http->has_coding || !text_is_caseless(value, "chunked"))
            return "the response has a transfer coding other than chunked";
        http->has_coding = http->chunked = true;
    } else if (text_is_caseless(name, "content-length")) {
        if (!take_length(http, value))
            return "the response has an invalid Content-Length";
    } else if (text_is_caseless(name, "content-encoding")) {
        http->coded |= !text_is_caseless(value, "identity");
    }
    return NULL;
}

static enum http_part end_head(struct http *http) { // how the end is told: section 6.3
    http->head_size = 0;
    if (http->status == 101)
        return bad(http, "the response changes the protocol, which nobody asked for");
    if (http->status < 200) {
        http->state = STATUS_LINE;
        return HTTP_MORE;
    }
    http->left = http->length;
    http->state = http->status == 204 || http->status == 304 ? DONE
                  : http->chunked                            ? CHUNK_SIZE
                  : http->has_length                         ? FIXED
                                                             : REST;
    if (http->state == DONE || (http->state == FIXED && !http->left)) {
        http->state = FIXED; // whose next step is the end
        http->left = 0;
    }
    return HTTP_HEAD;
}

static enum http_part take_chunk_size(struct http *http, struct text line) {
    size_t n = 0;
    http->left = 0;
    for (; n < line.size && isxdigit((unsigned char)line.at[n]); n++)
        http->left = http->left * 16 +
                     (unsigned)(digits(line.at + n, 1) ? line.at[n] - '0' : (line.at[n] | 0x20) - 'a' + 10);
    size_t size = n;
    while (n < line.size && (line.at[n] == ' ' || line.at[n] == '\t'))
        n++;
    // Extensions are passed over (section 7.1.1); here a line must end in CRLF.
    if (!size || size > 15 || !line.size || line.at[line.size - 1] != '\r' ||
        (n != line.size - 1 && line.at[n] != ';'))
        return bad(http, "the response has a malformed chunk");
    http->head_size = 0;
    http->state = http->left ? CHUNK : TRAILER;
    return HTTP_MORE;
}

static enum http_part take_whole_line(struct http *http, struct text line) {
    if (http->state == CHUNK_SIZE)
        return take_chunk_size(http, line);
    if (http->state == CHUNK_END) {
        if (!text_is(line, "\r"))
            return bad(http, "the response has a chunk longer than its size");
        http->state = CHUNK_SIZE;
        return HTTP_MORE;
    }
    // Section 2.2: in the head a single LF may be taken as a line's end.
    if (line.size && line.at[line.size - 1] == '\r')
        line.size--;
    if (http->state == STATUS_LINE) {
        if (!take_status(http, line))
            return bad(http, "the response has a malformed status line");
        http->state = FIELD_LINE;
    } else if (http->state == TRAILER) {
        if (!line.size)
            http->state = DONE;
        return line.size ? HTTP_MORE : HTTP_END;
    } else if (!line.size) {
        return end_head(http);
    } else {
        const char *wrong = take_field(http, line);
        if (wrong)
            return bad(http, wrong);
    }
    return HTTP_MORE;
}

static enum http_part take_body(struct http *http, struct text *input, struct text *body) {
    size_t size = input->size;
    if (http->state != REST && http->left < size)
        size = (size_t)http->left;
    *body = (struct text){input->at, size};
    input->at += size;
    input->size -= size;
    http->left -= http->state == REST ? 0 : size;
    if (http->state == CHUNK && !http->left)
        http->state = CHUNK_END;
    return HTTP_BODY;
}

static enum http_part take_line_part(struct http *http, struct text *input) {
    bool complete = take_line(http, input);
    size_t limit = http->state == CHUNK_SIZE || http->state == CHUNK_END ? MAX_CHUNK_LINE : MAX_HEAD;
    struct text line = text_from(&http->line);
    if (http->head_size > limit)
        return bad(http, "the response head, or a line of its framing, is too long");
    if (http->state == STATUS_LINE && memcmp(line.at, "HTTP/1.", line.size < 7 ? line.size : 7))
        return bad(http, "the response is not HTTP/1.1"); // without waiting for a line end
    if (http->state == CHUNK_END && line.size && !(line.size == 1 && line.at[0] == '\r'))
        return bad(http, "the response has a chunk longer than its size");
    if (!complete)
        return HTTP_MORE;
    enum http_part part = take_whole_line(http, line);
    http->line.size = 0;
    return part;
}

enum http_part http_next(struct http *http, struct text *input, struct text *body) {
    for (;;) {
        if (http->state == FIXED && !http->left) {
            http->state = DONE;
            return HTTP_END;
        }
        if (!input->size || http->state == DONE)
            return HTTP_MORE; // bytes after the end belong to nothing that we asked for
        if (http->state == FIXED || http->state == CHUNK || http->state == REST)
            return take_body(http, input, body);
        enum http_part part = take_line_part(http, input);
        if (part != HTTP_MORE)
            return part;
    }
}

enum http_part http_close(struct http *http) {
    if (http->state == REST)
        return HTTP_END;
    return bad(http, "the connection was closed before the message was complete");
}

void http_free(struct http *http) {
    buffer_free(&http->line);
    buffer_free(&http->status_line);
}
