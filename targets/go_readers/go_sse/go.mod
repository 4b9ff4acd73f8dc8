module replayfuzz/go_sse

go 1.23

require (
	github.com/tmaxmax/go-sse v0.11.0
	replayfuzz/worker v0.0.0
)

replace replayfuzz/worker => ../worker
