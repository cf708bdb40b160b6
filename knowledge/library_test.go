package knowledge_test

import (
	"fmt"
	"testing"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// TestShippedNotesAreReadOncePerLibrary: they are far longer than most documents, and
// every document is held against them.
func TestShippedNotesAreReadOncePerLibrary(t *testing.T) {
	dir := t.TempDir()
	one := write(t, dir, "one.txt", []byte("担保\n1.免担保"))
	many := t.TempDir()
	for i := range 50 {
		write(t, many, fmt.Sprintf("doc%d.txt", i), []byte("担保\n1.免担保"))
	}
	load := func(path string) float64 {
		return testing.AllocsPerRun(1, func() {
			if _, err := knowledge.Load([]string{path}, articles.FS); err != nil {
				t.Fatal(err)
			}
		})
	}
	if a, b := load(one), load(many); b > 2*a {
		t.Errorf("50 small documents beside the shipped notes allocate %.0f times, one %.0f times; want the notes parsed once for all", b, a)
	}
}

func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	for i := range 500 {
		write(b, dir, fmt.Sprintf("doc%d.txt", i), fmt.Appendf(nil, "办事指南%d\n\n一、办理事项\n（1）优先办理手续。\n（2）优先查验。", i))
	}
	b.Run("documents=500", func(b *testing.B) {
		for b.Loop() {
			if _, err := knowledge.Load([]string{dir}, articles.FS); err != nil {
				b.Fatal(err)
			}
		}
	})
}
