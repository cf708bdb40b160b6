package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed survivors.txt
var survivors string

// readExplained reads survivors.txt: "key<TAB>reason", a line each.
func readExplained() (map[string]string, error) {
	reasons := map[string]string{}
	for line := range strings.SplitSeq(survivors, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, "\t")
		if !ok || reason == "" {
			return nil, fmt.Errorf("survivors.txt: %q has no reason behind a tab", line)
		}
		reasons[key] = reason
	}
	return reasons, nil
}
