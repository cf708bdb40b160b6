package index_test

import (
	"context"
	"testing"

	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// TestQuestionsAskedDifferentlyAreOneGroup, and different ones are not.
func TestQuestionsAskedDifferentlyAreOneGroup(t *testing.T) {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	g, err := index.Build(context.Background(), l, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	questions := []string{
		"报关单填错了怎么修改", "怎么修改填错的报关单？", "请问报关单填错了要怎么修改呢",
		"蓝鲸仓库几点开门", "蓝鲸仓库什么时候开门呀",
		"年会在哪里开",
		"报关单打印要收费吗",
		"？？", "",
	}
	want := [][]int{{0, 1, 2}, {3, 4}, {5}, {6}, {7}, {8}}
	topics := make([]index.Topic, len(questions))
	for i, q := range questions {
		topics[i] = g.Topic(q)
	}
	got := index.Group(topics, 0.6)
	if len(got) != len(want) {
		for i := range topics {
			t.Log(questions[i], topics[i].Alike(topics[0]), topics[i].Alike(topics[3]))
		}
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for i := range topics {
		for j := range topics {
			if a, b := topics[i].Alike(topics[j]), topics[j].Alike(topics[i]); a-b > 1e-9 || b-a > 1e-9 {
				t.Errorf("%q and %q: %v one way, %v the other", questions[i], questions[j], a, b)
			}
		}
	}
}
