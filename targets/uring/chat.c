#include "chat.h"

#include "json.h"

// OpenAI's API reference, "The chat completion chunk object"; errors come in the shapes that
// its followers send.

static void put_event(struct buffer *out, const char *name, struct text utf8) {
    put_format(out, "data: {\"%s\":", name);
    put_quoted(out, utf8);
    put_string(out, "}\n\n");
}

void chat_error(struct buffer *out, struct text message) { put_event(out, "error", message); }

static enum chat_result failed(struct buffer *out, const char *message) {
    chat_error(out, text_of(message));
    return CHAT_FAILED;
}

bool chat_message(struct buffer *out, struct text value) {
    struct text place = {0}, first = {0};
    size_t before = out->size;
    switch (json_type(value)) {
    case JSON_ARRAY:
        return json_next(value, &place, NULL, &first) && chat_message(out, first);
    case JSON_STRING:
        json_string(out, text_trim(value));
        return out->size > before;
    case JSON_OBJECT:
        break;
    default:
        return false;
    }
    struct text error = json_member(value, "error");
    if (json_says_something(error))
        return chat_message(out, error);
    static const char *const names[] = {"message", "detail"};
    for (int n = 0; n < 2; n++) {
        struct text told = json_member(value, names[n]);
        if (json_type(told) == JSON_STRING && chat_message(out, told))
            return true;
    }
    return false;
}

static enum chat_result told_error(struct buffer *out, struct text json, struct text otherwise) {
    struct buffer message = {0};
    chat_error(out, chat_message(&message, json) ? text_from(&message) : otherwise);
    buffer_free(&message);
    return CHAT_FAILED;
}

static bool is_flat_error(struct text chunk) { // {"object": "error", "message": …}
    struct buffer object = {0}, message = {0};
    struct text kind = json_member(chunk, "object");
    bool flat = json_type(kind) == JSON_STRING;
    if (flat)
        json_string(&object, kind);
    flat = flat && text_is(text_from(&object), "error") && chat_message(&message, chunk);
    buffer_free(&object);
    buffer_free(&message);
    return flat;
}

// To drop what cannot be read would be to show a client less than there was: a wrong type is
// an error, null and nothing are not.
static bool is_wrong(struct text value, enum json_type wanted) {
    enum json_type type = json_type(value);
    return type != wanted && type != JSON_NULL && type != JSON_NONE;
}

static const char *put_choice(struct buffer *out, struct text choice, int place) {
    if (is_wrong(choice, JSON_OBJECT))
        return "upstream sent a choice of a wrong type";
    struct text index = json_member(choice, "index");
    enum json_type type = json_type(index);
    if (type == JSON_NONE || type == JSON_NULL ? place != 0 : json_says_something(index))
        return NULL;
    struct text delta = json_member(choice, "delta");
    if (is_wrong(delta, JSON_OBJECT))
        return "upstream sent delta of a wrong type";
    struct text content = json_member(delta, "content");
    if (is_wrong(content, JSON_STRING))
        return "upstream sent content of a wrong type";
    if (json_type(content) != JSON_STRING || content.size == 2)
        return NULL;
    struct buffer plain = {0};
    json_string(&plain, content);
    put_event(out, "content", text_from(&plain));
    buffer_free(&plain);
    return NULL;
}

static enum chat_result put_choices(struct buffer *out, struct text choices) {
    struct text place = {0}, choice = {0};
    if (is_wrong(choices, JSON_ARRAY))
        return failed(out, "upstream sent choices of a wrong type");
    if (json_type(choices) != JSON_ARRAY)
        return CHAT_GOES_ON;
    for (int n = 0; json_next(choices, &place, NULL, &choice); n++) {
        const char *wrong = put_choice(out, choice, n);
        if (wrong)
            return failed(out, wrong);
    }
    return CHAT_GOES_ON;
}

enum chat_result chat_event(struct buffer *out, struct text type, struct text data) {
    if (text_is(text_trim(data), "[DONE]")) {
        put_string(out, "data: [DONE]\n\n");
        return CHAT_DONE;
    }
    bool readable = json_valid(data);
    if (text_is(type, "error"))
        return told_error(out, readable ? data : (struct text){0}, readable ? TEXT("upstream error") : data);
    if (!readable || json_type(data) != JSON_OBJECT)
        return failed(out, "upstream sent an event that is not a JSON object");
    if (json_says_something(json_member(data, "error")) || is_flat_error(data))
        return told_error(out, data, TEXT("upstream error"));
    return put_choices(out, json_member(data, "choices"));
}
