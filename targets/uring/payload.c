#include "payload.h"

#include "json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HALF[] = "the payload has an escape of half a character";

// A member of the payload; null counts as absent.
static struct text given(struct text payload, const char *key) {
    struct text value = json_member(payload, key);
    return json_type(value) == JSON_NULL ? (struct text){0} : value;
}

static const char *put_string_value(struct buffer *out, struct text value) { // as JSON again
    struct buffer plain = {0};
    bool whole = json_string(&plain, value);
    put_quoted(out, text_from(&plain));
    buffer_free(&plain);
    return whole ? NULL : HALF;
}

static const char *put_message(struct buffer *out, const char *role, struct text content) {
    put_format(out, "{\"role\":\"%s\",\"content\":", role);
    const char *wrong = put_string_value(out, content);
    put_byte(out, '}');
    return wrong;
}

static const char *put_messages(struct buffer *out, struct text list, bool more) {
    struct text place = {0}, item = {0};
    while (json_next(list, &place, NULL, &item)) {
        struct text role = json_member(item, "role"), content = json_member(item, "content");
        if (json_type(role) != JSON_STRING || json_type(content) != JSON_STRING)
            return "messages has an item without the strings role and content";
        put_string(out, more ? ",{\"role\":" : "{\"role\":");
        const char *wrong = put_string_value(out, role);
        put_string(out, ",\"content\":");
        if (!wrong)
            wrong = put_string_value(out, content);
        put_byte(out, '}');
        if (wrong)
            return wrong;
        more = true;
    }
    return NULL;
}

static const char *put_conversation(struct buffer *out, struct text payload) {
    struct text system = given(payload, "system"), messages = given(payload, "messages");
    struct text prompt = given(payload, "prompt"), place = {0}, first = {0};
    const char *wrong = NULL;
    if (system.at && (wrong = put_message(out, "system", system)))
        return wrong;
    if (messages.at && json_next(messages, &place, NULL, &first))
        return put_messages(out, messages, system.at != NULL);
    if (system.at)
        put_byte(out, ',');
    return put_message(out, "user", prompt.at ? prompt : TEXT("\"Hello\""));
}

static const char *put_body(struct buffer *out, struct text payload) {
    struct text model = given(payload, "model"), number;
    put_string(out, "{\"model\":");
    const char *wrong = put_string_value(out, model.at && model.size > 2 ? model : TEXT("\"gpt-4o-mini\""));
    put_string(out, ",\"messages\":[");
    if (wrong || (wrong = put_conversation(out, payload)))
        return wrong;
    put_string(out, "],\"stream\":true");
    static const char *const names[] = {"max_tokens", "temperature"};
    for (int n = 0; n < 2; n++) {
        if (!(number = given(payload, names[n])).at)
            continue;
        put_format(out, ",\"%s\":", names[n]);
        put(out, number);
    }
    put_byte(out, '}');
    return NULL;
}

static bool is_whole(struct text number) {
    for (size_t n = 0; n < number.size; n++)
        if (!isdigit((unsigned char)number.at[n]) && !(n == 0 && number.at[n] == '-'))
            return false;
    return true;
}

static bool is_finite(struct text number) {
    struct buffer copy = {0};
    put(&copy, number);
    put_byte(&copy, '\0');
    bool finite = isfinite(strtod(copy.data, NULL));
    buffer_free(&copy);
    return finite;
}

static const char *check_types(struct text payload) {
    static const struct {
        const char *key;
        enum json_type type;
        bool whole;
        const char *wrong;
    } rows[] = {
        {"user_id", JSON_NUMBER, true, "user_id is not an integer"}, // nobody upstream is told
        {"prompt", JSON_STRING, false, "prompt is not a string"},
        {"messages", JSON_ARRAY, false, "messages is not a list"},
        {"model", JSON_STRING, false, "model is not a string"},
        {"max_tokens", JSON_NUMBER, true, "max_tokens is not an integer"},
        {"temperature", JSON_NUMBER, false, "temperature is not a number"},
        {"system", JSON_STRING, false, "system is not a string"},
        {"request_id", JSON_STRING, false, "request_id is not a string"},
        {"test_pattern", JSON_STRING, false, "test_pattern is not a string"},
        {"response_headers", JSON_OBJECT, false, "response_headers is not an object"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        struct text value = given(payload, rows[n].key);
        if (!value.at)
            continue;
        if (json_type(value) != rows[n].type || (rows[n].whole && !is_whole(value)))
            return rows[n].wrong;
        if (rows[n].type == JSON_NUMBER && !rows[n].whole && !is_finite(value))
            return rows[n].wrong;
    }
    return NULL;
}

static const char *put_request_field(struct buffer *out, struct text payload, const char *key, const char *name) {
    struct text value = given(payload, key);
    struct buffer plain = {0};
    const char *wrong = NULL;
    if (!value.at || value.size == 2)
        return NULL;
    json_string(&plain, value);
    for (size_t n = 0; n < plain.size; n++)
        if (plain.data[n] < ' ' || plain.data[n] > '~')
            wrong = "request_id or test_pattern has characters that no header field can carry";
    put_string(out, name);
    put(out, text_from(&plain));
    put_string(out, "\r\n");
    buffer_free(&plain);
    return wrong;
}

static bool may_be_added(struct text name, struct text value) {
    // A client must not be able to change how its response is framed or read.
    static const char *const ours[] = {"content-type",      "cache-control",  "connection",      "x-accel-buffering",
                                       "transfer-encoding", "content-length", "content-encoding"};
    for (size_t n = 0; n < sizeof ours / sizeof *ours; n++)
        if (text_is_caseless(name, ours[n]))
            return false;
    for (size_t n = 0; n < name.size; n++) // a token, RFC 9110 section 5.6.2
        if (!name.at[n] || (!isalnum((unsigned char)name.at[n]) && !strchr("!#$%&'*+-.^_`|~", name.at[n])))
            return false;
    for (size_t n = 0; n < value.size; n++)
        if (((unsigned char)value.at[n] < ' ' && value.at[n] != '\t') || value.at[n] == 0x7f)
            return false;
    return name.size;
}

static const char *put_response_fields(struct buffer *out, struct text given_fields) {
    struct text place = {0}, key = {0}, item = {0};
    struct buffer name = {0}, value = {0};
    bool whole = true;
    while (given_fields.at && json_next(given_fields, &place, &key, &item)) {
        if (json_type(item) != JSON_STRING)
            continue;
        name.size = value.size = 0;
        bool named = json_string(&name, key), valued = json_string(&value, item);
        if (!named || !may_be_added(text_from(&name), text_from(&value)))
            continue;
        whole = whole && valued;
        put(out, text_from(&name));
        put_string(out, ": ");
        put(out, text_from(&value));
        put_string(out, "\r\n");
    }
    buffer_free(&name);
    buffer_free(&value);
    return whole ? NULL : HALF;
}

const char *payload_read(struct job *job, struct text payload) {
    if (!payload.size || (payload.size == 1 && payload.at[0] == '\0'))
        payload = TEXT("{}");
    if (!utf8_valid(payload) || !json_valid(payload))
        return "the payload is not JSON";
    if (json_type(payload) != JSON_OBJECT)
        return "the payload is not a JSON object";
    const char *wrong = check_types(payload);
    if (!wrong)
        wrong = put_body(&job->body, payload);
    if (!wrong)
        wrong = put_request_field(&job->fields, payload, "request_id", "X-Request-Id: ");
    if (!wrong)
        wrong = put_request_field(&job->fields, payload, "test_pattern", "X-Test-Pattern: ");
    if (!wrong)
        wrong = put_response_fields(&job->response_fields, given(payload, "response_headers"));
    return wrong;
}

void job_free(struct job *job) {
    buffer_free(&job->body);
    buffer_free(&job->fields);
    buffer_free(&job->response_fields);
}
