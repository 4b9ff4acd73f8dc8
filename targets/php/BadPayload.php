<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use RuntimeException;

/** The message of a hand-off is not what it should be; the client is told with $code as status. */
final class BadPayload extends RuntimeException
{
    public function __construct(string $message, int $status = 400)
    {
        parent::__construct($message, $status);
    }
}
