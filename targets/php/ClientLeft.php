<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use RuntimeException;

/** The client closed its connection, or did not read for too long: nobody is there to be told. */
final class ClientLeft extends RuntimeException
{
}
