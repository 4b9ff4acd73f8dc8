#include "response.h"

#include "json.h"

static const char *phrase(int status) {
    static const struct {
        int status;
        const char *phrase;
    } rows[] = {
        {400, "Bad Request"},           {401, "Unauthorized"},        {403, "Forbidden"},
        {404, "Not Found"},             {408, "Request Timeout"},     {413, "Content Too Large"},
        {429, "Too Many Requests"},     {500, "Internal Server Error"}, {502, "Bad Gateway"},
        {503, "Service Unavailable"},   {504, "Gateway Timeout"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++)
        if (rows[n].status == status)
            return rows[n].phrase;
    return "Upstream Error";
}

void put_stream_head(struct buffer *out, struct text more_lines) {
    put_string(out, "HTTP/1.1 200 OK\r\n"
                    "Content-Type: text/event-stream\r\n"
                    "Cache-Control: no-cache\r\n"
                    "Connection: close\r\n"
                    "X-Accel-Buffering: no\r\n");
    put(out, more_lines);
    put_string(out, "\r\n");
}

void put_error_response(struct buffer *out, int status, struct text message) {
    struct buffer body = {0};
    put_string(&body, "{\"error\":");
    put_quoted(&body, message);
    put_string(&body, "}");
    put_format(out,
               "HTTP/1.1 %d %s\r\n"
               "Content-Type: application/json\r\n"
               "Content-Length: %zu\r\n"
               "Connection: close\r\n\r\n",
               status, phrase(status), body.size);
    put(out, text_from(&body));
    buffer_free(&body);
}
