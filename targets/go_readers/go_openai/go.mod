module replayfuzz/go_openai

go 1.21

require (
	github.com/sashabaranov/go-openai v1.43.0
	replayfuzz/worker v0.0.0
)

replace replayfuzz/worker => ../worker
