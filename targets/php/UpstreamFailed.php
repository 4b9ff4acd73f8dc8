<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use RuntimeException;

/** The upstream cannot be reached, does not answer properly, or says that it failed. */
final class UpstreamFailed extends RuntimeException
{
}
