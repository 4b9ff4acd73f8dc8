<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Generator;
use JsonException;
use stdClass;

/** Chunks of OpenAI's chat completions become events for the client. */
final class ChatEvents
{
    public const DONE = "data: [DONE]\n\n";

    private EventReader $events;

    public function __construct()
    {
        $this->events = new EventReader();
    }

    /**
     * Feed bytes of the upstream's body; gives what to write to the client. Nothing follows DONE.
     *
     * @return Generator<int, string>
     *
     * @throws UpstreamFailed the upstream says so, or sent what nobody can read
     */
    public function receive(string $bytes): Generator
    {
        foreach ($this->events->receive($bytes) as [$type, $data]) {
            if (trim($data, " \t\n\v\f\r") === '[DONE]') {
                yield self::DONE;
                return;
            }
            if ($type === 'error') {
                throw new UpstreamFailed(self::message($data) ?? $data);
            }
            yield from self::chunk($data);
        }
    }

    /** The event that tells a client of an error. */
    public static function error(string $message): string
    {
        return 'data: ' . Json::encode(['error' => Json::text($message)]) . "\n\n";
    }

    /** The message for people in $text, which is JSON of an error as providers write it. */
    public static function message(string $text): ?string
    {
        try {
            return self::find(Json::decodeLeniently($text));
        } catch (JsonException) {
            return null;
        }
    }

    /** {"error": {"message": "…"}}, {"error": "…"}, {"message": "…"}, or the text itself. */
    private static function find(mixed $value): ?string
    {
        if (is_string($value) && $value !== '') {
            return $value;
        }
        if (!$value instanceof stdClass) {
            return null;
        }

        return self::find($value->error ?? null) ?? self::find($value->message ?? null);
    }

    /** @return Generator<int, string> */
    private static function chunk(string $data): Generator
    {
        try {
            $chunk = Json::decodeLeniently($data);
        } catch (JsonException) {
            $chunk = null;
        }
        if (!$chunk instanceof stdClass) {
            throw new UpstreamFailed('upstream sent an event that is not a JSON object');
        }
        foreach (self::listOf($chunk->choices ?? [], 'choices') as $position => $choice) {
            $index = self::objectOf($choice, 'choice')->index ?? null;
            $delta = self::objectOf($choice->delta ?? new stdClass(), 'delta');
            $text = self::textOf($delta->content ?? '');
            if ((is_int($index) ? $index : $position) === 0 && $text !== '') {
                yield 'data: ' . Json::encode(['content' => $text]) . "\n\n";
            }
        }
        $error = $chunk->error ?? null;
        $isError = $error instanceof stdClass ? (array) $error !== [] : (bool) $error;
        if ($isError || ($chunk->object ?? null) === 'error') {
            throw new UpstreamFailed(self::find($chunk) ?? 'upstream sent an error without a message');
        }
    }

    /** @return list<mixed> */
    private static function listOf(mixed $value, string $name): array
    {
        return is_array($value) ? $value : throw new UpstreamFailed("upstream sent $name that are no list");
    }

    private static function objectOf(mixed $value, string $name): stdClass
    {
        return $value instanceof stdClass
            ? $value : throw new UpstreamFailed("upstream sent a $name that is no object");
    }

    /** Text of a delta: a string, or, as Mistral has it, parts of which those of type text count. */
    private static function textOf(mixed $content): string
    {
        if (is_string($content)) {
            return $content;
        }
        $text = '';
        foreach (self::listOf($content, 'contents') as $part) {
            if (($part->type ?? null) === 'text' && is_string($part->text ?? null)) {
                $text .= $part->text;
            }
        }

        return $text;
    }
}
