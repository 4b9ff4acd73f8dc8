module replayfuzz/targets/go

go 1.25
