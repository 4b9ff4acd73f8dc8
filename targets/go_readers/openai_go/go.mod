module replayfuzz/openai_go

go 1.25

require (
	github.com/openai/openai-go/v3 v3.96.0
	replayfuzz/worker v0.0.0
)

replace replayfuzz/worker => ../worker
