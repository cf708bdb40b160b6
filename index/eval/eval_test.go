package eval

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var contents = Contents{"direct": {"direct/1", "direct/2", "direct/3", "direct/4"}, "local": {"local/1", "local/2"}}

func TestJudge(t *testing.T) {
	tests := []struct {
		name              string
		expect, also      []string
		shown             []string
		hit               bool
		recall, precision float64
	}{
		{"right", []string{"direct/1"}, nil, []string{"direct/1"}, true, 1, 1},
		{"right and more", []string{"direct/1"}, nil, []string{"direct/1", "local/1"}, true, 1, 0.5},
		{"right and what is right too", []string{"direct/1"}, []string{"local/*"}, []string{"direct/1", "local/1"}, true, 1, 1},
		{"second", []string{"direct/1"}, nil, []string{"local/1", "direct/1"}, false, 1, 0.5},
		{"sixth", []string{"direct/1"}, nil, []string{"a", "b", "c", "d", "e", "direct/1"}, false, 0, 1.0 / 6},
		{"nothing", []string{"direct/1"}, nil, nil, false, 0, 0},
		{"two, one shown", []string{"direct/1", "local/1"}, nil, []string{"local/1"}, true, 0.5, 1},
		{"section, half of it", []string{"direct/*"}, nil, []string{"direct/2", "direct/1"}, true, 0.5, 1},
		{"two sections, all", []string{"direct/*", "local/*"}, nil,
			[]string{"direct/1", "direct/2", "direct/3", "direct/4", "local/1", "local/2"}, true, 1, 1},
	}
	for _, tt := range tests {
		got := contents.judge(Question{Answerable: true, Expect: tt.expect, AlsoOK: tt.also}, Answer{Shown: tt.shown})
		if got.Hit != tt.hit || got.Recall != tt.recall || got.Precision != tt.precision {
			t.Errorf("%s: got hit %v, recall %v, precision %v", tt.name, got.Hit, got.Recall, got.Precision)
		}
	}
}

func TestJudgeOutOfScope(t *testing.T) {
	for _, tt := range []struct {
		name  string
		also  []string
		shown []string
		want  bool
	}{
		{"refused", nil, nil, true},
		{"shown", nil, []string{"direct/1"}, false},
		{"what touches it", []string{"direct/1"}, []string{"direct/1"}, true},
		{"more than that", []string{"direct/1"}, []string{"direct/1", "local/1"}, false},
	} {
		if got := contents.judge(Question{AlsoOK: tt.also}, Answer{Shown: tt.shown}); got.Hit != tt.want {
			t.Errorf("%s: got %v", tt.name, got.Hit)
		}
	}
}

func TestJudgeTurns(t *testing.T) {
	for _, tt := range []struct {
		name   string
		turn   Turn
		answer Answer
		before []string
		want   bool
	}{
		{"greeted", Turn{Act: "greet"}, Answer{Act: "greet"}, nil, true},
		{"greeted with a measure", Turn{Act: "greet"}, Answer{Act: "greet", Shown: []string{"direct/1"}}, nil, false},
		{"something new", Turn{Act: "more", Expect: []string{"direct/*"}}, Answer{Shown: []string{"direct/3"}}, []string{"direct/1"}, true},
		{"the same again", Turn{Act: "more", Expect: []string{"direct/*"}}, Answer{Shown: []string{"direct/1"}}, []string{"direct/1"}, false},
		{"that was all", Turn{Act: "more", Expect: []string{"local/*"}}, Answer{}, []string{"local/1", "local/2"}, true},
		{"not yet all", Turn{Act: "more", Expect: []string{"local/*"}}, Answer{}, []string{"local/1"}, false},
		{"a first page", Turn{Act: "answer", Expect: []string{"direct/*"}}, Answer{Shown: []string{"direct/1"}, Remaining: 3}, nil, true},
		{"none", Turn{Act: "none"}, Answer{}, nil, true},
		{"sixth of a list", Turn{Act: "detail", Expect: []string{"local/2"}}, Answer{Shown: []string{"a", "b", "c", "d", "e", "local/2"}}, nil, true},
		{"asked back", Turn{Act: "clarify"}, Answer{Act: "clarify"}, nil, true},
		{"asked back, but shown", Turn{Act: "clarify"}, Answer{Act: "clarify", Shown: []string{"direct/1"}}, nil, false},
		{"forgotten", Turn{Act: "command"}, Answer{Act: "command"}, nil, true},
		{"passed on", Turn{Act: "command", Expect: []string{"local/1"}}, Answer{Shown: []string{"local/1"}}, nil, true},
		{"not passed on", Turn{Act: "command", Expect: []string{"local/1"}}, Answer{}, nil, false},
		{"none, but shown", Turn{Act: "none"}, Answer{Shown: []string{"direct/1"}}, nil, false},
	} {
		if got := contents.passed(tt.turn, tt.answer, tt.before); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestDialogsQuoteAndRead(t *testing.T) {
	dialogs := []Dialog{
		{ID: "a", Turns: []Turn{{User: "x", Act: "answer", Expect: []string{"local/1"}}, {User: "y", Act: "detail", Expect: []string{"local/1"}, Quotes: 1, Says: []string{"<x>"}}}},
		{ID: "b", Turns: []Turn{{User: "x", Act: "answer", Expect: []string{"local/1"}, NotSays: []string{"said x"}}, {User: "y", Act: "none"}}},
	}
	verdicts, err := JudgeDialogs(t.Context(), dialogs, contents, func(_ context.Context, _, text, quote string) (Answer, error) {
		return Answer{Act: "answer", Shown: []string{"local/1"}, Text: "said " + text + strings.ReplaceAll(quote, "said x", "<x>")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []bool
	for _, v := range verdicts {
		got = append(got, v.Hit)
	}
	if want := []bool{true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if passed, all := Dialogs(verdicts); passed != 1 || all != 2 {
		t.Errorf("%d of %d dialogs passed whole, want 1 of 2", passed, all)
	}
}

func TestJudgeCompounds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		parts  []CompoundPart
		answer Answer
		hit    bool
		recall float64
	}{
		{"both", []CompoundPart{{Expect: []string{"direct/1"}}, {Expect: []string{"local/1"}}}, Answer{Shown: []string{"direct/1", "local/1"}, Parts: []bool{true, true}}, true, 1},
		{"not split", []CompoundPart{{Expect: []string{"direct/1"}}, {Expect: []string{"local/1"}}}, Answer{Shown: []string{"direct/1"}, Parts: []bool{true}}, false, 0.5},
		{"one without an answer, named", []CompoundPart{{Expect: []string{"direct/1"}}, {}}, Answer{Shown: []string{"direct/1"}, Parts: []bool{true, false}}, true, 1},
		{"one without an answer, not named", []CompoundPart{{Expect: []string{"direct/1"}}, {}}, Answer{Shown: []string{"direct/1"}, Parts: []bool{true}}, false, 0.5},
		{"trap split", []CompoundPart{{Expect: []string{"direct/1"}}}, Answer{Shown: []string{"direct/1"}, Parts: []bool{true, true}}, false, 1},
	} {
		v, err := JudgeCompounds(t.Context(), []Compound{{ID: "c", Question: "q", Parts: tt.parts}}, contents,
			func(context.Context, string, string, string) (Answer, error) { return tt.answer, nil })
		if err != nil || v[0].Hit != tt.hit || v[0].Recall != tt.recall {
			t.Errorf("%s: got %+v, %v", tt.name, v, err)
		}
	}
}

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadFilesSayWhere(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"{\"id\":\"a\",\"question\":\"b\",\"answerable\":true}\n", "x.jsonl:1: question a is answerable and expects nothing"},
		{"\n{\"id\":\"a\"\n", "x.jsonl:2: unexpected end of JSON input"},
		{"", "holds no line"},
	} {
		if _, err := ReadQuestions(file(t, "x.jsonl", tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
		}
	}
	if _, err := ReadDialogs(file(t, "d.jsonl", `{"id":"d","turns":[{"user":"a","act":"dance"}]}`)); err == nil || !strings.Contains(err.Error(), `unknown act "dance"`) {
		t.Errorf("got %v", err)
	}
	if _, err := ReadQuestions(filepath.Join(t.TempDir(), "none.jsonl")); err == nil {
		t.Error("a missing file was read")
	}
}

func TestReportFindsWhatGotWorse(t *testing.T) {
	before := NewReport(Verdicts{Answerable: []Verdict{{ID: "a", Hit: true, Recall: 1}, {ID: "b", Hit: true, Recall: 1}, {ID: "c"}}})
	path := filepath.Join(t.TempDir(), "report.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := before.WriteJSON(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := ReadReport(path)
	if err != nil {
		t.Fatal(err)
	}
	now := NewReport(Verdicts{Answerable: []Verdict{{ID: "a", Hit: true, Recall: 0.5}, {ID: "b", Hit: true, Recall: 1}, {ID: "c", Hit: true, Recall: 1}}})
	if got := now.Worse(read); !slices.Equal(got, []string{"a"}) {
		t.Errorf("worse: %v, want a", got)
	}
}

func TestRetrievalFigures(t *testing.T) {
	rankings := map[string][]string{
		"first":  {"x", "y"},
		"third":  {"y", "z", "x"},
		"absent": {"y"},
	}
	queries := []Query{{"1", "first", []string{"x"}}, {"2", "third", []string{"x"}}, {"3", "absent", []string{"x"}}}
	r, err := Retrieve(t.Context(), queries, func(_ context.Context, q string) ([]string, error) { return rankings[q], nil })
	if err != nil {
		t.Fatal(err)
	}
	if r.Hit1 != 0.3333 || r.Recall5 != 0.6667 || r.MRR10 != 0.4444 || r.NDCG10 != 0.5 {
		t.Errorf("got hit@1 %v, recall@5 %v, MRR %v, nDCG %v", r.Hit1, r.Recall5, r.MRR10, r.NDCG10)
	}
}

func TestCollectionIsReadWhereItLies(t *testing.T) {
	long := strings.Repeat("很长的正文", 300_000) // a line longer than the reader's buffer
	path := file(t, "p.jsonl", `{"id":"a","title":"甲","text":"一"}`+"\n\n"+`{"id":"b","text":"`+long+`"}`+"\n"+`{"id":"c","text":"三"}`)
	c, err := OpenCollection(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Len() != 3 {
		t.Fatalf("got %d passages", c.Len())
	}
	for i, want := range []Passage{{"a", "甲", "一"}, {"b", "", long}, {"c", "", "三"}} {
		if got, err := c.Passage(i); err != nil || got != want {
			t.Errorf("passage %d: got %.40v, %v", i, got, err)
		}
	}
	broken, err := OpenCollection(file(t, "b.jsonl", "{\"id\":\"a\"}\n{\"id\":\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	if _, err := broken.Passage(1); err == nil || !strings.Contains(err.Error(), "passage 2") {
		t.Errorf("got %v", err)
	}
}

func TestNoise(t *testing.T) {
	questions := []Question{{ID: "1", Question: "AEO企业的货物查验率会不会低?"}, {ID: "2", Question: "优先叫号的窗口"}, {ID: "3", Question: "ok"}, {ID: "4", Question: "又线叫耗，创火无茶艳绿"}}
	for _, n := range Noises {
		once, again := n.Spoil(questions), n.Spoil(questions)
		if len(once) == 0 {
			t.Errorf("%s: spoils nothing", n.Name)
		}
		for i, q := range once {
			if q.Question == again[i].Question && slices.ContainsFunc(questions, func(o Question) bool { return o.ID == q.ID && o.Question != q.Question }) {
				continue
			}
			t.Errorf("%s: question %s becomes %q, then %q", n.Name, q.ID, q.Question, again[i].Question)
		}
	}
}
