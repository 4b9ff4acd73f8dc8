<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Amp\Loop;
use Closure;
use Fiber;
use Revolt\EventLoop;

/**
 * Fibers over amphp's event loop: Revolt (amphp 3), or Amp\Loop (amphp 2, which Debian packages).
 *
 * Both have the same calls; only the unit of a delay differs. With ext-ev, ext-event or ext-uv the
 * loop uses epoll; without, stream_select(), which knows no descriptor above 1023.
 */
final class AmpRuntime implements Runtime
{
    use NativeStreams;

    /** @var class-string<EventLoop>|class-string<Loop> */
    private string $loop;

    public function __construct()
    {
        $this->loop = class_exists(EventLoop::class) ? EventLoop::class : Loop::class;
    }

    /** Load amphp from where it may be; false: it is nowhere. */
    public static function load(): bool
    {
        $places = [
            (string) getenv('AMPHP_AUTOLOAD'),
            __DIR__ . '/vendor/autoload.php',
            (string) stream_resolve_include_path('Amp/autoload.php'), // of Debian's package
        ];
        foreach (array_filter($places, is_file(...)) as $place) {
            require_once $place;
            // Debian's autoloader knows classes only; Composer's has loaded the functions too.
            foreach (['/functions.php', '/Internal/functions.php'] as $file) {
                if (str_ends_with($place, '/Amp/autoload.php')) {
                    require_once dirname($place) . $file;
                }
            }
            if (class_exists(EventLoop::class) || class_exists(Loop::class)) {
                return true;
            }
        }

        return false;
    }

    public function run(callable $main): void
    {
        foreach ([SIGTERM, SIGINT] as $signal) {
            $this->loop::onSignal($signal, $this->stop(...));
        }
        $this->loop::defer(fn () => $this->spawn($main));
        $this->loop::run();
    }

    public function spawn(callable $task): void
    {
        (new Fiber($task))->start();
    }

    public function wait(array $read, array $write, float $seconds): bool
    {
        $fiber = Fiber::getCurrent();
        $watchers = [];
        $wake = function (bool $isReady) use ($fiber, &$watchers): void {
            array_map([$this->loop, 'cancel'], $watchers);
            $fiber->resume($isReady);
        };
        foreach ($read as $stream) {
            $watchers[] = $this->loop::onReadable($stream, fn () => $wake(true));
        }
        foreach ($write as $stream) {
            $watchers[] = $this->loop::onWritable($stream, fn () => $wake(true));
        }
        $watchers[] = $this->delay($seconds, fn () => $wake(false));

        return Fiber::suspend();
    }

    private function delay(float $seconds, Closure $then): string
    {
        return $this->loop === EventLoop::class
            ? EventLoop::delay($seconds, $then)
            : Loop::delay((int) ceil($seconds * 1000), $then);
    }

    private function stop(): void
    {
        $this->loop === EventLoop::class ? EventLoop::getDriver()->stop() : Loop::stop();
    }
}
