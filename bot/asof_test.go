package bot_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
)

// TestDays: which day a message asks about, and what is left to ask. A year that is part of
// a name, of what is asked about or of what the asker did is no such day.
func TestDays(t *testing.T) {
	today := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
	data, err := os.ReadFile("testdata/days.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 3 {
			t.Fatalf("%q has %d cells", line, len(cells))
		}
		day, rest := bot.DayOf(cells[0], today)
		if day == "" {
			day = "-"
		}
		if day != cells[1] || !strings.EqualFold(rest, cells[2]) {
			t.Errorf("%s: day %s, left %q; want %s, %q", cells[0], day, rest, cells[1], cells[2])
		}
	}
}
