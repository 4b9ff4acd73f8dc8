<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Generator;

/**
 * Server-sent events (WHATWG HTML, 9.2.6): bytes in, events out. Reads nothing itself.
 *
 * Bytes are split into lines before they are decoded. That is the same as the standard's order, for
 * no byte of a longer UTF-8 sequence is CR or LF, and no character can be split between two reads.
 */
final class EventReader
{
    private const BOM = "\xEF\xBB\xBF";
    private const MAX_EVENT = 8 * 1024 * 1024;

    /** Pieces of appending: many small reads must not copy a long line over and over. */
    private const PIECE = 65536;

    /** @var list<string> the line whose end has not arrived: large pieces, and the last bytes */
    private array $pieces = [];
    private string $tail = '';

    /** Bytes of the unfinished line and of the event's data. */
    private int $size = 0;

    private bool $started = false;
    private bool $afterCr = false;

    /** @var list<string> */
    private array $data = [];
    private string $type = '';

    /**
     * Feed what arrived; gives the events that it completes, in their order.
     *
     * @return Generator<int, array{string, string}> type ('' where none is named) and data
     *
     * @throws UpstreamFailed an event is longer than 8 MiB
     */
    public function receive(string $bytes): Generator
    {
        if (!$this->started) {
            // "One leading U+FEFF BYTE ORDER MARK character must be ignored if any are present."
            $bytes = $this->tail . $bytes;
            $this->tail = '';
            if (strlen($bytes) < 3 && str_starts_with(self::BOM, $bytes)) {
                $this->tail = $bytes;
                return;
            }
            $this->started = true;
            $bytes = str_starts_with($bytes, self::BOM) ? substr($bytes, 3) : $bytes;
        }
        if ($this->afterCr && $bytes !== '') {
            // CR ended its line at once; waiting to see whether LF follows would hold an event back.
            $this->afterCr = false;
            $bytes = $bytes[0] === "\n" ? substr($bytes, 1) : $bytes;
        }
        if ($bytes === '') {
            return;
        }
        $lines = preg_split('~\r\n|\r|\n~', $bytes);
        $last = count($lines) - 1;
        $this->afterCr = str_ends_with($bytes, "\r");
        foreach ($lines as $number => $line) {
            $this->append($line);
            if ($number < $last) {
                yield from $this->line($this->takeLine());
            }
        }
    }

    private function append(string $bytes): void
    {
        $this->size += strlen($bytes);
        if ($this->size > self::MAX_EVENT) {
            throw new UpstreamFailed('upstream sent an event of more than 8 MiB');
        }
        $this->tail .= $bytes;
        if (strlen($this->tail) >= self::PIECE) {
            $this->pieces[] = $this->tail;
            $this->tail = '';
        }
    }

    private function takeLine(): string
    {
        $line = $this->pieces ? implode('', $this->pieces) . $this->tail : $this->tail;
        $this->pieces = [];
        $this->tail = '';
        $this->size -= strlen($line);

        return $line;
    }

    /** @return Generator<int, array{string, string}> */
    private function line(string $line): Generator
    {
        if ($line === '') {
            $data = implode("\n", $this->data);
            $type = $this->type;
            [$this->data, $this->type, $this->size] = [[], '', 0];
            // "If the data buffer is an empty string, set the data buffer and the event type buffer
            // to the empty string and return."
            if ($data !== '') {
                yield [Json::text($type), Json::text($data)];
            }
            return;
        }
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        if (str_starts_with($value, ' ')) {
            $value = substr($value, 1); // "If value starts with a U+0020 SPACE character, remove it"
        }
        if ($name === 'data') {
            $this->data[] = $value;
            $this->size += strlen($value) + 1;
        } elseif ($name === 'event') {
            $this->type = $value;
        }
        // Comments (no name), id, retry and unknown fields mean nothing here.
    }
}
