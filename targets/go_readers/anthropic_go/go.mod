module replayfuzz/anthropic_go

go 1.24

require (
	github.com/anthropics/anthropic-sdk-go v1.84.0
	replayfuzz/worker v0.0.0
)

replace replayfuzz/worker => ../worker
