<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Swoole\Coroutine;
use Swoole\Event;
use Swoole\Process;

use function Swoole\Coroutine\run;

/**
 * Swoole's coroutines. Of all that Swoole can hook only stream_select() is: it then suspends the
 * coroutine that calls it, while non-blocking streams stay PHP's own.
 */
final class SwooleRuntime implements Runtime
{
    use NativeStreams;

    public function run(callable $main): void
    {
        Coroutine::set(['hook_flags' => SWOOLE_HOOK_STREAM_FUNCTION, 'enable_deadlock_check' => false]);
        run(static function () use ($main): void {
            foreach ([SIGTERM, SIGINT] as $signal) {
                Process::signal($signal, static fn () => Event::exit());
            }
            $main();
        });
    }

    public function spawn(callable $task): void
    {
        Coroutine::create($task);
    }

    public function wait(array $read, array $write, float $seconds): bool
    {
        if (!$read && !$write) {
            Coroutine::sleep(max(0.001, $seconds)); // its smallest unit
            return false;
        }
        $except = null;
        $micros = max(0, (int) ceil($seconds * 1e6));

        return @stream_select($read, $write, $except, intdiv($micros, 1000000), $micros % 1000000) > 0;
    }
}
