<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

/**
 * An HTTP/1.1 response (RFC 9112): bytes in, bytes of the body out. Reads nothing itself.
 *
 * What is wrong with the response is kept in $fault, not thrown: the body that came before it counts.
 */
final class ResponseReader
{
    private const MAX_HEAD = 65536;
    private const MAX_CHUNK_LINE = 4096;

    /** Status of the final response; null: its head has not arrived. */
    public ?int $status = null;
    public string $reason = '';

    /** The head is whole, and says how the body is to be read. */
    public bool $isFramed = false;

    /** The body ended where its framing says. */
    public bool $complete = false;

    /** Why nothing more can be read. */
    public ?string $fault = null;

    /** Bytes not understood yet: of the head, or of the chunked coding. */
    private string $rest = '';

    /** What is being read: head, length, chunk-size, chunk, chunk-end, trailer, close. */
    private string $state = 'head';

    /** Bytes that the body, or the chunk, still has. */
    private int $left = 0;

    /** Feed what arrived; returns what it adds to the body. */
    public function receive(string $bytes): string
    {
        if ($this->state === 'head') {
            $this->rest .= $bytes;
            // Without a new line end there is no blank line that was not there before.
            $isNew = str_contains($bytes, "\n") || strlen($this->rest) < 8;
            while ($this->state === 'head' && $isNew) {
                $isNew = $this->head();
            }
            if (strlen($this->rest) > self::MAX_HEAD && $this->state === 'head') {
                $this->fail('head longer than 64 KiB');
            }
            if ($this->state === 'head') {
                return '';
            }
            [$bytes, $this->rest] = [$this->rest, ''];
        }
        if ($this->complete || $this->fault !== null) {
            return '';
        }

        return match ($this->state) {
            'close' => $bytes,
            'length' => $this->counted($bytes),
            default => $this->chunked($bytes),
        };
    }

    /** The upstream said all that it will say. */
    public function end(): void
    {
        if ($this->status === null) {
            $this->fault ??= $this->rest === '' ? 'closed without a response' : 'closed within the head';
        } elseif (!$this->complete && $this->state === 'close') {
            $this->complete = true;
        } elseif (!$this->complete) {
            $this->fault ??= 'closed within the body';
        }
    }

    /** Take one head; true: it was an interim one, and another follows. */
    private function head(): bool
    {
        // Garbage may never hold a blank line: look at its beginning as soon as it is there.
        if (!str_starts_with('HTTP/1.', substr($this->rest, 0, 7))) {
            return $this->fail('not an HTTP/1.1 response');
        }
        if (preg_match('~\r?\n\r?\n~', $this->rest, $found, PREG_OFFSET_CAPTURE) !== 1) {
            return false;
        }
        [$blank, $at] = $found[0];
        $lines = preg_split('~\r?\n~', substr($this->rest, 0, $at));
        $this->rest = substr($this->rest, $at + strlen($blank));
        $form = '~^HTTP/1\.[01] ([1-9][0-9]{2})(?: ([^\x00-\x08\x0a-\x1f\x7f]*))?$~D';
        if (preg_match($form, $lines[0], $status) !== 1) {
            return $this->fail('malformed status line');
        }
        if ($status[1][0] === '1') {
            return true; // "A client MUST be able to parse one or more 1xx responses" (RFC 9110, 15.2)
        }
        [$this->status, $this->reason] = [(int) $status[1], trim($status[2] ?? '')];
        $fields = $this->fields(array_slice($lines, 1));
        $this->state = 'close';
        $this->isFramed = $fields === null ? $this->fail('malformed header field') : $this->frame($fields);

        return false;
    }

    /**
     * @param list<string> $lines
     *
     * @return array<string, list<string>>|null values by lower-case name; null: malformed
     */
    private function fields(array $lines): ?array
    {
        $fields = [];
        foreach ($lines as $line) {
            if (preg_match('/^([!#$%&\'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/sD', $line, $field) !== 1) {
                return null;
            }
            $fields[strtolower($field[1])][] = $field[2];
        }

        return $fields;
    }

    /**
     * Find out where the body ends (RFC 9112, 6.3).
     *
     * @param array<string, list<string>> $fields
     */
    private function frame(array $fields): bool
    {
        $coding = strtolower(implode(', ', $fields['content-encoding'] ?? []));
        if ($coding !== '' && $coding !== 'identity') {
            return $this->fail('content coding, though none was asked for');
        }
        if ($this->status === 204 || $this->status === 304) {
            $this->complete = true;
        } elseif (isset($fields['transfer-encoding'])) {
            if (strtolower(implode(', ', $fields['transfer-encoding'])) !== 'chunked') {
                return $this->fail('unknown transfer coding');
            }
            $this->state = 'chunk-size';
        } elseif (isset($fields['content-length'])) {
            // A list of equal values is allowed; a different one would be another message.
            $lengths = array_unique(preg_split('~[ \t]*,[ \t]*~', implode(',', $fields['content-length'])));
            if (count($lengths) !== 1 || preg_match('~^[0-9]{1,18}$~D', $lengths[0]) !== 1) {
                return $this->fail('malformed Content-Length');
            }
            $this->state = 'length';
            $this->left = (int) $lengths[0];
            $this->complete = $this->left === 0;
        }

        return true;
    }

    private function counted(string $bytes): string
    {
        $body = substr($bytes, 0, $this->left);
        $this->left -= strlen($body);
        $this->complete = $this->left === 0;

        return $body;
    }

    private function chunked(string $bytes): string
    {
        $bytes = $this->rest . $bytes; // at most one unfinished line was kept
        $body = '';
        $at = 0;
        $size = strlen($bytes);
        while ($at < $size && !$this->complete && $this->fault === null) {
            if ($this->state === 'chunk') {
                $piece = substr($bytes, $at, $this->left);
                $body .= $piece;
                $at += strlen($piece);
                $this->left -= strlen($piece);
                if ($this->left === 0) {
                    $this->state = 'chunk-end';
                }
                continue;
            }
            if ($this->state === 'chunk-end' && $bytes[$at] !== "\r") {
                $this->fail('chunk longer than its size'); // there may be no line end to wait for
                break;
            }
            $end = strpos($bytes, "\n", $at);
            if ($end === false) {
                if ($size - $at > self::MAX_CHUNK_LINE) {
                    $this->fail('line of the chunked coding longer than 4 KiB');
                }
                break;
            }
            $this->chunkLine(substr($bytes, $at, $end - $at));
            $at = $end + 1;
        }
        $this->rest = substr($bytes, $at);

        return $body;
    }

    /** A line between chunks: what its state makes of it. */
    private function chunkLine(string $line): void
    {
        if (!str_ends_with($line, "\r")) {
            $this->fail('malformed chunked coding');
            return;
        }
        $line = substr($line, 0, -1);
        if ($this->state === 'trailer') {
            $this->complete = $line === '';
        } elseif ($this->state === 'chunk-end') {
            $this->state = 'chunk-size';
            if ($line !== '') {
                $this->fail('chunk longer than its size');
            }
        } elseif (preg_match('~^([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?$~sD', $line, $found) === 1) {
            $this->left = (int) hexdec($found[1]);
            $this->state = $this->left === 0 ? 'trailer' : 'chunk';
        } else {
            $this->fail('malformed chunk size');
        }
    }

    private function fail(string $why): bool
    {
        $this->fault = $why;
        if ($this->state === 'head') {
            $this->state = 'close';
        }

        return false;
    }
}
