package bot_test

import (
	"testing"
	"time"

	"aeobot/bot"
)

func TestSamePerson(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"Zhang.San", "zhang.san", true},
		{"ZHANG.SAN", "zhang.san", true},
		{" zhang.san\t", "zhang.san", true},
		{"ｚｈａｎｇ．ｓａｎ", "Zhang.San", true},
		{"zhang\u200b.san", "zhang.san", true},
		{"zhang.san\u2060\ufe0f", "zhang.san", true},
		{"Ren\u00e9", "rene\u0301", true},
		{"STRASSE", "straße", true},
		{"\u212aai", "kai", true}, // the Kelvin sign
		{"张三", "张三", true},
		{"zhang.san", "zhangsan", false},
		{"zhang.san", "zhang.san1", false},
		{"zhang.san", "zhаng.san", false}, // a Cyrillic а
		{"张三", "張三", false},
		{"", "", false},
		{" ", "\u200b", false},
	} {
		if bot.SamePerson(tt.a, tt.b) != tt.same || bot.SamePerson(tt.b, tt.a) != tt.same {
			t.Errorf("%q and %q: same person is %v, want %v", tt.a, tt.b, !tt.same, tt.same)
		}
	}
}

// TestAnAddressIsAPersons: of members in any spelling, of customers to the letter.
func TestAnAddressIsAPersons(t *testing.T) {
	member, customer := bot.Address{Channel: "aibot", Asker: "Zhang.San"}, bot.Address{Channel: "kf", Account: "wk1", Asker: "wmAbC"}
	if !member.Is("zhang.san") || member.Is("wang") || !customer.Is("wmAbC") || customer.Is("wmabc") {
		t.Error("an address is somebody else's")
	}
}

// TestSpellingsShareALimit, and conversations keep their keys.
func TestSpellingsShareALimit(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	e := bot.New(live(t), nil, bot.Options{Limits: bot.Limits{Person: 2}, Now: func() time.Time { return now }})
	var acts []string
	for _, who := range []bot.Asker{"zhang.san", "Zhang.San", "ZHANG.SAN", "zhang.SAN", "wang"} {
		acts = append(acts, answer(t, e, bot.Message{Asker: who, Text: "海关直接激励措施", Surface: screen}).Act)
	}
	if acts[1] != bot.ActAnswer || acts[2] != bot.ActWait || acts[3] != bot.ActQuiet || acts[4] != bot.ActAnswer {
		t.Errorf("%v", acts)
	}
	if (bot.Conversation{Asker: "Zhang.San"}).Key() == (bot.Conversation{Asker: "zhang.san"}).Key() {
		t.Error("a conversation's key is not made of the id as it came")
	}
}
