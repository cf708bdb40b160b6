package knowledge_test

import (
	"fmt"
	"strings"
	"testing"

	"aeobot/knowledge"
)

// TestEditionsOnADay: which text of which document holds on which day.
func TestEditionsOnADay(t *testing.T) {
	type state struct{ day, files string } // files: name@date=words, parted by spaces
	for _, tt := range []struct {
		name   string
		states []state
		want   string // day:words in force, then those known only later with from when
	}{
		{"dated editions", []state{{"2026-11-28", "a@2025-03-01=甲"}, {"2026-11-30", "a@2026-09-01=乙"}},
			"2025-02-28:(甲2025-03-01) 2025-03-01:甲 2026-08-31:甲 2026-09-01:乙"},
		{"without dates", []state{{"", "a@=甲"}, {"2026-11-20", "a@=乙"}}, "2000-01-01:甲 2026-11-19:甲 2026-11-20:乙"},
		{"the same date", []state{{"2026-02-01", "a@2026-01-01=甲"}, {"2026-05-01", "a@2026-01-01=乙"}}, "2026-04-30:甲 2026-05-01:乙"},
		{"a date to come", []state{{"2026-11-01", "a@2025-01-01=甲"}, {"2026-11-20", "a@2027-01-01=乙"}, {"2026-11-21", "a@2027-01-01=丙"}},
			"2026-11-30:甲 2026-12-31:甲 2027-01-01:丙"},
		{"taken back", []state{{"2026-11-01", "a@2025-01-01=甲"}, {"2026-11-20", "a@2026-06-01=乙"}, {"2026-11-21", "a@2025-01-01=甲"}},
			"2026-07-01:甲 2026-11-20:甲"},
		{"an older edition filed later", []state{{"2026-11-01", "a@2026-06-01=乙"}, {"2026-11-02", "a@2025-01-01=甲"}, {"2026-11-03", "a@2026-06-01=乙"}},
			"2025-02-01:甲 2026-05-31:甲 2026-06-01:乙"},
		{"a small notice beside", []state{{"2026-11-01", "a@2025-01-01=甲"}, {"2026-11-02", "a@2025-01-01=甲 b@2026-06-01=丁"}},
			"2026-05-31:甲(丁2026-06-01) 2026-06-01:甲,丁"},
		{"under another name", []state{{"2026-11-01", "a@2025-01-01=甲"}, {"2026-11-02", "b@2026-06-01=乙"}},
			"2026-05-31:甲(乙2026-06-01) 2026-06-01:乙"},
		{"removed", []state{{"2026-11-01", "a@2025-01-01=甲 b@2025-01-01=丁"}, {"2026-11-10", "a@2025-01-01=甲"}},
			"2026-11-09:甲,丁 2026-11-10:甲"},
	} {
		var e knowledge.Editions
		for _, s := range tt.states {
			files := map[string][]byte{}
			var documents []*knowledge.Document
			for _, f := range strings.Fields(s.files) {
				head, words, _ := strings.Cut(f, "=")
				name, date, _ := strings.Cut(head, "@")
				files[name+".txt"] = []byte("办法名称\n" + date + "\n\n一、条款\n1、" + words + "\n")
				d, err := knowledge.ReadDocument(files, name+".txt", nil)
				if err != nil {
					t.Fatal(err)
				}
				documents = append(documents, d)
			}
			e.Publish(s.day, documents)
		}
		for _, want := range strings.Fields(tt.want) {
			day, _, _ := strings.Cut(want, ":")
			if got := day + ":" + on(e, day); got != want {
				t.Errorf("%s: got %s, want %s", tt.name, got, want)
			}
		}
	}
}

func on(e knowledge.Editions, day string) string {
	words := func(d *knowledge.Document) string { return d.Passages()[0].Text }
	inForce, later := e.On(day)
	var held []string
	for _, d := range inForce {
		held = append(held, words(d))
	}
	text := strings.Join(held, ",")
	for _, x := range later {
		text += fmt.Sprintf("(%s%s)", words(x.Document), x.From)
	}
	return text
}
