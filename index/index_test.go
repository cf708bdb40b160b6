package index_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// shippedOnce is the shipped article, indexed once for all tests: a generation does not
// change. Nobody closes it.
var shippedOnce = sync.OnceValues(func() (*index.Generation, error) {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		return nil, err
	}
	return index.Build(context.Background(), l, index.Options{})
})

func shipped(t testing.TB) *index.Generation {
	t.Helper()
	g, err := shippedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func build(t testing.TB, l *knowledge.Library) *index.Generation {
	t.Helper()
	g, err := index.Build(t.Context(), l, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func library(t testing.TB, name, source string) *knowledge.Library {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := knowledge.Load([]string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// first is the id of the first hit without the document's, or "".
func first(t testing.TB, g *index.Generation, question string) string {
	t.Helper()
	d, err := g.Search(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Hits) == 0 {
		return ""
	}
	return strings.TrimPrefix(d.Hits[0].Passage.ID, "aeo-incentives/")
}

func TestWordsOfAMeasureFindIt(t *testing.T) {
	g := shipped(t)
	for _, p := range g.Library().Passages() {
		if p.Number == 0 {
			continue
		}
		if got := first(t, g, p.Text); got != strings.TrimPrefix(p.ID, "aeo-incentives/") {
			t.Errorf("%q: got %q, want %q", p.Text, got, p.ID)
		}
	}
}

func TestHeadingsGiveTheirSections(t *testing.T) {
	g := shipped(t)
	for _, d := range g.Library().Documents {
		for _, s := range d.Sections {
			got, err := g.Search(t.Context(), s.Heading)
			if err != nil {
				t.Fatal(err)
			}
			if got.Kind != index.Sections || len(got.Sections) != 1 || got.Sections[0] != s || len(got.Hits) != len(s.Measures) {
				t.Errorf("%q: got %s with %d hits", s.Heading, got.Kind, len(got.Hits))
			}
		}
	}
}

func TestFoldedWriting(t *testing.T) {
	g := shipped(t)
	for _, question := range []string{"AEO企业专用窗口", "ＡＥＯ企业专用窗口", "aeo企业 专用窗口", "“AEO”企业：专用窗口！"} {
		if got := first(t, g, question); got != "优先通关实现方式/1" {
			t.Errorf("%q: got %q", question, got)
		}
	}
}

func TestNothingIsFoundForNothing(t *testing.T) {
	g := shipped(t)
	for _, question := range []string{"", "。。。", "   ", "zxcvbnm poiu", "111111", "明天会下雨吗", "\xff\xfe"} {
		if d, err := g.Search(t.Context(), question); err != nil || d.Kind != index.Refused || len(d.Hits) != 0 {
			t.Errorf("%q: got %s, %d hits, %v", question, d.Kind, len(d.Hits), err)
		}
	}
}

func TestAdvertisingIsNeverFound(t *testing.T) {
	g := shipped(t)
	for _, question := range []string{"创思维验厂网", "海关事务咨询服务公司", "特许权咨询", "物流供应链解决方案"} {
		d, err := g.Search(t.Context(), question)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range d.Ranked {
			if strings.Contains(h.Passage.Text, "创思维") || strings.Contains(h.Passage.Text, "特许权") {
				t.Errorf("%q found advertising: %s", question, h.Passage.ID)
			}
		}
	}
}

// TestATopicSaidWordByWordBeatsAKeyword: 转人工 is a keyword of a measure and, as a whole, a
// way to speak of a topic that no measure is about.
func TestATopicSaidWordByWordBeatsAKeyword(t *testing.T) {
	g := shipped(t)
	for question, kind := range map[string]index.Kind{"转人工": index.Refused, "转人工！": index.Refused, "报关单转人工了会优先吗": index.Measures, "查验率": index.Measures} {
		if d, err := g.Search(t.Context(), question); err != nil || d.Kind != kind {
			t.Errorf("%q: got %s (%v), want %s", question, d.Kind, err, kind)
		}
	}
}

func TestSearchIsRepeatable(t *testing.T) {
	one := shipped(t)
	two := build(t, one.Library())
	defer two.Close()
	for _, question := range []string{"优先通关", "银行贷款", "出口食品企业注册推荐", "海关给AEO企业什么"} {
		text := func(g *index.Generation) string {
			d, err := g.Search(t.Context(), question)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(d.Explain(0))
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
		if a, b := text(one), text(two); a != b {
			t.Errorf("%q: two indexes of the same knowledge differ:\n%s\n%s", question, a, b)
		}
	}
}

// TestBleveScoresFavourNothingByLength guards the mended statistics: with Bleve's
// own count of distinct terms, long passages are taken for average ones.
func TestBleveScoresFavourShortPassages(t *testing.T) {
	var b strings.Builder
	b.WriteString("节\n1.免除担保\n2.免除担保" + strings.Repeat("以及其他各种事项", 40) + "\n")
	for i := 3; i < 20; i++ {
		fmt.Fprintf(&b, "%d.第%d项无关内容\n", i, i)
	}
	g := build(t, library(t, "a.txt", b.String()))
	defer g.Close()
	d, err := g.Search(t.Context(), "免除担保")
	if err != nil {
		t.Fatal(err)
	}
	score := map[int]float64{}
	for _, h := range d.Ranked {
		for _, p := range h.Parts {
			if p.Name == "bleve" {
				score[h.Passage.Number] = p.Value
			}
		}
	}
	if score[1] <= score[2] || score[2] <= 0 {
		t.Errorf("Bleve's scores: short passage %.3f, long one %.3f; want the short one first", score[1], score[2])
	}
}

func TestLargeCollectionsTakeCandidatesFromBleve(t *testing.T) {
	var b strings.Builder
	b.WriteString("节\n")
	for i := 1; i <= 900; i++ {
		fmt.Fprintf(&b, "%d.海关第%d号事项的办理说明\n", i, i)
	}
	b.WriteString("901.可向海关申请免除担保\n")
	g := build(t, library(t, "a.txt", b.String()))
	defer g.Close()
	d, err := g.Search(t.Context(), "怎么申请免除担保")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Ranked) == 0 || len(d.Ranked) > 100 || d.Ranked[0].Passage.Number != 901 {
		t.Errorf("got %d candidates, first %+v", len(d.Ranked), d.Ranked[:min(1, len(d.Ranked))])
	}
}

func TestCancelledSearchReturns(t *testing.T) {
	g := shipped(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Search(ctx, "免除担保"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// TestSwapUnderLoad swaps while others search; between two swaps some searches begin.
func TestSwapUnderLoad(t *testing.T) {
	l := library(t, "a.txt", "支持措施\n1.可向海关申请免除担保\n2.优先办理通关手续\n")
	var live index.Live
	if _, _, err := live.Acquire(); !errors.Is(err, index.ErrNotReady) {
		t.Fatalf("empty Live: got %v", err)
	}
	var generations []*index.Generation
	for range 20 {
		generations = append(generations, build(t, l))
	}
	if err := live.Swap(generations[0]); err != nil {
		t.Fatal(err)
	}
	const searchers = 4
	stop, begun := make(chan struct{}), make(chan struct{})
	var searching sync.WaitGroup
	for range searchers {
		searching.Go(func() {
			for {
				select {
				case <-stop:
					return
				case begun <- struct{}{}:
				}
				g, release, err := live.Acquire()
				if err != nil {
					t.Error(err)
					continue
				}
				if d, err := g.Search(context.Background(), "免除担保"); err != nil || len(d.Hits) == 0 {
					t.Errorf("search during a swap: %d hits, %v", len(d.Hits), err)
				}
				release()
			}
		})
	}
	for _, g := range generations[1:] {
		for range 2 * searchers {
			<-begun
		}
		if err := live.Swap(g); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	searching.Wait()
	if err := live.Swap(nil); err != nil {
		t.Error(err)
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{"免除担保", "ＡＥＯ有何激励?", "\xff", "a b c 1 2 3", strings.Repeat("优先", 3000), "ﷺ㍿"} {
		f.Add(s)
	}
	g := shipped(f)
	f.Fuzz(func(t *testing.T, question string) {
		d, err := g.Search(t.Context(), question)
		if err != nil {
			t.Fatalf("%q: %v", question, err)
		}
		if shows := d.Kind == index.Measures || d.Kind == index.Sections; shows != (len(d.Hits) > 0) || (d.Kind == index.Unsure) != (len(d.Choices) > 0) {
			t.Errorf("%q: %s with %d hits and choices %q", question, d.Kind, len(d.Hits), d.Choices)
		}
		for _, h := range d.Ranked {
			if h.Score != h.Score {
				t.Errorf("%q: score of %s is no number", question, h.Passage.ID)
			}
		}
	})
}

func BenchmarkBuild(b *testing.B) {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g, err := index.Build(b.Context(), l, index.Options{})
		if err != nil {
			b.Fatal(err)
		}
		g.Close()
	}
}

// BenchmarkSearch asks the shipped article, everything on.
func BenchmarkSearch(b *testing.B) {
	g := shipped(b)
	questions := []string{"融资授信的时候AEO算不算加分项", "免担保", "海關稽查次數會減少嗎?", "xietiaoyuan", "货物查验绿",
		"怎么申请AEO", "地方政府有哪些支持", "lower inspection rate for AEO?", "明天会下雨吗", "想扩产没本钱,金主会看这个牌子吗"}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		if _, err := g.Search(b.Context(), questions[i%len(questions)]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
