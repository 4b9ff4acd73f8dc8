<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use JsonException;
use stdClass;

/** What the web server sends beside the client's socket: a JSON object, every key of it optional. */
final class Payload
{
    /** A control byte, or a byte that is not ASCII. */
    private const NOT_FOR_HEADERS = '~[^\x20-\x7e]~';

    /** Fields that are the daemon's own to set. */
    private const FIXED = [
        'content-type', 'cache-control', 'connection', 'x-accel-buffering',
        'transfer-encoding', 'content-length', 'content-encoding',
    ];

    /**
     * @param string                $request  JSON body of the request to the upstream
     * @param array<string, string> $headers  header fields of that request
     * @param list<string>          $response header lines for the client's response
     */
    private function __construct(
        public readonly string $request,
        public readonly array $headers,
        public readonly array $response,
    ) {
    }

    /** @throws BadPayload */
    public static function parse(string $bytes): self
    {
        try {
            $given = $bytes === '' || $bytes === "\0" ? new stdClass() : Json::decode($bytes);
        } catch (JsonException $error) {
            throw new BadPayload('payload is not JSON: ' . $error->getMessage());
        }
        if (!$given instanceof stdClass) {
            throw new BadPayload('payload is not a JSON object');
        }
        self::member($given, 'user_id', 'is_int');

        return new self(self::request($given), self::headers($given), self::response($given));
    }

    /** Member $name, null where it is absent; refused where $test does not hold. */
    private static function member(stdClass $object, string $name, callable $test): mixed
    {
        $value = $object->{$name} ?? null;
        if ($value !== null && !$test($value)) {
            throw new BadPayload("'$name' of the payload is of the wrong type");
        }

        return $value;
    }

    private static function request(stdClass $given): string
    {
        $messages = [];
        foreach (self::member($given, 'messages', 'is_array') ?? [] as $message) {
            if (!is_string($message->role ?? null) || !is_string($message->content ?? null)) {
                throw new BadPayload("'messages' of the payload must be a list of {role, content}");
            }
            $messages[] = ['role' => $message->role, 'content' => $message->content];
        }
        $prompt = self::member($given, 'prompt', 'is_string') ?? 'Hello';
        $messages = $messages ?: [['role' => 'user', 'content' => $prompt]];
        $system = self::member($given, 'system', 'is_string');
        if ($system !== null) {
            array_unshift($messages, ['role' => 'system', 'content' => $system]);
        }
        $isNumber = static fn (mixed $value): bool => is_int($value) || (is_float($value) && is_finite($value));
        $optional = [
            'max_tokens' => self::member($given, 'max_tokens', 'is_int'),
            'temperature' => self::member($given, 'temperature', $isNumber),
        ];
        $model = self::member($given, 'model', 'is_string') ?? 'gpt-4o-mini';
        $body = ['model' => $model, 'messages' => $messages, 'stream' => true];

        return Json::encode($body + array_filter($optional, static fn (mixed $value): bool => $value !== null));
    }

    /** @return array<string, string> */
    private static function headers(stdClass $given): array
    {
        $headers = [];
        foreach (['test_pattern' => 'X-Test-Pattern', 'request_id' => 'X-Request-Id'] as $key => $name) {
            $value = self::member($given, $key, 'is_string') ?? '';
            if (preg_match(self::NOT_FOR_HEADERS, $value) === 1) {
                throw new BadPayload("'$key' of the payload cannot be a header value");
            }
            if ($value !== '') {
                $headers[$name] = $value;
            }
        }

        return $headers;
    }

    /** @return list<string> */
    private static function response(stdClass $given): array
    {
        $isObject = static fn (mixed $value): bool => $value instanceof stdClass;
        $lines = [];
        foreach (self::member($given, 'response_headers', $isObject) ?? [] as $name => $value) {
            $name = (string) $name;
            $isToken = preg_match('/^[!#$%&\'*+.^_`|~0-9A-Za-z-]+$/D', $name) === 1;
            $isValue = is_string($value) && preg_match('~[\x00-\x08\x0a-\x1f\x7f]~', $value) === 0;
            if ($isToken && $isValue && !in_array(strtolower($name), self::FIXED, true)) {
                $lines[] = "$name: $value";
            }
        }

        return $lines;
    }
}
