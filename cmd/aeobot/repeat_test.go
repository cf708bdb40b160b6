package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTwoProcessesSayTheSame holds promise 6: the same knowledge, question and state
// give the same bytes, whatever the zone, the processors and the order of maps.
func TestTwoProcessesSayTheSame(t *testing.T) {
	var input strings.Builder
	files, err := filepath.Glob(questions + "*-dialogs.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogs: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var d struct {
				ID    string
				Turns []struct {
					User   string
					UserID string `json:"user_id"`
				}
			}
			if err := json.Unmarshal([]byte(line), &d); err != nil {
				t.Fatal(err)
			}
			for _, turn := range d.Turns {
				if err := json.NewEncoder(&input).Encode(map[string]string{"chat": d.ID, "user": turn.UserID, "text": turn.User}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	took := regexp.MustCompile(`,"took_ms":[0-9.]+`)
	run := func(env ...string) string {
		got := execute(t, t.TempDir(), input.String(), env, "chat", "--json")
		if got.status != 0 {
			t.Fatalf("status %d: %s", got.status, got.stderr)
		}
		return took.ReplaceAllString(got.stdout, "")
	}
	first, second := run("TZ=UTC", "GOMAXPROCS=1"), run("TZ=America/New_York", "GOMAXPROCS=2", "GOGC=20", "LANG=zh_CN.UTF-8")
	if first != second {
		a, b := strings.Split(first, "\n"), strings.Split(second, "\n")
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("reply %d differs:\n%s\n%s", i+1, a[i], b[i])
			}
		}
	}
	if replies, asked := strings.Count(first, "\n"), strings.Count(input.String(), "\n"); replies != asked {
		t.Errorf("%d replies to %d messages", replies, asked)
	}
}
