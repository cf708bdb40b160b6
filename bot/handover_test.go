package bot_test

import (
	"strings"
	"testing"

	"aeobot/bot"
)

// TestAPersonIsOfferedAfterTwoRefusals in a row, once for two, where there is one.
func TestAPersonIsOfferedAfterTwoRefusals(t *testing.T) {
	const line = "要找人，请回复“转人工”"
	questions := []string{"蓝鲸通道怎么走", "紫砂壶怎么退税", "免除担保", "飞碟牌照怎么办", "谢谢", "蓝鲸通道怎么走", "紫砂壶怎么退税", "飞碟牌照怎么办"}
	offered := []bool{false, true, false, false, false, false, true, false}
	for name, tt := range map[string]struct {
		handover bot.Handover
		account  string
		text     bool // as a line
		flag     bool // by the channel
	}{
		"how to reach one is known":    {bot.Handover{Text: "请拨 8008。"}, "", true, false},
		"coordinators are known":       {bot.Handover{Coordinators: []string{"lin.yue"}}, "", true, false},
		"nobody is known":              {bot.Handover{}, "", false, false},
		"a customer":                   {bot.Handover{Customers: true}, "wkA1", false, true},
		"a customer whom nobody takes": {bot.Handover{Text: "请拨 8008。"}, "wkA1", false, false},
	} {
		e := bot.New(live(t), store(t), bot.Options{Handover: tt.handover})
		for i, q := range questions {
			r := answer(t, e, bot.Message{ID: name + string(rune('a'+i)), Chat: "c", Account: tt.account, Asker: "u", Text: q, Surface: aibotLike})
			if got, want := strings.Contains(r.Text, line), offered[i] && tt.text; got != want {
				t.Errorf("%s: %d %s: offered %v, want %v: %s", name, i, q, got, want, r.Text)
			}
			if r.OfferPerson != (offered[i] && tt.flag) {
				t.Errorf("%s: %d %s: flag %v", name, i, q, r.OfferPerson)
			}
			if again := answer(t, e, bot.Message{ID: name + string(rune('a'+i)), Chat: "c", Account: tt.account, Asker: "u", Text: q, Surface: aibotLike}); again.OfferPerson != r.OfferPerson || again.Text != r.Text {
				t.Errorf("%s: %d delivered again: %v %s", name, i, again.OfferPerson, again.Text)
			}
		}
	}
}

// TestWhoWantsAPerson is told to the channel, also when the reply is given again.
func TestWhoWantsAPerson(t *testing.T) {
	for _, text := range []string{"转人工", "我要投诉", "叫你们领导来", "有没有真人"} {
		e := bot.New(live(t), store(t), bot.Options{Handover: bot.Handover{Customers: true}})
		for range 2 {
			r := answer(t, e, bot.Message{ID: text, Chat: "kf/wkA1", Account: "wkA1", Asker: "u", Text: text, Surface: aibotLike})
			if !r.WantsPerson || strings.Contains(r.Text, "转接不了") {
				t.Errorf("%s: %v %s", text, r.WantsPerson, r.Text)
			}
		}
	}
}
