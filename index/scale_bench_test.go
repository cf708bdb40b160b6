package index

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// written makes n passages of about 90 characters from the words of the vocabulary,
// common ones often and rare ones seldom, as languages do.
func written(n int) shelf {
	words := lexicon.Shipped().Words()
	r := rand.New(rand.NewPCG(2026, 11))
	common := rand.NewZipf(r, 1.1, 8, uint64(len(words)-1))
	passages := make(shelf, n)
	var b strings.Builder
	for i := range passages {
		b.Reset()
		for b.Len() < 270 {
			b.WriteString(words[common.Uint64()])
			if r.IntN(6) == 0 {
				b.WriteString("，")
			}
		}
		passages[i] = knowledge.Passage{ID: strconv.Itoa(i), Heading: words[r.IntN(len(words))], Text: b.String()}
	}
	return passages
}

// asked makes questions from pieces of passages, with a word that asks.
func askedOf(p shelf, n int) []string {
	r := rand.New(rand.NewPCG(7, 7))
	questions := make([]string, n)
	for i := range questions {
		text := []rune(p[r.IntN(len(p))].Text)
		at := r.IntN(len(text) - 12)
		questions[i] = string(text[at:at+8+r.IntN(4)]) + "有什么规定吗"
	}
	return questions
}

// sizes of the collections; AEOBOT_BENCH_PASSAGES names others (1000000 takes some
// minutes and a gigabyte).
func sizes(b *testing.B) []int {
	list := os.Getenv("AEOBOT_BENCH_PASSAGES")
	if list == "" {
		return []int{10_000, 100_000}
	}
	var all []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatalf("AEOBOT_BENCH_PASSAGES: %v", err)
		}
		all = append(all, n)
	}
	return all
}

// BenchmarkScale builds, reopens and asks collections of several sizes, one question
// after the other.
func BenchmarkScale(b *testing.B) {
	for _, n := range sizes(b) {
		p := written(n)
		questions := askedOf(p, 500)
		root := b.TempDir()
		start := time.Now()
		g := onDisk(b, root, p, "bench", Options{})
		built := time.Since(start)
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		g = onDisk(b, root, p, "bench", Options{})
		opened := time.Since(start)
		b.Run(fmt.Sprintf("passages=%d", n), func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				if _, err := g.Retrieve(b.Context(), questions[i%len(questions)], 10); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(n)/built.Seconds(), "built/s")
			b.ReportMetric(float64(opened.Microseconds())/1000, "open-ms")
		})
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
