package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/bot/storetest"
	"aeobot/configs"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/curate"
)

// askedOften is a question that is answered, and that none of the judged ones is.
const askedOften = "海关能给企业安排一位联络专员不"

// stealing is a way to ask that takes askedOften away from its measure.
const stealing = "海关能给企业安排一位联络专员吗"

// TestAQuestionPeopleAskedThatGotWorseBlocks, is named with what it shows, and is asked by
// whichever replica runs the gate; what the proposal itself teaches is exempt.
func TestAQuestionPeopleAskedThatGotWorseBlocks(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	env := []string{"AEOBOT_REDIS_URL=" + plainURL(redis), "AEOBOT_CURATION_COORDINATORS=lin.yue,wang.qiang"}
	dir := t.TempDir()
	a, b := startServe(t, dir, env...), startServe(t, t.TempDir(), env...)
	o := &office{t: t, c: newClient(t)}
	o.hears(a, "zhao", "你好，"+askedOften+"？谢谢", "", "协调员")
	id := "real-" + bot.Question{Text: askedOften}.Key()[:8]
	// The ledger is written every two seconds; a gate that ran before does not know yet.
	a.await("kept", func() bool {
		return strings.Contains(redis.Do("--scan", "--pattern", "*questions-*item*"), "questions-")
	})
	made := o.hears(b, "lin.yue", "/教 地方政府特色支持 6 "+stealing, "", "提议")
	proposal := proposalIn.FindStringSubmatch(made)[1]
	o.until(b, "wang.qiang", "/待准", "会变差")
	said := o.hears(b, "wang.qiang", "/准 "+proposal, "", id+" "+askedOften)
	if !strings.Contains(said, "海关直接激励措施第8条") {
		t.Errorf("it is not said what it shows now: %s", said)
	}
	notes := editedNotes(t, curate.Edit{Section: "地方政府特色支持", Number: 6, Ask: stealing})
	got := execute(t, dir, "", env, "knowledge", "publish", "--author", "林悦", "--reason", "试", notes)
	if got.status != 1 || !strings.Contains(got.stdout, "  "+id+" "+askedOften) {
		t.Errorf("the command: status %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	// The very words that people used, taught to another measure: that is what is wanted.
	made = o.hears(a, "lin.yue", "/教 地方政府特色支持 6 "+askedOften, "", "提议")
	proposal = proposalIn.FindStringSubmatch(made)[1]
	o.until(a, "wang.qiang", "/准 "+proposal, "已发布版本 1")
	for _, r := range []*running{a, b} {
		r.stop()
		if out := r.stderr.String(); strings.Contains(out, "联络专员") || strings.Contains(out, "zhao") {
			t.Errorf("the log holds a person or a question:\n%s", out)
		}
	}
}

// TestThePublisherSaysThatItCannotAskWhatPeopleAsked, rather than pass without: the embedded
// store is the running serve's.
func TestThePublisherSaysThatItCannotAskWhatPeopleAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startServe(t, dir)
	notes := editedNotes(t, unheardOfAsked)
	got := execute(t, dir, "", nil, "knowledge", "publish", "--dry-run", "--author", "林悦", notes)
	if got.status != 0 || !strings.Contains(got.stdout, "没有评测大家真实问过的问题") {
		t.Errorf("status %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	r.stop()
	got = execute(t, dir, "", nil, "knowledge", "publish", "--dry-run", "--author", "林悦", notes)
	if got.status != 0 || strings.Contains(got.stdout, "没有评测") {
		t.Errorf("status %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	got = execute(t, dir, "", []string{"AEOBOT_REDIS_URL=redis://127.0.0.1:1"}, "knowledge", "publish", "--dry-run", "--author", "林悦", notes)
	if got.status == 0 || !strings.Contains(got.stderr, "nothing was judged") {
		t.Errorf("status %d\n%s%s", got.status, got.stdout, got.stderr)
	}
}

// awayShelf is a store that is away.
type awayShelf struct{ bot.Shelf }

func (awayShelf) Items(context.Context, string) ([]bot.Item, error) { return nil, errors.New("away") }

func TestAGateThatCannotReadSaysSo(t *testing.T) {
	c := configs.Default()
	p := servingPublisher{newPublisher(c, exchange{}), questionsKept(c, awayShelf{}, nil)}
	l := shippedLibrary(t)
	if _, err := p.Gate(t.Context(), l, l, func(int, int) {}); !errors.Is(err, desk.ErrQuestions) {
		t.Errorf("got %v", err)
	}
}

func shippedLibrary(t testing.TB) *knowledge.Library {
	t.Helper()
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// BenchmarkGateOfRealQuestions: as many as the gate asks at most.
func BenchmarkGateOfRealQuestions(b *testing.B) {
	l := shippedLibrary(b)
	var questions []realQuestion
	for i := range maxReal {
		text := fmt.Sprintf("%s第%d次", []string{askedOften, "优先通关如何实现", "能免除担保吗", "明天会下雨吗"}[i%4], i)
		questions = append(questions, realQuestion{key: bot.Question{Text: text}.Key(), text: text, count: 1, last: time.Now()})
	}
	for b.Loop() {
		if worse, err := realWorse(b.Context(), questions, l, l, func() {}); err != nil || len(worse) > 0 {
			b.Fatal(worse, err)
		}
	}
}
