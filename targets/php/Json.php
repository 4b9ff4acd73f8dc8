<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use JsonException;
use stdClass;

/** JSON and UTF-8 as other people write them. */
final class Json
{
    private const DEPTH = 2000;

    /** A surrogate escape without its other half; whole pairs and other escapes are stepped over. */
    private const LONE_SURROGATE = '~\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}(*SKIP)(*F)'
        . '|\\\\(?!u[dD][89a-fA-F])[\x00-\xff](*SKIP)(*F)|\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}~';

    /**
     * What becomes one U+FFFD each (Unicode 15, 3.9, "maximal subpart", which is what WHATWG's
     * decoder does): the longest beginning of a well-formed sequence, else one byte.
     */
    private const ILL_FORMED = '~(?:[\x00-\x7f]++|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]'
        . '|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}'
        . '|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})(*SKIP)(*F)'
        . '|\xe0[\xa0-\xbf]?|[\xe1-\xec\xee\xef][\x80-\xbf]?|\xed[\x80-\x9f]?|\xf0(?:[\x90-\xbf][\x80-\xbf]?)?'
        . '|[\xf1-\xf3][\x80-\xbf]{0,2}|\xf4(?:[\x80-\x8f][\x80-\xbf]?)?|[\x80-\xff]~';

    /** $bytes as UTF-8. */
    public static function text(string $bytes): string
    {
        return preg_match('//u', $bytes) === 1 ? $bytes : preg_replace(self::ILL_FORMED, "\u{FFFD}", $bytes);
    }

    /**
     * The value of $text; objects are stdClass.
     *
     * @throws JsonException it is not JSON, not UTF-8, or holds half a surrogate pair
     */
    public static function decode(string $text): mixed
    {
        try {
            return json_decode($text, false, self::DEPTH, JSON_THROW_ON_ERROR);
        } catch (JsonException $error) {
            if ($error->getCode() !== JSON_ERROR_INVALID_PROPERTY_NAME) {
                throw $error;
            }
        }
        // A member whose name begins with NUL cannot be a property. Nobody asks for such a one.
        return self::asObjects(json_decode($text, true, self::DEPTH, JSON_THROW_ON_ERROR));
    }

    /** As decode(); half a surrogate pair becomes U+FFFD. */
    public static function decodeLeniently(string $text): mixed
    {
        try {
            return self::decode($text);
        } catch (JsonException $error) {
            if ($error->getCode() !== JSON_ERROR_UTF16) {
                throw $error;
            }
        }

        return self::decode(preg_replace(self::LONE_SURROGATE, '\\uFFFD', $text));
    }

    /** On one line, in ASCII: it fits into an event and into a header. */
    public static function encode(mixed $value): string
    {
        $flags = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION;

        return json_encode($value, $flags, self::DEPTH);
    }

    private static function asObjects(mixed $value): mixed
    {
        if (!is_array($value)) {
            return $value;
        }
        $items = array_map(self::asObjects(...), $value);
        if ($items && array_is_list($items)) {
            return $items;
        }
        $object = new stdClass();
        foreach ($items as $name => $item) {
            if (!str_starts_with((string) $name, "\0")) {
                $object->{$name} = $item;
            }
        }

        return $object;
    }
}
