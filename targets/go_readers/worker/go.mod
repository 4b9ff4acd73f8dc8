module replayfuzz/worker

go 1.21
