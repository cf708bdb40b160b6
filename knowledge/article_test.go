package knowledge_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// articleHash is the hash of the article as it came. It must never change: the
// file is the evidence.
const articleHash = "dd8e96733e831aefd1c135c4fc3c04a3d57d20c3a6c7ee25b8dc12f50ff66e0b"

func shipped(t *testing.T) *knowledge.Document {
	t.Helper()
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Documents) != 1 {
		t.Fatalf("shipped documents: got %d, want 1", len(l.Documents))
	}
	return l.Documents[0]
}

func TestShippedArticleIsUntouched(t *testing.T) {
	data, err := fs.ReadFile(articles.FS, "aeo-incentives.txt")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != articleHash {
		t.Errorf("sha256 of the article: got %s, want %s", got, articleHash)
	}
}

func TestShippedArticleOutline(t *testing.T) {
	d := shipped(t)
	if want := "海关对AEO企业有何激励?优先通关如何实现?还有其他支持吗?"; d.Title != want {
		t.Errorf("title: got %q, want %q", d.Title, want)
	}
	if want := "2026-01-07"; d.Date != want {
		t.Errorf("date: got %q, want %q", d.Date, want)
	}
	want := []struct {
		heading string
		count   int
	}{
		{"海关直接激励措施", 12}, {"优先通关实现方式", 6}, {"跨部门联合激励措施", 7}, {"地方政府特色支持", 6}, {"其他专项支持", 5},
	}
	if len(d.Sections) != len(want) {
		t.Fatalf("sections: got %d, want %d", len(d.Sections), len(want))
	}
	for i, w := range want {
		s := d.Sections[i]
		if s.Heading != w.heading || len(s.Measures) != w.count {
			t.Errorf("section %d: got %q with %d measures, want %q with %d", i+1, s.Heading, len(s.Measures), w.heading, w.count)
		}
		for j, m := range s.Measures {
			if m.Number != j+1 {
				t.Errorf("%s: measure %d has number %d", s.Heading, j+1, m.Number)
			}
		}
	}
}

func TestEveryPassageIsABytespanOfItsSource(t *testing.T) {
	d := shipped(t)
	for _, p := range d.Passages() {
		got := strings.Join(strings.Fields(string(d.Source[p.Span.Start:p.Span.End])), " ")
		if got != p.Text {
			t.Errorf("%s: bytes %d–%d are %q, text is %q", p.ID, p.Span.Start, p.Span.End, got, p.Text)
		}
		for _, c := range p.Clauses {
			if got := string(d.Source[c.Span.Start:c.Span.End]); got != c.Text {
				t.Errorf("%s: clause bytes are %q, text is %q", p.ID, got, c.Text)
			}
		}
	}
}

func TestDepartmentsAndClauses(t *testing.T) {
	joint := shipped(t).Sections[2]
	want := []struct {
		label   string
		clauses int
	}{{"发展改革部门", 6}, {"商务部门", 3}, {"金融部门", 4}, {"人力资源部门", 2}, {"公安交管部门", 0}, {"市场监管部门", 0}, {"其他部门", 2}}
	for i, w := range want {
		if m := joint.Measures[i]; m.Label != w.label || len(m.Clauses) != w.clauses {
			t.Errorf("joint/%d: got label %q and %d clauses, want %q and %d", i+1, m.Label, len(m.Clauses), w.label, w.clauses)
		}
	}
}

func TestParagraphsAndAdvertising(t *testing.T) {
	d := shipped(t)
	roles := map[knowledge.Role]int{}
	for _, p := range d.Paragraphs {
		roles[p.Role]++
	}
	if roles[knowledge.RoleIntroduction] != 1 || roles[knowledge.RoleClosing] != 1 || roles[knowledge.RoleAdvertising] != 3 || len(d.Paragraphs) != 5 {
		t.Errorf("paragraphs by role: got %v, want one introduction, one closing, three of advertising", roles)
	}
	passages := d.Passages()
	if len(passages) != 38 {
		t.Errorf("passages: got %d, want 36 measures, introduction and closing", len(passages))
	}
	for _, p := range passages {
		if strings.Contains(p.Text, "创思维") || strings.Contains(p.Text, "关务专案咨询") {
			t.Errorf("advertising can be answered from: %s %q", p.ID, p.Text)
		}
	}
	if first, last := passages[0], passages[len(passages)-1]; first.Number != 0 || last.Number != 0 ||
		first.Heading != "AEO认证简介" || !strings.HasPrefix(last.Text, "总之") {
		t.Errorf("first and last passage: got %q and %q", first.ID, last.ID)
	}
}

func TestShippedKnowledgeHasNoFindings(t *testing.T) {
	for _, f := range shipped(t).Findings {
		t.Error(f)
	}
}

func TestEveryMeasureIsCurated(t *testing.T) {
	for _, s := range shipped(t).Sections {
		if len(s.Ask) == 0 {
			t.Errorf("%s: no way to ask for the section", s.Heading)
		}
		for _, m := range s.Measures {
			if len(m.Notes.Ask) == 0 || len(m.Notes.Keywords) == 0 || len(m.Notes.States) == 0 {
				t.Errorf("%s: ways to ask %d, keywords %d, states %d; want some of each", m.ID, len(m.Notes.Ask), len(m.Notes.Keywords), len(m.Notes.States))
			}
		}
	}
}

func TestStatusFollowsTheDay(t *testing.T) {
	m := shipped(t).Sections[0].Measures[0]
	if got := m.Notes.On("2026-03-31").Status; got != knowledge.StatusCurrent {
		t.Errorf("%s on 2026-03-31: got %q, want current", m.ID, got)
	}
	if got := m.Notes.On("2026-04-01"); got.Status != knowledge.StatusSuperseded || got.Note == "" {
		t.Errorf("%s on 2026-04-01: got %+v, want superseded with a note", m.ID, got)
	}
}

func TestIDsAreStableAndUnique(t *testing.T) {
	d := shipped(t)
	var ids []string
	for _, p := range d.Passages() {
		ids = append(ids, p.ID)
	}
	if !slices.Contains(ids, "aeo-incentives/海关直接激励措施/5") {
		t.Errorf("no id aeo-incentives/海关直接激励措施/5 in %v", ids)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) {
		t.Errorf("%d ids, only %d different", len(ids), n)
	}
}

func TestShippedNotesFollowTheArticle(t *testing.T) {
	data, _ := fs.ReadFile(articles.FS, "aeo-incentives.txt")
	file := write(t, t.TempDir(), "copy.txt", data)
	l, err := knowledge.Load([]string{file}, articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	if m := l.Documents[0].Sections[0].Measures[0]; len(m.Notes.Ask) == 0 {
		t.Error("the same bytes under another name have no notes")
	}
	other := write(t, t.TempDir(), "other.txt", bytes.Replace(data, []byte("2026"), []byte("2025"), 1))
	l, err = knowledge.Load([]string{other}, articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	if m := l.Documents[0].Sections[0].Measures[0]; len(m.Notes.Ask) != 0 {
		t.Error("other bytes got the notes of the shipped article")
	}
}
