package aibot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"aeobot/bot"
	"aeobot/bot/boltstore"
)

// written is a text in a group or one-to-one.
func wrote(where, text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{%s"msgtype":"text","text":{"content":%s}}`, where, quoted)
}

// TestRenamed: the bot learns what it is called in WeCom's console, for all replicas and
// through a restart.
func TestRenamed(t *testing.T) {
	store, err := boltstore.Open(t.TempDir()+"/state.db", boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b, other := newBench(t, "小知"), newBench(t, "小知")
	namesOf(b).shelf, namesOf(other).shelf = store, store
	const question = "@海关政策百科能免担保吗"
	if got := opened(t, b.send(wrote(group, question))); got != "答：海关政策百科能免担保吗" {
		t.Errorf("before: %q", got)
	}
	if got := opened(t, b.send(wrote(group, "@张三 @海关政策百科"))); got != "欢迎" || len(namesOf(b).learnt) > 0 {
		t.Errorf("only names: %q, learnt %q", got, namesOf(b).learnt)
	}
	for range 2 {
		if got := opened(t, b.send(wrote(group, "@海关政策百科 "))); got != "欢迎" {
			t.Errorf("only the new name: %q", got)
		}
	}
	for name, replica := range map[string]*bench{"this one": b, "another": other} {
		for _, text := range []string{question, "＠海关政策百科能免担保吗", "@张三 @海关政策百科能免担保吗", "能免担保吗@海关政策百科", "@小知能免担保吗", "@海关政策百科 @小知 能免担保吗"} {
			if got := opened(t, replica.send(wrote(group, text))); got != "答：能免担保吗" {
				t.Errorf("%s: %q: %q", name, text, got)
			}
		}
	}
}

// TestNotLearnt: whom else people mention is not the bot.
func TestNotLearnt(t *testing.T) {
	for _, text := range []string{"@张三", "@张三 ", "@欧阳娜娜", "@王总", "@李经理", "@赵老师", "@老张", "@张三（关务部）", "@张三-关务部", "@张三丰先生", "@Lin Yue", "@lin.yue", "@LinYue", "@林悦Lin", "@Lin林悦",
		"@阿依古丽·买买提", "@所有人", "@all", "@张三免担保", "@李四优先通关", "@张三 @海关政策百科", "@小知 @海关政策百科", "@海关政策百科 能免担保吗", "@海关政策百科能免担保吗", "@小知"} {
		b := newBench(t, "小知")
		b.send(wrote(group, text))
		b.send(wrote(alone, "@海关政策百科 "))
		if learnt := namesOf(b).learnt; len(learnt) > 0 {
			t.Errorf("%q: learnt %q", text, learnt)
		}
	}
}

// TestNamesWithoutStore: what is learnt counts here, and a bot has a few names only.
func TestNamesWithoutStore(t *testing.T) {
	b := newBench(t, "小知")
	namesOf(b).shelf = broken{}
	for n := range 2 * maxNames {
		b.send(wrote(group, fmt.Sprintf("@海关政策百科%d号 ", n)))
	}
	if got := opened(t, b.send(wrote(group, fmt.Sprintf("@海关政策百科%d号能免担保吗", 2*maxNames-1)))); got != "答：能免担保吗" || len(namesOf(b).learnt) != maxNames {
		t.Errorf("got %q, %d names", got, len(namesOf(b).learnt))
	}
}

// broken is a shelf that is away.
type broken struct{ bot.Shelf }

func (broken) Get(context.Context, string, string) (bot.Item, error) {
	return bot.Item{}, errors.New("away")
}

func namesOf(b *bench) *botNames { return b.handler.(*Callback).names }
