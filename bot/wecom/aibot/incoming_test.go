package aibot

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestHostileMessages(t *testing.T) {
	for name, message := range map[string]string{
		"no JSON": "x", "empty": "", "an array": "[1]", "null": "null", "two values": `{` + alone + `"msgtype":"text"}{}`,
		"trailing garbage": `{` + alone + `"msgtype":"text","text":{"content":"x"}} ]`,
		"no kind":          `{` + head + `"x":1}`, "no user": `{"msgid":"m","msgtype":"text","text":{"content":"x"}}`,
		"no stream id":    `{` + alone + `"msgtype":"stream","stream":{}}`,
		"user is a list":  `{"msgid":"m","from":{"userid":["u"]},"msgtype":"text"}`,
		"user by another": `{"msgid":"m","from":"u","msgtype":"text"}`,
		"deep":            strings.Repeat("[", 20000),
		"deep but closed": `{` + alone + `"msgtype":"text","text":{"content":"x"},"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
	} {
		b := newBench(t, "")
		if got := b.send(message); got != "" || len(b.engine.asked) != 0 {
			t.Errorf("%s: got %q, %d asked; want an empty body", name, got, len(b.engine.asked))
		}
		if !strings.Contains(b.log.String(), errMessage.Error()) {
			t.Errorf("%s: not in the log", name)
		}
	}
}

// odd are messages that no page describes, from who is known to be the platform, and what is
// said in return. One bad field costs that field, not the answer.
var odd = []struct{ name, message, want string }{
	{"text is a number", `{` + alone + `"msgtype":"text","text":{"content":7}}`, "答：7"},
	{"text is a string", `{` + alone + `"msgtype":"text","text":"x"}`, "不认识"},
	{"text is a list", `{` + alone + `"msgtype":"text","text":{"content":["x"]}}`, "不认识"},
	{"ids are numbers", `{"msgid":7420011223344556677,"aibotid":9,"from":{"userid":10086},"msgtype":"text","text":{"content":"问"}}`, "答：问"},
	{"id is a list", `{"msgid":[1],"from":{"userid":"u"},"msgtype":"text","text":{"content":"问"}}`, "答：问"},
	{"no id", `{"from":{"userid":"u"},"msgtype":"text","text":{"content":"x"}}`, "答：x"},
	{"kind is a list", `{` + alone + `"msgtype":["text"],"text":{"content":"问"}}`, "答：问"},
	{"no kind", `{` + alone + `"voice":{"content":"问"}}`, "答：问"},
	{"quote is a list", `{` + alone + `"msgtype":"text","text":{"content":"x"},"quote":[]}`, "答：x"},
	{"quote's text is a number", `{` + alone + `"msgtype":"text","text":{"content":""},"quote":{"msgtype":"text","text":{"content":12}}}`, "答：引用：12"},
	{"nulls", `{` + alone + `"msgtype":"text","text":{"content":"x"},"quote":null,"event":null,"mixed":null}`, "答：x"},
	{"one bad item", `{` + alone + `"msgtype":"mixed","mixed":{"msg_item":[7,{"msgtype":"text","text":{"content":"一"}},{"msgtype":"text","text":9},{"msgtype":"text","text":{"content":"二"}}]}}`, "答：一\n二"},
	{"other letter case", `{"MsgId":"m","AIBotId":"a","From":{"UserId":"u"},"MsgType":"text","Text":{"Content":"问"}}`, "答：问"},
	{"twice, by case", `{` + alone + `"msgtype":"text","Text":{"content":"y"},"text":{"Content":"y","content":"x"}}`, "答：x"},
	{"twice, long s", `{` + alone + `"msgtype":"text","text":{"content":"x"},"mſgtype":"event"}`, "答：x"},
	{"twice", `{` + alone + `"msgtype":"text","text":{"content":"x","content":"y"}}`, "答：y"},
	{"a byte order mark", "\ufeff{" + alone + `"msgtype":"text","text":{"content":"问"}}`, "答：问"},
	{"control characters", "{" + alone + "\x02\"msgtype\":\"text\",\"text\":{\"content\":\"免\x0b担\x1f保\"}}", "答：免 担 保"},
	{"a number too large", `{"msgid":1e999,"from":{"userid":"u"},"msgtype":"text","text":{"content":"问"}}`, "答：问"},
	{"unknown fields of any kind", `{` + alone + `"msgtype":"text","text":{"content":"问"},"extra":1,"extra":2,"":[]}`, "答：问"},
}

func TestOddMessagesAreRead(t *testing.T) {
	for _, tt := range odd {
		b := newBench(t, "")
		if got := opened(t, b.send(tt.message)); got != tt.want {
			t.Errorf("%s: got %q, want %q\n%s", tt.name, got, tt.want, b.log.String())
		}
	}
}

// TestFeedbackInStrings: numbers that are written as text, among one that is none.
func TestFeedbackInStrings(t *testing.T) {
	in, err := parse([]byte(`{"msgtype":"event","from":{"userid":"u"},"event":{"eventtype":"feedback_event","feedback_event":{"id":12,"type":"2","content":"c","inaccurate_reason_list":["2",3,"x",{}]}}}`))
	f := in.Event.Feedback
	if err != nil || f.ID != "12" || f.Type != 2 || !slices.Equal(f.Reasons, []int{2, 3}) || len(in.lost) != 2 {
		t.Errorf("read %+v, lost %q, %v", f, in.lost, err)
	}
}

// TestWhatIsLostIsNamed: by fields, never by words.
func TestWhatIsLostIsNamed(t *testing.T) {
	for _, tt := range []struct{ message, want string }{
		{`{"msgid":"m","from":{"userid":"user-marker"},"msgtype":"text","text":{"content":["text-marker"]}}`, "[text.content]"},
		{`{"msgid":"m","from":{"userid":"u"},"msgtype":"text","text":{"content":"问"},"quote":{"msgtype":"text","text":{"content":{"marker":1}}}}`, "[quote.text.content]"},
		{`{"msgid":"m","text-marker":1,"msgtype":"text","text":{"content":"text-marker"}}`, "[? content msgid msgtype text]"},
		{`{"msgid":"m","text":{"content":"text-marker`, "[content msgid text]"},
	} {
		b := newBench(t, "")
		b.send(tt.message)
		if log := b.log.String(); !strings.Contains(log, "fields=\""+tt.want) && !strings.Contains(log, "fields="+tt.want) || strings.Contains(log, "marker") {
			t.Errorf("%s: log %s, want fields %s", tt.message, log, tt.want)
		}
	}
}

// TestQuotesOfAnyKindAreRead: the platform adds kinds, and whoever quotes one asks about its
// text. It stays the quotation.
func TestQuotesOfAnyKindAreRead(t *testing.T) {
	for _, tt := range []struct{ quote, want string }{
		{`{"msgtype":"markdown","markdown":{"content":"海关"}}`, "海关"},
		{`{"msgtype":"stream","stream":{"id":"s","content":"海关"}}`, "海关"},
		{`{"msgtype":"hologram","hologram":{"content":"海关","url":"https://f.invalid/h"}}`, "海关"},
		{`{"msgtype":"hologram","text":{"content":"海关"}}`, "海关"},
		{`{"msgtype":"link","link":{"title":"海关","desc":"优先通关","url":"https://f.invalid/l"}}`, "海关\n优先通关"},
		{`{"msgtype":"chatrecord","chatrecord":{"title":"记录","item":[{"msgtype":"text","content":"甲"},{"msgtype":"text","text":{"content":"乙"}}]}}`, "记录\n甲\n乙"},
		{`{"msgtype":"template_card","template_card":{"card_type":"button_interaction","main_title":{"title":"海关","desc":"通关"}}}`, "海关\n通关"},
		{`{"text":{"content":"海关"}}`, "海关"},
		{`{"msgtype":"image","image":{"url":"https://f.invalid/i"}}`, ""},
		{`{"msgtype":"hologram","hologram":{"url":"https://f.invalid/h"}}`, ""},
	} {
		b := newBench(t, "小知")
		b.send(`{` + group + `"msgtype":"text","text":{"content":"@小知 这个"},"quote":` + tt.quote + `}`)
		if len(b.engine.asked) != 1 || b.engine.asked[0].Quote != tt.want || b.engine.asked[0].Text != "这个" {
			t.Errorf("%s: asked %+v, want the quotation %q", tt.quote, b.engine.asked, tt.want)
		}
	}
}

// TestMessagesOfUnknownKindsThatHoldText are read, as what somebody else may have said.
func TestMessagesOfUnknownKindsThatHoldText(t *testing.T) {
	b := newBench(t, "")
	b.send(`{` + alone + `"msgtype":"markdown","markdown":{"content":"免担保吗"}}`)
	if len(b.engine.asked) != 1 || b.engine.asked[0].Text != "免担保吗" || !b.engine.asked[0].Relayed {
		t.Errorf("asked %+v", b.engine.asked)
	}
}

func TestHostileBodies(t *testing.T) {
	for _, body := range []string{``, `x`, `[]`, `null`, `{}`, `{"encrypt":""}`, `{"encrypt":7}`, `{"encrypt":"AAAA"}{}`,
		`{"encrypt":"AAAA","encrypt":"BBBB"}`, `{"encrypt":"AAAA","Encrypt":"BBBB"}`, strings.Repeat(`{"a":`, 20000)} {
		if got, err := unwrap([]byte(body)); err == nil || got != "" {
			t.Errorf("%.40q: got %q, %v; want it refused", body, got, err)
		}
	}
	if got, err := unwrap([]byte(`{"encrypt":"AAAA","tousername":""}`)); err != nil || got != "AAAA" {
		t.Errorf("an honest body: got %q, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{` + group + `"msgtype":"text","text":{"content":"@小知 问"}}`))
	f.Add([]byte(`{` + alone + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"x"}}]}}`))
	f.Add([]byte(`{` + alone + `"msgtype":"text","text":{"content":"x"},"Text":{"content":"y"}}`))
	f.Add([]byte(`{"msgtype":"event","event":{"eventtype":"enter_chat"}}`))
	f.Add([]byte(`{"a":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := parse(data)
		if err != nil {
			if !errors.Is(err, errMessage) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		if !json.Valid(cleaned(data)) || in.missing() != "" {
			t.Errorf("%q: accepted, but is no callback", data)
		}
		if again, err := parse(data); err != nil || !reflect.DeepEqual(again, in) {
			t.Errorf("%q: read as %+v, then %+v, %v", data, in, again, err)
		}
		_ = in.words()
	})
}
