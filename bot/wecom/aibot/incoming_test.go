package aibot

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestHostileMessages(t *testing.T) {
	for name, message := range map[string]string{
		"no JSON": "x", "empty": "", "an array": "[1]", "null": "null", "two values": `{` + alone + `"msgtype":"text"}{}`,
		"trailing garbage": `{` + alone + `"msgtype":"text","text":{"content":"x"}} ]`,
		"no kind":          `{` + head + `"x":1}`, "no user": `{"msgid":"m","msgtype":"text","text":{"content":"x"}}`,
		"no id":            `{"from":{"userid":"u"},"msgtype":"text","text":{"content":"x"}}`,
		"no stream id":     `{` + alone + `"msgtype":"stream","stream":{}}`,
		"text is a number": `{` + alone + `"msgtype":"text","text":{"content":7}}`,
		"text is a string": `{` + alone + `"msgtype":"text","text":"x"}`,
		"user is a list":   `{"msgid":"m","from":{"userid":["u"]},"msgtype":"text"}`,
		"quote is a list":  `{` + alone + `"msgtype":"text","text":{"content":"x"},"quote":[]}`,
		"deep":             strings.Repeat("[", 20000),
		"deep but closed":  `{` + alone + `"msgtype":"text","text":{"content":"x"},"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
		"huge number":      `{"msgid":1e999,"from":{"userid":"u"},"msgtype":"text"}`,
		"kind twice":       `{` + alone + `"msgtype":"text","text":{"content":"x"},"msgtype":"event"}`,
		"content twice":    `{` + alone + `"msgtype":"text","text":{"content":"x","content":"y"}}`,
		"twice, by case":   `{` + alone + `"msgtype":"text","text":{"content":"x","Content":"y"}}`,
		"twice, by escape": `{` + alone + `"msgtype":"text","text":{"content":"x","\u0063ontent":"y"}}`,
		"twice, long s":    `{` + alone + `"msgtype":"text","text":{"content":"x"},"mſgtype":"event"}`,
		"item twice":       `{` + alone + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","msgtype":"image","text":{"content":"x"}}]}}`,
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
		if !json.Valid(data) || in.missing() != "" {
			t.Errorf("%q: accepted, but is no callback", data)
		}
		if again, err := parse(data); err != nil || !reflect.DeepEqual(again, in) {
			t.Errorf("%q: read as %+v, then %+v, %v", data, in, again, err)
		}
		_ = in.words()
	})
}
